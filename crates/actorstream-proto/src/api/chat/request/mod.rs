//! Requests for chat completions.
//!
//! [`ChatRequest`] has every field that the API documents; [`field`](ChatRequest::field) sets any other.
//!
//! ```
//! use actorstream_proto::api::chat::ChatRequest;
//!
//! let request = ChatRequest::new("gpt-6-luna")
//!     .system("Be brief.")
//!     .user("What is a monad?")
//!     .temperature(0.2)
//!     .max_completion_tokens(100)
//!     .include_usage()
//!     .field("top_k", 40);
//! ```

mod builder;
mod content;
mod generated;
mod history;
mod message;
mod options;
mod tool;

#[cfg(test)]
mod tests;

pub use crate::answer::tools::FunctionDefinition;
pub use crate::api::audio::request::{Voice, VoiceName};
pub use crate::api::responses::{
    GrammarSyntax, PromptCacheMode, PromptCacheRetention, PromptCacheTtl, ReasoningEffort, SearchContextSize,
    ServiceTier, Verbosity,
};
pub use generated::*;
