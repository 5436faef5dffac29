//! A race of two backends for the first event of a response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_rt::time::{Sleep, sleep_until};
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::session::Session;
use futures_util::future::poll_fn;

use super::aim::Aim;
use super::backends::{Plan, may_fail_over};
use super::clearance::{Departure, clear_for};
use super::guard::{Guard, Interrupt};
use super::pump::{ask, feed, feed_answer, go_on};
use super::running::{Ending, Stream};
use super::turn::Turn;
use crate::connector::prepared::Carried;
use crate::connector::shared::Shared;
use crate::settings::observer::Purpose;
use crate::stream::clock::now;
use crate::stream::delivery::link::Batch;
use crate::telemetry::observation::Observation;
use crate::transport::http::answer::Answer;

/// One of those that race, with all that its request needs.
struct Contestant<E: Event> {
    aim: Aim,
    session: Session<E>,
    guard: Guard<E>,
    number: u32,
    name: Option<Arc<str>>,
    /// What has arrived, with the first event or the end.
    batch: Box<Batch<E>>,
    answer: Option<Answer>,
    queued: Duration,
    /// What has interrupted the stream.
    interrupt: Option<Interrupt>,
}

/// A contestant that runs.
struct Running<E: Event> {
    run: Pin<Box<dyn Future<Output = Contestant<E>>>>,
    name: Option<Arc<str>>,
    /// When the next backend is asked, too.
    hedge: Pin<Box<Sleep>>,
}

/// Sends the request to the current backend of the plan, and to the next one whenever there was no event for `after`, to two at most at
/// the same time. Returns what came of the one that decides: the first with an event or a finish, the one with an error that no other
/// backend mends, or the last one. The others are dropped, and with them their connections. `number` is that of the last attempt.
pub(super) async fn race<E: Event>(
    stream: &mut Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    after: Duration,
    number: &mut u32,
) -> Ending<E> {
    let aim = stream.current_aim();
    let mut running = vec![start(stream, aim, *number, after)];
    let winner = loop {
        let event = poll_fn(|cx| poll(&mut running, cx, plan.has_next())).await;
        let contestant = match event {
            Next::Hedge => {
                *number += 1;
                add_next(stream, plan, &mut running, *number, after);
                continue;
            }
            Next::Done(contestant) => contestant,
        };
        let Some(error) = contestant.failure().filter(|error| may_fail_over(&error.kind)) else {
            break contestant;
        };
        if running.is_empty() && !plan.has_next() {
            break contestant;
        }
        let at = now().saturating_duration_since(stream.started);
        stream.running.tried.turn_to(contestant.name.as_ref());
        stream.running.tried.failed(error, at);
        plan.failed_at(contestant.aim.index);
        drop(contestant);
        if running.is_empty() {
            *number += 1;
            add_next(stream, plan, &mut running, *number, after);
        }
    };
    let at = now().saturating_duration_since(stream.started);
    for loser in running {
        stream.running.tried.superseded(loser.name.as_ref(), at);
    }
    conclude(stream, plan, *winner, *number).await
}

/// What happens next in a race.
enum Next<E: Event> {
    Done(Box<Contestant<E>>),
    /// It is time to ask another backend, too.
    Hedge,
}

fn poll<E: Event>(running: &mut Vec<Running<E>>, cx: &mut Context<'_>, has_next: bool) -> Poll<Next<E>> {
    for at in 0..running.len() {
        if let Poll::Ready(contestant) = running[at].run.as_mut().poll(cx) {
            drop(running.remove(at));
            return Poll::Ready(Next::Done(Box::new(contestant)));
        }
    }
    match &mut running[..] {
        [alone] if has_next => alone.hedge.as_mut().poll(cx).map(|()| Next::Hedge),
        _ => Poll::Pending,
    }
}

fn add_next<E: Event>(
    stream: &Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    running: &mut Vec<Running<E>>,
    number: u32,
    after: Duration,
) {
    // The URL of a client was checked when it was built.
    if let Some(aim) = plan.next().and_then(|backend| stream.aim(backend).ok()) {
        tracing::debug!(
            stream = stream.running.sink.stream().id(),
            attempt = number,
            backend = aim.name.as_deref(),
            "asking another backend"
        );
        running.push(start(stream, aim, number, after));
    }
}

fn start<E: Event>(stream: &Stream<E>, aim: Aim, number: u32, after: Duration) -> Running<E> {
    let sink = &stream.running.sink;
    let name = aim.name.clone();
    let session = aim.session(stream.started, number);
    let contestant = Contestant {
        aim,
        session,
        guard: Guard::new(sink.link(), sink.target()),
        number,
        name: name.clone(),
        batch: Box::default(),
        answer: None,
        queued: Duration::ZERO,
        interrupt: None,
    };
    // A time beyond the clock's range never comes.
    let far = Duration::from_secs(86_400 * 365);
    let began = now();
    let at: Instant = began.checked_add(after).unwrap_or(began + far);
    Running {
        run: Box::pin(contestant.run(sink.observation().clone())),
        name,
        hedge: Box::pin(sleep_until(at.into())),
    }
}

impl<E: Event> Contestant<E> {
    /// Runs up to the first event, the end, or an interruption.
    async fn run(mut self, observation: Observation) -> Self {
        match self.advance(&observation).await {
            Ok(()) => {}
            Err(Interrupt::Deadline) => {
                self.batch.end = self.session.on_timeout(now(), &mut self.batch.events).map(Box::new);
                if self.batch.end.is_none() {
                    self.interrupt = Some(Interrupt::Deadline);
                }
            }
            Err(interrupt) => self.interrupt = Some(interrupt),
        }
        self
    }

    async fn advance(&mut self, observation: &Observation) -> Result<(), Interrupt> {
        let Self { aim, session, guard, batch, number, name, queued, .. } = self;
        let departure = Departure { purpose: Purpose::Response, attempt: *number, backend: name.clone() };
        let mut carried = Carried { secrets: Arc::clone(&aim.settings.secrets), ..Carried::default() };
        let clearing =
            clear_for(session, observation, guard, &aim.options, &mut aim.first, &mut carried, departure);
        let cleared = clearing.await;
        *queued = carried.queued;
        aim.conceal(carried.secrets);
        match cleared? {
            Ok(None) => {}
            Ok(Some(answer)) => {
                feed_answer(session, answer, batch);
                return Ok(());
            }
            Err(kind) => {
                batch.end = Some(Box::new(session.fail(kind, now())));
                return Ok(());
            }
        }
        let http = aim.client.http();
        let mut answer = match ask(session, observation, guard, &http, &aim.options, &aim.first).await {
            Ok(answer) => answer,
            Err(Ending::Served(served)) => {
                *batch = served.batch;
                return Ok(());
            }
            Err(Ending::Interrupted(interrupt)) => return Err(interrupt),
            Err(Ending::Broken) => return Ok(()),
        };
        let mut turn = Turn::new(now());
        loop {
            let at = now();
            guard.check(&*session, at)?;
            turn.end_if_used_up(at).await;
            let read = guard.wait(&*session, |cx| answer.poll_read(cx).map(|()| answer.unread())).await?;
            turn.add(read);
            feed(session, &mut answer, batch);
            if batch.end.is_some() || session.has_delivered() || session.broken().is_some() {
                self.answer = Some(answer);
                return Ok(());
            }
            // Signs of life before the first event are nobody's yet.
            batch.events.clear();
        }
    }

    /// The error, if it has failed before any event.
    fn failure(&self) -> Option<&StreamError> {
        match self.batch.end.as_deref() {
            Some(Err(error)) if !self.session.has_delivered() => Some(error),
            _ => None,
        }
    }
}

/// Goes on with the contestant that decides, as if it had been the only one.
async fn conclude<E: Event>(
    stream: &mut Stream<E>,
    plan: &mut Plan<'_, Arc<Shared>>,
    winner: Contestant<E>,
    number: u32,
) -> Ending<E> {
    let Contestant { aim, mut session, name, mut batch, answer, queued, interrupt, .. } = winner;
    session.sent_as(number);
    match batch.end.as_deref_mut() {
        Some(Ok(finish)) => finish.attempts = number,
        Some(Err(error)) => error.attempts = number,
        None => {}
    }
    plan.return_to(aim.index);
    stream.running.tried.turn_to(name.as_ref());
    stream.running.queued += queued;
    stream.take_aim(aim);
    stream.running.session = session;
    if let Some(interrupt) = interrupt {
        return Ending::Interrupted(interrupt);
    }
    let Stream { running, guard, request, .. } = stream;
    go_on(running, guard, answer, batch, &mut request.first).await
}
