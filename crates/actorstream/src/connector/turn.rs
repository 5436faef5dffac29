//! `Turn`: how long a connector may run without yielding while data keeps arriving.

use crate::stream::clock;
use std::time::{Duration, Instant};

/// How many bytes a stream reads before it yields to the other streams of its thread and the runtime polls their
/// sockets. Most streams process this many bytes in well under a millisecond.
const MOST_READ: usize = 64 << 10;
/// How long a stream reads before it yields, if processing takes longer.
const LONGEST: Duration = Duration::from_millis(2);

/// What a stream has read since it last yielded.
#[derive(Debug)]
pub(super) struct Turn {
    read: usize,
    began: Instant,
}

impl Turn {
    pub(super) fn new(now: Instant) -> Self {
        Self { read: 0, began: now }
    }

    /// Counts bytes that were read.
    pub(super) fn add(&mut self, bytes: usize) {
        self.read += bytes;
    }

    /// Yields to the other streams if this turn has been long enough.
    pub(super) async fn end_if_used_up(&mut self, now: Instant) {
        if self.read < MOST_READ && now.saturating_duration_since(self.began) < LONGEST {
            return;
        }
        // Unlike a task that wakes itself, a task that yields runs again only after the runtime has polled its
        // sockets and timers.
        tokio::task::yield_now().await;
        *self = Self::new(clock::now());
    }

    /// Starts a new turn: the stream has waited, so the others have run.
    pub(super) fn begin_again(&mut self) {
        *self = Self::new(clock::now());
    }
}
