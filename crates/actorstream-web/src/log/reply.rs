//! `Reply`: upstream's reply, except the events of its response.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actorstream::ResponseHead;
use tokio::sync::watch;
use tokio::time::timeout;

/// The headers that are passed on to the client, in addition to all that begin with `x-ratelimit-`.
const PASSED_ON: [&str; 7] = [
    "x-request-id",
    "openai-processing-ms",
    "openai-version",
    "openai-model",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
];

/// Upstream's reply, except the events of its response, for the client of this request. It is not in the log.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    said: Mutex<Said>,
    of_log: watch::Sender<OfLog>,
}

/// Whether the reply belongs to the response in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum OfLog {
    /// Not known yet: the log has accepted nothing of the response.
    #[default]
    Open,
    /// Yes: the log has accepted the first entries of the response.
    Yes,
    /// No: another producer requests the response.
    No,
}

#[derive(Debug, Default)]
struct Said {
    headers: Vec<(String, String)>,
    content_type: Option<String>,
}

/// How long to wait for the store to acknowledge entries that it already shows.
const ACKNOWLEDGED: Duration = Duration::from_secs(1);

impl Reply {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the head of a response, replacing that of a previous attempt.
    pub(crate) fn read(&self, head: &ResponseHead) {
        let is_passed_on = |name: &str| PASSED_ON.contains(&name) || name.starts_with("x-ratelimit-");
        let headers = head.headers().filter(|(name, _)| is_passed_on(name));
        let mut said = self.said();
        said.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        said.content_type = head.header("content-type").map(str::to_owned);
    }

    /// Adds the headers to a response builder.
    pub(crate) fn write(&self, response: &mut HttpResponseBuilder) {
        for (name, value) in &self.said().headers {
            response.insert_header((name.as_str(), value.as_str()));
        }
    }

    /// Adds the headers to an existing response.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.said().headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                headers.insert(name, value);
            }
        }
    }

    /// Records that the log has accepted entries of this response.
    pub(super) fn is_logged(&self) {
        self.decide(OfLog::Yes);
    }

    /// Records that the log accepts nothing more of this response.
    pub(super) fn is_lost(&self) {
        self.decide(OfLog::No);
    }

    fn decide(&self, decided: OfLog) {
        self.of_log.send_if_modified(|of_log| {
            let is_open = *of_log == OfLog::Open;
            if is_open {
                *of_log = decided;
            }
            is_open
        });
    }

    /// Waits until it is known whether the reply belongs to the response in the log, whose first entry may be from
    /// another producer. Returns `true` if it does.
    pub(crate) async fn is_of_first_entry(&self) -> bool {
        let mut of_log = self.of_log.subscribe();
        let decided = timeout(ACKNOWLEDGED, of_log.wait_for(|of_log| *of_log != OfLog::Open)).await;
        matches!(decided, Ok(Ok(of_log)) if *of_log == OfLog::Yes)
    }

    /// Returns whether the reply may belong to the response in the log: no takeover is known.
    pub(crate) fn may_be_of_log(&self) -> bool {
        *self.of_log.borrow() != OfLog::No
    }

    pub(crate) fn content_type(&self) -> Option<String> {
        self.said().content_type.clone()
    }
}
