//! `Timings`: when things happened in a stream.

use std::time::{Duration, Instant};

/// When things happened, each counted from the call that started the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// The head of the response had arrived (of the last attempt, if there were retries).
    pub head: Option<Duration>,
    /// The first event had arrived.
    pub first_event: Option<Duration>,
    /// The last event had arrived.
    pub last_event: Option<Duration>,
    /// The stream had ended.
    pub total: Duration,
    /// How many events were data for the target.
    pub events: u64,
    /// How many events were skipped because they were not JSON, which a stream does only when told to.
    pub skipped: u64,
}

/// Takes the times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    started: Instant,
    timings: Timings,
}

impl Stopwatch {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, timings: Timings::default() }
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    pub(crate) fn head(&mut self, now: Instant) {
        self.timings.head = Some(self.since(now));
    }

    pub(crate) fn event(&mut self, now: Instant) {
        let since = self.since(now);
        self.timings.first_event.get_or_insert(since);
        self.timings.last_event = Some(since);
        self.timings.events += 1;
    }

    pub(crate) fn skipped(&mut self) {
        self.timings.skipped += 1;
    }

    pub(crate) fn stop(&self, now: Instant) -> Timings {
        Timings { total: self.since(now), ..self.timings }
    }
}
