//! `Timings`: the times of a stream's phases.

use std::time::{Duration, Instant};

/// The times of a stream's phases, each measured from the call that started the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// How long the call waited for a permit among the client's streams and for its rate limits, in all.
    pub queue: Duration,
    /// When the response head arrived (of the last attempt, if there were retries).
    pub head: Option<Duration>,
    /// When the first event arrived.
    pub first_event: Option<Duration>,
    /// When the last event arrived.
    pub last_event: Option<Duration>,
    /// When the stream ended.
    pub total: Duration,
    /// The number of data events for the target.
    pub events: u64,
    /// The number of events skipped because they were not JSON; only with `OnMalformed::Skip`.
    pub skipped: u64,
}

/// Records the times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    started: Instant,
    head: Option<Instant>,
    first_event: Option<Instant>,
    last_event: Option<Instant>,
    events: u64,
    skipped: u64,
}

impl Stopwatch {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, head: None, first_event: None, last_event: None, events: 0, skipped: 0 }
    }

    pub(crate) fn head(&mut self, now: Instant) {
        self.head = Some(now);
    }

    #[inline]
    pub(crate) fn event(&mut self, now: Instant) {
        self.first_event.get_or_insert(now);
        self.last_event = Some(now);
        self.events += 1;
    }

    pub(crate) fn skipped(&mut self) {
        self.skipped += 1;
    }

    pub(crate) fn stop(&self, now: Instant) -> Timings {
        let since = |instant: Instant| instant.saturating_duration_since(self.started);
        Timings {
            // The driver knows.
            queue: Duration::ZERO,
            head: self.head.map(since),
            first_event: self.first_event.map(since),
            last_event: self.last_event.map(since),
            total: since(now),
            events: self.events,
            skipped: self.skipped,
        }
    }
}
