//! A well-formed stream of a response.

use serde_json::{Value, json};

use crate::deltas::{Cut, Text};
use crate::reply::Reply;

/// A well-formed stream of the Responses API, from `response.created` to `response.completed`, and the response that
/// it adds up to.
///
/// Each item of the output yields the events that OpenAI's server sends for it, numbered by `sequence_number` from 0.
///
/// ```
/// use actorstream_test::{ResponseStream, Upstream};
///
/// let stream = ResponseStream::new().text("Hello, world").usage(9, 3);
/// assert_eq!(stream.events().len(), 4 + 3 + 4);
/// assert_eq!(stream.response()["output"][0]["content"][0]["text"], "Hello, world");
///
/// let upstream = Upstream::start(stream.reply());
/// ```
#[derive(Clone, Debug)]
pub struct ResponseStream {
    id: String,
    model: String,
    created_at: u64,
    background: bool,
    cut: Cut,
    items: Vec<Item>,
    incomplete: Option<String>,
    usage: Option<(u64, u64)>,
}

#[derive(Clone, Debug)]
enum Item {
    Text(String),
    Refusal(String),
    Reasoning(String),
    FunctionCall { call_id: String, name: String, arguments: String },
}

impl Default for ResponseStream {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseStream {
    /// Creates an empty response, from the model `gpt-5`.
    pub fn new() -> Self {
        Self {
            id: "resp_123".to_owned(),
            model: "gpt-5".to_owned(),
            created_at: 1_700_000_000,
            background: false,
            cut: Cut::default(),
            items: Vec::new(),
            incomplete: None,
            usage: None,
        }
    }

    /// Sets the id of the response.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets the name of the model.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Sets when the response was created, in seconds since 1970.
    pub fn created_at(mut self, seconds: u64) -> Self {
        self.created_at = seconds;
        self
    }

    /// Sets whether the response reports background mode.
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
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

    /// Adds a message with a text.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.item(Item::Text(text.into()))
    }

    /// Adds a message that is a refusal.
    pub fn refusal(self, refusal: impl Into<String>) -> Self {
        self.item(Item::Refusal(refusal.into()))
    }

    /// Adds reasoning with this summary.
    pub fn reasoning(self, summary: impl Into<String>) -> Self {
        self.item(Item::Reasoning(summary.into()))
    }

    /// Adds a function call; `arguments` is JSON text.
    pub fn function_call(
        self,
        call_id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        let (call_id, name, arguments) = (call_id.into(), name.into(), arguments.into());
        self.item(Item::FunctionCall { call_id, name, arguments })
    }

    /// Makes the response end as incomplete, for a reason such as `max_output_tokens`.
    pub fn incomplete(mut self, reason: impl Into<String>) -> Self {
        self.incomplete = Some(reason.into());
        self
    }

    /// Sets the token usage of the input and of the output.
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage = Some((input_tokens, output_tokens));
        self
    }

    /// Returns the events, each as JSON on one line; the `sequence_number` of each is its position.
    pub fn events(&self) -> Vec<String> {
        let mut events = Vec::new();
        events.push(json!({"type": "response.created", "response": self.envelope("in_progress")}));
        events.push(json!({"type": "response.in_progress", "response": self.envelope("in_progress")}));
        for (index, item) in self.items.iter().enumerate() {
            item.events(index, &self.id, self.cut, &mut events);
        }
        let end = if self.incomplete.is_some() { "response.incomplete" } else { "response.completed" };
        events.push(json!({"type": end, "response": self.response()}));
        let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
            event["sequence_number"] = number.into();
            event.to_string()
        });
        numbered.collect()
    }

    /// Returns the whole reply: the head of an event stream, the events, the end of the body.
    pub fn reply(&self) -> Reply {
        self.reply_after(None)
    }

    /// Returns the reply for a client that has the events up to this number: only later events.
    pub fn reply_after(&self, number: Option<u64>) -> Reply {
        let skip = number.map_or(0, |number| usize::try_from(number).unwrap_or(usize::MAX).saturating_add(1));
        let mut reply = Reply::sse();
        for event in self.events().into_iter().skip(skip) {
            let name = serde_json::from_str::<Value>(&event).unwrap_or_default();
            reply = reply.named_event(name["type"].as_str().unwrap_or_default(), event);
        }
        reply.end()
    }

    /// Returns what the stream adds up to: the response of a server that was not asked to stream.
    pub fn response(&self) -> Value {
        let status = if self.incomplete.is_some() { "incomplete" } else { "completed" };
        let mut response = self.envelope(status);
        response["output"] = self
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| item.whole(index, &self.id, "completed"))
            .collect();
        response["incomplete_details"] = match &self.incomplete {
            Some(reason) => json!({ "reason": reason }),
            None => Value::Null,
        };
        if let Some((input, output)) = self.usage {
            response["usage"] = json!({
                "input_tokens": input,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": output,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": input + output,
            });
        }
        response
    }

    fn envelope(&self, status: &str) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": self.background,
            "error": null,
            "incomplete_details": null,
            "instructions": null,
            "metadata": {},
            "model": self.model,
            "output": [],
            "parallel_tool_calls": true,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": null,
        })
    }

    fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }
}

impl Item {
    fn id(&self, index: usize, response: &str) -> String {
        let kind = match self {
            Item::Text(_) | Item::Refusal(_) => "msg",
            Item::Reasoning(_) => "rs",
            Item::FunctionCall { .. } => "fc",
        };
        format!("{kind}_{response}_{index}")
    }

    /// Returns the item: complete, or as it is when it begins.
    fn whole(&self, index: usize, response: &str, status: &str) -> Value {
        let id = self.id(index, response);
        let done = status == "completed";
        match self {
            Item::Text(_) | Item::Refusal(_) => {
                let content: Vec<Value> = done.then(|| self.part(true)).into_iter().collect();
                json!({"type": "message", "id": id, "status": status, "role": "assistant", "content": content})
            }
            Item::Reasoning(_) => {
                let summary: Vec<Value> = done.then(|| self.part(true)).into_iter().collect();
                json!({"type": "reasoning", "id": id, "summary": summary})
            }
            Item::FunctionCall { call_id, name, arguments } => {
                let arguments = if done { arguments.as_str() } else { "" };
                json!({"type": "function_call", "id": id, "status": status, "call_id": call_id, "name": name,
                       "arguments": arguments})
            }
        }
    }

    /// Returns the part of a message or a summary: complete, or as it is when it begins.
    fn part(&self, done: bool) -> Value {
        let text = |text: &String| if done { text.clone() } else { String::new() };
        match self {
            Item::Text(whole) => {
                json!({"type": "output_text", "text": text(whole), "annotations": [], "logprobs": []})
            }
            Item::Refusal(whole) => json!({"type": "refusal", "refusal": text(whole)}),
            Item::Reasoning(whole) => json!({"type": "summary_text", "text": text(whole)}),
            Item::FunctionCall { .. } => Value::Null,
        }
    }

    fn events(&self, index: usize, response: &str, cut: Cut, events: &mut Vec<Value>) {
        let id = self.id(index, response);
        events.push(json!({"type": "response.output_item.added", "output_index": index,
                           "item": self.whole(index, response, "in_progress")}));
        // The event type of the deltas, the index field sent with them, the text, and the field of the complete
        // text.
        let (kind, place, text, whole) = match self {
            Item::Text(text) => ("response.output_text", "content_index", text, "text"),
            Item::Refusal(text) => ("response.refusal", "content_index", text, "refusal"),
            Item::Reasoning(text) => ("response.reasoning_summary_text", "summary_index", text, "text"),
            Item::FunctionCall { arguments, .. } => {
                ("response.function_call_arguments", "", arguments, "arguments")
            }
        };
        let at = |mut event: Value| {
            event["item_id"] = id.clone().into();
            event["output_index"] = index.into();
            if !place.is_empty() {
                event[place] = 0.into();
            }
            event
        };
        let part = match self {
            Item::Text(_) | Item::Refusal(_) => Some("response.content_part"),
            Item::Reasoning(_) => Some("response.reasoning_summary_part"),
            Item::FunctionCall { .. } => None,
        };
        if let Some(part) = part {
            events.push(at(json!({"type": format!("{part}.added"), "part": self.part(false)})));
        }
        for delta in Text::Whole(text.clone()).deltas(cut) {
            let mut event = at(json!({"type": format!("{kind}.delta"), "delta": delta}));
            if matches!(self, Item::Text(_)) {
                event["logprobs"] = json!([]);
            }
            events.push(event);
        }
        let mut done = at(json!({ "type": format!("{kind}.done") }));
        done[whole] = text.clone().into();
        match self {
            Item::Text(_) => done["logprobs"] = json!([]),
            Item::FunctionCall { name, .. } => done["name"] = name.clone().into(),
            Item::Refusal(_) | Item::Reasoning(_) => {}
        }
        events.push(done);
        if let Some(part) = part {
            events.push(at(json!({"type": format!("{part}.done"), "part": self.part(true)})));
        }
        events.push(json!({"type": "response.output_item.done", "output_index": index,
                           "item": self.whole(index, response, "completed")}));
    }
}
