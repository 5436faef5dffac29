//! Requests for responses.
//!
//! [`ResponseRequest`] has every field that the API documents; [`field`](ResponseRequest::field) sets any other.
//!
//! ```
//! use actorstream_proto::api::responses::request::{InputMessage, ResponseRequest, Tool};
//! use serde_json::json;
//!
//! let request = ResponseRequest::new("gpt-6-luna").instructions("Be brief.").input("Hello").reasoning_effort("low");
//!
//! let next = ResponseRequest::new("gpt-6-luna")
//!     .previous_response_id("resp_1")
//!     .function_output("call_1", "sunny")
//!     .message(InputMessage::user("And tomorrow?"))
//!     .tool(Tool::function("get_weather").parameters(json!({"type": "object"})))
//!     .tool(Tool::web_search());
//! ```

mod builder;
mod content;
mod generated;
mod history;
mod input;
mod tool;

#[cfg(test)]
mod item_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tool_tests;

pub use super::generated::*;
pub use crate::api::chat::request::{InputAudio, InputAudioFormat, JsonSchema, Moderation, ModerationMode};
pub use generated::*;
