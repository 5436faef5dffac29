//! `Meter`: how much of a limit is left, as a leaking bucket.

use std::time::{Duration, Instant};

/// The longest wait that a meter asks for.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);

/// A limit of so many units in a period, which are available again one by one.
///
/// It holds one instant, at which all of them are available again (the generic cell rate algorithm). That is never more than a period
/// away, nor more than [`LONGEST`]: no number from outside stops a client for longer.
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

    /// What a server states: so many units are used, and all are back after `reset`.
    pub(super) fn stated(limit: u64, used: u64, reset: Duration, now: Instant) -> Self {
        let nanos = reset.as_nanos().saturating_mul(limit.into()) / u128::from(used.max(1));
        let period = Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX));
        let mut meter = Self::new(limit, period, now);
        meter.take(used, now);
        meter
    }

    /// The same limit with nothing used.
    pub(super) fn full(self, now: Instant) -> Self {
        Self { full_at: now, ..self }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The time in which so many units become available.
    fn time(&self, units: u64) -> Duration {
        let nanos = self.period.as_nanos().saturating_mul(units.into()) / u128::from(self.limit);
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// Returns when so many units are available. More than the limit are available when nothing is used.
    pub(super) fn ready_at(&self, units: u64, now: Instant) -> Instant {
        let rest = self.time(self.limit - units.min(self.limit));
        now + self.owed(now).saturating_sub(rest)
    }

    /// The time until all units are available.
    fn owed(&self, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now)
    }

    /// Uses units, whether they are available or not, and returns how many: at most the limit.
    pub(super) fn take(&mut self, units: u64, now: Instant) -> u64 {
        let taken = units.min(self.limit);
        let owed = self.owed(now).saturating_add(self.time(taken));
        self.full_at = now + owed.min(self.period).min(LONGEST);
        taken
    }

    /// Gives units back.
    pub(super) fn give_back(&mut self, units: u64, now: Instant) {
        self.full_at = now + self.owed(now).saturating_sub(self.time(units));
    }

    /// Replaces the units that were taken by those that were used.
    pub(super) fn correct(&mut self, taken: u64, used: u64, now: Instant) {
        match used.checked_sub(taken) {
            Some(more) => {
                self.take(more, now);
            }
            None => self.give_back(taken - used, now),
        }
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
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
            assert!(meter.ready_at(1, start) <= start);
            meter.take(1, start);
        }
        assert_eq!((meter.ready_at(1, start), meter.ready_at(3, start)), (at(10.0), at(30.0)));
        meter.take(1, at(10.0));
        assert_eq!(meter.ready_at(1, start), at(20.0));
        meter.give_back(1, at(10.0));
        assert_eq!(
            (meter.ready_at(1, start), meter.is_full(at(59.0)), meter.is_full(at(60.0))),
            (at(10.0), false, true)
        );
        // More than the limit waits until nothing is used, and uses all of it.
        assert_eq!((meter.ready_at(9, start), meter.take(9, at(60.0))), (at(60.0), 6));
        assert_eq!((meter.ready_at(1, start), meter.ready_at(6, start)), (at(70.0), at(120.0)));
        // Idle time is not saved up beyond the limit.
        meter.take(1, at(1_000.0));
        assert_eq!(meter.ready_at(6, start), at(1_010.0));
        // What was used beyond the estimate counts, what was not comes back.
        meter.correct(1, 3, at(1_000.0));
        assert_eq!(meter.ready_at(6, start), at(1_030.0));
        meter.correct(3, 0, at(1_000.0));
        assert_eq!(meter.ready_at(6, start), at(1_000.0));
    }

    #[test]
    fn nothing_stops_a_client_for_longer_than_a_period_or_an_hour() {
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        let mut meter = Meter::new(200_000, minute, start);
        for _ in 0..3 {
            meter.take(u64::MAX, start);
            meter.correct(0, u64::MAX, start);
            assert_eq!(meter.ready_at(u64::MAX, start), start + minute);
        }
        // One of a day's 10 is used; the others are there.
        let day = Duration::from_secs(86_400);
        let mut meter = Meter::stated(10, 1, day, start);
        assert!(meter.ready_at(9, start) <= start);
        for units in [1, 5_000, u64::MAX] {
            meter.take(units, start);
            assert_eq!(meter.ready_at(u64::MAX, start), start + LONGEST);
        }
        assert_eq!(Meter::stated(1, 1, day, start).ready_at(1, start), start + LONGEST);
    }

    #[test]
    fn absurd_numbers_overflow_nothing() {
        let start = Instant::now();
        for mut meter in
            [Meter::new(0, Duration::MAX, start), Meter::stated(u64::MAX, 1, Duration::MAX, start)]
        {
            meter.take(u64::MAX, start);
            meter.give_back(u64::MAX, start);
            assert!(meter.ready_at(u64::MAX, start) <= start + LONGEST);
        }
        let mut meter = Meter::new(u64::MAX, Duration::from_secs(60), start);
        meter.take(u64::MAX, start);
        assert_eq!(meter.ready_at(u64::MAX, start), start + Duration::from_secs(60));
    }
}
