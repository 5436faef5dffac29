//! Conversion of errors to the form that viewers receive.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use actorstream::{ApiError, ErrorKind, StreamError};
use serde_json::{Value, json};

use crate::event::Failure;
use crate::log::Reply;
use crate::store::{StoreError, StoreLimit};

/// The error code if upstream refuses the service's credentials.
const CREDENTIALS: &str = "upstream_credentials";

impl Failure {
    /// Creates a failure.
    pub fn new(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: kind.into(), code: None, param: None, status }
    }

    /// Sets a code for programs.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Converts an upstream error. If `told`, the message is upstream's own, which may reveal more about the service
    /// than viewers should know. Otherwise it names only the kind of error. Neither contains a key.
    pub fn of_stream(error: &StreamError, told: bool) -> Self {
        let failure = Self::of_kind(&error.kind);
        match error.api() {
            Some(api) if told => failure.in_the_words_of(api),
            _ => failure,
        }
    }

    fn of_kind(kind: &ErrorKind) -> Self {
        let upstream =
            |status, code: &str, message: &str| Self::new(status, "upstream_error", message).with_code(code);
        match kind {
            ErrorKind::Refused(refused) => Self::of_status(refused.status),
            ErrorKind::Provider(_) => upstream(502, "upstream_failed", "the model's server failed"),
            ErrorKind::Truncated { .. } => upstream(502, "upstream_truncated", "the answer was cut off"),
            ErrorKind::Timeout { .. } | ErrorKind::Quota { .. } => {
                upstream(504, "upstream_timeout", "the model's server did not answer in time")
            }
            ErrorKind::Transport { .. } => {
                upstream(502, "upstream_unreachable", "the model's server cannot be reached")
            }
            ErrorKind::Limit { .. } => upstream(502, "upstream_limit", "the response is too large"),
            ErrorKind::Malformed { .. } | ErrorKind::NotAStream { .. } => {
                upstream(502, "upstream_malformed", "the model's server sent a response that cannot be read")
            }
            ErrorKind::Denied { .. } => {
                Self::new(403, "invalid_request_error", "the service does not allow this request")
                    .with_code("denied")
            }
            ErrorKind::Config { .. } => {
                Self::new(500, "server_error", "the service is misconfigured").with_code("configuration")
            }
            _ => Self::aborted(),
        }
    }

    /// Converts an upstream refusal, preserving the meaning of its status.
    fn of_status(status: u16) -> Self {
        let upstream =
            |code: &str, message: &str| Self::new(status, "upstream_error", message).with_code(code);
        match status {
            401 | 403 => upstream(CREDENTIALS, "the model's server refuses the credentials of this service"),
            402 => upstream(
                "upstream_refused",
                "the account of this service with the model's server cannot pay for it",
            ),
            408 => upstream("upstream_timeout", "the model's server timed out"),
            429 => {
                let message = "the model's server has too many requests; try again later";
                Self::new(status, "rate_limit_error", message).with_code("rate_limit_exceeded")
            }
            400..=499 => Self::new(status, "invalid_request_error", "the model's server refused the request"),
            503 | 529 => upstream("upstream_overloaded", "the model's server is overloaded; try again later"),
            500..=599 => upstream("upstream_refused", "the model's server refused to answer"),
            // Not an error status: a redirect, which is not followed, or no status.
            _ => {
                let message = "the model's server refused to answer";
                Self::new(502, "upstream_error", message).with_code("upstream_refused")
            }
        }
    }

    /// Returns whether upstream refused the service's credentials rather than the client, so that a retry does not
    /// help.
    pub(crate) fn is_of_credentials(&self) -> bool {
        self.code.as_deref() == Some(CREDENTIALS)
    }

    fn in_the_words_of(mut self, api: &ApiError) -> Self {
        self.param.clone_from(&api.param);
        if self.is_of_credentials() {
            // The upstream message alone would seem to refer to the client's credentials.
            self.message = format!("{}: {}", self.message, api.message);
            return self;
        }
        self.message.clone_from(&api.message);
        if let Some(kind) = &api.r#type {
            self.kind.clone_from(kind);
        }
        if api.code.is_some() {
            self.code.clone_from(&api.code);
        }
        self
    }

    /// Returns the failure for a service that ended while it produced the response.
    pub fn aborted() -> Self {
        Self::new(503, "server_error", "the service was interrupted before the answer was complete")
            .with_code("aborted")
    }

    /// Returns the failure for a service that is shutting down.
    pub fn shutdown() -> Self {
        Self::new(503, "server_error", "the service is shutting down; try again later").with_code("shutdown")
    }

    /// Returns the failure for a resource that does not exist or belongs to another owner.
    pub fn not_found() -> Self {
        Self::new(404, "invalid_request_error", "there is no such response, or it has expired")
            .with_code("not_found")
    }

    /// Returns the failure for an invalid request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// Returns the error object in the OpenAI API's format.
    pub fn to_json(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A handler may return a failure: the response has its status, and JSON in the OpenAI API's format.
impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        if matches!(self.status, 429 | 503) {
            response.insert_header((RETRY_AFTER, "1"));
        }
        if self.is_of_credentials() {
            response.insert_header(("x-should-retry", "false"));
        }
        response.json(self.to_json())
    }
}

/// A failure with the upstream headers.
#[derive(Debug)]
pub(crate) struct Refusal {
    failure: Failure,
    reply: Option<Arc<Reply>>,
}

impl Refusal {
    /// Adds the upstream headers of this request.
    pub(crate) fn of(failure: Failure, reply: &Arc<Reply>) -> Self {
        Self { failure, reply: Some(Arc::clone(reply)) }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, reply: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.failure.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let Some(reply) = &self.reply else { return self.failure.error_response() };
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        reply.write(&mut response);
        if self.failure.is_of_credentials() {
            response.insert_header(("x-should-retry", "false"));
        }
        response.json(self.failure.to_json())
    }
}

impl From<StoreLimit> for Failure {
    fn from(limit: StoreLimit) -> Self {
        let status = match limit {
            StoreLimit::Generations | StoreLimit::Memory => 503,
            StoreLimit::Bytes | StoreLimit::Events | StoreLimit::Age => 502,
        };
        Self::new(status, "server_error", limit.to_string()).with_code("limit")
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Full(limit) => limit.into(),
            StoreError::Gap { .. } => {
                Self::new(503, "server_error", "a part of the answer was lost").with_code("log_lost")
            }
            // The store's own error message is for the service's log.
            StoreError::Unavailable(_) => {
                Self::new(503, "server_error", "the service's store cannot be reached; try again later")
                    .with_code("store_unavailable")
            }
            StoreError::Fenced | StoreError::Closed | StoreError::Exists | StoreError::Invalid(_) => {
                Self::aborted()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_keep_their_meaning() {
        for status in [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 451, 500, 502, 503, 504, 529] {
            let failure = Failure::of_status(status);
            assert_eq!((failure.status, failure.status_code().as_u16()), (status, status));
            assert_eq!(failure.is_of_credentials(), matches!(status, 401 | 403), "{status}");
        }
        for status in [0, 100, 301, 399, 600, 999] {
            assert_eq!(Failure::of_status(status).status, 502, "{status}");
        }
    }

    fn provider() -> StreamError {
        let body = json!({"error": {"message": "You sent too much", "type": "t", "code": "c"}});
        StreamError::new(ErrorKind::Provider(ApiError::from_json(&body).unwrap().into()))
    }

    #[test]
    fn upstreams_words_are_told_only_where_they_may_be() {
        let hidden = Failure::of_stream(&provider(), false);
        assert_eq!((hidden.message.as_str(), hidden.status), ("the model's server failed", 502));
        assert_eq!(hidden.code.as_deref(), Some("upstream_failed"));
        let told = Failure::of_stream(&provider(), true);
        assert_eq!((told.message.as_str(), told.kind.as_str()), ("You sent too much", "t"));
        assert_eq!((told.code.as_deref(), told.status), (Some("c"), 502));
    }

    #[test]
    fn store_errors_are_not_exposed() {
        let failure = Failure::from(StoreError::unavailable("redis://:password@host"));
        assert!(!failure.to_json().to_string().contains("password"));
    }
}
