//! Structured output: answers as values of your own types.
//!
//! [`JsonSchema::of`](crate::api::chat::request::JsonSchema::of) creates the schema of a type that derives
//! [`schemars::JsonSchema`]. [`ChatCompletion::structured`](crate::api::chat::ChatCompletion::structured) and
//! [`Response::structured`](crate::api::responses::Response::structured) deserialize the answer into it.
//!
//! ```
//! use actorstream_proto::api::chat::request::{ChatRequest, JsonSchema};
//! use actorstream_proto::api::chat::ChatCompletion;
//! use actorstream_proto::answer::structured::Unstructured;
//!
//! #[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
//! struct Person {
//!     name: String,
//!     age: Option<u8>,
//! }
//!
//! let request = ChatRequest::new("gpt-6-luna")
//!     .user("Ada Lovelace, who died at 36")
//!     .response_format(JsonSchema::of::<Person>());
//!
//! let answer = r#"{"choices":[{"message":{"content":"{\"name\":\"Ada\",\"age\":36}"},"finish_reason":"stop"}]}"#;
//! let answer: ChatCompletion = serde_json::from_str(answer).unwrap();
//! assert_eq!(answer.structured(), Ok(Person { name: "Ada".into(), age: Some(36) }));
//!
//! let refused = r#"{"choices":[{"message":{"refusal":"I will not."},"finish_reason":"stop"}]}"#;
//! let refused: ChatCompletion = serde_json::from_str(refused).unwrap();
//! assert_eq!(refused.structured::<Person>(), Err(Unstructured::Refusal("I will not.".into())));
//! ```

mod answer;
mod schema;

#[cfg(test)]
mod structured_tests;

pub(crate) use answer::{End, read, read_partial};
pub use answer::{Unstructured, parse};
pub use schema::Schema;
