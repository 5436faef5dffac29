//! `Budgets`: how long a stream may take over what; `Deadlines`: when the next of them runs out.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

/// A time budget of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// Waiting for a free place among the client's streams.
    Queue,
    /// Resolving, connecting, the proxy and TLS.
    Connect,
    /// From the request to the first event.
    FirstEvent,
    /// Between two reads once the body has started; comments and any other byte count.
    Idle,
    /// Between two events; comments and `keepalive` events do not count.
    Stall,
    /// From where a stream broke that can go on, to the next event.
    Resume,
    /// The whole stream, retries and waiting included.
    Total,
}

impl Budget {
    /// The budget's name in logs and in the command's output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Connect => "connect",
            Self::FirstEvent => "first_event",
            Self::Idle => "idle",
            Self::Stall => "stall",
            Self::Resume => "resume",
            Self::Total => "total",
        }
    }

    pub(crate) fn missed(self) -> &'static str {
        match self {
            Self::Queue => "no place became free",
            Self::Connect => "no connection was made",
            Self::FirstEvent => "no event came",
            Self::Idle => "not a byte came",
            Self::Stall => "no further event came",
            Self::Resume => "the broken stream did not go on",
            Self::Total => "the stream did not end",
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How long a stream may take over what. `None` is for ever.
///
/// While the target does not keep up nothing is read, and the idle and stall budgets stand still; the total one runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// See [`Budget::Queue`]. Default: 60 s.
    pub queue: Option<Duration>,
    /// See [`Budget::Connect`]. Default: 10 s; a dead host is known by then, a far one has answered.
    pub connect: Option<Duration>,
    /// See [`Budget::FirstEvent`]. Default: 600 s, which is how long the official SDKs wait; models that reason may
    /// say nothing for minutes.
    pub first_event: Option<Duration>,
    /// See [`Budget::Idle`]. Default: 120 s, twice what proxies allow by default (nginx: 60 s).
    pub idle: Option<Duration>,
    /// See [`Budget::Stall`]. Default: 300 s.
    pub stall: Option<Duration>,
    /// See [`Budget::Resume`]. Default: 60 s; a deploy or a failover is over by then.
    pub resume: Option<Duration>,
    /// See [`Budget::Total`]. Default: 3600 s; a stream that takes longer hangs.
    pub total: Option<Duration>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            queue: Some(Duration::from_secs(60)),
            connect: Some(Duration::from_secs(10)),
            first_event: Some(Duration::from_secs(600)),
            idle: Some(Duration::from_secs(120)),
            stall: Some(Duration::from_secs(300)),
            resume: Some(Duration::from_secs(60)),
            total: Some(Duration::from_secs(3600)),
        }
    }
}

impl Budgets {
    /// No budget at all: only for a server that is known, and an end that something else guarantees.
    pub fn unlimited() -> Self {
        Self {
            queue: None,
            connect: None,
            first_event: None,
            idle: None,
            stall: None,
            resume: None,
            total: None,
        }
    }

    /// Sets the queue budget.
    #[must_use]
    pub fn queue(mut self, budget: Duration) -> Self {
        self.queue = Some(budget);
        self
    }

    /// Sets the connect budget.
    #[must_use]
    pub fn connect(mut self, budget: Duration) -> Self {
        self.connect = Some(budget);
        self
    }

    /// Sets the first-event budget.
    #[must_use]
    pub fn first_event(mut self, budget: Duration) -> Self {
        self.first_event = Some(budget);
        self
    }

    /// Sets the idle budget.
    #[must_use]
    pub fn idle(mut self, budget: Duration) -> Self {
        self.idle = Some(budget);
        self
    }

    /// Sets the stall budget.
    #[must_use]
    pub fn stall(mut self, budget: Duration) -> Self {
        self.stall = Some(budget);
        self
    }

    /// Sets the resume budget.
    #[must_use]
    pub fn resume(mut self, budget: Duration) -> Self {
        self.resume = Some(budget);
        self
    }

    /// Sets the total budget.
    #[must_use]
    pub fn total(mut self, budget: Duration) -> Self {
        self.total = Some(budget);
        self
    }

    /// How long the budget is.
    pub fn get(&self, budget: Budget) -> Option<Duration> {
        match budget {
            Budget::Queue => self.queue,
            Budget::Connect => self.connect,
            Budget::FirstEvent => self.first_event,
            Budget::Idle => self.idle,
            Budget::Stall => self.stall,
            Budget::Resume => self.resume,
            Budget::Total => self.total,
        }
    }
}

/// The running budgets of one stream: for each, the instant it started at, or `None` while it stands still.
#[derive(Debug, Clone)]
pub struct Deadlines {
    budgets: Budgets,
    started: [Option<Instant>; 7],
    /// None runs out before this.
    none_before: Cell<Option<Instant>>,
}

impl Deadlines {
    /// The total budget starts at `now`; the others stand still.
    pub fn new(budgets: Budgets, now: Instant) -> Self {
        let mut deadlines = Self { budgets, started: [None; 7], none_before: Cell::new(None) };
        deadlines.start(Budget::Total, now);
        deadlines
    }

    /// Starts a budget, or starts it anew.
    #[inline]
    pub fn start(&mut self, budget: Budget, now: Instant) {
        let before = self.started[budget as usize].replace(now);
        // One that starts anew runs out later than it would have.
        if before.is_none_or(|before| before > now) {
            self.nearer(budget, now);
        }
    }

    fn nearer(&mut self, budget: Budget, started: Instant) {
        let end = self.budgets.get(budget).and_then(|budget| started.checked_add(budget));
        if let Some(end) = end.filter(|end| self.none_before.get().is_none_or(|instant| *end < instant)) {
            self.none_before.set(Some(end));
        }
    }

    /// Lets a budget stand still.
    #[inline]
    pub fn stop(&mut self, budget: Budget) {
        self.started[budget as usize] = None;
    }

    /// Whether the budget runs.
    pub fn runs(&self, budget: Budget) -> bool {
        self.started[budget as usize].is_some()
    }

    /// The budget that runs out first, and when. `None`: none runs.
    pub fn next(&self) -> Option<(Instant, Budget)> {
        const ALL: [Budget; 7] = [
            Budget::Queue,
            Budget::Connect,
            Budget::FirstEvent,
            Budget::Idle,
            Budget::Stall,
            Budget::Resume,
            Budget::Total,
        ];
        let next = ALL
            .into_iter()
            .filter_map(|budget| {
                let started = self.started[budget as usize]?;
                // A budget too long for the clock is for ever.
                Some((started.checked_add(self.budgets.get(budget)?)?, budget))
            })
            .min_by_key(|(at, _)| *at);
        self.none_before.set(next.map(|(at, _)| at));
        next
    }

    /// An instant before which none runs out, which costs less to tell than [`next`](Self::next) does, and is it or sooner.
    /// `None`: none runs.
    #[inline]
    pub fn none_before(&self) -> Option<Instant> {
        self.none_before.get()
    }

    /// The budget that has run out by `now`, and how long it was.
    pub fn expired(&self, now: Instant) -> Option<(Budget, Duration)> {
        let (at, budget) = self.next()?;
        (at <= now).then(|| (budget, self.budgets.get(budget).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_run_out_is_named() {
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        let budgets = Budgets::default().total(Duration::from_secs(100)).idle(Duration::from_secs(5));
        let mut deadlines = Deadlines::new(budgets, start);
        assert_eq!(deadlines.next(), Some((second(100), Budget::Total)));
        deadlines.start(Budget::Idle, second(1));
        assert_eq!(deadlines.expired(second(5)), None);
        assert_eq!(deadlines.expired(second(6)), Some((Budget::Idle, Duration::from_secs(5))));
        deadlines.start(Budget::Idle, second(6));
        assert_eq!(deadlines.expired(second(6)), None);
        assert_eq!(deadlines.none_before(), Some(second(11)));
        deadlines.start(Budget::Idle, second(7));
        assert_eq!(
            deadlines.none_before(),
            Some(second(11)),
            "that is not after it, and nothing was looked up"
        );
        assert_eq!(deadlines.next(), Some((second(12), Budget::Idle)));
        assert_eq!(deadlines.none_before(), Some(second(12)));
        deadlines.start(Budget::Idle, second(1));
        assert_eq!(deadlines.none_before(), Some(second(6)), "an earlier start");
        deadlines.stop(Budget::Idle);
        assert_eq!(deadlines.expired(second(99)), None);
        assert_eq!(deadlines.none_before(), Some(second(100)));
        assert_eq!(deadlines.expired(second(100)), Some((Budget::Total, Duration::from_secs(100))));
    }

    #[test]
    fn no_budget_and_too_long_a_budget_never_run_out() {
        let now = Instant::now();
        assert_eq!(Deadlines::new(Budgets::unlimited(), now).next(), None);
        assert_eq!(Deadlines::new(Budgets::unlimited().total(Duration::MAX), now).next(), None);
    }
}
