//! `Finish`: how a stream ends when it is complete.

use std::sync::Arc;

use crate::json::text::Text;
use crate::outcome::attempt::Attempt;
use crate::outcome::error::StreamError;
use crate::outcome::response_head::ResponseHead;
use crate::outcome::round::{Round, ToolResult};
use crate::outcome::timings::Timings;
use crate::outcome::tokens::Tokens;

/// The result of awaiting a stream's handle.
pub type Outcome<R> = Result<Finish<R>, StreamError>;

/// The end of a complete stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finish<R> {
    /// The complete response, as the unstreamed call would have returned it, without its texts if `keep_response` is
    /// off.
    pub response: Arc<R>,
    /// Whether the server reports the response as complete.
    pub status: Status,
    /// The finish reason of each choice, in the order of the choices.
    pub finish_reasons: Vec<Text>,
    /// Whether the server marked the end (`[DONE]`, or the endpoint's last event). If it did not, every choice had
    /// ended and the body ended cleanly.
    pub sentinel: bool,
    /// The server's request id.
    pub request_id: Option<String>,
    /// The head of the response: its rate limits, and all its headers. `None` if the driver of the session reported none.
    pub head: Option<ResponseHead>,
    /// The times of the stream's phases.
    pub timings: Timings,
    /// How often the request was sent; if there were several rounds, that of the last one.
    pub attempts: u32,
    /// The outcome of each request for this response, if the first one did not answer. The last one answered.
    pub tried: Vec<Attempt>,
    /// The previous responses, which called tools, and the results.
    pub rounds: Vec<Round<R>>,
    /// The results of the calls of `Tools` in this response, if it also contains calls that the caller must answer.
    /// To continue, add the response, these results and your own to the next request.
    pub results: Vec<ToolResult>,
    /// The total usage of all rounds and this response, as far as the server reports it; [`Round::usage`] is the
    /// usage of each round. Boxed, since it is rare and an end is sent as a message.
    pub usage: Option<Box<Tokens>>,
}

impl<R: Clone> Finish<R> {
    /// Returns the response; it is cloned only if it is shared.
    pub fn into_response(self) -> R {
        Arc::unwrap_or_clone(self.response)
    }
}

impl<R> Finish<R> {
    /// Adds the previous rounds, whose tokens count towards [`usage`](Self::usage).
    pub fn add_rounds(&mut self, rounds: Vec<Round<R>>) {
        let last = self.usage.as_deref().copied();
        let usages = rounds.iter().map(|round| round.usage).chain([last]);
        self.usage = Tokens::sum(usages.flatten()).map(Box::new);
        self.rounds = rounds;
    }
}

impl<R> Clone for Finish<R> {
    fn clone(&self) -> Self {
        Self {
            response: Arc::clone(&self.response),
            finish_reasons: self.finish_reasons.clone(),
            request_id: self.request_id.clone(),
            head: self.head.clone(),
            tried: self.tried.clone(),
            rounds: self.rounds.clone(),
            results: self.results.clone(),
            usage: self.usage.clone(),
            ..*self
        }
    }
}

/// Whether a finished response is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The response is complete.
    Completed,
    /// The server ended it early and reports that (`response.incomplete`).
    Incomplete,
}

impl Status {
    /// Returns the status in the API's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}
