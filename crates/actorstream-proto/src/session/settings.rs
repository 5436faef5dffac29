//! `Settings`: how a stream runs.

use std::sync::Arc;

use crate::endpoint::Framing;
use crate::outcome::secret::Secret;
use crate::session::limits::Limits;
use crate::session::timeouts::Timeouts;

/// How to handle an event that is not JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnMalformed {
    /// End the stream with `Malformed`.
    #[default]
    Fail,
    /// Skip it and count it in the timings.
    Skip,
}

/// How a stream runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The timeouts.
    pub timeouts: Timeouts,
    /// The bounds on what a server can make the stream hold.
    pub limits: Limits,
    /// How to handle an event that is not JSON.
    pub on_malformed: OnMalformed,
    /// Whether the texts of the response are kept.
    pub keep_response: bool,
    /// How many choices were requested.
    pub choices: usize,
    /// Whether a body that ends cleanly is complete, regardless of its events.
    pub ends_on_close: bool,
    /// The framing of the response.
    pub framing: Framing,
    /// Whether an unstreamed response already exists at the server (a `GET`). It is then bounded by
    /// [`Timeout::Lookup`](crate::session::timeouts::Timeout), and otherwise by
    /// [`Timeout::Response`](crate::session::timeouts::Timeout).
    pub lookup: bool,
    /// Whether the body of an unstreamed response is passed on regardless of its content.
    pub verbatim: bool,
    /// Whether a broken stream is resumed, if its accumulator allows it.
    pub resume: bool,
    /// Secrets that errors must not show even if the server repeats them: the API key, and other credentials that are
    /// sent.
    pub secrets: Arc<[Secret]>,
    /// The id of the response, if it is known before the stream reports it.
    pub response_id: Option<String>,
    /// The URL of the request, for error messages.
    pub url: Option<Arc<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            on_malformed: OnMalformed::default(),
            keep_response: true,
            choices: 1,
            ends_on_close: false,
            framing: Framing::Events,
            lookup: false,
            verbatim: false,
            resume: false,
            secrets: Arc::default(),
            response_id: None,
            url: None,
        }
    }
}
