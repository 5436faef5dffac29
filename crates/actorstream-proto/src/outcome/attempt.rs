//! `Attempt`: the outcome of one request of a stream.

use std::sync::Arc;
use std::time::Duration;

/// One request for a response, which was sent or could not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The backend; `None` for the client's own server.
    pub backend: Option<Arc<str>>,
    /// The kind of the error ([`ErrorKind::name`](crate::outcome::error::ErrorKind::name)); `None` if the attempt
    /// answered.
    pub error: Option<&'static str>,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
    /// The time from the start of the stream to the failure of the attempt; for one that answered, to its beginning.
    pub at: Duration,
    /// Whether an observer of the client answered in place of the server.
    pub by_observer: bool,
}

impl Attempt {
    /// Returns an attempt that began at this time and answered.
    pub fn answered(backend: Option<Arc<str>>, at: Duration) -> Self {
        Self { backend, error: None, status: None, at, by_observer: false }
    }

    /// Returns an attempt that failed at this time.
    pub fn failed(backend: Option<Arc<str>>, error: &'static str, status: Option<u16>, at: Duration) -> Self {
        Self { backend, error: Some(error), status, at, by_observer: false }
    }
}
