//! The request of the AI SDK's `useChat`: a chat with its messages, as JSON.
//!
//! ```
//! use actorstream_web::ui_request::UiRequest;
//!
//! let body = br#"{"id": "chat_1", "trigger": "submit-message", "messages": [
//!     {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}]}"#;
//! let request = UiRequest::parse(body).unwrap();
//! let chat = request.to_chat("gpt-6-luna").system("Answer in verse.");
//! assert_eq!((chat.messages.len(), chat.messages[0].role.as_str()), (2, "system"));
//!
//! let failure = UiRequest::parse(br#"{"id": "chat_1", "messages": [{"role": "user"}]}"#).unwrap_err();
//! assert_eq!((failure.status, failure.message.as_str()), (400, "messages[0].id: a string is missing"));
//! ```

mod chat;
mod json;
mod key;
mod object;
mod parse;
mod part;
mod responses;
#[cfg(test)]
mod tests;

pub use json::Json;
pub use part::{FilePart, MessagePart, ToolPart, ToolState};

use std::marker::PhantomData;

use actorstream::proto::api::responses::request::InputItem;
use actorstream::proto::request::body::Body;
use actorstream::{ChatRequest, Message, ResponseRequest};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::event::Failure;

/// The body of a chat request.
///
/// The client controls all of it, including system messages, model responses and tool results. If that matters, use
/// only the last message, and take the others from the application's storage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UiRequest {
    /// The id of the chat.
    pub id: String,
    /// The messages; the last one is to be answered or continued.
    pub messages: Vec<UiMessage>,
    /// Why the response is requested.
    pub trigger: Trigger,
    /// The message that is regenerated, edited or continued, if any.
    pub message_id: Option<String>,
    /// Additional fields: the `body` that the application passes to `useChat`.
    pub extra: Body,
    key: Option<String>,
}

/// Why a response is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trigger {
    /// A message or the result of a tool was submitted.
    #[default]
    SubmitMessage,
    /// A response is to be regenerated.
    RegenerateMessage,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UiMessage {
    /// The id.
    pub id: String,
    /// Its role.
    pub role: UiRole,
    /// Its parts.
    pub parts: Vec<MessagePart>,
    /// The application's metadata.
    pub metadata: Option<Json>,
}

/// The role of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UiRole {
    /// The application, which gives instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl UiRequest {
    /// Parses the body of a request. It takes at most about six times the memory of its text.
    ///
    /// # Errors
    /// A failure with status 400 that describes the error and its location. Duplicate keys in an object are an
    /// error.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse::request(body)
    }

    /// Converts to a request for `POST /chat/completions`.
    ///
    /// Instructions added to it with [`system`](ChatRequest::system) or [`developer`](ChatRequest::developer) are
    /// placed before the conversation.
    ///
    /// Content without a place in the API is omitted: reasoning, sources, data, files from the model, tools that the
    /// provider ran, and calls without an outcome, which the API would refuse.
    pub fn to_chat(&self, model: impl Into<String>) -> ChatRequest {
        let mut messages = Vec::new();
        chat::messages(&self.messages, &mut |message| messages.push(message));
        ChatRequest::new(model).messages(messages)
    }

    /// Converts to a request for `POST /responses`, with the same omissions and the same place for added
    /// instructions as [`to_chat`](Self::to_chat).
    pub fn to_responses(&self, model: impl Into<String>) -> ResponseRequest {
        let mut items = Vec::new();
        responses::items(&self.messages, &mut |item| items.push(item));
        ResponseRequest::new(model).items(items)
    }

    /// Serializes [`to_chat`](Self::to_chat) message by message.
    pub(crate) fn chat_body<'a>(&'a self, model: &'a str) -> impl Serialize + 'a {
        let messages =
            Listed(move |into: &mut dyn FnMut(Message)| chat::messages(&self.messages, into), PhantomData);
        ChatBody { model, messages }
    }

    /// Serializes [`to_responses`](Self::to_responses) item by item.
    pub(crate) fn responses_body<'a>(&'a self, model: &'a str) -> impl Serialize + 'a {
        let input = Listed(
            move |into: &mut dyn FnMut(InputItem)| responses::items(&self.messages, into),
            PhantomData,
        );
        ResponsesBody { model, input }
    }

    /// Returns the id of the message that the response continues: the last one, if it is the model's, for example
    /// because it waited for the output of a tool.
    pub fn continued_message(&self) -> Option<&str> {
        let last = self.messages.last().filter(|last| last.role == UiRole::Assistant)?;
        Some(&last.id)
    }

    /// Checks that the model has something to answer: a text or a file in a last user message, otherwise anything
    /// that [`to_chat`](Self::to_chat) accepts.
    ///
    /// # Errors
    /// A failure with status 400 that names the empty message.
    pub fn check_question(&self) -> Result<(), Failure> {
        let is_asked = match self.messages.last() {
            Some(last) if last.role == UiRole::User => chat::is_shown(last),
            _ => self.messages.iter().any(chat::is_shown),
        };
        if is_asked {
            return Ok(());
        }
        let last = self.messages.len().saturating_sub(1);
        Err(Failure::invalid(format!("messages[{last}].parts: there is nothing for the model to answer")))
    }

    /// Returns a key that distinguishes this request from others of the chat: the same for a repeated request,
    /// another one for every other message, edit or tool result. `None` if each request is a new one: when a response
    /// is regenerated, and without a user message.
    ///
    /// It consists of the id of the last user message, and a hash of the messages from there on.
    pub fn last_user_message_key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

#[derive(serde::Serialize)]
struct ChatBody<'a, M> {
    model: &'a str,
    messages: M,
}

#[derive(serde::Serialize)]
struct ResponsesBody<'a, I> {
    model: &'a str,
    input: I,
}

/// A list whose items are created while it is serialized.
struct Listed<L, T>(L, PhantomData<T>);

impl<T: Serialize, L: Fn(&mut dyn FnMut(T))> Serialize for Listed<L, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut written = Ok(());
        (self.0)(&mut |item| {
            if written.is_ok() {
                written = list.serialize_element(&item);
            }
        });
        written?;
        list.end()
    }
}
