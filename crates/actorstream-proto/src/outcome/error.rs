//! `StreamError`: how a stream ends when it does not finish.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::outcome::attempt::Attempt;
use crate::outcome::response_head::ResponseHead;
use crate::outcome::round::Round;
use crate::outcome::secret::Secret;
use crate::outcome::timeout::Timeout;
use crate::outcome::timings::Timings;

/// A delay longer than any limit: for an invalid number from a server (negative, infinite, too large for the clock)
/// or text that is not a date.
pub const LATER: Duration = Duration::MAX;

/// Why a stream ended without finishing, with everything a caller needs to handle it.
///
/// It is sent as a message, so it is `Clone` and small; its fields are those of [`ErrorDetails`]. Its `Display`
/// output says what happened and what to do, and never contains a key or the prompt.
#[derive(Clone)]
pub struct StreamError(Box<ErrorDetails>);

/// The fields of a [`StreamError`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// What happened.
    pub kind: ErrorKind,
    /// The server's request id, for its support.
    pub request_id: Option<String>,
    /// The head of the last response, if one arrived: its rate limits, and all its headers.
    pub head: Option<ResponseHead>,
    /// The times of the stream's phases, up to the error.
    pub timings: Timings,
    /// How often the request was sent; 0 if never.
    pub attempts: u32,
    /// The outcome of each request, if there were several. The last one failed with this error, unless it had
    /// answered before the stream failed.
    pub tried: Vec<Attempt>,
    partial: Option<Partial>,
    /// The rounds before the error.
    rounds: Option<Past>,
}

/// The kind of an error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server responded with a status outside 2xx.
    Refused(Arc<Refused>),
    /// The server reported an error inside a stream, or as the body of a 2xx response.
    Provider(Arc<ApiError>),
    /// The body ended before the response was complete, or it is corrupt.
    Truncated {
        /// Describes how it ended.
        detail: Arc<str>,
    },
    /// An event is not JSON, or an unstreamed response is not what was requested.
    Malformed {
        /// The event's data as text, truncated at 4 KiB; or the start of the response, truncated at the limit for
        /// error bodies.
        payload: Arc<str>,
        /// What is wrong with it, including the parser's message.
        detail: Arc<str>,
    },
    /// The response is 2xx, but not an event stream.
    NotAStream {
        /// The response's `Content-Type`, and its `Content-Encoding` if that is the problem.
        content_type: Option<Arc<str>>,
        /// The start of the body as text, truncated at the limit for error bodies; empty if there was none.
        body: Arc<str>,
    },
    /// A timeout expired.
    Timeout {
        /// The timeout.
        timeout: Timeout,
        /// Its duration.
        after: Duration,
    },
    /// The `queue` timeout expired while the client's quota was waited for, or would have.
    Quota {
        /// What the quota is, or why the server asks for a pause.
        detail: Arc<str>,
        /// The duration of the `queue` timeout.
        after: Duration,
    },
    /// The connection could not be made, or it broke before a response arrived.
    Transport {
        /// The message of the system or the library.
        detail: Arc<str>,
        /// Whether the server certainly did not receive the request.
        unsent: bool,
    },
    /// A limit was exceeded.
    Limit {
        /// The exceeded limit.
        limit: Limit,
        /// The limit, in bytes, or in headers.
        max: usize,
    },
    /// The model kept calling tools.
    TooManyRounds {
        /// The number of requests sent to the model.
        max: u32,
    },
    /// An observer of the client refused the request, an event, or the spending of the owner.
    Denied {
        /// Why, in the observer's words.
        message: Arc<str>,
    },
    /// An observer of the client panicked.
    ObserverPanicked,
    /// The stream was cancelled, through its handle or its `StreamRef`.
    Cancelled,
    /// The thread that ran the stream ended.
    Aborted,
    /// The client was shut down before the stream was started.
    ShutDown,
    /// The target actor stopped, or the receiver was dropped; only the handle reports this.
    TargetStopped,
    /// The target's handler, or the callback, panicked; only the handle reports this.
    TargetPanicked,
    /// The request could not be built as configured.
    Config {
        /// Describes what is wrong and what to do.
        message: Arc<str>,
    },
}

/// The subject of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// One event of the stream.
    Event,
    /// The head of the response.
    Head,
    /// The number of headers of the response.
    Headers,
    /// The accumulated response.
    Response,
    /// The body of an unstreamed response.
    Body,
}

/// A response with a status outside 2xx.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The error in the body, if one could be parsed.
    pub error: Option<ApiError>,
    /// The body as text, truncated at the limit for error bodies.
    pub body: String,
    /// How long the server asks to wait before a retry; [`LATER`] for an invalid value.
    pub retry_after: Option<Duration>,
    /// Whether the server asks for a retry (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// The URL of the request, if known.
    pub url: Option<String>,
    /// The target of a redirect (`Location`).
    pub location: Option<String>,
}

/// An error in the API's format.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ApiError {
    /// The message, for people.
    pub message: String,
    /// The class of error, such as `invalid_request_error`.
    pub r#type: Option<String>,
    /// The code, such as `rate_limit_exceeded`; a numeric code as its digits.
    pub code: Option<String>,
    /// The request parameter that the error concerns.
    pub param: Option<String>,
    /// The error as it arrived.
    pub raw: Value,
}

/// The accumulated response up to the error. Its type is the endpoint's, which the error type does not name.
#[derive(Clone)]
struct Partial(Arc<dyn Any + Send + Sync>);

/// The rounds before the error; their type is the endpoint's.
#[derive(Clone)]
struct Past(Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl StreamError {
    /// Creates an error of this kind for a request that was never sent.
    pub fn new(kind: ErrorKind) -> Self {
        let timings = Timings::default();
        Self(Box::new(ErrorDetails {
            kind,
            request_id: None,
            head: None,
            timings,
            attempts: 0,
            tried: Vec::new(),
            partial: None,
            rounds: None,
        }))
    }

    /// Creates an error about the configuration of a request.
    pub fn config(message: impl Into<Arc<str>>) -> Self {
        Self::new(ErrorKind::Config { message: message.into() })
    }

    /// Returns the response up to the error, if any of it had arrived and the type is the stream's
    /// (`error.partial::<ChatCompletion>()`).
    pub fn partial<R: 'static>(&self) -> Option<&R> {
        self.partial.as_ref()?.0.downcast_ref()
    }

    /// Sets the partial response.
    #[must_use]
    pub fn with_partial<R: Send + Sync + 'static>(mut self, partial: Arc<R>) -> Self {
        self.partial = Some(Partial(partial));
        self
    }

    /// Returns the rounds before the error: the responses that called tools, with the results and the usage of each
    /// (`error.rounds::<ChatCompletion>()`). Empty if the type is not the stream's. If the error stopped running
    /// tools, the last round is that of these tools.
    ///
    /// The effects of these tools remain: a caller that retries can continue from the results.
    pub fn rounds<R: 'static>(&self) -> &[Round<R>] {
        let rounds = self.rounds.as_ref().and_then(|rounds| rounds.0.downcast_ref::<Vec<Round<R>>>());
        rounds.map_or(&[], Vec::as_slice)
    }

    /// Adds the previous rounds. If nothing of a later response has arrived, the last response becomes the
    /// [`partial`](Self::partial) one.
    pub fn add_rounds<R: Send + Sync + 'static>(&mut self, rounds: Vec<Round<R>>) {
        if self.partial.is_none()
            && let Some(last) = rounds.last()
        {
            self.partial = Some(Partial(Arc::clone(&last.response) as _));
        }
        self.rounds = Some(Past(Arc::new(rounds)));
    }

    /// Returns the HTTP status, if it was outside 2xx.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            ErrorKind::Refused(refused) => Some(refused.status),
            _ => None,
        }
    }

    /// Returns the error in the API's format, if the server sent one.
    pub fn api(&self) -> Option<&ApiError> {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.error.as_ref(),
            ErrorKind::Provider(error) => Some(error),
            _ => None,
        }
    }

    /// Returns how long the server asks to wait before a retry; [`LATER`] for an invalid value.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.retry_after,
            _ => None,
        }
    }

    /// Returns the timeout that expired.
    pub fn timeout(&self) -> Option<Timeout> {
        match &self.kind {
            ErrorKind::Timeout { timeout, .. } => Some(*timeout),
            ErrorKind::Quota { .. } => Some(Timeout::Queue),
            _ => None,
        }
    }

    /// Returns whether the same request may succeed later. The conditions for an automatic retry are narrower: see
    /// the retry policy.
    pub fn is_retryable(&self) -> bool {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.may_pass(),
            ErrorKind::Provider(error) => error.is_transient(),
            ErrorKind::Truncated { .. } | ErrorKind::Timeout { .. } | ErrorKind::Transport { .. } => true,
            ErrorKind::Quota { .. } | ErrorKind::Aborted => true,
            ErrorKind::Malformed { .. }
            | ErrorKind::NotAStream { .. }
            | ErrorKind::Limit { .. }
            | ErrorKind::TooManyRounds { .. }
            | ErrorKind::Denied { .. }
            | ErrorKind::ObserverPanicked
            | ErrorKind::Cancelled
            | ErrorKind::ShutDown
            | ErrorKind::TargetStopped
            | ErrorKind::TargetPanicked
            | ErrorKind::Config { .. } => false,
        }
    }
}

impl Limit {
    /// Returns the field of [`Limits`](crate::session::limits::Limits) that sets this limit; `None` for a fixed
    /// limit.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Self::Event => Some("event"),
            Self::Head => Some("head"),
            Self::Headers => None,
            Self::Response => Some("response"),
            Self::Body => Some("body"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status)?;
        match &self.error {
            Some(error) => write!(f, ": {error}")?,
            None if self.body.trim().is_empty() => f.write_str(" with an empty body")?,
            None => write!(f, ": {}", excerpt(&self.body))?,
        }
        match (self.status, &self.url, &self.location) {
            (300..=399, _, Some(location)) => write!(
                f,
                "; it redirects to {}, and redirects are not followed; set the base URL accordingly",
                excerpt(location)
            ),
            (300..=399, _, None) => {
                f.write_str("; redirects are not followed; set the base URL to the target")
            }
            (401, ..) => f.write_str("; check the API key"),
            (404 | 405, Some(url), _) => {
                write!(f, "; the URL is {url}")?;
                if has_version(url) { Ok(()) } else { f.write_str(", and most base URLs end in /v1") }
            }
            _ => match self.retry_after {
                Some(LATER) => f.write_str("; its Retry-After is not a valid time, so try again much later"),
                Some(wait) => write!(f, "; try again in {wait:?}"),
                None => Ok(()),
            },
        }
    }
}

/// Returns whether a path segment is an API version: `v1`, `v1beta`.
fn has_version(url: &str) -> bool {
    url.split(['?', '#']).next().unwrap_or_default().split('/').skip(3).any(|segment| {
        let mut rest = segment.bytes();
        matches!(rest.next(), Some(b'v' | b'V')) && rest.next().is_some_and(|digit| digit.is_ascii_digit())
    })
}

impl Refused {
    /// Returns whether the refusal is transient: as the server states, or else by its status.
    pub(crate) fn may_pass(&self) -> bool {
        self.should_retry.unwrap_or(matches!(self.status, 408 | 409 | 429) || self.status >= 500)
    }
}

impl ErrorKind {
    /// Returns the name of the kind in logs and in the command's output: `refused`, `provider`, `truncated`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Provider(_) => "provider",
            Self::Truncated { .. } => "truncated",
            Self::Malformed { .. } => "malformed",
            Self::NotAStream { .. } => "not_a_stream",
            Self::Timeout { .. } | Self::Quota { .. } => "timeout",
            Self::Transport { .. } => "transport",
            Self::Limit { .. } => "limit",
            Self::TooManyRounds { .. } => "too_many_rounds",
            Self::Denied { .. } => "denied",
            Self::ObserverPanicked => "observer_panicked",
            Self::Cancelled => "cancelled",
            Self::Aborted => "aborted",
            Self::ShutDown => "shut_down",
            Self::TargetStopped => "target_stopped",
            Self::TargetPanicked => "target_panicked",
            Self::Config { .. } => "config",
        }
    }

    /// Removes a secret, such as a key that a server repeats in its error, wherever it occurs.
    pub fn redact(&mut self, secret: &Secret) {
        match self {
            Self::Refused(refused) => {
                let refused = Arc::make_mut(refused);
                redact(&mut refused.body, secret);
                for text in [&mut refused.url, &mut refused.location].into_iter().flatten() {
                    redact(text, secret);
                }
                if let Some(error) = &mut refused.error {
                    error.redact(secret);
                }
            }
            Self::Provider(error) => Arc::make_mut(error).redact(secret),
            Self::Malformed { payload, detail } => {
                [payload, detail].into_iter().for_each(|text| hide(text, secret));
            }
            Self::NotAStream { content_type, body } => {
                content_type.iter_mut().chain([body]).for_each(|text| hide(text, secret));
            }
            Self::Transport { detail: text, .. }
            | Self::Truncated { detail: text }
            | Self::Denied { message: text } => hide(text, secret),
            Self::Timeout { .. }
            | Self::Quota { .. }
            | Self::Limit { .. }
            | Self::TooManyRounds { .. }
            | Self::ObserverPanicked
            | Self::ShutDown
            | Self::Cancelled
            | Self::Aborted
            | Self::TargetStopped
            | Self::TargetPanicked
            | Self::Config { .. } => {}
        }
    }

    /// Creates a `Truncated` error.
    pub fn truncated(detail: impl Into<Arc<str>>) -> Self {
        Self::Truncated { detail: detail.into() }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Provider(error) => write!(f, "the server reported an error: {error}"),
            Self::Truncated { detail } => write!(f, "the answer is cut off: {detail}"),
            Self::Malformed { payload, detail } => {
                f.write_str(detail)?;
                if payload.trim().is_empty() { Ok(()) } else { write!(f, ": {}", excerpt(payload)) }
            }
            Self::NotAStream { content_type, body } if body.trim().is_empty() => match content_type {
                Some(content_type) => {
                    write!(f, "the server sent an empty body ({content_type}); check the base URL")
                }
                None => f.write_str("the server sent an empty body; check the base URL"),
            },
            Self::NotAStream { content_type, body } => {
                let body = excerpt(body);
                match content_type.as_deref() {
                    Some(events) if events.starts_with("text/event-stream") => {
                        write!(
                            f,
                            "the server sent {events}, but the body is not an event stream; it begins: {body}"
                        )
                    }
                    Some(content_type) => {
                        write!(
                            f,
                            "the server sent {content_type} instead of an event stream; check the base URL; it begins: {body}"
                        )
                    }
                    None => {
                        write!(
                            f,
                            "the server did not send an event stream; check the base URL; the body begins: {body}"
                        )
                    }
                }
            }
            Self::Timeout { timeout, after } => {
                write!(f, "{} within {after:?} (the {timeout} timeout)", timeout.missed())
            }
            Self::Quota { detail, after } => write!(
                f,
                "the quota had no room within {after:?} (the {} timeout): {detail}; send less, or raise the quota or the \
                 timeout",
                Timeout::Queue
            ),
            Self::Transport { detail, .. } => write!(f, "{detail}"),
            Self::Limit { limit: limit @ Limit::Headers, max } => {
                write!(f, "{limit} exceeds its limit of {max}")
            }
            Self::Limit { limit, max } => {
                write!(f, "{limit} exceeds its limit of {max} bytes")?;
                match limit.setting() {
                    Some(setting) => write!(f, "; `Limits::{setting}` raises the limit"),
                    None => Ok(()),
                }
            }
            Self::TooManyRounds { max } => write!(
                f,
                "the model still calls tools after {max} requests; its last answer is the partial response; \
                 `Tools::max_rounds` raises the limit"
            ),
            Self::Denied { message } => f.write_str(message),
            Self::ObserverPanicked => {
                f.write_str("an observer of the client panicked, so the stream was ended")
            }
            Self::Cancelled => f.write_str("the stream was cancelled"),
            Self::Aborted => f.write_str("the thread that ran the stream ended before the stream did"),
            Self::ShutDown => f.write_str("the client was shut down; it starts no more streams"),
            Self::TargetStopped => f.write_str("the target stopped before the stream ended"),
            Self::TargetPanicked => f.write_str("the target panicked before the stream ended"),
            Self::Config { message } => f.write_str(message),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let (ErrorKind::Truncated { .. }, Some(_)) = (&self.kind, &self.partial) {
            f.write_str("; what arrived is in the partial response")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StreamError {}

impl fmt::Debug for StreamError {
    /// Starts with the message, since `fn main() -> Result<(), StreamError>` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}; ")?;
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Deref for StreamError {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl DerefMut for StreamError {
    fn deref_mut(&mut self) -> &mut ErrorDetails {
        &mut self.0
    }
}

impl From<ErrorKind> for StreamError {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt(&self.message))?;
        let mut open = " (";
        for (name, value) in [("type", &self.r#type), ("code", &self.code), ("param", &self.param)] {
            if let Some(value) = value {
                write!(f, "{open}{name} {}", excerpt(value))?;
                open = ", ";
            }
        }
        if open == ", " { f.write_str(")") } else { Ok(()) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "an event of the stream",
            Self::Head => "the head of the response",
            Self::Headers => "the number of headers of the response",
            Self::Response => "the accumulated response",
            Self::Body => "the body of the response",
        })
    }
}

fn redact(text: &mut String, secret: &Secret) {
    if let Cow::Owned(redacted) = secret.redact(text) {
        *text = redacted;
    }
}

fn hide(text: &mut Arc<str>, secret: &Secret) {
    if let Cow::Owned(redacted) = secret.redact(text) {
        *text = redacted.into();
    }
}

impl ApiError {
    fn redact(&mut self, secret: &Secret) {
        redact(&mut self.message, secret);
        for text in [&mut self.r#type, &mut self.code, &mut self.param].into_iter().flatten() {
            redact(text, secret);
        }
        redact_json(&mut self.raw, secret);
    }
}

fn redact_json(json: &mut Value, secret: &Secret) {
    match json {
        Value::String(text) => redact(text, secret),
        Value::Array(list) => list.iter_mut().for_each(|json| redact_json(json, secret)),
        Value::Object(object) => {
            if object.keys().any(|name| matches!(secret.redact(name), Cow::Owned(_))) {
                let fields = std::mem::take(object).into_iter();
                *object = fields.map(|(name, json)| (secret.redact(&name).into_owned(), json)).collect();
            }
            object.values_mut().for_each(|json| redact_json(json, secret));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Shortens a text for an error message: its start and an ellipsis, if it is longer than 600 bytes.
fn excerpt(text: &str) -> Cow<'_, str> {
    const MOST: usize = 600;
    let text = text.trim();
    if text.len() <= MOST {
        return Cow::Borrowed(text);
    }
    let start = &text[..text.floor_char_boundary(MOST)];
    Cow::Owned(format!("{start}… ({} bytes more)", text.len() - start.len()))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
