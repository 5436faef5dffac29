//! A race of two backends for the first event of a response.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actorstream_proto::endpoint::event::Event;

use super::backends::{Plan, may_fail_over};
use super::contestant::{Contestant, Running};
use super::pump::go_on;
use super::running::{Ending, Stream};
use crate::connector::shared::Shared;
use crate::stream::clock::now;

/// What came of a race.
pub(super) enum Raced<E: Event> {
    /// One has decided it.
    Decided(Ending<E>),
    /// All have failed before any event, which is noted.
    Failed(Ending<E>),
}

/// Sends the request to the current backend of the plan, and to the next one whenever there was no event for `after`, to two at most at
/// the same time. Returns what came of the first with an event or a finish. One that fails leaves the race; if all fail, the error is
/// that of the first that was asked. The others are dropped, and with them their connections. `number` is that of the last attempt.
pub(super) async fn race<E: Event>(
    stream: &mut Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    after: Duration,
    number: &mut u32,
) -> Raced<E> {
    let aim = stream.current_aim();
    let first = aim.index;
    let mut running = vec![Contestant::new(stream, aim, *number).start()];
    let mut failed: Option<Box<Contestant<E>>> = None;
    let winner = loop {
        let next = poll_fn(|cx| poll(&mut running, cx, Some(after).filter(|_| plan.has_next()))).await;
        let mut contestant = match next {
            Next::Hedge => {
                add_next(stream, plan, &mut running, number);
                continue;
            }
            Next::Done(contestant) => contestant,
        };
        let Some(error) = contestant.failure().filter(|_| contestant.interrupt.is_none()) else {
            break contestant;
        };
        stream.running.tried.turn_to(contestant.aim.name.as_ref());
        stream.running.tried.failed(error, now().saturating_duration_since(stream.started));
        if contestant.renewed.is_none() && may_fail_over(&error.kind) {
            plan.failed_at(contestant.aim.index);
        }
        // Frees the connection, and the place in the quota.
        contestant.answer = None;
        contestant.aim.first.admission = None;
        if let Some(key) = contestant.renewed.take() {
            *number += 1;
            tracing::debug!(
                stream = stream.running.sink.stream().id(),
                attempt = *number,
                "sending again with another key"
            );
            running.push(contestant.with_key(stream, key, *number).start());
            continue;
        }
        let told = match failed.take() {
            Some(other) if contestant.aim.index != first => other,
            _ => contestant,
        };
        let may_go_on = told.failure().is_some_and(|error| may_fail_over(&error.kind));
        if running.is_empty() && !(may_go_on && plan.has_next()) {
            return Raced::Failed(conclude(stream, plan, *told, *number).await);
        }
        failed = Some(told);
        if running.is_empty() {
            add_next(stream, plan, &mut running, number);
        }
    };
    let at = now().saturating_duration_since(stream.started);
    for loser in running {
        if winner.interrupt.is_none() && loser.is_mute(after) {
            plan.failed_at(loser.index);
        }
        stream.running.tried.superseded(loser.name.as_ref(), at);
    }
    Raced::Decided(conclude(stream, plan, *winner, *number).await)
}

/// What happens next in a race.
enum Next<E: Event> {
    Done(Box<Contestant<E>>),
    /// It is time to ask another backend, too.
    Hedge,
}

/// Polls those that race. `hedge_after` is `None` if no backend is left to ask.
fn poll<E: Event>(
    running: &mut Vec<Running<E>>,
    cx: &mut Context<'_>,
    hedge_after: Option<Duration>,
) -> Poll<Next<E>> {
    for at in 0..running.len() {
        if let Poll::Ready(contestant) = running[at].run.as_mut().poll(cx) {
            drop(running.remove(at));
            return Poll::Ready(Next::Done(Box::new(contestant)));
        }
    }
    match (&mut running[..], hedge_after) {
        ([alone], Some(after)) => alone.poll_hedge(after, cx).map(|()| Next::Hedge),
        _ => Poll::Pending,
    }
}

/// Asks the next backend, with the next number.
fn add_next<E: Event>(
    stream: &Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    running: &mut Vec<Running<E>>,
    number: &mut u32,
) {
    let Some(backend) = plan.next() else { return };
    *number += 1;
    let aim = stream.aim(backend);
    tracing::debug!(
        stream = stream.running.sink.stream().id(),
        attempt = *number,
        backend = aim.name.as_deref(),
        "asking another backend"
    );
    running.push(Contestant::new(stream, aim, *number).start());
}

/// Goes on with the contestant that decides, as if it had been the only one.
async fn conclude<E: Event>(
    stream: &mut Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    decider: Contestant<E>,
    number: u32,
) -> Ending<E> {
    let Contestant { aim, mut session, mut batch, answer, queued, by_observer, interrupt, .. } = decider;
    session.sent_as(number);
    match batch.end.as_deref_mut() {
        Some(Ok(finish)) => finish.attempts = number,
        Some(Err(error)) => error.attempts = number,
        None => {}
    }
    plan.return_to(aim.index);
    stream.running.tried.turn_to(aim.name.as_ref());
    stream.running.tried.answered_by(by_observer);
    stream.running.queued += queued;
    stream.take_aim(aim);
    stream.running.session = session;
    if let Some(interrupt) = interrupt {
        return Ending::Interrupted(interrupt);
    }
    go_on(stream, answer, batch).await
}
