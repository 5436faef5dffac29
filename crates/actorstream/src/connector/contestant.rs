//! `Contestant`: one of the requests that race for the first event.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_rt::time::{Sleep, sleep_until};
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::Session;

use super::aim::Aim;
use super::authorize::{UNAUTHORIZED, key};
use super::clearance::{Departure, clear_for, conceal};
use super::guard::{Guard, Interrupt};
use super::pump::{ask, feed, feed_answer};
use super::running::{Ending, Stream};
use super::turn::Turn;
use crate::connector::prepared::Carried;
use crate::settings::observer::Purpose;
use crate::stream::clock::now;
use crate::stream::delivery::link::Batch;
use crate::telemetry::observation::Observation;
use crate::transport::http::answer::Answer;

/// One of those that race, with all that its request needs.
pub(super) struct Contestant<E: Event> {
    pub(super) aim: Aim,
    pub(super) session: Session<E>,
    guard: Guard<E>,
    observation: Observation,
    number: u32,
    /// What has arrived, with the first event or the end.
    pub(super) batch: Box<Batch<E>>,
    pub(super) answer: Option<Box<Answer>>,
    /// How long it has waited for the quota.
    pub(super) queued: Duration,
    /// Whether an observer has answered in place of the server.
    pub(super) by_observer: bool,
    /// What has interrupted the stream.
    pub(super) interrupt: Option<Interrupt>,
    /// Whether the source of keys may be asked for another key.
    may_renew: bool,
    /// The other key to send after a refusal.
    pub(super) renewed: Option<Secret>,
    progress: Rc<Progress>,
}

/// How far the request of a contestant is.
#[derive(Debug, Default)]
struct Progress {
    sent: Cell<Option<Instant>>,
    has_head: Cell<bool>,
}

/// A contestant that runs.
pub(super) struct Running<E: Event> {
    pub(super) run: Pin<Box<dyn Future<Output = Contestant<E>>>>,
    /// Which backend it is.
    pub(super) index: usize,
    pub(super) name: Option<Arc<str>>,
    progress: Rc<Progress>,
    /// When the next backend is asked, too; from the moment at which the request is sent.
    hedge: Option<Pin<Box<Sleep>>>,
}

impl<E: Event> Running<E> {
    /// Is ready when the request was sent `after` ago.
    pub(super) fn poll_hedge(&mut self, after: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sent) = self.progress.sent.get() else { return Poll::Pending };
        // A time beyond the clock's range never comes.
        let far = Duration::from_secs(86_400 * 365);
        let at = || sent.checked_add(after).unwrap_or(sent + far);
        self.hedge.get_or_insert_with(|| Box::pin(sleep_until(at().into()))).as_mut().poll(cx)
    }

    /// Returns whether the request was sent `after` ago, or longer, and no head has arrived.
    pub(super) fn is_mute(&self, after: Duration) -> bool {
        let waits = |sent: Instant| now().saturating_duration_since(sent) >= after;
        self.progress.sent.get().is_some_and(waits) && !self.progress.has_head.get()
    }
}

impl<E: Event> Contestant<E> {
    /// A contestant with this aim, for the attempt of this number.
    pub(super) fn new(stream: &Stream<E>, aim: Aim, number: u32) -> Self {
        let sink = &stream.running.sink;
        Self {
            session: aim.session(stream.started, number),
            guard: Guard::new(sink.link(), sink.target()),
            observation: sink.observation().clone(),
            number,
            batch: Box::default(),
            answer: None,
            queued: Duration::ZERO,
            by_observer: false,
            interrupt: None,
            may_renew: aim.options.credentials.is_some(),
            renewed: None,
            progress: Rc::default(),
            aim,
        }
    }

    /// The same contestant with another key, the last one, for the attempt of this number.
    pub(super) fn with_key(self, stream: &Stream<E>, key: Secret, number: u32) -> Self {
        let Self { mut aim, queued, .. } = self;
        let mut secrets = Arc::clone(&aim.settings.secrets);
        conceal(&mut secrets, &key);
        aim.conceal(secrets);
        aim.first.key = Some(key);
        Self { queued, may_renew: false, ..Self::new(stream, aim, number) }
    }

    /// Starts it.
    pub(super) fn start(self) -> Running<E> {
        let (index, name, progress) = (self.aim.index, self.aim.name.clone(), Rc::clone(&self.progress));
        Running { run: Box::pin(self.run()), index, name, progress, hedge: None }
    }

    /// Runs up to the first event, the end, or an interruption.
    async fn run(mut self) -> Self {
        let mut interrupt = self.advance().await.err();
        if interrupt.is_none() && self.may_renew && self.failure().is_some_and(is_unauthorized) {
            match self.renew().await {
                Ok(renewed) => self.renewed = renewed,
                Err(interrupted) => interrupt = Some(interrupted),
            }
        } else if interrupt == Some(Interrupt::Deadline) {
            self.batch.end = self.session.on_timeout(now(), &mut self.batch.events).map(Box::new);
            interrupt = interrupt.filter(|_| self.batch.end.is_none());
        }
        self.interrupt = interrupt;
        self
    }

    async fn advance(&mut self) -> Result<(), Interrupt> {
        let Self { aim, session, guard, observation, batch, number, progress, .. } = self;
        if let Some(kind) = aim.flaw.take() {
            batch.end = Some(Box::new(session.fail(kind, now())));
            return Ok(());
        }
        let departure = Departure { purpose: Purpose::Response, attempt: *number, backend: aim.name.clone() };
        let mut carried = Carried { secrets: Arc::clone(&aim.settings.secrets), ..Carried::default() };
        let clearing =
            clear_for(session, observation, guard, &aim.options, &mut aim.first, &mut carried, departure);
        let cleared = clearing.await;
        self.queued += carried.queued;
        aim.conceal(carried.secrets);
        match cleared? {
            Ok(None) => {}
            Ok(Some(answer)) => {
                self.by_observer = true;
                feed_answer(session, answer, batch);
                return Ok(());
            }
            Err(kind) => {
                batch.end = Some(Box::new(session.fail(kind, now())));
                return Ok(());
            }
        }
        let http = aim.client.http();
        progress.sent.set(Some(now()));
        let mut answer = match ask(session, observation, guard, &http, &aim.options, &aim.first).await {
            Ok(answer) => answer,
            Err(Ending::Served(served)) => {
                *batch = served.batch;
                return Ok(());
            }
            Err(Ending::Interrupted(interrupt)) => return Err(interrupt),
            Err(Ending::Broken) => return Ok(()),
        };
        progress.has_head.set(true);
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

    /// Asks the source of keys for another key than the one that was refused.
    async fn renew(&mut self) -> Result<Option<Secret>, Interrupt> {
        let Self { aim, session, guard, number, .. } = self;
        let mut asking = key(&aim.options, *number + 1, Some(UNAUTHORIZED));
        let answer = guard.wait(&*session, |cx| asking.as_mut().poll(cx)).await?;
        // The refusal says more than an error of the source.
        let other = answer.ok().flatten();
        Ok(other.filter(|key| aim.first.key.as_ref() != Some(key)))
    }

    /// The error, if it has failed before any event.
    pub(super) fn failure(&self) -> Option<&StreamError> {
        match self.batch.end.as_deref() {
            Some(Err(error)) if !self.session.has_delivered() => Some(error),
            _ => None,
        }
    }
}

fn is_unauthorized(error: &StreamError) -> bool {
    error.status() == Some(UNAUTHORIZED)
}
