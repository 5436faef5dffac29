//! What the AI SDK's `useChat` sends: a chat with its messages, as JSON.
//!
//! ```
//! use actorstream_web::ui_request::UiRequest;
//!
//! let body = br#"{"id": "chat_1", "trigger": "submit-message", "messages": [
//!     {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}]}"#;
//! let request = UiRequest::parse(body).unwrap();
//! let chat = request.to_chat("gpt-4.1").system("Answer in verse.");
//! assert_eq!(chat.messages.len(), 2);
//!
//! let failure = UiRequest::parse(br#"{"id": "chat_1", "messages": [{"role": "user"}]}"#).unwrap_err();
//! assert_eq!((failure.status, failure.message.as_str()), (400, "messages[0].id: a string is missing"));
//! ```

mod chat;
mod key;
mod parse;
mod part;
mod responses;
#[cfg(test)]
mod tests;

pub use part::{FilePart, MessagePart, ToolPart, ToolState};

use actorstream::{ChatRequest, ResponseRequest};
use serde_json::{Map, Value};

use crate::event::Failure;

/// The body of a request for an answer.
///
/// All of it is what the client says: system messages, answers of the model and results of tools too. Where that matters,
/// take the last message alone, and the others from where you keep them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UiRequest {
    /// The id of the chat.
    pub id: String,
    /// The messages, the last one to be answered, or to be gone on with.
    pub messages: Vec<UiMessage>,
    /// Why the answer is asked for.
    pub trigger: Trigger,
    /// The message that is made again, edited or gone on with, if one is.
    pub message_id: Option<String>,
    /// Further fields: the `body` that the application gives to `useChat`.
    pub extra: Map<String, Value>,
    key: Option<String>,
}

/// Why an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Trigger {
    /// A message was sent, or the result of a tool.
    #[default]
    SubmitMessage,
    /// An answer is to be made again.
    RegenerateMessage,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UiMessage {
    /// The id.
    pub id: String,
    /// Whose it is.
    pub role: UiRole,
    /// What it is made of.
    pub parts: Vec<MessagePart>,
    /// What the application keeps beside it.
    pub metadata: Option<Value>,
}

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UiRole {
    /// The application's, with instructions.
    System,
    /// The user's.
    User,
    /// The model's.
    Assistant,
}

impl UiRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// A failure of the status 400 that says what is wrong and where.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse::request(body)
    }

    /// The request to the model by `POST /chat/completions`.
    ///
    /// What that API has no place for is left out: reasoning, sources, data, files that the model made, tools that the
    /// provider ran, and calls without an outcome, which the API would refuse.
    pub fn to_chat(&self, model: impl Into<String>) -> ChatRequest {
        ChatRequest::new(model).messages(chat::messages(&self.messages))
    }

    /// The request to the model by `POST /responses`. It leaves out what [`to_chat`](Self::to_chat) leaves out.
    pub fn to_responses(&self, model: impl Into<String>) -> ResponseRequest {
        ResponseRequest::new(model).items(responses::items(&self.messages))
    }

    /// What tells this request from others of the chat: the same for a request that is sent again, another one for every
    /// other message, edit or tool result. `None` where each request is a new one, which is so when an answer is made
    /// again, and without a message of the user's.
    ///
    /// It is the id of the last message of the user's, and a hash of what comes from there on.
    pub fn last_user_message_key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}
