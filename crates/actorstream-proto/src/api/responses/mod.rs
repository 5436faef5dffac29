//! The Responses API: `POST /responses`, the events of a streamed response, and the response that they add up to.

mod accumulator;
mod decode;
mod deltas;
mod dialect;
mod endpoint;
mod event;
mod generated;
mod input_tokens;
mod items;
mod json;
mod logprobs;
mod merge;
mod pattern;
pub mod request;
mod response;
#[cfg(feature = "schemars")]
mod structured;
mod tools;
mod view;

pub use accumulator::ResponseAccumulator;
pub use deltas::ResponseDeltas;
pub use endpoint::{Responses, ResumeResponse};
pub use event::ResponseEvent;
pub use generated::*;
pub use input_tokens::InputTokens;
pub use request::{InputTokenCountRequest, InputTokenCountResponse, ResponseRequest};
pub use view::ResponseView;
