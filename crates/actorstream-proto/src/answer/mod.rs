//! What the responses of all endpoints have in common: texts, tool calls, usage, structured answers.

pub(crate) mod came;
pub mod finish_reason;
pub mod output;
pub mod partial_answer;
pub(crate) mod places;
pub(crate) mod shape;
#[cfg(feature = "schemars")]
pub mod structured;
pub mod tools;
pub mod usage;
pub(crate) mod verdict;
