//! A well-formed stream of a chat completion.

use serde_json::{Value, json};

use crate::deltas::{Cut, Envelope, Lazy, Text, Usage, quoted};
use crate::reply::Reply;
use crate::script::Script;

/// A well-formed stream of a chat completion, which consists of `chat.completion.chunk` objects, and the
/// `chat.completion` that it adds up to.
///
/// Each choice yields a chunk with the role, the deltas of its parts in the order they were added, and a chunk with
/// the finish reason. Several choices alternate. Chunks are created on demand, so a stream may be long.
///
/// ```
/// use actorstream_test::{ChatStream, Upstream};
///
/// let stream = ChatStream::new().content("Hello, world").usage(9, 3);
/// assert_eq!(stream.events().count(), 1 + 3 + 1 + 1);
/// assert_eq!(stream.completion()["choices"][0]["message"]["content"], "Hello, world");
///
/// let upstream = Upstream::start(stream.reply());
/// ```
#[derive(Clone, Debug)]
pub struct ChatStream {
    envelope: Envelope,
    role: String,
    cut: Cut,
    choices: Vec<Choice>,
}

#[derive(Clone, Debug, Default)]
struct Choice {
    parts: Vec<Part>,
    finish_reason: Option<String>,
}

#[derive(Clone, Debug)]
enum Part {
    Content(Text),
    Reasoning(Text),
    Refusal(Text),
    ToolCall(ToolCall),
}

#[derive(Clone, Debug)]
struct ToolCall {
    index: usize,
    id: String,
    name: String,
    arguments: Text,
}

impl ChatStream {
    /// Creates a stream with one empty choice, from the model `gpt-4`.
    pub fn new() -> Self {
        Self {
            envelope: Envelope {
                id: "chatcmpl-123".to_owned(),
                object: "chat.completion.chunk",
                created: 1_700_000_000,
                model: "gpt-4".to_owned(),
                usage: None,
            },
            role: "assistant".to_owned(),
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

    /// Sets the role of all choices. Default: `assistant`.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
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

    /// Adds content.
    pub fn content(self, text: impl Into<String>) -> Self {
        self.part(Part::Content(Text::Whole(text.into())))
    }

    /// Adds content as `count` equal deltas.
    pub fn deltas(self, count: usize, delta: impl Into<String>) -> Self {
        self.part(Part::Content(Text::Repeated(count, delta.into())))
    }

    /// Adds `reasoning_content`, as several servers send it.
    pub fn reasoning_content(self, text: impl Into<String>) -> Self {
        self.part(Part::Reasoning(Text::Whole(text.into())))
    }

    /// Adds a refusal.
    pub fn refusal(self, text: impl Into<String>) -> Self {
        self.part(Part::Refusal(Text::Whole(text.into())))
    }

    /// Adds a function call: a delta with id and name, then the arguments in deltas.
    pub fn tool_call(
        mut self,
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        let index = self.choice_now().tool_calls().count();
        self.part(Part::ToolCall(ToolCall {
            index,
            id: id.into(),
            name: name.into(),
            arguments: Text::Whole(arguments.into()),
        }))
    }

    /// Sets the finish reason. Default: `tool_calls` if the choice has any, otherwise `stop`.
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
        let choices = choices.map(|(index, choice)| choice.deltas(index, &self.role, self.cut));
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
            json!({
                "index": index,
                "message": choice.message(&self.role),
                "logprobs": null,
                "finish_reason": choice.reason(),
            })
        });
        self.envelope.whole("chat.completion", choices.collect())
    }

    fn part(mut self, part: Part) -> Self {
        self.choice_now().parts.push(part);
        self
    }

    fn choice_now(&mut self) -> &mut Choice {
        self.choices.last_mut().expect("there is always a choice")
    }
}

impl Choice {
    fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    fn reason(&self) -> &str {
        match &self.finish_reason {
            Some(reason) => reason,
            None if self.tool_calls().next().is_some() => "tool_calls",
            None => "stop",
        }
    }

    /// Joins all texts that `which` selects; null if there is none.
    fn joined(&self, which: impl Fn(&Part) -> Option<&Text>) -> Value {
        let texts: Vec<String> = self.parts.iter().filter_map(which).map(Text::whole).collect();
        match texts.as_slice() {
            [] => Value::Null,
            texts => texts.concat().into(),
        }
    }

    fn content(&self) -> Value {
        self.joined(|part| match part {
            Part::Content(text) => Some(text),
            _ => None,
        })
    }

    fn message(&self, role: &str) -> Value {
        let refusal = self.joined(|part| match part {
            Part::Refusal(text) => Some(text),
            _ => None,
        });
        let reasoning = self.joined(|part| match part {
            Part::Reasoning(text) => Some(text),
            _ => None,
        });
        let mut message = json!({"role": role, "content": self.content(), "refusal": refusal});
        if !reasoning.is_null() {
            message["reasoning_content"] = reasoning;
        }
        let calls: Vec<Value> = self.tool_calls().map(ToolCall::json).collect();
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        message
    }

    /// The choice of each chunk, as JSON.
    fn deltas(self, index: usize, role: &str, cut: Cut) -> Lazy<String> {
        let content = if self.content().is_null() { "null" } else { r#""""# };
        let first = format!(r#"{{"role":{},"content":{content},"refusal":null}}"#, quoted(role));
        let first = chunk(index, &first, "null");
        let last = chunk(index, "{}", &quoted(self.reason()));
        let parts = self.parts.into_iter().flat_map(move |part| part.deltas(cut));
        let middle = parts.map(move |delta| chunk(index, &delta, "null"));
        Box::new(std::iter::once(first).chain(middle).chain([last]))
    }
}

impl Part {
    /// The deltas, as JSON.
    fn deltas(self, cut: Cut) -> Lazy<String> {
        let (key, text) = match self {
            Part::Content(text) => ("content", text),
            Part::Reasoning(text) => ("reasoning_content", text),
            Part::Refusal(text) => ("refusal", text),
            Part::ToolCall(call) => return call.deltas(cut),
        };
        let deltas = text.deltas(cut);
        Box::new(deltas.map(move |delta| format!(r#"{{"{key}":{}}}"#, quoted(&delta))))
    }
}

impl ToolCall {
    fn deltas(self, cut: Cut) -> Lazy<String> {
        let index = self.index;
        let first = format!(
            r#"{{"tool_calls":[{{"index":{index},"id":{},"type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
            quoted(&self.id),
            quoted(&self.name)
        );
        let deltas = self.arguments.deltas(cut).map(move |delta| {
            let delta = quoted(&delta);
            format!(r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{delta}}}}}]}}"#)
        });
        Box::new(std::iter::once(first).chain(deltas))
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments.whole()},
        })
    }
}

fn chunk(index: usize, delta: &str, reason: &str) -> String {
    format!(r#"{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{reason}}}"#)
}

impl Default for ChatStream {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ChatStream> for Reply {
    fn from(stream: ChatStream) -> Self {
        stream.reply()
    }
}

impl From<ChatStream> for Script {
    fn from(stream: ChatStream) -> Self {
        stream.reply().into()
    }
}
