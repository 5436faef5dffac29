//! Tests of `Lane`.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::time::advance;

use super::*;

fn limit(limit: u64, remaining: u64, reset: u64) -> RateLimit {
    let mut stated = RateLimit::default();
    (stated.limit, stated.remaining) = (Some(limit), Some(remaining));
    stated.reset = Some(Duration::from_secs(reset));
    stated
}

fn requests(stated: RateLimit) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.requests = stated;
    limits
}

fn tokens(stated: RateLimit) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.tokens = stated;
    limits
}

/// In how many seconds a request of so many tokens may be sent.
fn seconds(lane: &Lane, tokens: u64) -> u64 {
    lane.state().ready_at(tokens).saturating_duration_since(now()).as_secs_f64().ceil() as u64
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Sends a request of so many tokens at once.
#[track_caller]
fn send(lane: &Lane, tokens: u64) -> Charge {
    match poll(lane.enter(&None, tokens, None)) {
        Poll::Ready(Some(charge)) => charge,
        other => panic!("it has to wait: {other:?}"),
    }
}

#[test]
fn the_limits_of_a_server_are_learned() {
    let now = Instant::now();
    let ready = |meter: Option<Meter>, units| {
        meter.unwrap().ready_at(units, now).saturating_duration_since(now).as_secs()
    };
    assert_eq!(learn(None, &limit(60, 60, 0), 0, now), None, "nothing is used, in an unknown period");
    // Half of it is used, and is back in 30 s.
    let half = learn(None, &limit(60, 30, 30), 0, now);
    assert_eq!((ready(half, 30), ready(half, 31), ready(half, 60)), (0, 1, 30));
    let empty = learn(half, &limit(60, 0, 60), 0, now);
    assert_eq!((ready(empty, 1), ready(empty, 60)), (1, 60));
    // What was sent since counts as well, whatever was known before.
    let more = learn(empty, &limit(60, 40, 20), 10, now);
    assert_eq!((ready(more, 30), ready(more, 60)), (0, 30));
    // All of it is available again.
    assert_eq!(ready(learn(empty, &limit(60, 60, 0), 0, now), 60), 0);
    assert_eq!(ready(learn(empty, &limit(60, 60, 0), 5, now), 60), 5);
    assert_eq!(learn(empty, &limit(600, 600, 0), 5, now), None);
    assert_eq!(ready(learn(half, &limit(600, 300, 10), 0, now), 600), 10);
    // Too little is said.
    assert_eq!(learn(half, &RateLimit::default(), 0, now), None);
    assert_eq!(learn(half, &limit(0, 0, 9), 0, now), None);
    // A reset far away is cut.
    assert_eq!(ready(learn(None, &limit(7, 0, u64::MAX / 4), 0, now), 7), LONGEST.as_secs());
}

#[actix_rt::test]
async fn a_fixed_window_is_followed_as_its_heads_state_it() {
    tokio::time::pause();
    let lane = Lane::new([None; 2]);
    let first = send(&lane, 0);
    lane.learn(&first, &requests(limit(60, 59, 55)), false);
    let burst: Vec<_> = (0..59).map(|_| send(&lane, 0)).collect();
    advance(Duration::from_secs(2)).await;
    // The heads arrive in another order; the server has counted up to each request.
    for (at, next, full) in [(30, 2, 100), (58, 1, 53), (0, 1, 53)] {
        lane.learn(&burst[at], &requests(limit(60, 58 - at as u64, 53)), false);
        let all = lane.state().learned[0].unwrap().ready_at(60, now()).saturating_duration_since(now());
        assert_eq!((seconds(&lane, 0), all.as_secs_f64().ceil()), (next, f64::from(full)), "{at}");
    }
    // The next window has begun.
    advance(Duration::from_secs(53)).await;
    let next = send(&lane, 0);
    lane.learn(&next, &requests(limit(60, 59, 60)), false);
    for _ in 0..59 {
        send(&lane, 0);
    }
}

#[actix_rt::test]
async fn a_limit_that_a_response_states_no_more_is_forgotten() {
    tokio::time::pause();
    let lane = Lane::new([None; 2]);
    let charge = send(&lane, 0);
    lane.learn(&charge, &requests(limit(1, 0, 600)), false);
    lane.learn(&charge, &RateLimits::default(), true);
    assert_eq!(seconds(&lane, 0), 600, "a refusal says nothing");
    lane.learn(&charge, &RateLimits::default(), false);
    assert_eq!(seconds(&lane, 0), 0);
}

#[actix_rt::test]
async fn no_number_from_outside_stops_a_lane_for_long() {
    tokio::time::pause();
    let lane = Lane::new([Some(500), Some(200_000)]);
    for _ in 0..2 {
        let charge = send(&lane, u64::MAX);
        assert_eq!((seconds(&lane, 1), seconds(&lane, u64::MAX)), (1, 60));
        lane.settle(&charge, u64::MAX);
        assert_eq!(seconds(&lane, u64::MAX), 60);
        advance(Duration::from_secs(60)).await;
    }
    let charge = send(&lane, 1);
    lane.learn(&charge, &tokens(limit(1, 0, 3600)), false);
    advance(LONGEST).await;
    send(&lane, 5_000);
    assert_eq!(seconds(&lane, 5_000), LONGEST.as_secs());
    lane.pause(Duration::MAX);
    assert_eq!(seconds(&lane, 1), LONGEST.as_secs());
}

#[actix_rt::test]
async fn only_what_was_taken_comes_back() {
    tokio::time::pause();
    let lane = Lane::new([Some(2), Some(600)]);
    // It was estimated at more than there is.
    let charge = send(&lane, 10_000);
    lane.settle(&charge, 300);
    assert_eq!((seconds(&lane, 300), seconds(&lane, 310)), (0, 1));
    // One that was refused was a request, one that was not sent was none.
    let charge = send(&lane, 300);
    lane.give_back(&charge, true);
    assert_eq!((seconds(&lane, 300), seconds(&lane, 0)), (30, 30));
    advance(Duration::from_secs(60)).await;
    let unsent = [send(&lane, 200), send(&lane, 200)];
    unsent.iter().for_each(|charge| lane.give_back(charge, false));
    assert_eq!(seconds(&lane, 600), 0);
    assert!(lane.is_unused());
    // What the server has stated since is not corrected by an estimate it does not know.
    let lane = Lane::new([None; 2]);
    let first = send(&lane, 90);
    lane.learn(&first, &tokens(limit(100, 10, 54)), false);
    lane.settle(&first, 0);
    assert_eq!(seconds(&lane, 100), 54);
    let second = send(&lane, 10);
    lane.give_back(&second, false);
    assert_eq!(seconds(&lane, 100), 54);
    let [third, fourth] = [send(&lane, 5), send(&lane, 5)];
    lane.learn(&third, &tokens(limit(100, 5, 57)), false);
    lane.give_back(&fourth, false);
    assert_eq!(seconds(&lane, 100), 60, "five were sent since the third");
}

#[actix_rt::test]
async fn a_pause_beyond_the_patience_is_not_waited_for() {
    tokio::time::pause();
    let lane = Lane::new([Some(1), None]);
    send(&lane, 0);
    let patience = Some(now() + Duration::from_secs(60));
    let mut waiting = pin!(lane.enter(&None, 0, patience));
    let mut behind = pin!(lane.enter(&None, 0, patience));
    assert!(poll(waiting.as_mut()).is_pending() && poll(behind.as_mut()).is_pending());
    lane.pause(Duration::from_secs(59));
    assert!(poll(waiting.as_mut()).is_pending() && poll(behind.as_mut()).is_pending());
    lane.pause(Duration::from_secs(600));
    assert!(matches!(poll(behind), Poll::Ready(None)) && matches!(poll(waiting), Poll::Ready(None)));
    assert!(poll(lane.enter(&None, 0, patience)).is_ready() && poll(lane.enter(&None, 0, None)).is_pending());
    assert!(lane.state().turns.is_empty());
}
