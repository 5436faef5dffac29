//! `Finish`: how a stream ends when it is complete.

use std::sync::Arc;

use crate::error::StreamError;
use crate::text::Text;
use crate::timings::Timings;
use crate::tools::Round;

/// What the awaited handle of a stream gives.
pub type Outcome<R> = Result<Finish<R>, StreamError>;

/// The end of a complete stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finish<R> {
    /// The complete response, as the unstreamed call would have answered it. Without its texts where keeping them
    /// was switched off.
    pub response: Arc<R>,
    /// Whether the server calls the response complete.
    pub status: Status,
    /// Why each choice ended, in the order of the choices.
    pub finish_reasons: Vec<Text>,
    /// Whether the server said that this is the end (`[DONE]`, or the endpoint's last event). Where it did not, every
    /// choice had ended and the body ended cleanly.
    pub sentinel: bool,
    /// The server's id of the request.
    pub request_id: Option<String>,
    /// When things happened.
    pub timings: Timings,
    /// How many times the request was sent; that of the last round, where there were several.
    pub attempts: u32,
    /// The answers before this one, which called tools that were run, and the results.
    pub rounds: Vec<Round<R>>,
}

impl<R: Clone> Finish<R> {
    /// The response itself, copied only if somebody else still holds it.
    pub fn into_response(self) -> R {
        Arc::unwrap_or_clone(self.response)
    }
}

impl<R> Clone for Finish<R> {
    fn clone(&self) -> Self {
        Self {
            response: Arc::clone(&self.response),
            finish_reasons: self.finish_reasons.clone(),
            request_id: self.request_id.clone(),
            rounds: self.rounds.clone(),
            ..*self
        }
    }
}

/// Whether a finished response is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is.
    Completed,
    /// The server ended it early, and says so (`response.incomplete`).
    Incomplete,
}

impl Status {
    /// The status as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}
