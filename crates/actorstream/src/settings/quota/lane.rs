//! `Lane`: the requests for one model with one key, which share a limit.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_rt::time::sleep_until;
use actorstream_proto::outcome::rate_limits::{RateLimit, RateLimits};

use super::meter::Meter;
use super::now;
use super::turns::Turns;

/// The longest period and the longest pause that a server can impose.
const LONGEST: Duration = Duration::from_secs(3600);

/// The requests for one model with one key.
#[derive(Debug, Default)]
pub(super) struct Lane(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The limits on requests and on tokens, of the client itself.
    own: [Option<Meter>; 2],
    /// The same of the server.
    learned: [Option<Meter>; 2],
    /// The server asks for a pause until then.
    paused_until: Option<Instant>,
    turns: Turns,
}

impl Lane {
    /// A lane with the client's own limits on requests and on tokens, for each minute.
    pub(super) fn new(limits: [Option<u64>; 2]) -> Self {
        let meter = |limit| Meter::new(limit, Duration::from_secs(60), now());
        let own = limits.map(|limit| limit.map(meter));
        Self(Mutex::new(State { own, ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request of so many tokens may be sent, and counts it. Dropping the future gives the place up.
    pub(super) async fn enter(&self, owner: Option<&Arc<str>>, tokens: u64) {
        let mut place = Place { lane: self, number: None };
        let mut timer = None;
        poll_fn(|cx| {
            let mut state = self.state();
            let number = match place.number {
                None if state.turns.is_empty() && state.ready_at(tokens) <= now() => {
                    state.take(tokens);
                    return Poll::Ready(());
                }
                None => *place.number.insert(state.turns.join(owner, cx.waker())),
                Some(number) => {
                    state.turns.register(number, cx.waker());
                    number
                }
            };
            while state.turns.is_first(number) {
                let at = state.ready_at(tokens);
                if at <= now() {
                    state.take(tokens);
                    state.turns.advance();
                    place.number = None;
                    return Poll::Ready(());
                }
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
                if timer.deadline().into_std() != at {
                    timer.as_mut().reset(at.into());
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Replaces an estimate by the tokens that a response used.
    pub(super) fn settle(&self, estimate: u64, used: u64) {
        let mut state = self.state();
        let State { own: [_, own], learned: [_, learned], .. } = &mut *state;
        for meter in [own, learned].into_iter().flatten() {
            if used >= estimate {
                meter.take(used - estimate, now());
            } else {
                meter.give_back(estimate - used);
            }
        }
        state.turns.wake_first();
    }

    /// A server states its limits.
    pub(super) fn learn(&self, limits: &RateLimits) {
        let now = now();
        let mut state = self.state();
        for (meter, limit) in state.learned.iter_mut().zip([&limits.requests, &limits.tokens]) {
            learn(meter, limit, now);
        }
        state.turns.wake_first();
    }

    /// A server asks for a pause.
    pub(super) fn pause(&self, time: Duration) {
        let until = now() + time.min(LONGEST);
        let mut state = self.state();
        state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until)));
    }

    /// Returns whether it is as a new one.
    pub(super) fn is_unused(&self) -> bool {
        let (now, state) = (now(), self.state());
        let mut meters = state.own.iter().chain(&state.learned).flatten();
        state.turns.is_empty()
            && state.paused_until.is_none_or(|until| until <= now)
            && meters.all(|meter| meter.is_full(now))
    }
}

/// Sets a meter to what a server states. The time to the reset is that until all is available again.
fn learn(meter: &mut Option<Meter>, stated: &RateLimit, now: Instant) {
    let RateLimit { limit: Some(limit), remaining: Some(remaining), reset: Some(reset), .. } = *stated else {
        return;
    };
    let used = limit.saturating_sub(remaining);
    if limit == 0 || used == 0 {
        return;
    }
    let reset = reset.min(LONGEST);
    let nanos = reset.as_nanos().saturating_mul(limit.into()) / u128::from(used);
    let period = Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX)).min(LONGEST);
    // What was sent since, the server had not counted yet.
    let known = meter.filter(|meter| meter.is_of(limit));
    let mut new = Meter::new(limit, period, now);
    new.full_not_before(now + reset);
    if let Some(known) = known {
        new.full_not_before(known.ready_at(limit));
    }
    *meter = Some(new);
}

impl State {
    fn ready_at(&self, tokens: u64) -> Instant {
        let units = [1, tokens];
        let ready = |meters: &[Option<Meter>; 2]| {
            let each = meters.iter().zip(units);
            each.filter_map(|(meter, units)| Some(meter.as_ref()?.ready_at(units))).max()
        };
        let all = [ready(&self.own), ready(&self.learned), self.paused_until];
        all.into_iter().flatten().max().unwrap_or_else(now)
    }

    fn take(&mut self, tokens: u64) {
        let now = now();
        for meters in [&mut self.own, &mut self.learned] {
            for (meter, units) in meters.iter_mut().zip([1, tokens]) {
                if let Some(meter) = meter {
                    meter.take(units, now);
                }
            }
        }
    }
}

/// A place in the queue, which is given up with the future.
struct Place<'a> {
    lane: &'a Lane,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.lane.state().turns.leave(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: u64, remaining: u64, reset: u64) -> RateLimit {
        let mut stated = RateLimit::default();
        (stated.limit, stated.remaining) = (Some(limit), Some(remaining));
        stated.reset = Some(Duration::from_secs(reset));
        stated
    }

    #[test]
    fn the_limits_of_a_server_are_learned() {
        let now = Instant::now();
        let seconds = |at: Instant| at.saturating_duration_since(now).as_secs();
        let mut meter = None;
        learn(&mut meter, &limit(60, 60, 0), now);
        assert_eq!(meter, None, "nothing is used");
        // Half of it is used, and is back in 30 s.
        learn(&mut meter, &limit(60, 30, 30), now);
        let ready = |meter: &Option<Meter>, units| seconds(meter.unwrap().ready_at(units));
        assert_eq!((ready(&meter, 30), ready(&meter, 31), ready(&meter, 60)), (0, 1, 30));
        learn(&mut meter, &limit(60, 0, 60), now);
        assert_eq!((ready(&meter, 1), ready(&meter, 60)), (1, 60));
        // What is in flight is not forgotten; another limit replaces it.
        learn(&mut meter, &limit(60, 40, 20), now);
        assert_eq!(ready(&meter, 60), 60);
        learn(&mut meter, &limit(600, 300, 10), now);
        assert_eq!(ready(&meter, 600), 10);
        let before = meter;
        learn(&mut meter, &RateLimit::default(), now);
        learn(&mut meter, &limit(0, 0, 9), now);
        assert_eq!(meter, before);
        // A reset far away is cut.
        learn(&mut meter, &limit(7, 0, u64::MAX / 4), now);
        assert_eq!(ready(&meter, 7), LONGEST.as_secs());
    }
}
