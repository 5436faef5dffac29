//! The Responses API: the events of a streamed response, and the response that they add up to.

mod generated;

pub use generated::*;
