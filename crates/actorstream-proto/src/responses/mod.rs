//! The Responses API: `POST /responses`, the events of a streamed response, and the response that they add up to.

mod accumulator;
mod endpoint;
mod event;
mod generated;
mod pattern;
pub mod request;
mod view;

pub use accumulator::{ResponseAccumulator, ResponseDeltas};
pub use endpoint::{Responses, ResumeResponse};
pub use event::ResponseEvent;
pub use generated::*;
pub use request::ResponseRequest;
pub use view::ResponseView;
