//! `Timeouts`: the timeouts of a stream; `Deadlines`: which of them expires next.

use std::cell::Cell;
use std::time::{Duration, Instant};

pub use crate::outcome::timeout::Timeout;

/// The timeouts of a stream. `None` never expires.
///
/// While the target lags behind, nothing is read, and the idle, stall and tail timeouts are paused; the total timeout
/// keeps running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// See [`Timeout::Queue`]. Default: 60 s.
    pub queue: Option<Duration>,
    /// See [`Timeout::Connect`]. Default: 10 s; by then a dead host is detected, and a distant one has responded.
    pub connect: Option<Duration>,
    /// See [`Timeout::FirstEvent`]. Default: 600 s, as in the official SDKs; reasoning models may be silent for
    /// minutes.
    pub first_event: Option<Duration>,
    /// See [`Timeout::Idle`]. Default: 120 s, twice the default of proxies (nginx: 60 s). It also bounds the whole
    /// body of a refusal.
    pub idle: Option<Duration>,
    /// See [`Timeout::Stall`]. Default: 300 s.
    pub stall: Option<Duration>,
    /// See [`Timeout::Tail`]. Default: 5 s; whatever follows the last finish reason, such as the usage, follows
    /// immediately.
    pub tail: Option<Duration>,
    /// See [`Timeout::Response`]. Default: 600 s, as for the first event: the server may be silent while the model
    /// reasons.
    pub response: Option<Duration>,
    /// See [`Timeout::Lookup`]. Default: 30 s; the result already exists.
    pub lookup: Option<Duration>,
    /// See [`Timeout::Resume`]. Default: 60 s; a deploy or a failover is over by then.
    pub resume: Option<Duration>,
    /// See [`Timeout::Total`]. Default: 3600 s; a stream that takes longer is stuck.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            queue: Some(Duration::from_secs(60)),
            connect: Some(Duration::from_secs(10)),
            first_event: Some(Duration::from_secs(600)),
            idle: Some(Duration::from_secs(120)),
            stall: Some(Duration::from_secs(300)),
            tail: Some(Duration::from_secs(5)),
            response: Some(Duration::from_secs(600)),
            lookup: Some(Duration::from_secs(30)),
            resume: Some(Duration::from_secs(60)),
            total: Some(Duration::from_secs(3600)),
        }
    }
}

impl Timeouts {
    /// Returns timeouts that never expire. Use this only for a trusted server, and with another guarantee for the
    /// end.
    pub fn unlimited() -> Self {
        Self {
            queue: None,
            connect: None,
            first_event: None,
            idle: None,
            stall: None,
            tail: None,
            response: None,
            lookup: None,
            resume: None,
            total: None,
        }
    }

    /// Sets the queue timeout.
    #[must_use]
    pub fn queue(mut self, timeout: Duration) -> Self {
        self.queue = Some(timeout);
        self
    }

    /// Sets the connect timeout.
    #[must_use]
    pub fn connect(mut self, timeout: Duration) -> Self {
        self.connect = Some(timeout);
        self
    }

    /// Sets the first-event timeout.
    #[must_use]
    pub fn first_event(mut self, timeout: Duration) -> Self {
        self.first_event = Some(timeout);
        self
    }

    /// Sets the idle timeout.
    #[must_use]
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.idle = Some(timeout);
        self
    }

    /// Sets the stall timeout.
    #[must_use]
    pub fn stall(mut self, timeout: Duration) -> Self {
        self.stall = Some(timeout);
        self
    }

    /// Sets the tail timeout.
    #[must_use]
    pub fn tail(mut self, timeout: Duration) -> Self {
        self.tail = Some(timeout);
        self
    }

    /// Sets the response timeout.
    #[must_use]
    pub fn response(mut self, timeout: Duration) -> Self {
        self.response = Some(timeout);
        self
    }

    /// Sets the lookup timeout.
    #[must_use]
    pub fn lookup(mut self, timeout: Duration) -> Self {
        self.lookup = Some(timeout);
        self
    }

    /// Sets the resume timeout.
    #[must_use]
    pub fn resume(mut self, timeout: Duration) -> Self {
        self.resume = Some(timeout);
        self
    }

    /// Sets the total timeout.
    #[must_use]
    pub fn total(mut self, timeout: Duration) -> Self {
        self.total = Some(timeout);
        self
    }

    /// Returns the duration of a timeout.
    pub fn get(&self, timeout: Timeout) -> Option<Duration> {
        match timeout {
            Timeout::Queue => self.queue,
            Timeout::Connect => self.connect,
            Timeout::FirstEvent => self.first_event,
            Timeout::Idle => self.idle,
            Timeout::Stall => self.stall,
            Timeout::Tail => self.tail,
            Timeout::Response => self.response,
            Timeout::Lookup => self.lookup,
            Timeout::Resume => self.resume,
            Timeout::Total => self.total,
        }
    }
}

/// The timeouts that are paused while nothing is read.
const SERVERS_SILENCE: [Timeout; 3] = [Timeout::Idle, Timeout::Stall, Timeout::Tail];

/// The running timeouts of one stream: for each, the instant at which it started, or `None` if it is stopped. How long
/// they are is passed to the methods, always the same [`Timeouts`], which streams share with their settings.
#[derive(Debug, Clone)]
pub struct Deadlines {
    started: [Option<Instant>; Timeout::ALL.len()],
    /// Since when the timeouts for the server's silence are paused.
    held: Option<Instant>,
    /// None expires before this.
    none_before: Cell<Option<Instant>>,
}

impl Deadlines {
    /// Creates deadlines: the total timeout starts at `now`; the others are stopped.
    pub fn new(timeouts: &Timeouts, now: Instant) -> Self {
        let mut deadlines =
            Self { started: [None; Timeout::ALL.len()], held: None, none_before: Cell::new(None) };
        deadlines.start(timeouts, Timeout::Total, now);
        deadlines
    }

    /// Starts or restarts a timeout.
    #[inline]
    pub fn start(&mut self, timeouts: &Timeouts, timeout: Timeout, now: Instant) {
        let before = self.started[timeout as usize].replace(now);
        // A restarted timeout expires later than before.
        if before.is_none_or(|before| before > now) {
            self.nearer(timeouts, timeout, now);
        }
    }

    fn nearer(&mut self, timeouts: &Timeouts, timeout: Timeout, started: Instant) {
        let end = timeouts.get(timeout).and_then(|timeout| started.checked_add(timeout));
        if let Some(end) = end.filter(|end| self.none_before.get().is_none_or(|instant| *end < instant)) {
            self.none_before.set(Some(end));
        }
    }

    /// Stops a timeout.
    #[inline]
    pub fn stop(&mut self, timeout: Timeout) {
        self.started[timeout as usize] = None;
    }

    /// Pauses the timeouts for the server's silence (idle, stall and tail) while the target lags behind.
    pub fn hold(&mut self, now: Instant) {
        self.held.get_or_insert(now);
    }

    /// Resumes the paused timeouts.
    pub fn release(&mut self, timeouts: &Timeouts, now: Instant) {
        let Some(since) = self.held.take() else { return };
        let time = now.saturating_duration_since(since);
        for timeout in SERVERS_SILENCE {
            let started = self.started[timeout as usize].and_then(|started| started.checked_add(time));
            self.started[timeout as usize] = started;
            // Deadlines computed during the pause did not include it.
            if let Some(started) = started {
                self.nearer(timeouts, timeout, started);
            }
        }
    }

    /// Returns whether the timeout is running.
    pub fn runs(&self, timeout: Timeout) -> bool {
        self.started[timeout as usize].is_some()
    }

    /// Returns the timeout that expires first, and when. `None` if none is running.
    pub fn next(&self, timeouts: &Timeouts) -> Option<(Instant, Timeout)> {
        let next = Timeout::ALL
            .into_iter()
            .filter_map(|timeout| {
                let started = self.started[timeout as usize]?;
                if self.held.is_some() && SERVERS_SILENCE.contains(&timeout) {
                    return None;
                }
                // A timeout beyond the clock's range never expires.
                Some((started.checked_add(timeouts.get(timeout)?)?, timeout))
            })
            .min_by_key(|(at, _)| *at);
        self.none_before.set(next.map(|(at, _)| at));
        next
    }

    /// Returns an instant before which no timeout expires. It is cheaper to compute than [`next`](Self::next), and
    /// not later. `None` if none is running.
    #[inline]
    pub fn none_before(&self) -> Option<Instant> {
        self.none_before.get()
    }

    /// Returns the timeout that has expired by `now`, and its duration.
    pub fn expired(&self, timeouts: &Timeouts, now: Instant) -> Option<(Timeout, Duration)> {
        let (at, timeout) = self.next(timeouts)?;
        (at <= now).then(|| (timeout, timeouts.get(timeout).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_run_out_is_named() {
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        let timeouts = Timeouts::default().total(Duration::from_secs(100)).idle(Duration::from_secs(5));
        let mut deadlines = Deadlines::new(&timeouts, start);
        assert_eq!(deadlines.next(&timeouts), Some((second(100), Timeout::Total)));
        deadlines.start(&timeouts, Timeout::Idle, second(1));
        assert_eq!(deadlines.expired(&timeouts, second(5)), None);
        assert_eq!(deadlines.expired(&timeouts, second(6)), Some((Timeout::Idle, Duration::from_secs(5))));
        deadlines.start(&timeouts, Timeout::Idle, second(6));
        assert_eq!(deadlines.expired(&timeouts, second(6)), None);
        assert_eq!(deadlines.none_before(), Some(second(11)));
        deadlines.start(&timeouts, Timeout::Idle, second(7));
        assert_eq!(
            deadlines.none_before(),
            Some(second(11)),
            "that is not after it, and nothing was looked up"
        );
        assert_eq!(deadlines.next(&timeouts), Some((second(12), Timeout::Idle)));
        assert_eq!(deadlines.none_before(), Some(second(12)));
        deadlines.start(&timeouts, Timeout::Idle, second(1));
        assert_eq!(deadlines.none_before(), Some(second(6)), "an earlier start");
        deadlines.stop(Timeout::Idle);
        assert_eq!(deadlines.expired(&timeouts, second(99)), None);
        assert_eq!(deadlines.none_before(), Some(second(100)));
        assert_eq!(
            deadlines.expired(&timeouts, second(100)),
            Some((Timeout::Total, Duration::from_secs(100)))
        );
    }

    #[test]
    fn a_held_deadline_continues_from_where_it_stopped() {
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        let timeouts = Timeouts::default().total(Duration::from_secs(100)).stall(Duration::from_secs(5));
        let mut deadlines = Deadlines::new(&timeouts, start);
        deadlines.start(&timeouts, Timeout::Stall, second(1));
        deadlines.hold(second(3));
        assert_eq!(deadlines.next(&timeouts), Some((second(100), Timeout::Total)));
        deadlines.release(&timeouts, second(13));
        assert_eq!(deadlines.none_before(), Some(second(16)));
        assert_eq!(deadlines.next(&timeouts), Some((second(16), Timeout::Stall)));
        deadlines.release(&timeouts, second(20));
        assert_eq!(deadlines.next(&timeouts), Some((second(16), Timeout::Stall)));
    }

    #[test]
    fn no_timeout_and_too_long_a_timeout_never_run_out() {
        let now = Instant::now();
        for timeouts in [Timeouts::unlimited(), Timeouts::unlimited().total(Duration::MAX)] {
            assert_eq!(Deadlines::new(&timeouts, now).next(&timeouts), None);
        }
    }
}
