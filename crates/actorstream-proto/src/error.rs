//! `StreamError`: how a stream ends when it does not finish.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::budget::Budget;
use crate::secret::Secret;
use crate::timings::Timings;

/// Why a stream ended without finishing, and all that a caller acts on.
///
/// It travels as a message, so it is `Clone`, and small; its fields are those of [`ErrorDetails`]. Its `Display` says
/// what happened and what to do; it never shows a key or the prompt.
#[derive(Clone)]
pub struct StreamError(Box<ErrorDetails>);

/// The fields of a [`StreamError`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// What happened.
    pub kind: ErrorKind,
    /// The server's id of the request, to give to its support.
    pub request_id: Option<String>,
    /// When things happened until the error.
    pub timings: Timings,
    /// How many times the request was sent; 0 if it never was.
    pub attempts: u32,
    partial: Option<Partial>,
}

/// What happened to a stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server answered with a status outside 2xx.
    Refused(Arc<Refused>),
    /// The server reported an error inside a stream, or as the body of a 2xx answer.
    Provider(Arc<ApiError>),
    /// The body ended before the answer did.
    Truncated {
        /// How it ended.
        detail: Arc<str>,
    },
    /// An event is not JSON.
    Malformed {
        /// The event's data as text, cut at 4 KiB.
        payload: Arc<str>,
        /// What the parser says.
        detail: Arc<str>,
    },
    /// The answer is 2xx, but no event stream.
    NotAStream {
        /// The answer's `Content-Type`, and its `Content-Encoding` if that is the trouble.
        content_type: Option<Arc<str>>,
        /// The start of the body as text, cut at the limit for error bodies; empty if there was none.
        body: Arc<str>,
    },
    /// A time budget ran out.
    Timeout {
        /// Which one.
        budget: Budget,
        /// How long it was.
        after: Duration,
    },
    /// The connection could not be made, or it broke before an answer came.
    Transport {
        /// What the system or the library says.
        detail: Arc<str>,
        /// Whether it is certain that the server never got the request.
        unsent: bool,
    },
    /// Something outgrew its limit.
    Limit {
        /// What did.
        limit: Limit,
        /// The limit, in bytes.
        max: usize,
    },
    /// The model went on calling tools.
    TooManyRounds {
        /// How many times it was asked.
        max: u32,
    },
    /// The stream was cancelled, by its handle or its `StreamRef`.
    Cancelled,
    /// The thread that ran the stream ended.
    Aborted,
    /// The client was shut down before the stream was started.
    ShutDown,
    /// The target actor stopped, or the receiver was dropped; only the handle sees this.
    TargetStopped,
    /// The target's handler, or the callback, panicked; only the handle sees this.
    TargetPanicked,
    /// The request could not be made as asked.
    Config {
        /// What is wrong and what to do.
        message: Arc<str>,
    },
}

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// One event of the stream.
    Event,
    /// The head of the response.
    Head,
    /// The accumulated response.
    Response,
    /// The body of an answer that is not streamed.
    Body,
}

/// An answer outside 2xx.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The error that the body holds, if one could be read out of it.
    pub error: Option<ApiError>,
    /// The body as text, cut at the limit for error bodies.
    pub body: String,
    /// How long the server asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// What the server says about trying again (`x-should-retry`).
    pub should_retry: Option<bool>,
}

/// An error as the API words it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ApiError {
    /// What went wrong, for people.
    pub message: String,
    /// The class of error, such as `invalid_request_error`.
    pub r#type: Option<String>,
    /// The code, such as `rate_limit_exceeded`; a number reads as its digits.
    pub code: Option<String>,
    /// The request parameter that the error is about.
    pub param: Option<String>,
    /// The error as it came.
    pub raw: Value,
}

/// The accumulated response up to the error; its type is the endpoint's, which an error does not know.
#[derive(Clone)]
struct Partial(Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl StreamError {
    /// An error of this kind, about a request that was never sent.
    pub fn new(kind: ErrorKind) -> Self {
        let timings = Timings::default();
        Self(Box::new(ErrorDetails { kind, request_id: None, timings, attempts: 0, partial: None }))
    }

    /// An error about how the request is made.
    pub fn config(message: impl Into<Arc<str>>) -> Self {
        Self::new(ErrorKind::Config { message: message.into() })
    }

    /// The response up to the error, if anything of one had arrived and the type is the stream's
    /// (`error.partial::<ChatCompletion>()`).
    pub fn partial<R: 'static>(&self) -> Option<&R> {
        self.partial.as_ref()?.0.downcast_ref()
    }

    /// The same error with this partial response.
    #[must_use]
    pub fn with_partial<R: Send + Sync + 'static>(mut self, partial: Arc<R>) -> Self {
        self.partial = Some(Partial(partial));
        self
    }

    /// The HTTP status, if it was outside 2xx.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            ErrorKind::Refused(refused) => Some(refused.status),
            _ => None,
        }
    }

    /// The error as the API words it, if the server gave one.
    pub fn api(&self) -> Option<&ApiError> {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.error.as_ref(),
            ErrorKind::Provider(error) => Some(error),
            _ => None,
        }
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.retry_after,
            _ => None,
        }
    }

    /// The budget that ran out.
    pub fn budget(&self) -> Option<Budget> {
        match &self.kind {
            ErrorKind::Timeout { budget, .. } => Some(*budget),
            _ => None,
        }
    }

    /// Whether the same request, sent again later, may well succeed. What may be sent again *by itself* is narrower:
    /// see the retry policy.
    pub fn is_retryable(&self) -> bool {
        match &self.kind {
            ErrorKind::Refused(refused) => refused.may_pass(),
            ErrorKind::Provider(error) => error.is_transient(),
            ErrorKind::Truncated { .. } | ErrorKind::Timeout { .. } | ErrorKind::Transport { .. } => true,
            ErrorKind::Aborted => true,
            ErrorKind::Malformed { .. }
            | ErrorKind::NotAStream { .. }
            | ErrorKind::Limit { .. }
            | ErrorKind::TooManyRounds { .. }
            | ErrorKind::Cancelled
            | ErrorKind::ShutDown
            | ErrorKind::TargetStopped
            | ErrorKind::TargetPanicked
            | ErrorKind::Config { .. } => false,
        }
    }
}

impl Refused {
    /// Whether the refusal may pass: as the server says, or else by its status.
    pub(crate) fn may_pass(&self) -> bool {
        self.should_retry.unwrap_or(matches!(self.status, 408 | 409 | 429) || self.status >= 500)
    }
}

impl ErrorKind {
    /// The kind's name in logs and in the command's output: `refused`, `provider`, `truncated`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Provider(_) => "provider",
            Self::Truncated { .. } => "truncated",
            Self::Malformed { .. } => "malformed",
            Self::NotAStream { .. } => "not_a_stream",
            Self::Timeout { .. } => "timeout",
            Self::Transport { .. } => "transport",
            Self::Limit { .. } => "limit",
            Self::TooManyRounds { .. } => "too_many_rounds",
            Self::Cancelled => "cancelled",
            Self::Aborted => "aborted",
            Self::ShutDown => "shut_down",
            Self::TargetStopped => "target_stopped",
            Self::TargetPanicked => "target_panicked",
            Self::Config { .. } => "config",
        }
    }

    /// Replaces what must not be shown, such as a key that a server repeats in its error, wherever it stands.
    pub fn redact(&mut self, secret: &Secret) {
        match self {
            Self::Refused(refused) => {
                let refused = Arc::make_mut(refused);
                redact(&mut refused.body, secret);
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
            Self::Transport { detail: text, .. } | Self::Truncated { detail: text } => hide(text, secret),
            Self::Timeout { .. }
            | Self::Limit { .. }
            | Self::TooManyRounds { .. }
            | Self::ShutDown
            | Self::Cancelled
            | Self::Aborted
            | Self::TargetStopped
            | Self::TargetPanicked
            | Self::Config { .. } => {}
        }
    }

    /// A `Truncated` error.
    pub fn truncated(detail: impl Into<Arc<str>>) -> Self {
        Self::Truncated { detail: detail.into() }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => {
                write!(f, "the server answered {}", refused.status)?;
                match &refused.error {
                    Some(error) => write!(f, ": {error}")?,
                    None if refused.body.trim().is_empty() => f.write_str(" with an empty body")?,
                    None => write!(f, ": {}", excerpt(&refused.body))?,
                }
                match refused.status {
                    301 | 302 | 303 | 307 | 308 => {
                        f.write_str("; redirects are not followed, set the base URL to where it leads")
                    }
                    401 => f.write_str("; check the API key"),
                    _ => match refused.retry_after {
                        Some(wait) => write!(f, "; try again in {wait:?}"),
                        None => Ok(()),
                    },
                }
            }
            Self::Provider(error) => write!(f, "the server reported an error: {error}"),
            Self::Truncated { detail } => {
                write!(f, "the answer is cut off: {detail}; what arrived is in the partial response")
            }
            Self::Malformed { payload, detail } => {
                write!(f, "an event is not JSON ({detail}): {}", excerpt(payload))
            }
            Self::NotAStream { content_type, body } => {
                match content_type {
                    Some(content_type) => write!(f, "the answer is no event stream but {content_type}")?,
                    None => f.write_str("the answer is no event stream")?,
                }
                if body.is_empty() {
                    f.write_str(" and empty; check the base URL")
                } else {
                    write!(f, "; check the base URL; it begins: {}", excerpt(body))
                }
            }
            Self::Timeout { budget, after } => {
                write!(f, "{} within {after:?} (the {budget} budget)", budget.missed())
            }
            Self::Transport { detail, .. } => write!(f, "{detail}"),
            Self::Limit { limit, max } => write!(f, "{limit} is over its limit of {max} bytes"),
            Self::TooManyRounds { max } => write!(
                f,
                "the model still calls tools after {max} requests; its last answer is in the partial response, \
                 `Tools::max_rounds` allows for more"
            ),
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
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StreamError {}

impl fmt::Debug for StreamError {
    /// Begins with the message, since this is what `fn main() -> Result<(), StreamError>` prints.
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
        f.write_str(excerpt(&self.message))?;
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

/// The start of a text, for an error message: at most 300 bytes of it.
fn excerpt(text: &str) -> &str {
    const MOST: usize = 300;
    let text = text.trim();
    &text[..text.floor_char_boundary(MOST)]
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
