//! The pump: request → body → session → sink, for one attempt.

use std::sync::Arc;
use std::time::SystemTime;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::response_head::ResponseHead;
use actorstream_proto::session::head::Head;
use actorstream_proto::session::{BodyEnd, Session};
use bytes::Bytes;

use super::guard::{Guard, Interrupt};
use super::running::{Ending, Running, Served, Stream};
use super::sink::{Acknowledged, Sink};
use super::turn::Turn;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::stream::delivery::link::{Batch, replace_kind};
use crate::telemetry::observation::Observation;
use crate::transport::http::answer::Answer;
use crate::transport::http::body::Piece;
use crate::transport::http::client::HttpClient;
use crate::transport::http::outgoing::Outgoing;
use crate::transport::http::send::send;

/// Goes on with a response whose first events, or end, have been read.
pub(super) async fn go_on<E: Event>(
    stream: &mut Stream<E>,
    answer: Option<Box<Answer>>,
    mut batch: Box<Batch<E>>,
) -> Ending<E> {
    let Running { session, sink, .. } = &mut stream.running;
    observe(session, sink, &mut batch);
    announce(session, &mut batch);
    if batch.end.is_some() {
        return Ending::Served(Box::new(Served { batch, answer }));
    }
    sink.send(batch);
    match answer.filter(|_| session.broken().is_none()) {
        Some(answer) => pour(stream, answer).await,
        None => match settle(stream).await {
            Ok(()) => Ending::Broken,
            Err(interrupt) => Ending::Interrupted(interrupt),
        },
    }
}

/// Delivers the events of a response as they arrive. Streams spend nearly all of their time here, so what they hold
/// meanwhile is kept small.
pub(super) async fn pour<E: Event>(stream: &mut Stream<E>, mut answer: Box<Answer>) -> Ending<E> {
    let mut usual = 1;
    let mut turn = Turn::new(now());
    loop {
        let read = read(stream, &mut answer, &mut turn).await;
        let Running { session, sink, .. } = &mut stream.running;
        let served = match read {
            Ok(()) => deliver(session, sink, &mut answer, &mut usual),
            Err(Interrupt::Deadline) if !sink.is_outstanding() => {
                // The rest of the response is not needed.
                if let Some(served) = time_out(session, sink) {
                    return Ending::Served(served);
                }
                None
            }
            Err(interrupt) => return Ending::Interrupted(interrupt),
        };
        if let Some(mut served) = served {
            served.answer = Some(answer);
            return Ending::Served(served);
        }
        if session.has_delivered() {
            stream.request.first.let_go();
        }
        if session.broken().is_some() {
            return match settle(stream).await {
                Ok(()) => Ending::Broken,
                Err(interrupt) => Ending::Interrupted(interrupt),
            };
        }
    }
}

/// Sends the request and waits for the response head.
pub(super) async fn ask<E: Event>(
    session: &mut Session<E>,
    observation: &Observation,
    guard: &mut Guard<E>,
    http: &HttpClient,
    options: &Arc<Options>,
    outgoing: &Outgoing,
) -> Result<Box<Answer>, Ending<E>> {
    session.on_sent(now());
    let mut sending = send(http, options, outgoing);
    match guard.wait(&*session, |cx| sending.as_mut().poll(cx)).await {
        Ok(Ok((head, answer))) => {
            let observed = head.whole.as_ref().map_or(Ok(()), |head| observation.head(head));
            session.on_head(head, now());
            observed.map_err(|kind| failed(session, kind))?;
            Ok(Box::new(answer))
        }
        Ok(Err(kind)) if session.resume_point().is_some() => {
            session.on_reconnect_failed(kind);
            Err(Ending::Broken)
        }
        Ok(Err(kind)) => Err(failed(session, kind)),
        Err(interrupt) => Err(Ending::Interrupted(interrupt)),
    }
}

/// Ends an attempt for a reason that is not the response's.
pub(super) fn failed<E: Event>(session: &mut Session<E>, kind: ErrorKind) -> Ending<E> {
    let batch = Batch::of_end(session.fail(kind, now()));
    Ending::Served(Box::new(Served { batch, answer: None }))
}

/// Reads the next bytes once the target has acknowledged the last delivery.
async fn read<E: Event>(
    stream: &mut Stream<E>,
    answer: &mut Answer,
    turn: &mut Turn,
) -> Result<(), Interrupt> {
    if stream.running.sink.is_outstanding() {
        settle(stream).await?;
    }
    let now = now();
    // Data that has already arrived would be read regardless of the time.
    stream.guard.check(&stream.running.session, now)?;
    turn.end_if_used_up(now).await;
    let mut waited = false;
    let read = stream.guard.wait(&stream.running.session, |cx| {
        let read = answer.poll_read(cx).map(|()| answer.unread());
        waited |= read.is_pending();
        read
    });
    let read = read.await?;
    if waited {
        turn.begin_again();
    }
    turn.add(read);
    Ok(())
}

/// Waits until the target has acknowledged the last delivery. Meanwhile the timeouts for the server are paused.
async fn settle<E: Event>(stream: &mut Stream<E>) -> Result<(), Interrupt> {
    let Stream { running: Running { session, sink, .. }, guard, .. } = stream;
    let since = now();
    session.pause(since);
    match guard.wait(&*session, |cx| sink.poll_acknowledged(cx)).await? {
        Acknowledged::Done => {
            let done_at = sink.done_at();
            session.resume(done_at);
            sink.waited(done_at.saturating_duration_since(since));
            Ok(())
        }
        Acknowledged::Gone => Err(Interrupt::Gone),
    }
}

/// Feeds the read to the session and sends the events; returns the end, if any, for delivery. No event is held in the
/// pump's future while it waits: ten thousand silent streams would reserve room for ten thousand events. `usual` is
/// the number of events in the previous batch.
fn deliver<E: Event>(
    session: &mut Session<E>,
    sink: &mut Sink<E>,
    answer: &mut Answer,
    usual: &mut usize,
) -> Option<Box<Served<E>>> {
    let mut batch = sink.batch();
    // A few more events than in the previous batch then cause no reallocation.
    batch.events.reserve_exact(usual.next_power_of_two());
    feed(session, answer, &mut batch);
    observe(session, sink, &mut batch);
    announce(session, &mut batch);
    if batch.end.is_some() {
        return Some(Box::new(Served { batch, answer: None }));
    }
    if !batch.is_empty() {
        *usual = batch.events.len();
    }
    sink.send(batch);
    None
}

/// Ends a response whose timeout has expired: with a finish if only its end is missing, with the part of a refusal
/// that arrived, or with the timeout. Returns `None` if the stream broke and can be resumed.
fn time_out<E: Event>(session: &mut Session<E>, sink: &mut Sink<E>) -> Option<Box<Served<E>>> {
    let mut batch = sink.batch();
    batch.end = session.on_timeout(now(), &mut batch.events).map(Box::new);
    observe(session, sink, &mut batch);
    announce(session, &mut batch);
    if batch.end.is_some() {
        return Some(Box::new(Served { batch, answer: None }));
    }
    sink.send(batch);
    None
}

/// Shows the events to the observers that want them. The first one that is denied ends the stream.
#[inline]
fn observe<E: Event>(session: &mut Session<E>, sink: &Sink<E>, batch: &mut Batch<E>) {
    if !sink.observation().wants_events() {
        return;
    }
    for at in 0..batch.events.len() {
        if let Err(kind) = sink.observation().event(&batch.events[at]) {
            batch.events.truncate(at);
            let end = match batch.end.take() {
                Some(end) => Err(replace_kind::<E>(kind, *end)),
                None => session.fail(kind, now()),
            };
            batch.end = Some(Box::new(end));
            return;
        }
    }
}

/// Reads the body of a response with which an observer answers the request.
pub(super) fn feed_answer<E: Event>(session: &mut Session<E>, body: Bytes, batch: &mut Batch<E>) {
    let now = now();
    let mut head = Head::read(200, |_| None);
    head.whole = Some(ResponseHead::new(200, SystemTime::now(), []));
    session.on_sent(now);
    session.on_head(head, now);
    batch.end = session
        .on_bytes(body, now, &mut batch.events)
        .or_else(|| session.on_body_end(&BodyEnd::Clean, now, &mut batch.events))
        .map(Box::new);
}

/// Puts the head of the response before its first event, or before its end if it finishes without events. A response that
/// fails before that may be requested again, so the target does not hear of it.
#[inline]
fn announce<E: Event>(session: &mut Session<E>, batch: &mut Batch<E>) {
    if !batch.events.is_empty() || matches!(batch.end.as_deref(), Some(Ok(_))) {
        batch.start = session.take_head();
    }
}

/// Feeds the read to the session.
pub(super) fn feed<E: Event>(session: &mut Session<E>, answer: &mut Answer, batch: &mut Batch<E>) {
    let now = now();
    while let Some(piece) = answer.next() {
        let (end, last) = match piece {
            Piece::Bytes(bytes) => (session.on_bytes(bytes, now, &mut batch.events), false),
            Piece::End(end) => (session.on_body_end(&end, now, &mut batch.events), true),
        };
        batch.end = end.map(Box::new);
        if last || batch.end.is_some() {
            break;
        }
    }
}
