//! What viewers are told of errors.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, ResponseError};
use actorstream::{ApiError, ErrorKind, StreamError};
use serde_json::{Value, json};

use crate::event::Failure;
use crate::store::{StoreError, StoreLimit};

impl Failure {
    /// A failure.
    pub fn new(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: kind.into(), code: None, status }
    }

    /// The same with a code for programs.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// What viewers are told of an error of upstream. With `told` they are told upstream's own words, which may say more
    /// of the service than they should know; without, only what kind of error it is. A key is in neither.
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
            ErrorKind::Refused(refused) => match refused.status {
                // What the caller can do something about.
                status @ (400 | 404 | 409 | 413 | 422) => {
                    Self::new(status, "invalid_request_error", "the model's server refused the request")
                }
                429 => Self::new(
                    429,
                    "rate_limit_error",
                    "the model's server has too many requests; try again later",
                )
                .with_code("rate_limit_exceeded"),
                503 | 529 => {
                    upstream(503, "upstream_overloaded", "the model's server is overloaded; try again later")
                }
                // Among them 401 and 403: the service's own key is at fault, not the caller's.
                _ => upstream(502, "upstream_refused", "the model's server refused to answer"),
            },
            ErrorKind::Provider(_) => upstream(502, "upstream_failed", "the model's server failed"),
            ErrorKind::Truncated { .. } => upstream(502, "upstream_truncated", "the answer was cut off"),
            ErrorKind::Timeout { .. } => {
                upstream(504, "upstream_timeout", "the model's server did not answer in time")
            }
            ErrorKind::Transport { .. } => {
                upstream(502, "upstream_unreachable", "the model's server cannot be reached")
            }
            ErrorKind::Limit { .. } => {
                upstream(502, "upstream_limit", "the answer is larger than one may be")
            }
            ErrorKind::Malformed { .. } | ErrorKind::NotAStream { .. } => {
                upstream(502, "upstream_malformed", "the model's server answered what cannot be read")
            }
            ErrorKind::Config { .. } => {
                Self::new(500, "server_error", "the service is set up wrong").with_code("configuration")
            }
            _ => Self::aborted(),
        }
    }

    fn in_the_words_of(mut self, api: &ApiError) -> Self {
        self.message.clone_from(&api.message);
        if let Some(kind) = &api.r#type {
            self.kind.clone_from(kind);
        }
        if api.code.is_some() {
            self.code.clone_from(&api.code);
        }
        self
    }

    /// The service ended under the answer.
    pub fn aborted() -> Self {
        Self::new(503, "server_error", "the service was interrupted before the answer was complete")
            .with_code("aborted")
    }

    /// The service is going down.
    pub fn shutdown() -> Self {
        Self::new(503, "server_error", "the service is shutting down; try again later").with_code("shutdown")
    }

    /// There is nothing of the name that was asked for, or it is somebody else's.
    pub fn not_found() -> Self {
        Self::new(404, "invalid_request_error", "there is no such answer, or it has expired")
            .with_code("not_found")
    }

    /// What was sent cannot be understood.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// As the OpenAI API words an error.
    pub fn to_json(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": null, "code": self.code}})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A handler may answer with a failure: its status, and JSON as the OpenAI API has it.
impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(self.to_json())
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
            // What a store says of itself is for the service's log.
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
    fn what_a_store_says_of_itself_is_not_told() {
        let failure = Failure::from(StoreError::unavailable("redis://:password@host"));
        assert!(!failure.to_json().to_string().contains("password"));
    }
}
