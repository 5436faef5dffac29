//! `Settings`: how a stream is to be run.

use std::sync::Arc;

use crate::budget::Budgets;
use crate::limits::Limits;
use crate::secret::Secret;

/// What to do with an event that is not JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnMalformed {
    /// End the stream with `Malformed`.
    #[default]
    Fail,
    /// Leave it out and count it in the timings.
    Skip,
}

/// How a stream is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time budgets.
    pub budgets: Budgets,
    /// The bounds on what a server can make the stream hold.
    pub limits: Limits,
    /// What to do with an event that is not JSON.
    pub on_malformed: OnMalformed,
    /// Whether the texts of the response are kept.
    pub keep_response: bool,
    /// How many choices were asked for.
    pub choices: usize,
    /// Whether a body that ends cleanly is complete, whatever its events say.
    pub ends_on_close: bool,
    /// What the answer is made of.
    pub framing: Framing,
    /// Whether a broken stream goes on where it broke, if its accumulator says that it can.
    pub resume: bool,
    /// What no error shows, though the server repeats it: the API key, and whatever else is sent that is secret.
    pub secrets: Arc<[Secret]>,
    /// The id of the response, where it is known before the stream says it.
    pub response_id: Option<String>,
}

/// What an answer is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// An event stream.
    #[default]
    Events,
    /// Bytes: each read is an event.
    Bytes,
    /// One JSON object, or whatever else the endpoint answers.
    Whole,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            budgets: Budgets::default(),
            limits: Limits::default(),
            on_malformed: OnMalformed::default(),
            keep_response: true,
            choices: 1,
            ends_on_close: false,
            framing: Framing::Events,
            resume: false,
            secrets: Arc::default(),
            response_id: None,
        }
    }
}
