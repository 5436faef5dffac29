//! `Lane`: the requests for one model with one key, which share a limit.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_rt::time::sleep_until;
use actorstream_proto::outcome::rate_limits::{RateLimit, RateLimits};

use super::meter::{LONGEST, Meter};
use super::now;
use super::turns::{Owner, Turns};

/// The requests for one model with one key.
#[derive(Debug, Default)]
pub(super) struct Lane(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The limits on requests and on tokens, of the client itself.
    own: [Option<Meter>; 2],
    /// The same of the server.
    learned: [Option<Meter>; 2],
    /// The number of the latest request with whose response the server has stated its limits.
    stated: u64,
    /// How many requests and tokens were let through, wrapping around.
    sent: [u64; 2],
    /// The server asks for a pause until then.
    paused_until: Option<Instant>,
    turns: Turns,
}

/// What a request has taken from a lane: requests and tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    own: [u64; 2],
    learned: [u64; 2],
    /// The number of the request with whose response the server had stated its limits.
    stated: u64,
    /// How many requests and tokens had been let through, itself included; the first is its number.
    sent: [u64; 2],
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

    /// Waits until a request of so many tokens may be sent, and counts it; `None` as soon as the server asks for a pause that lasts
    /// beyond `patience`. Dropping the future gives the place up.
    pub(super) async fn enter(
        &self,
        owner: &Owner,
        tokens: u64,
        patience: Option<Instant>,
    ) -> Option<Charge> {
        let mut place = Place { lane: self, owner, number: None };
        let mut timer = None;
        poll_fn(|cx| {
            let mut state = self.state();
            if patience.is_some_and(|patience| state.paused_until.is_some_and(|until| until > patience)) {
                return Poll::Ready(None);
            }
            let number = match place.number {
                None if state.turns.is_empty() && state.ready_at(tokens) <= now() => {
                    return Poll::Ready(Some(state.take(tokens)));
                }
                None => *place.number.insert(state.turns.join(owner, cx.waker())),
                Some(number) => {
                    state.turns.register(owner, number, cx.waker());
                    number
                }
            };
            while state.turns.is_first(number) {
                let at = state.ready_at(tokens);
                if at <= now() {
                    let charge = state.take(tokens);
                    state.turns.advance();
                    place.number = None;
                    return Poll::Ready(Some(charge));
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
        .await
    }

    /// Replaces an estimate by the tokens that a response used. The server states itself what it counts.
    pub(super) fn settle(&self, charge: &Charge, used: u64) {
        let mut state = self.state();
        if let Some(meter) = &mut state.own[1] {
            meter.correct(charge.own[1], used, now());
        }
        state.turns.wake_first();
    }

    /// Gives back the tokens that a request has not used, and the request itself if it was not sent.
    pub(super) fn give_back(&self, charge: &Charge, was_sent: bool) {
        let (now, mut state) = (now(), self.state());
        let State { own, learned, stated, turns, .. } = &mut *state;
        for kind in usize::from(was_sent)..2 {
            if let Some(meter) = &mut own[kind] {
                meter.give_back(charge.own[kind], now);
            }
            // A later statement of the server has replaced what was taken.
            if let Some(meter) = learned[kind].as_mut().filter(|_| *stated == charge.stated) {
                meter.give_back(charge.learned[kind], now);
            }
        }
        turns.wake_first();
    }

    /// A server states its limits in the head of the response to the request of this charge, or states none. It has counted this
    /// request, but not those that were sent since. What a response without a refusal does not state holds no more.
    pub(super) fn learn(&self, charge: &Charge, limits: &RateLimits, is_refusal: bool) {
        let (now, mut state) = (now(), self.state());
        if charge.sent[0] < state.stated {
            // The response to a later request has said more.
            return;
        }
        state.stated = charge.sent[0];
        for (kind, stated) in [&limits.requests, &limits.tokens].into_iter().enumerate() {
            let since = state.sent[kind].wrapping_sub(charge.sent[kind]);
            let meter = learn(state.learned[kind], stated, since, now);
            if meter.is_some() || !is_refusal {
                state.learned[kind] = meter;
            }
        }
        state.turns.wake_first();
    }

    /// A server asks for a pause.
    pub(super) fn pause(&self, time: Duration) {
        let until = now() + time.min(LONGEST);
        let mut state = self.state();
        if state.paused_until.is_none_or(|before| before < until) {
            state.paused_until = Some(until);
            state.turns.wake_all();
        }
    }

    /// Describes what a request waits for: `500 requests in a minute`, `the server asks for a pause of 90 s`.
    pub(super) fn describe(&self) -> String {
        let (now, state) = (now(), self.state());
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            let rest = until.duration_since(now).as_secs_f64().ceil();
            return format!("the server asks for a pause of {rest} s");
        }
        let limits = |meters: &[Option<Meter>; 2]| {
            let each = meters.iter().zip(["request", "token"]);
            let limits = each.filter_map(|(meter, what)| Some((meter.as_ref()?.limit(), what)));
            let limits =
                limits.map(|(limit, what)| format!("{limit} {what}{}", if limit == 1 { "" } else { "s" }));
            limits.collect::<Vec<_>>().join(" and ")
        };
        let (own, learned) = (limits(&state.own), limits(&state.learned));
        match (own.is_empty(), learned.is_empty()) {
            (false, true) => format!("{own} in a minute"),
            (false, false) => format!("{own} in a minute, and the server allows {learned}"),
            (true, false) => format!("the server allows {learned}"),
            (true, true) => "the server has asked for a pause".to_owned(),
        }
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

/// Returns the meter that a server states; `None` if it states too little. `known` is the one of before, and `since` what the server
/// has not counted yet. The time to the reset is that until all is available again.
fn learn(known: Option<Meter>, stated: &RateLimit, since: u64, now: Instant) -> Option<Meter> {
    let limit = stated.limit.filter(|limit| *limit > 0)?;
    let mut meter = match limit.saturating_sub(stated.remaining?) {
        // In what period it is available is not said.
        0 => known.filter(|known| known.limit() == limit)?.full(now),
        used => Meter::stated(limit, used, stated.reset?, now),
    };
    meter.take(since, now);
    Some(meter)
}

impl State {
    fn ready_at(&self, tokens: u64) -> Instant {
        let now = now();
        let ready = |meters: &[Option<Meter>; 2]| {
            let each = meters.iter().zip([1, tokens]);
            each.filter_map(|(meter, units)| Some(meter.as_ref()?.ready_at(units, now))).max()
        };
        let all = [ready(&self.own), ready(&self.learned), self.paused_until];
        all.into_iter().flatten().max().unwrap_or(now)
    }

    fn take(&mut self, tokens: u64) -> Charge {
        let now = now();
        let [mut own, mut learned] = [[0; 2]; 2];
        for (kind, units) in [1, tokens].into_iter().enumerate() {
            let take = |meter: &mut Option<Meter>| meter.as_mut().map_or(0, |meter| meter.take(units, now));
            own[kind] = take(&mut self.own[kind]);
            learned[kind] = take(&mut self.learned[kind]);
            self.sent[kind] = self.sent[kind].wrapping_add(units);
        }
        Charge { own, learned, stated: self.stated, sent: self.sent }
    }
}

/// A place in the queue, which is given up with the future.
struct Place<'a> {
    lane: &'a Lane,
    owner: &'a Owner,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.lane.state().turns.leave(self.owner, number);
        }
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
