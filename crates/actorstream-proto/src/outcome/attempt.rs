//! `Attempt`: what became of one request of a stream.

use std::sync::Arc;
use std::time::Duration;

/// One request that was sent for a response, or that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The backend; `None` for the client's own server.
    pub backend: Option<Arc<str>>,
    /// The kind of the error ([`ErrorKind::name`](crate::outcome::error::ErrorKind::name)); `None` if it answered.
    pub error: Option<&'static str>,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
    /// When it was over, from the start of the stream; for an attempt that answered, when it began.
    pub at: Duration,
}

impl Attempt {
    /// An attempt that answered, and began at this time.
    pub fn answered(backend: Option<Arc<str>>, at: Duration) -> Self {
        Self { backend, error: None, status: None, at }
    }

    /// An attempt that failed at this time.
    pub fn failed(backend: Option<Arc<str>>, error: &'static str, status: Option<u16>, at: Duration) -> Self {
        Self { backend, error: Some(error), status, at }
    }
}
