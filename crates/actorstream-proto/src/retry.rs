//! `RetryPolicy`: what is sent again by itself, and when.

use std::time::Duration;

use crate::budget::Budget;
use crate::error::{ErrorKind, StreamError};

/// What is sent again by itself: only a request of which no event was delivered, and only where that is safe. That
/// is: a connection that was not made, and the statuses 408, 409, 429 and from 500 on, unless `x-should-retry` says
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many times a request is sent again at the most. Default: 2, as the official SDKs.
    pub max_retries: u32,
    /// How many times in a row a broken stream that can go on is tried to go on with. Default: 5.
    pub max_resumes: u32,
    /// The wait before the first retry; it doubles with each further one. Default: 500 ms.
    pub base: Duration,
    /// The longest wait of our own making. Default: 8 s.
    pub cap: Duration,
    /// The longest wait that a server may ask for (`retry-after-ms`, `Retry-After`); where it asks for more, the
    /// error is delivered instead. Default: 60 s.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            max_resumes: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Nothing is sent again, and a broken stream stays broken.
    pub fn none() -> Self {
        Self { max_retries: 0, max_resumes: 0, ..Self::default() }
    }

    /// Sets how many times a request is sent again at the most.
    #[must_use]
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// How long to wait before sending the request again, or `None` to deliver the error. `attempts` is how often
    /// it was sent, `jitter` a random number in 0..1, by which our own wait is shortened by up to a quarter so that
    /// clients that failed together do not come back together.
    pub fn wait(&self, error: &StreamError, attempts: u32, jitter: f64) -> Option<Duration> {
        if attempts > self.max_retries || !is_safe(&error.kind) {
            return None;
        }
        match error.retry_after() {
            Some(wait) => (wait <= self.max_retry_after).then_some(wait),
            None => Some(self.backoff(attempts, jitter)),
        }
    }

    /// How long to wait before going on with a broken stream, or `None` to give it up. `kind` is what broke it, or what
    /// the last try to go on came to; `tries` is how many there were since the last event.
    pub fn wait_to_resume(&self, kind: &ErrorKind, tries: u32, jitter: f64) -> Option<Duration> {
        let may_pass = match kind {
            ErrorKind::Truncated { .. } | ErrorKind::Transport { .. } => true,
            ErrorKind::Timeout { budget, .. } => *budget == Budget::Connect,
            ErrorKind::Refused(_) => is_safe(kind),
            _ => false,
        };
        (may_pass && tries < self.max_resumes).then(|| self.backoff(tries + 1, jitter))
    }

    fn backoff(&self, attempts: u32, jitter: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 4.0)
    }
}

fn is_safe(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Refused(refused) => refused.may_pass(),
        ErrorKind::Transport { unsent, .. } => *unsent,
        ErrorKind::Timeout { budget, .. } => *budget == Budget::Connect,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Refused;

    fn refused(status: u16, retry_after: Option<u64>, should_retry: Option<bool>) -> StreamError {
        StreamError::new(ErrorKind::Refused(Arc::new(Refused {
            status,
            error: None,
            body: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
            should_retry,
        })))
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let policy = RetryPolicy::default();
        let retries = |error: &StreamError| policy.wait(error, 1, 0.0).is_some();
        for status in [408, 409, 429, 500, 502, 503, 529] {
            assert!(retries(&refused(status, None, None)), "{status}");
            assert!(!retries(&refused(status, None, Some(false))), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 422] {
            assert!(!retries(&refused(status, None, None)), "{status}");
            assert!(retries(&refused(status, None, Some(true))), "{status}");
        }
        let transport = |unsent| StreamError::new(ErrorKind::Transport { detail: "x".into(), unsent });
        assert!(retries(&transport(true)) && !retries(&transport(false)));
        let timeout = |budget| StreamError::new(ErrorKind::Timeout { budget, after: Duration::ZERO });
        assert!(retries(&timeout(Budget::Connect)) && !retries(&timeout(Budget::FirstEvent)));
        assert!(!retries(&StreamError::new(ErrorKind::truncated("x"))));
        assert!(!retries(&StreamError::new(ErrorKind::Cancelled)));
    }

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_shortens_them() {
        let policy = RetryPolicy::default().max_retries(9);
        let wait =
            |attempts, jitter| policy.wait(&refused(500, None, None), attempts, jitter).unwrap().as_millis();
        assert_eq!((wait(1, 0.0), wait(2, 0.0), wait(3, 0.0), wait(9, 0.0)), (500, 1000, 2000, 8000));
        assert_eq!((wait(1, 1.0), wait(1, 0.5)), (375, 437));
        assert_eq!(policy.wait(&refused(500, None, None), 10, 0.0), None);
    }

    #[test]
    fn the_server_sets_the_wait_up_to_a_bound() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(&refused(429, Some(7), None), 1, 0.9), Some(Duration::from_secs(7)));
        assert_eq!(policy.wait(&refused(429, Some(61), None), 1, 0.0), None);
    }
}
