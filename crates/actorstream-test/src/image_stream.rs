//! A well-formed stream of images.

use base64::engine::{Engine as _, general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::reply::Reply;
use crate::script::Script;

/// The creation time of a stream's images, in seconds since 1970.
const CREATED: u64 = 1_700_000_000;

/// A well-formed stream of images, generated or edited, and the response it adds up to.
///
/// ```
/// use actorstream_test::ImageStream;
///
/// let stream = ImageStream::new().partial("blurred").image("sharp").usage(10, 200);
/// assert_eq!(stream.events().count(), 2);
/// assert_eq!(stream.response()["data"][0]["b64_json"], "c2hhcnA=");
/// ```
#[derive(Clone, Debug)]
pub struct ImageStream {
    kind: &'static str,
    steps: Vec<Step>,
    usage: Option<(u64, u64)>,
}

/// Base64 of an image.
#[derive(Clone, Debug)]
enum Step {
    /// The n-th preview of an image.
    Partial(u64, String),
    Image(String),
}

impl ImageStream {
    /// Creates an empty stream of generated images.
    pub fn new() -> Self {
        Self { kind: "image_generation", steps: Vec::new(), usage: None }
    }

    /// Creates an empty stream of edited images.
    pub fn edit() -> Self {
        Self { kind: "image_edit", ..Self::new() }
    }

    /// Adds a preview of the next image.
    pub fn partial(mut self, image: impl AsRef<[u8]>) -> Self {
        let before = self.steps.iter().rev().take_while(|step| matches!(step, Step::Partial(..))).count();
        self.steps.push(Step::Partial(before as u64, STANDARD.encode(image)));
        self
    }

    /// Adds an image.
    pub fn image(mut self, image: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Image(STANDARD.encode(image)));
        self
    }

    /// Sets the token usage of the prompt, and of each image.
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage = Some((input_tokens, output_tokens));
        self
    }

    /// Returns the events, each as JSON on one line.
    pub fn events(&self) -> impl Iterator<Item = String> + Send + use<> {
        let events: Vec<String> = self.steps.iter().map(|step| self.event(step).1.to_string()).collect();
        events.into_iter()
    }

    /// Returns the whole reply: the head of an event stream, the events with their names, the end of the body. There
    /// is no `[DONE]`.
    pub fn reply(&self) -> Reply {
        let events = self.steps.iter().map(|step| self.event(step));
        events.fold(Reply::sse(), |reply, (name, event)| reply.named_event(&name, event)).end()
    }

    /// Returns what the stream adds up to: the response of a server that was not asked to stream.
    pub fn response(&self) -> Value {
        let images = self.steps.iter().filter_map(|step| match step {
            Step::Image(b64_json) => Some(json!({"b64_json": b64_json})),
            Step::Partial(..) => None,
        });
        let images: Vec<Value> = images.collect();
        let count = images.len() as u64;
        let mut response = json!({"created": CREATED, "data": images, "background": "opaque", "output_format": "png",
            "size": "1024x1024", "quality": "high"});
        if let Some((input, output)) = self.usage {
            response["usage"] = usage(input * count, output * count);
        }
        response
    }

    fn event(&self, step: &Step) -> (String, Value) {
        let (what, b64_json) = match step {
            Step::Partial(_, image) => ("partial_image", image),
            Step::Image(image) => ("completed", image),
        };
        let name = format!("{}.{what}", self.kind);
        let mut event = json!({"type": name, "b64_json": b64_json, "created_at": CREATED, "size": "1024x1024",
            "quality": "high", "background": "opaque", "output_format": "png"});
        match (step, self.usage) {
            (Step::Partial(index, _), _) => event["partial_image_index"] = json!(index),
            (Step::Image(_), Some((input, output))) => event["usage"] = usage(input, output),
            (Step::Image(_), None) => {}
        }
        (name, event)
    }
}

fn usage(input: u64, output: u64) -> Value {
    json!({"total_tokens": input + output, "input_tokens": input, "output_tokens": output,
           "input_tokens_details": {"text_tokens": input, "image_tokens": 0}})
}

impl Default for ImageStream {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ImageStream> for Reply {
    fn from(stream: ImageStream) -> Self {
        stream.reply()
    }
}

impl From<ImageStream> for Script {
    fn from(stream: ImageStream) -> Self {
        stream.reply().into()
    }
}
