//! A well-formed stream of a text completion.

use serde_json::{Value, json};

use crate::deltas::{Cut, Envelope, Lazy, Text, Usage, quoted};
use crate::reply::Reply;
use crate::script::Script;

/// A well-formed stream of a text completion, and the `text_completion` that it adds up to.
///
/// Each choice yields the deltas of its texts and a chunk with the finish reason. Several choices alternate. Chunks
/// are created on demand, so a stream may be long.
///
/// ```
/// use actorstream_test::CompletionStream;
///
/// let stream = CompletionStream::new().text("Once upon a time").delta_words();
/// assert_eq!(stream.events().count(), 4 + 1);
/// assert_eq!(stream.completion()["choices"][0]["text"], "Once upon a time");
/// ```
#[derive(Clone, Debug)]
pub struct CompletionStream {
    envelope: Envelope,
    cut: Cut,
    choices: Vec<Choice>,
}

#[derive(Clone, Debug, Default)]
struct Choice {
    texts: Vec<Text>,
    finish_reason: Option<String>,
}

impl CompletionStream {
    /// Creates a stream with one empty choice, from the model `gpt-3.5-turbo-instruct`.
    pub fn new() -> Self {
        Self {
            envelope: Envelope {
                id: "cmpl-123".to_owned(),
                object: "text_completion",
                created: 1_700_000_000,
                model: "gpt-3.5-turbo-instruct".to_owned(),
                usage: None,
            },
            cut: Cut::default(),
            choices: vec![Choice::default()],
        }
    }

    /// Sets the id of the completion.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.envelope.id = id.into();
        self
    }

    /// Sets the name of the model.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.envelope.model = model.into();
        self
    }

    /// Sets when the completion was created, in seconds since 1970.
    pub fn created(mut self, seconds: u64) -> Self {
        self.envelope.created = seconds;
        self
    }

    /// Splits all texts into deltas of this many characters. Default: 4; at least 1.
    pub fn delta_chars(mut self, count: usize) -> Self {
        self.cut = Cut::Chars(count);
        self
    }

    /// Splits all texts into deltas of one word, each with the preceding space.
    pub fn delta_words(mut self) -> Self {
        self.cut = Cut::Words;
        self
    }

    /// Adds text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.choice_now().texts.push(Text::Whole(text.into()));
        self
    }

    /// Adds a text as `count` equal deltas.
    pub fn deltas(mut self, count: usize, delta: impl Into<String>) -> Self {
        let text = Text::Repeated(count, delta.into());
        self.choice_now().texts.push(text);
        self
    }

    /// Sets the finish reason. Default: `stop`.
    pub fn finish_reason(mut self, reason: impl Into<String>) -> Self {
        self.choice_now().finish_reason = Some(reason.into());
        self
    }

    /// Begins the next choice: the following parts are added to it.
    pub fn choice(mut self) -> Self {
        self.choices.push(Choice::default());
        self
    }

    /// Sets the token usage. It is sent in the last chunk, whose `choices` are empty.
    pub fn usage(mut self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        self.envelope.usage = Some(Usage(prompt_tokens, completion_tokens));
        self
    }

    /// Returns the chunks, each as JSON on one line, without `[DONE]`.
    pub fn events(&self) -> impl Iterator<Item = String> + Send + use<> {
        let choices = self.choices.iter().cloned().enumerate();
        let choices = choices.map(|(index, choice)| choice.deltas(index, self.cut));
        self.envelope.chunks(choices.collect())
    }

    /// Returns the whole reply: the head of an event stream, the chunks, `[DONE]`, the end of the body.
    pub fn reply(&self) -> Reply {
        let stream = self.clone();
        Reply::sse().events_with(move || stream.events()).done().end()
    }

    /// Returns what the stream adds up to: the response of a server that was not asked to stream.
    pub fn completion(&self) -> Value {
        let choices = self.choices.iter().enumerate();
        let choices = choices.map(|(index, choice)| {
            let text: String = choice.texts.iter().map(Text::whole).collect();
            json!({
                "text": text,
                "index": index,
                "logprobs": null,
                "finish_reason": choice.reason(),
            })
        });
        self.envelope.whole("text_completion", choices.collect())
    }

    fn choice_now(&mut self) -> &mut Choice {
        self.choices.last_mut().expect("there is always a choice")
    }
}

impl Choice {
    fn reason(&self) -> &str {
        self.finish_reason.as_deref().unwrap_or("stop")
    }

    /// The choice of each chunk, as JSON.
    fn deltas(self, index: usize, cut: Cut) -> Lazy<String> {
        let last = chunk(index, "", &quoted(self.reason()));
        let deltas = self.texts.into_iter().flat_map(move |text| text.deltas(cut));
        let chunks = deltas.map(move |delta| chunk(index, &delta, "null"));
        Box::new(chunks.chain([last]))
    }
}

fn chunk(index: usize, text: &str, reason: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"text":{text},"index":{index},"logprobs":null,"finish_reason":{reason}}}"#)
}

impl Default for CompletionStream {
    fn default() -> Self {
        Self::new()
    }
}

impl From<CompletionStream> for Reply {
    fn from(stream: CompletionStream) -> Self {
        stream.reply()
    }
}

impl From<CompletionStream> for Script {
    fn from(stream: CompletionStream) -> Self {
        stream.reply().into()
    }
}
