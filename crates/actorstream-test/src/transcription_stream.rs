//! A well-formed stream of a transcription.

use serde_json::{Value, json};

use crate::deltas::{Cut, Text};
use crate::reply::Reply;
use crate::script::Script;

/// A well-formed stream of a transcription, and the transcript that it adds up to.
///
/// ```
/// use actorstream_test::TranscriptionStream;
///
/// let stream = TranscriptionStream::new().text("Hello, world").delta_words();
/// assert_eq!(stream.events().count(), 2 + 1);
/// assert_eq!(stream.transcript()["text"], "Hello, world");
/// ```
#[derive(Clone, Debug, Default)]
pub struct TranscriptionStream {
    cut: Cut,
    text: String,
    segments: Vec<Value>,
    usage: Option<(u64, u64)>,
}

impl TranscriptionStream {
    /// Creates an empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits the text into deltas of this many characters. Default: 4; at least 1.
    pub fn delta_chars(mut self, count: usize) -> Self {
        self.cut = Cut::Chars(count);
        self
    }

    /// Splits the text into deltas of one word, each with the preceding space.
    pub fn delta_words(mut self) -> Self {
        self.cut = Cut::Words;
        self
    }

    /// Adds text.
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        self.text.push_str(text.as_ref());
        self
    }

    /// Adds the speech of a speaker between two times in seconds: text, and a segment after its deltas.
    pub fn segment(mut self, speaker: &str, start: f64, end: f64, text: &str) -> Self {
        let id = format!("seg_{}", self.segments.len());
        self.segments.push(json!({"type": "transcript.text.segment", "id": id, "start": start, "end": end,
            "text": text, "speaker": speaker}));
        self.text(text)
    }

    /// Sets the token usage of the audio and of the text.
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage = Some((input_tokens, output_tokens));
        self
    }

    /// Returns the events, each as JSON on one line.
    pub fn events(&self) -> impl Iterator<Item = String> + Send + use<> {
        let deltas = Text::Whole(self.text.clone()).deltas(self.cut);
        let deltas = deltas.map(|delta| json!({"type": "transcript.text.delta", "delta": delta}).to_string());
        let mut done = json!({"type": "transcript.text.done", "text": self.text});
        if let Some(usage) = self.usage_json() {
            done["usage"] = usage;
        }
        let segments = self.segments.clone().into_iter().map(|segment| segment.to_string());
        deltas.chain(segments).chain([done.to_string()])
    }

    /// Returns the whole reply: the head of an event stream, the events, the end of the body. There is no `[DONE]`.
    pub fn reply(&self) -> Reply {
        let stream = self.clone();
        Reply::sse().events_with(move || stream.events()).end()
    }

    /// Returns what the stream adds up to: the response of a server that was not asked to stream.
    pub fn transcript(&self) -> Value {
        let mut transcript = json!({"text": self.text});
        if !self.segments.is_empty() {
            transcript["segments"] = json!(self.segments);
        }
        if let Some(usage) = self.usage_json() {
            transcript["usage"] = usage;
        }
        transcript
    }

    fn usage_json(&self) -> Option<Value> {
        let (input, output) = self.usage?;
        Some(
            json!({"type": "tokens", "input_tokens": input, "output_tokens": output, "total_tokens": input + output}),
        )
    }
}

impl From<TranscriptionStream> for Reply {
    fn from(stream: TranscriptionStream) -> Self {
        stream.reply()
    }
}

impl From<TranscriptionStream> for Script {
    fn from(stream: TranscriptionStream) -> Self {
        stream.reply().into()
    }
}
