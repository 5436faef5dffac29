//! The attempts of a stream: permits, retries and resumption.

use std::sync::Arc;
use std::time::Instant;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use bytes::Bytes;

use super::authorize::{UNAUTHORIZED, authorize};
use super::backends::{Plan, may_fail_over};
use super::clearance::{Departure, clear_for, conceal};
use super::guard::{Guard, Interrupt};
use super::pump::{attempt, failed, feed_answer, go_on};
use super::race::{Raced, race};
use super::running::{Ending, Running, Served, Stream};
use crate::connector::prepared::Prepared;
use crate::settings::observer::Purpose;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::stream::delivery::link::Batch;
use crate::transport::http::client::HttpClient;
use crate::transport::http::outgoing::Outgoing;

/// Sends the request, with retries and to other backends, until there is something to deliver.
pub(super) async fn serve<E: Event>(stream: &mut Stream<E>) -> Ending<E> {
    let (started, total) = (stream.started, stream.total);
    let queued = now();
    stream.running.session.on_queued(queued);
    let mut waiting = Box::pin(Arc::clone(&stream.home.permits).acquire_owned());
    let place = stream.guard.wait(&stream.running.session, |cx| waiting.as_mut().poll(cx)).await;
    drop(waiting);
    stream.running.queued += now().saturating_duration_since(queued);
    let _place = match place {
        Ok(place) => place,
        Err(interrupt) => return Ending::Interrupted(interrupt),
    };
    stream.running.session.on_admitted();
    let home = Arc::clone(&stream.home);
    let mut plan = stream.plan(&home.backends);
    let hedge_after = home.backends.hedge_after;
    let mut number = 1;
    let mut retries = 1;
    if let Some(backend) = plan.as_mut().and_then(Plan::next)
        && let Err(ending) = stream.turn_to(backend, number)
    {
        return ending;
    }
    let mut may_renew = stream.options.credentials.is_some();
    loop {
        let raced = match plan.as_mut().filter(|plan| plan.has_next()).zip(hedge_after) {
            Some((plan, after)) => Some(Box::pin(race(stream, plan, after, &mut number)).await),
            None => None,
        };
        let Stream { client, options, request, running, guard, .. } = stream;
        let http = client.http();
        let have_all_failed = matches!(raced, Some(Raced::Failed(_)));
        let mut ending = match raced {
            Some(Raced::Decided(Ending::Broken)) => {
                Box::pin(resume(running, guard, &http, options, request)).await
            }
            Some(Raced::Decided(ending) | Raced::Failed(ending)) => ending,
            None => send_once(running, guard, &http, options, request, number).await,
        };
        if plan.is_some() {
            ending = tell_timeout(running, ending);
        }
        let Ending::Served(served) = &ending else { return ending };
        let has_answered = !served.batch.events.is_empty() || running.session.has_delivered();
        let Some(Err(error)) = served.batch.end.as_deref().filter(|_| !has_answered) else {
            if let Some(plan) = plan.as_ref().filter(|_| !running.tried.by_observer()) {
                plan.answered();
            }
            settle(request, served);
            return ending;
        };
        // An unsent request does not hold its place in the quota while the next attempt is waited for.
        request.first.admission = None;
        if !have_all_failed {
            running.tried.failed(error, now().saturating_duration_since(started));
        }
        if may_renew && !have_all_failed && error.status() == Some(UNAUTHORIZED) {
            may_renew = false;
            match authorize(running, guard, options, number + 1, Some(UNAUTHORIZED)).await {
                Ok(Ok(Some(key))) if request.first.key.as_ref() != Some(&key) => {
                    tracing::debug!(stream = running.sink.stream().id(), "sending again with another key");
                    number += 1;
                    take_key(running, request, key, started, number);
                    continue;
                }
                // The refusal says more than an error of the source.
                Ok(_) => {}
                Err(interrupt) => return Ending::Interrupted(interrupt),
            }
        }
        if let Some(plan) = plan.as_mut().filter(|_| !have_all_failed && may_fail_over(&error.kind)) {
            plan.failed();
            if let Some(backend) = plan.next() {
                tracing::debug!(
                    stream = running.sink.stream().id(),
                    attempt = number,
                    backend = backend.1.name.as_deref(),
                    "asking another backend: {error}"
                );
                drop(ending);
                number += 1;
                if let Err(ending) = stream.turn_to(backend, number) {
                    return ending;
                }
                may_renew = stream.options.credentials.is_some();
                continue;
            }
        }
        let Some(wait) = options.retry.wait(error, retries, fastrand::f64()) else { return ending };
        // A delay beyond the clock's range never ends.
        let Some(again) = now().checked_add(wait) else { return ending };
        if total.is_some_and(|total| again >= total) {
            return ending;
        }
        tracing::debug!(
            stream = running.sink.stream().id(),
            attempt = number,
            ?wait,
            "sending again: {error}"
        );
        drop(ending);
        let mut again = Box::pin(actix_rt::time::sleep_until(again.into()));
        if let Err(interrupt) = guard.wait(&total, |cx| again.as_mut().poll(cx)).await {
            return Ending::Interrupted(interrupt);
        }
        number += 1;
        retries += 1;
        request.first.key = None;
        running.session = request.session(started, number);
        if let Some(plan) = &mut plan {
            plan.restart();
            if let Some(backend) = plan.next()
                && let Err(ending) = stream.turn_to(backend, number)
            {
                return ending;
            }
        }
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

/// Sends the request once, with a key from its source, and resumes the stream if it breaks.
async fn send_once<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    http: &HttpClient,
    options: &Arc<Options>,
    request: &mut Prepared<E::Response>,
    number: u32,
) -> Ending<E> {
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
                return answer_with(running, guard, &mut request.first, answer).await;
            }
            Ok(Err(kind)) => return failed(&mut running.session, kind),
            Err(interrupt) => return Ending::Interrupted(interrupt),
        }
    }
    match attempt(running, guard, http, options, &mut request.first).await {
        Ending::Broken => Box::pin(resume(running, guard, http, options, request)).await,
        ending => ending,
    }
}

/// Whether anything has to be asked before a request goes out.
fn needs_clearance<E: Event>(running: &Running<E>, options: &Options) -> bool {
    options.credentials.is_some() || options.limiter.is_some() || running.sink.observation().call().is_some()
}

/// Delivers the response with which an observer answers a request.
async fn answer_with<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    outgoing: &mut Outgoing,
    answer: Bytes,
) -> Ending<E> {
    let mut batch = running.sink.batch();
    feed_answer(&mut running.session, answer, &mut batch);
    Box::pin(go_on(running, guard, None, batch, outgoing)).await
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
async fn resume<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    http: &HttpClient,
    options: &Arc<Options>,
    request: &Prepared<E::Response>,
) -> Ending<E> {
    let mut tries = 0;
    let mut reached = None;
    loop {
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
                    match answer_with(running, guard, &mut outgoing, answer).await {
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
        match attempt(running, guard, http, options, &mut outgoing).await {
            Ending::Broken => {}
            ending => return ending,
        }
    }
    let session = &mut running.session;
    let detail = match session.broken() {
        Some(ErrorKind::Truncated { detail }) => detail.to_string(),
        Some(kind) => format!("the stream broke, and going on failed: {kind}"),
        None => "the stream broke".to_owned(),
    };
    let batch = Batch::of_end(session.fail(ErrorKind::truncated(detail), now()));
    Ending::Served(Box::new(Served { batch, answer: None }))
}
