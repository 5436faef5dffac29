//! The attempts of a stream: permits, retries and resumption.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::secret::Secret;
use bytes::Bytes;
use tokio::sync::{AcquireError, OwnedSemaphorePermit};

use super::authorize::{UNAUTHORIZED, authorize};
use super::backends::{Plan, may_fail_over};
use super::clearance::{Departure, clear_for, conceal};
use super::guard::Interrupt;
use super::pump::{ask, failed, feed_answer, go_on, pour};
use super::race::{Raced, race};
use super::running::{Ending, Running, Served, Stream};
use crate::connector::prepared::Prepared;
use crate::connector::shared::Shared;
use crate::settings::observer::Purpose;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::stream::delivery::link::Batch;
use crate::transport::http::answer::Answer;
use crate::transport::http::client::HttpClient;

/// Sends the request, with retries and to other backends, until there is something to deliver.
pub(super) async fn serve<E: Event>(stream: &mut Stream<E>) -> Ending<E> {
    // Whatever precedes or follows the events is boxed, so that a stream that waits for events does not reserve room
    // for it.
    let _permit = match Box::pin(admit(stream)).await {
        Ok(permit) => permit,
        Err(interrupt) => return Ending::Interrupted(interrupt),
    };
    let home = Arc::clone(&stream.home);
    let mut tries =
        Tries { plan: stream.plan(&home.backends).map(Box::new), number: 1, retries: 1, may_renew: false };
    if let Some(backend) = tries.plan.as_mut().and_then(|plan| plan.next())
        && let Err(ending) = stream.turn_to(backend, tries.number)
    {
        return ending;
    }
    tries.may_renew = stream.options.credentials.is_some();
    loop {
        let (mut ending, have_all_failed) = match tries.hedge_after(&home) {
            Some(after) => Box::pin(tries.race(stream, after)).await,
            None => {
                let http = stream.client.http();
                (send_once(stream, &http, tries.number).await, false)
            }
        };
        if tries.plan.is_some() {
            ending = tell_timeout(&mut stream.running, ending);
        }
        if failure(&stream.running, &ending).is_none() {
            if let Ending::Served(served) = &ending {
                tries.answered(stream);
                settle(&mut stream.request, served);
            }
            return ending;
        }
        if let ControlFlow::Break(ending) = Box::pin(tries.again(stream, ending, have_all_failed)).await {
            return ending;
        }
    }
}

/// Waits for a permit among the client's streams.
async fn admit<E: Event>(
    stream: &mut Stream<E>,
) -> Result<Result<OwnedSemaphorePermit, AcquireError>, Interrupt> {
    let Stream { home, running, guard, .. } = stream;
    let queued = now();
    running.session.on_queued(queued);
    let mut waiting = pin!(Arc::clone(&home.permits).acquire_owned());
    let permit = guard.wait(&running.session, |cx| waiting.as_mut().poll(cx)).await;
    running.queued += now().saturating_duration_since(queued);
    if permit.is_ok() {
        running.session.on_admitted();
    }
    permit
}

/// The error of an attempt that has failed before any event.
fn failure<'a, E: Event>(running: &Running<E>, ending: &'a Ending<E>) -> Option<&'a StreamError> {
    let Ending::Served(served) = ending else { return None };
    let has_answered = !served.batch.events.is_empty() || running.session.has_delivered();
    served.batch.end.as_deref().filter(|_| !has_answered)?.as_ref().err()
}

/// The attempts of a request so far, and those that are left.
struct Tries<'a> {
    /// The backends to ask; boxed, since most clients have one server.
    plan: Option<Box<Plan<'a, Arc<Shared>>>>,
    /// The number of the current attempt, from 1.
    number: u32,
    /// The number of the next retry, from 1.
    retries: u32,
    /// Whether the source of keys may be asked for another key.
    may_renew: bool,
}

impl Tries<'_> {
    /// After how long without an event another backend is asked, too; `None` if none is left, or none is to be.
    fn hedge_after(&self, home: &Shared) -> Option<Duration> {
        home.backends.hedge_after.filter(|_| self.plan.as_ref().is_some_and(|plan| plan.has_next()))
    }

    /// Asks several backends for the first event. Returns how that ended, and whether all have failed.
    async fn race<E: Event>(&mut self, stream: &mut Stream<E>, after: Duration) -> (Ending<E>, bool) {
        let Some(plan) = &mut self.plan else { return (Ending::Broken, false) };
        match race(stream, plan, after, &mut self.number).await {
            Raced::Decided(Ending::Broken) => {
                let http = stream.client.http();
                (resume(stream, &http).await, false)
            }
            Raced::Decided(ending) => (ending, false),
            Raced::Failed(ending) => (ending, true),
        }
    }

    /// The current backend has answered.
    fn answered<E: Event>(&self, stream: &Stream<E>) {
        if let Some(plan) = self.plan.as_ref().filter(|_| !stream.running.tried.by_observer()) {
            plan.answered();
        }
    }

    /// Prepares the next attempt after one that has failed before any event. Breaks if there is none.
    async fn again<E: Event>(
        &mut self,
        stream: &mut Stream<E>,
        ending: Ending<E>,
        have_all_failed: bool,
    ) -> ControlFlow<Ending<E>> {
        let Stream { options, request, running, guard, started, total, .. } = &mut *stream;
        let (started, total) = (*started, *total);
        let Some(error) = failure(running, &ending) else { return ControlFlow::Break(ending) };
        // An unsent request does not hold its place in the quota while the next attempt is waited for.
        request.first.admission = None;
        if !have_all_failed {
            running.tried.failed(error, now().saturating_duration_since(started));
        }
        if self.may_renew && !have_all_failed && error.status() == Some(UNAUTHORIZED) {
            self.may_renew = false;
            match authorize(running, guard, options, self.number + 1, Some(UNAUTHORIZED)).await {
                Ok(Ok(Some(key))) if request.first.key.as_ref() != Some(&key) => {
                    tracing::debug!(stream = running.sink.stream().id(), "sending again with another key");
                    self.number += 1;
                    take_key(running, request, key, started, self.number);
                    return ControlFlow::Continue(());
                }
                // The refusal says more than an error of the source.
                Ok(_) => {}
                Err(interrupt) => return ControlFlow::Break(Ending::Interrupted(interrupt)),
            }
        }
        if let Some(plan) = self.plan.as_mut().filter(|_| !have_all_failed && may_fail_over(&error.kind)) {
            plan.failed();
            if let Some(backend) = plan.next() {
                tracing::debug!(
                    stream = running.sink.stream().id(),
                    attempt = self.number,
                    backend = backend.1.name.as_deref(),
                    "asking another backend: {error}"
                );
                drop(ending);
                self.number += 1;
                if let Err(ending) = stream.turn_to(backend, self.number) {
                    return ControlFlow::Break(ending);
                }
                self.may_renew = stream.options.credentials.is_some();
                return ControlFlow::Continue(());
            }
        }
        let Some(wait) = options.retry.wait(error, self.retries, fastrand::f64()) else {
            return ControlFlow::Break(ending);
        };
        // A delay beyond the clock's range never ends.
        let again = now().checked_add(wait).filter(|again| total.is_none_or(|total| *again < total));
        let Some(again) = again else { return ControlFlow::Break(ending) };
        tracing::debug!(
            stream = running.sink.stream().id(),
            attempt = self.number,
            ?wait,
            "sending again: {error}"
        );
        drop(ending);
        let mut again = pin!(actix_rt::time::sleep_until(again.into()));
        if let Err(interrupt) = guard.wait(&total, |cx| again.as_mut().poll(cx)).await {
            return ControlFlow::Break(Ending::Interrupted(interrupt));
        }
        self.number += 1;
        self.retries += 1;
        request.first.key = None;
        running.session = request.session(started, self.number);
        if let Some(plan) = &mut self.plan {
            plan.restart();
            if let Some(backend) = plan.next()
                && let Err(ending) = stream.turn_to(backend, self.number)
            {
                return ControlFlow::Break(ending);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Tells the quota what a response has used.
fn settle<E: Event>(request: &mut Prepared<E::Response>, served: &Served<E>) {
    if let (Some(admission), Some(Ok(finish))) = (request.first.admission.take(), served.batch.end.as_deref())
        && let Some(tokens) = E::tokens(&finish.response)
    {
        admission.settle(tokens.total.max(tokens.input.saturating_add(tokens.output)));
    }
}

/// Ends the attempt if a timeout has expired before its head, so that another backend can be asked.
fn tell_timeout<E: Event>(running: &mut Running<E>, ending: Ending<E>) -> Ending<E> {
    let is_mute = !running.session.has_delivered() && !running.sink.is_outstanding();
    if !matches!(ending, Ending::Interrupted(Interrupt::Deadline)) || !is_mute {
        return ending;
    }
    match running.session.on_timeout(now(), &mut Vec::new()) {
        Some(end) => Ending::Served(Box::new(Served { batch: Batch::of_end(end), answer: None })),
        None => ending,
    }
}

/// Sends the request once, and resumes the stream if it breaks.
async fn send_once<E: Event>(stream: &mut Stream<E>, http: &HttpClient, number: u32) -> Ending<E> {
    let ending = match Box::pin(open(stream, http, number)).await {
        Ok(answer) => pour(stream, answer).await,
        Err(ending) => ending,
    };
    match ending {
        Ending::Broken => Box::pin(resume(stream, http)).await,
        ending => ending,
    }
}

/// Sends the request with a key from its source, and waits for the response head.
async fn open<E: Event>(
    stream: &mut Stream<E>,
    http: &HttpClient,
    number: u32,
) -> Result<Box<Answer>, Ending<E>> {
    let Stream { options, request, running, guard, .. } = &mut *stream;
    running.tried.answered_by(false);
    if needs_clearance(running, options) {
        let backend = running.tried.backend();
        let departure = Departure { purpose: Purpose::Response, attempt: number, backend };
        let mut carried = request.carried();
        let Running { session, sink, queued, .. } = &mut *running;
        let observation = sink.observation();
        let first = &mut request.first;
        let clearing = clear_for(session, observation, guard, options, first, &mut carried, departure);
        let cleared = clearing.await;
        *queued += carried.queued;
        request.conceal(carried.secrets);
        match cleared {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(answer))) => {
                running.tried.answered_by(true);
                return Err(answer_with(stream, answer).await);
            }
            Ok(Err(kind)) => return Err(failed(&mut running.session, kind)),
            Err(interrupt) => return Err(Ending::Interrupted(interrupt)),
        }
    }
    let Running { session, sink, .. } = running;
    ask(session, sink.observation(), guard, http, options, &request.first).await
}

/// Whether anything has to be asked before a request goes out.
fn needs_clearance<E: Event>(running: &Running<E>, options: &Options) -> bool {
    options.credentials.is_some() || options.limiter.is_some() || running.sink.observation().call().is_some()
}

/// Delivers the response with which an observer answers a request.
async fn answer_with<E: Event>(stream: &mut Stream<E>, answer: Bytes) -> Ending<E> {
    let running = &mut stream.running;
    let mut batch = running.sink.batch();
    feed_answer(&mut running.session, answer, &mut batch);
    Box::pin(go_on(stream, None, batch)).await
}

/// Uses this key for the next attempt, whose errors must not show it.
fn take_key<E: Event>(
    running: &mut Running<E>,
    request: &mut Prepared<E::Response>,
    key: Secret,
    started: Instant,
    number: u32,
) {
    let mut secrets = Arc::clone(&request.settings.secrets);
    conceal(&mut secrets, &key);
    request.conceal(secrets);
    request.first.key = Some(key);
    running.session = request.session(started, number);
}

/// Resumes a broken stream until it ends or cannot be resumed.
async fn resume<E: Event>(stream: &mut Stream<E>, http: &HttpClient) -> Ending<E> {
    let mut tries = 0;
    let mut reached = None;
    loop {
        let Stream { options, request, running, guard, .. } = &mut *stream;
        let session = &mut running.session;
        let Some((kind, point)) = session.broken().cloned().zip(session.resume_point()) else { break };
        if reached != Some(point.after) {
            // An event has arrived since: count the tries from here.
            (tries, reached) = (0, Some(point.after));
        }
        let wait = options.retry.wait_to_resume(&kind, tries, fastrand::f64());
        let again = wait.and_then(|wait| now().checked_add(wait));
        let (Some(again), Some(mut outgoing)) = (again, request.recovery.resume(&point)) else { break };
        tracing::debug!(
            stream = running.sink.stream().id(),
            after = point.after,
            tries,
            ?wait,
            "going on: {kind}"
        );
        let mut again = Box::pin(actix_rt::time::sleep_until(again.into()));
        if let Err(interrupt) = guard.wait(&*session, |cx| again.as_mut().poll(cx)).await {
            return Ending::Interrupted(interrupt);
        }
        tries += 1;
        if needs_clearance(running, options) {
            let backend = running.tried.backend();
            let departure = Departure { purpose: Purpose::Resumption, attempt: tries, backend };
            let mut carried = request.carried();
            let Running { session, sink, .. } = &mut *running;
            let observation = sink.observation();
            let clearing =
                clear_for(session, observation, guard, options, &mut outgoing, &mut carried, departure);
            match clearing.await {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(answer))) => {
                    running.session.reconnect(now());
                    match answer_with(stream, answer).await {
                        Ending::Broken => continue,
                        ending => return ending,
                    }
                }
                Ok(Err(kind @ ErrorKind::ObserverPanicked)) => return failed(&mut running.session, kind),
                Ok(Err(kind)) => {
                    running.session.on_reconnect_failed(kind);
                    continue;
                }
                Err(interrupt) => return Ending::Interrupted(interrupt),
            }
        }
        running.session.reconnect(now());
        let Running { session, sink, .. } = running;
        let ending = match ask(session, sink.observation(), guard, http, options, &outgoing).await {
            Ok(answer) => pour(stream, answer).await,
            Err(ending) => ending,
        };
        match ending {
            Ending::Broken => {}
            ending => return ending,
        }
    }
    let session = &mut stream.running.session;
    let detail = match session.broken() {
        Some(ErrorKind::Truncated { detail }) => detail.to_string(),
        Some(kind) => format!("the stream broke, and going on failed: {kind}"),
        None => "the stream broke".to_owned(),
    };
    let batch = Batch::of_end(session.fail(ErrorKind::truncated(detail), now()));
    Ending::Served(Box::new(Served { batch, answer: None }))
}
