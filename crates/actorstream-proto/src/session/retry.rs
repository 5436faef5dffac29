//! `RetryPolicy`: what is retried, and when.

use std::time::Duration;

use crate::outcome::error::LATER;
use crate::outcome::error::{ErrorKind, StreamError};
use crate::session::timeouts::Timeout;

/// What is retried automatically: only a request of which no event was delivered, and only where a retry is safe.
/// That is: failed connections, and the statuses 408, 409, 429 and 500 and above, unless `x-should-retry` says
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// The maximum number of retries. Default: 2, as in the official SDKs.
    pub max_retries: u32,
    /// The maximum number of consecutive attempts to resume a broken stream. Default: 5.
    pub max_resumes: u32,
    /// The delay before the first retry; it doubles with each further one. Default: 500 ms.
    pub base: Duration,
    /// The longest delay without a request from the server. Default: 8 s.
    pub cap: Duration,
    /// The longest delay that a server may ask for (`retry-after-ms`, `Retry-After`); if it asks for more, the error
    /// is delivered instead. Default: 60 s.
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
    /// Returns a policy without retries and without resumption.
    pub fn none() -> Self {
        Self { max_retries: 0, max_resumes: 0, ..Self::default() }
    }

    /// Sets the maximum number of retries.
    #[must_use]
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// Returns the delay before a retry, or `None` to deliver the error. `attempts` is how often the request was
    /// sent. `jitter` is a random number in 0..1 that shortens the client's own delay by up to a quarter, so that
    /// clients that failed together do not retry together.
    pub fn wait(&self, error: &StreamError, attempts: u32, jitter: f64) -> Option<Duration> {
        if attempts > self.max_retries || !is_safe(&error.kind) {
            return None;
        }
        self.wait_as_asked(error.retry_after(), attempts, jitter)
    }

    /// Returns the delay that the server asks for, if it is within the limit; the client's own if it asks for none.
    fn wait_as_asked(&self, asked: Option<Duration>, attempts: u32, jitter: f64) -> Option<Duration> {
        match asked {
            Some(wait) => (wait <= self.max_retry_after && wait < LATER).then_some(wait),
            None => Some(self.backoff(attempts, jitter)),
        }
    }

    /// Returns the delay before resuming a broken stream, or `None` to give up. `kind` is what broke it, or the
    /// result of the last attempt to resume; `tries` is the number of attempts since the last event. A delay that the
    /// server asks for counts as for a retry.
    pub fn wait_to_resume(&self, kind: &ErrorKind, tries: u32, jitter: f64) -> Option<Duration> {
        let may_pass = match kind {
            ErrorKind::Truncated { .. } | ErrorKind::Transport { .. } => true,
            ErrorKind::Timeout { timeout, .. } => *timeout == Timeout::Connect,
            ErrorKind::Refused(_) => is_safe(kind),
            _ => false,
        };
        if !may_pass || tries >= self.max_resumes {
            return None;
        }
        let asked = match kind {
            ErrorKind::Refused(refused) => refused.retry_after,
            _ => None,
        };
        self.wait_as_asked(asked, tries + 1, jitter)
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
        ErrorKind::Timeout { timeout, .. } => *timeout == Timeout::Connect,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::error::Refused;

    fn refused(status: u16, retry_after: Option<u64>, should_retry: Option<bool>) -> StreamError {
        StreamError::new(ErrorKind::Refused(Arc::new(Refused {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            should_retry,
            ..Refused::default()
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
        let timeout = |timeout| StreamError::new(ErrorKind::Timeout { timeout, after: Duration::ZERO });
        assert!(retries(&timeout(Timeout::Connect)) && !retries(&timeout(Timeout::FirstEvent)));
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
        let going_on = |wait| policy.wait_to_resume(&refused(503, wait, None).kind, 0, 0.0);
        assert_eq!((going_on(Some(7)), going_on(Some(61))), (Some(Duration::from_secs(7)), None));
        assert_eq!(going_on(None), Some(Duration::from_millis(500)));
    }

    #[test]
    fn an_absurd_retry_after_is_not_waited_for() {
        let policy = RetryPolicy { max_retry_after: Duration::MAX, ..RetryPolicy::default() };
        for policy in [RetryPolicy::default(), policy] {
            let mut error = refused(429, None, Some(true));
            let ErrorKind::Refused(refused) = &mut error.kind else { unreachable!() };
            Arc::make_mut(refused).retry_after = Some(LATER);
            assert_eq!(policy.wait(&error, 1, 0.0), None);
            assert_eq!(policy.wait_to_resume(&error.kind, 0, 0.0), None);
        }
    }
}
