//! The content of a response, above the level of events: texts, refusals, reasoning and tool calls, the same for
//! every endpoint.
//!
//! A [`View`] receives a stream's events one by one and reports the [`Change`]s that each one makes. It keeps the
//! state for this itself and lends out the content so far without copying, so an event of a long response costs no
//! more than one of a short response.
//!
//! ```
//! use actorstream_proto::api::chat::{ChatCompletionChunk, ChatView};
//! use actorstream_proto::answer::output::{Change, View};
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

pub use crate::outcome::tokens::Tokens;

use serde_json::Value;

use crate::answer::came::Came;
use crate::endpoint::event::Event;
use crate::json::partial_json::PartialJsonError;

/// An event type that has a view.
pub trait Viewable: Event {
    /// The view.
    type View: View<Self>;
}

/// Receives the events of one stream, and reports what they change.
pub trait View<E>: Default + Send + 'static {
    /// Returns a view that keeps no text, reasoning or refusal: snapshots are empty, and so are complete texts unless
    /// the event itself contains them. The arguments of calls are kept.
    fn lean() -> Self;

    /// Receives an event.
    fn push(&mut self, event: &E, tell: &mut dyn FnMut(Change<'_>));

    /// The stream is complete: everything that has begun and not ended ends.
    fn finish(&mut self, tell: &mut dyn FnMut(Change<'_>));
}

/// A position in a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The choice of a chat completion, or the output item of a response.
    pub output: u64,
    /// The content part of the item; 0 if there are no parts.
    pub part: u64,
}

/// One change that an event makes to a response.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Change<'a> {
    /// More of a text.
    TextDelta {
        /// The position.
        at: Position,
        /// The new part.
        delta: &'a str,
        /// The text so far, including the new part.
        snapshot: &'a str,
    },
    /// A text is complete. Reported once for each text.
    TextDone {
        /// The position.
        at: Position,
        /// The text.
        text: &'a str,
    },
    /// More of a refusal.
    RefusalDelta {
        /// The position.
        at: Position,
        /// The new part.
        delta: &'a str,
        /// The refusal so far.
        snapshot: &'a str,
    },
    /// A refusal is complete. Reported once for each refusal.
    RefusalDone {
        /// The position.
        at: Position,
        /// The refusal.
        refusal: &'a str,
    },
    /// More of the reasoning, or of its summary.
    ReasoningDelta {
        /// The position.
        at: Position,
        /// The new part.
        delta: &'a str,
        /// The reasoning so far.
        snapshot: &'a str,
    },
    /// The reasoning is whole.
    ReasoningDone {
        /// The position.
        at: Position,
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
        /// The new part.
        delta: &'a str,
        /// The arguments so far, parsed as far as possible; `null` if they are not JSON.
        parsed: &'a Value,
    },
    /// A call is complete. Reported once for each call, even if the server interleaves several.
    ToolCallDone {
        /// The call.
        call: Call<'a>,
        /// The arguments, parsed.
        parsed: Result<&'a Value, &'a PartialJsonError>,
    },
    /// A call that the server ran itself returned output, or failed with an error message.
    ToolOutput {
        /// The call.
        call: Call<'a>,
        /// The output or the error.
        output: Result<&'a str, &'a str>,
    },
    /// A page that the response cites. Reported once for each URL.
    Source {
        /// The position.
        at: Position,
        /// The address.
        url: &'a str,
        /// The title, if the server sends it.
        title: Option<&'a str>,
    },
    /// An image that the model generated.
    Image {
        /// The position.
        at: Position,
        /// The image, in base64.
        data: &'a str,
        /// The name of its format, such as `png`.
        format: &'a str,
    },
    /// The probabilities of new tokens, in the endpoint's format: a list.
    Logprobs {
        /// The position.
        at: Position,
        /// The tokens.
        tokens: &'a Value,
    },
    /// The tokens taken so far.
    Usage(Tokens),
}

/// A tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The kind of tool.
    pub kind: CallKind,
    /// The choice or output item.
    pub output: u64,
    /// The index of the call in the response, in order of arrival, from 0.
    pub index: usize,
    /// The id of the call, which its result refers to.
    pub id: &'a str,
    /// The name of the tool.
    pub name: &'a str,
    /// The arguments as the model wrote them, as far as they have arrived.
    pub arguments: &'a str,
}

/// The kind of a tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// A function of the application; its arguments are JSON.
    #[default]
    Function,
    /// A tool of the application that takes free text.
    Custom,
    /// A tool that the server runs itself, such as one of an MCP server.
    Hosted,
}

/// A text that arrives in parts, and ends once.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    text: String,
    came: Came,
    done: bool,
}

impl Growing {
    /// Appends a part, unless texts are not kept. Returns the text so far, unless the part is empty.
    pub(crate) fn push(&mut self, delta: &str, keep: bool) -> Option<&str> {
        if delta.is_empty() {
            return None;
        }
        self.came.push(delta);
        if keep {
            self.text.push_str(delta);
        }
        Some(&self.text)
    }

    /// Returns how far it has arrived.
    pub(crate) fn came(&self) -> Came {
        self.came
    }

    /// Returns the part of the whole text that has not arrived, if the whole starts with the text so far and the text
    /// has not ended.
    pub(crate) fn rest_of<'a>(&self, whole: &'a str) -> Option<&'a str> {
        if self.done { None } else { self.came.rest_of(whole).filter(|rest| !rest.is_empty()) }
    }

    /// Returns whether the text has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Returns whether `whole` is empty or shorter than what has arrived, so that it is not the complete text.
    pub(crate) fn is_more_than(&self, whole: &str) -> bool {
        whole.is_empty() || self.came.is_longer_than(whole)
    }

    /// Ends the text with the complete text from the server. Returns it, if the text had not ended before. A text
    /// shorter than what has arrived is not the complete one.
    pub(crate) fn end_as<'a>(&'a mut self, whole: &'a str, keep: bool) -> Option<&'a str> {
        if keep && !self.done && !self.text.starts_with(whole) {
            whole.clone_into(&mut self.text);
        }
        let begun = !self.came.is_empty() || !whole.is_empty();
        let first = !std::mem::replace(&mut self.done, true) && begun;
        first.then_some(if keep { self.text.as_str() } else { whole })
    }

    /// Ends the text. Returns it, if it has begun and had not ended before.
    pub(crate) fn end(&mut self) -> Option<&str> {
        let first = !std::mem::replace(&mut self.done, true) && !self.came.is_empty();
        first.then_some(self.text.as_str())
    }
}
