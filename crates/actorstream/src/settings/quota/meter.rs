//! `Meter`: how much of a limit is left, as a leaking bucket.

use std::time::{Duration, Instant};

/// A limit of so many units in a period, which are available again one by one.
///
/// It holds one instant, at which all of them are available again (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meter {
    limit: u64,
    period: Duration,
    full_at: Instant,
}

impl Meter {
    /// A limit of which nothing is used. A limit of 0 counts as 1.
    pub(super) fn new(limit: u64, period: Duration, now: Instant) -> Self {
        Self { limit: limit.max(1), period, full_at: now }
    }

    /// The time in which so many units become available.
    fn time(&self, units: u64) -> Duration {
        let nanos = self.period.as_nanos().saturating_mul(units.into()) / u128::from(self.limit);
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// Returns when so many units are available. More than the limit are available when nothing is used.
    pub(super) fn ready_at(&self, units: u64) -> Instant {
        let rest = self.time(self.limit - units.min(self.limit));
        self.full_at.checked_sub(rest).unwrap_or(self.full_at)
    }

    /// Uses units, whether they are available or not.
    pub(super) fn take(&mut self, units: u64, now: Instant) {
        let from = self.full_at.max(now);
        self.full_at = from.checked_add(self.time(units)).unwrap_or(from);
    }

    /// Gives units back.
    pub(super) fn give_back(&mut self, units: u64) {
        self.full_at = self.full_at.checked_sub(self.time(units)).unwrap_or(self.full_at);
    }

    /// Nothing is left before this, and all of it only then.
    pub(super) fn full_not_before(&mut self, at: Instant) {
        self.full_at = self.full_at.max(at);
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Returns whether it is a meter of this limit and period; a small difference of periods comes from rounded headers.
    pub(super) fn is_of(&self, limit: u64) -> bool {
        self.limit == limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_back_one_by_one() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut meter = Meter::new(6, Duration::from_secs(60), start);
        // All at once, and then one each ten seconds.
        for _ in 0..6 {
            assert!(meter.ready_at(1) <= start);
            meter.take(1, start);
        }
        assert_eq!((meter.ready_at(1), meter.ready_at(3)), (at(10.0), at(30.0)));
        meter.take(1, at(10.0));
        assert_eq!(meter.ready_at(1), at(20.0));
        meter.give_back(1);
        assert_eq!(
            (meter.ready_at(1), meter.is_full(at(59.0)), meter.is_full(at(60.0))),
            (at(10.0), false, true)
        );
        // More than the limit waits until nothing is used, and is paid for afterwards.
        assert_eq!(meter.ready_at(9), at(60.0));
        meter.take(9, at(60.0));
        assert_eq!(meter.ready_at(1), at(100.0));
        // Idle time is not saved up beyond the limit.
        meter.take(1, at(1_000.0));
        assert_eq!(meter.ready_at(6), at(1_010.0));
        meter.full_not_before(at(1_100.0));
        assert_eq!(meter.ready_at(1), at(1_050.0));
    }

    #[test]
    fn absurd_numbers_overflow_nothing() {
        let start = Instant::now();
        let mut meter = Meter::new(0, Duration::MAX, start);
        meter.take(u64::MAX, start);
        meter.give_back(u64::MAX);
        assert!(meter.ready_at(u64::MAX) >= start);
        let mut meter = Meter::new(u64::MAX, Duration::from_secs(60), start);
        meter.take(u64::MAX, start);
        assert_eq!(meter.ready_at(u64::MAX), start + Duration::from_secs(60));
    }
}
