//! What an answer is made of, above the events of the wire: texts, refusals, reasoning, tool calls, the same for every
//! endpoint.
//!
//! A [`View`] takes a stream's events one by one and tells the [`Change`]s that each one is. It keeps what it needs for
//! that itself, borrows out what has come so far, and copies nothing for it, so a long answer costs no more per event
//! than a short one.
//!
//! ```
//! use actorstream_proto::chat::{ChatCompletionChunk, ChatView};
//! use actorstream_proto::output::{Change, View};
//!
//! let mut view = ChatView::default();
//! let mut seen = Vec::new();
//! for content in ["Hel", "lo"] {
//!     let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{content}"}}}}]}}"#);
//!     let chunk: ChatCompletionChunk = serde_json::from_str(&chunk).unwrap();
//!     view.push(&chunk, &mut |change| {
//!         if let Change::TextDelta { snapshot, .. } = change {
//!             seen.push(snapshot.to_owned());
//!         }
//!     });
//! }
//! assert_eq!(seen, ["Hel", "Hello"]);
//! ```

use serde_json::Value;

use crate::event::Event;
use crate::partial_json::PartialJsonError;

/// An event that there is a view of.
pub trait Viewable: Event {
    /// The view.
    type View: View<Self>;
}

/// Takes the events of one stream, and tells what they change.
pub trait View<E>: Default + Send + 'static {
    /// A view that keeps no text, reasoning or refusal: those so far are told as empty, and whole ones as well where the
    /// event itself does not hold them. The arguments of calls are kept.
    fn lean() -> Self;

    /// Takes an event.
    fn push(&mut self, event: &E, tell: &mut dyn FnMut(Change<'_>));

    /// The stream is complete: what has begun and not ended ends.
    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>));
}

/// Where in an answer something stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The choice of a chat completion, the output item of a response.
    pub output: u64,
    /// The content part of the item; 0 where there are no parts.
    pub part: u64,
}

/// One thing that an event changes in an answer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Change<'a> {
    /// More of a text.
    TextDelta {
        /// Where.
        at: Place,
        /// What is new.
        delta: &'a str,
        /// The text so far, the new included.
        snapshot: &'a str,
    },
    /// A text is whole. It comes once for each text.
    TextDone {
        /// Where.
        at: Place,
        /// The text.
        text: &'a str,
    },
    /// More of a refusal.
    RefusalDelta {
        /// Where.
        at: Place,
        /// What is new.
        delta: &'a str,
        /// The refusal so far.
        snapshot: &'a str,
    },
    /// A refusal is whole. It comes once for each refusal.
    RefusalDone {
        /// Where.
        at: Place,
        /// The refusal.
        refusal: &'a str,
    },
    /// More of the reasoning, or of its summary.
    ReasoningDelta {
        /// Where.
        at: Place,
        /// What is new.
        delta: &'a str,
        /// The reasoning so far.
        snapshot: &'a str,
    },
    /// The reasoning is whole.
    ReasoningDone {
        /// Where.
        at: Place,
        /// The reasoning.
        reasoning: &'a str,
    },
    /// The model calls a tool.
    ToolCallStarted {
        /// The call.
        call: Call<'a>,
    },
    /// More of the arguments of a call.
    ArgumentsDelta {
        /// The call; its arguments are those so far.
        call: Call<'a>,
        /// What is new.
        delta: &'a str,
        /// The arguments so far, parsed as far as they go; `null` where they are no JSON.
        parsed: &'a Value,
    },
    /// A call is whole. It comes once for each call, also where the server mixes several.
    ToolCallDone {
        /// The call.
        call: Call<'a>,
        /// The arguments, parsed.
        parsed: Result<&'a Value, &'a PartialJsonError>,
    },
    /// A call that the server ran by itself gave something back, or failed: the error, for people.
    ToolOutput {
        /// The call.
        call: Call<'a>,
        /// What came of it.
        output: Result<&'a str, &'a str>,
    },
    /// A page that the answer rests on. It comes once for each address.
    Source {
        /// Where.
        at: Place,
        /// The address.
        url: &'a str,
        /// The title, if the server tells it.
        title: Option<&'a str>,
    },
    /// A picture that the model made.
    Image {
        /// Where.
        at: Place,
        /// The picture, in base64.
        data: &'a str,
        /// The name of its format, such as `png`.
        format: &'a str,
    },
    /// The probabilities of new tokens, as the endpoint writes them: a list.
    Logprobs {
        /// Where.
        at: Place,
        /// The tokens.
        tokens: &'a Value,
    },
    /// The tokens taken so far.
    Usage(Tokens),
}

/// The call of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// What is called.
    pub kind: CallKind,
    /// The choice or output item.
    pub output: u64,
    /// Which call of the answer, in the order of their coming, from 0.
    pub index: usize,
    /// The call's id, to which the tool's answer refers.
    pub id: &'a str,
    /// The name of what is called.
    pub name: &'a str,
    /// The arguments as the model wrote them, as far as they have come.
    pub arguments: &'a str,
}

/// What kind of tool is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// A function of the application's; its arguments are JSON.
    #[default]
    Function,
    /// A tool of the application's that takes free text.
    Custom,
    /// A tool that the server runs by itself, such as one of an MCP server.
    Hosted,
}

/// The tokens that an answer took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tokens {
    /// Tokens of the prompt.
    pub input: u64,
    /// Of these, tokens that the server had in its cache.
    pub cached: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Of these, tokens of reasoning.
    pub reasoning: u64,
    /// All together.
    pub total: u64,
}

/// A text that comes in pieces, and ends once.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    text: String,
    begun: bool,
    done: bool,
}

impl Growing {
    /// Appends a piece, unless texts are not kept; the text so far, unless the piece is empty.
    pub(crate) fn push(&mut self, delta: &str, keep: bool) -> Option<&str> {
        if delta.is_empty() {
            return None;
        }
        self.begun = true;
        if keep {
            self.text.push_str(delta);
        }
        Some(&self.text)
    }

    /// Ends the text, which the server tells whole; the text, if this is the first time that it ends.
    pub(crate) fn end_as<'a>(&'a mut self, whole: &'a str, keep: bool) -> Option<&'a str> {
        if keep && !whole.is_empty() {
            whole.clone_into(&mut self.text);
        }
        let begun = self.begun || !whole.is_empty();
        let first = !std::mem::replace(&mut self.done, true) && begun;
        first.then_some(if keep { self.text.as_str() } else { whole })
    }

    /// The text, if it has begun and this is the first time that it ends.
    pub(crate) fn end(&mut self) -> Option<&str> {
        let first = !std::mem::replace(&mut self.done, true) && self.begun;
        first.then_some(self.text.as_str())
    }
}
