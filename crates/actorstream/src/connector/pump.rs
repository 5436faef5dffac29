//! The pump: request → body → session → sink, until the end.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use actorstream_proto::budget::Budget;
use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::event::Event;
use actorstream_proto::finish::{Finish, Outcome};
use actorstream_proto::session::{End, Session, Settings};
use futures_util::future::join;
use futures_util::ready;

use crate::call::{Outgoing, OutgoingBody, Prepared};
use crate::client::Inner;
use crate::link::{Batch, replace_kind};
use crate::options::Options;
use crate::streams::Entry;
use crate::transport::{Answer, Exchange, HttpClient, Piece, send};

use super::guard::{Guard, Interrupt};
use super::now;
use super::sink::{Settled, Sink};

/// How long the rest of a body is waited for after the end of its stream, so that the connection can be used again.
const DRAIN: Duration = Duration::from_secs(1);

/// A stream that runs. Dropped before its end, it ends as `Aborted`, with what has arrived.
struct Running<E: Event> {
    session: Session<E>,
    sink: Sink<E>,
    /// The answer whose tools run; its session has ended.
    round: Option<Box<Finish<E::Response>>>,
}

impl<E: Event> Running<E> {
    /// Ends the stream by something that is not the server's doing.
    fn fail(&mut self, kind: ErrorKind) -> End<E> {
        match self.round.take() {
            Some(answer) => Err(replace_kind(kind, Ok(*answer))),
            None => self.session.fail(kind, now()),
        }
    }
}

impl<E: Event> Drop for Running<E> {
    fn drop(&mut self) {
        if !self.sink.is_closed()
            && let Err(error) = self.fail(ErrorKind::Aborted)
        {
            self.sink.abort(error);
        }
    }
}

/// How an attempt at a stream came to its end.
enum Ending<E: Event> {
    /// By what the server did.
    Served(Box<Served<E>>),
    /// It broke, and can go on.
    Broken,
    /// By something else.
    Interrupted(Interrupt),
}

/// What the server did at last.
struct Served<E: Event> {
    /// The last events and the end, to be delivered.
    batch: Box<Batch<E>>,
    /// The answer, whose body may have a rest.
    answer: Option<Answer>,
}

/// A stream that is to be run.
pub(super) struct Start<E: Event> {
    pub(super) client: Arc<Inner>,
    pub(super) options: Arc<Options>,
    pub(super) request: Prepared<E::Response>,
    pub(super) sink: Sink<E>,
    pub(super) started: Instant,
    /// Its entry among the client's streams, of which nothing is left for the target when this is dropped.
    pub(super) entry: Option<Entry>,
}

/// Ends a stream whose request cannot be made.
pub(super) async fn refuse<E: Event>(mut sink: Sink<E>, error: StreamError, _entry: Option<Entry>) {
    let mut guard = Guard::new(sink.stream().clone(), sink.target());
    guard.ending();
    sink.send(Batch::of_end(Err(error.clone())));
    let _ = guard.wait(&None, |cx| sink.poll_settled(cx)).await;
    sink.close(Err(error));
}

/// A stream that runs, and what it runs on.
struct Stream<E: Event> {
    client: Arc<Inner>,
    options: Arc<Options>,
    request: Prepared<E::Response>,
    running: Running<E>,
    guard: Guard<E>,
    started: Instant,
    /// When its total budget runs out.
    total: Option<Instant>,
    /// Dropped when nothing is left for the target.
    entry: Option<Entry>,
}

impl<E: Event> Stream<E> {
    fn new(start: Box<Start<E>>) -> Self {
        let Start { client, options, request, sink, started, entry } = *start;
        let guard = Guard::new(sink.stream().clone(), sink.target());
        let total = request.settings.budgets.get(Budget::Total).and_then(|total| started.checked_add(total));
        let running = Running { session: session(&request, started, 1), sink, round: None };
        Self { client, options, request, running, guard, started, total, entry }
    }
}

/// Runs a stream from its start to its end.
pub(super) async fn run<E: Event>(start: Box<Start<E>>) {
    let mut stream = Stream::new(start);
    let ending = loop {
        let ending = serve(&mut stream).await;
        if stream.request.rounds.is_none() {
            break ending;
        }
        let Stream { running, guard, request, started, total, .. } = &mut stream;
        match Box::pin(round(running, guard, request, ending, *total)).await {
            Ok(()) => running.session = session(request, *started, 1),
            Err(ending) => break ending,
        }
    };
    // In a box of its own, for which a stream that waits keeps no room.
    Box::pin(conclude(stream, ending)).await;
}

/// Brings a stream to its end.
async fn conclude<E: Event>(stream: Stream<E>, ending: Ending<E>) {
    // The first is dropped last.
    let Stream { entry, client, options, request, total, mut guard, mut running, .. } = stream;
    let cancel = match &ending {
        Ending::Interrupted(Interrupt::Cancelled) if !running.sink.stream().is_left() => {
            running.session.resume_point().and_then(|point| request.recovery.cancel(&point.id))
        }
        _ => None,
    };
    let rest = end(&mut running, &mut guard, ending, &request.settings, total).await;
    if let Some(cancel) = cancel {
        stop(&client, &options, &cancel).await;
    }
    drop(entry);
    drain(rest).await;
}

/// Reads the rest of an answer, for a while at most.
async fn drain(answer: Option<Answer>) {
    if let Some(mut answer) = answer {
        let _ = tokio::time::timeout(DRAIN, answer.drain()).await;
    }
}

/// Runs the tools that an answer calls, and makes the request the one that follows; or gives back how the stream ends.
async fn round<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    request: &mut Prepared<E::Response>,
    ending: Ending<E>,
    total: Option<Instant>,
) -> Result<(), Ending<E>> {
    let Prepared { rounds: Some(rounds), first, .. } = request else { return Err(ending) };
    let Ending::Served(mut served) = ending else { return Err(ending) };
    let Some(Ok(answer)) = served.batch.end.as_deref_mut() else { return Err(Ending::Served(served)) };
    let tools = match rounds.run(answer) {
        Ok(Some(tools)) => tools,
        Ok(None) => {
            answer.rounds = rounds.take();
            return Err(Ending::Served(served));
        }
        Err(kind) => {
            served.batch.end = served.batch.end.map(|end| Box::new(Err(replace_kind(kind, *end))));
            return Err(Ending::Served(served));
        }
    };
    let Served { mut batch, answer: body } = *served;
    running.round = batch.end.take().and_then(|end| end.ok()).map(Box::new);
    batch.round_ends = true;
    running.sink.send(batch);
    match guard.wait(&total, |cx| running.sink.poll_settled(cx)).await {
        Ok(Settled::Done) => {}
        Ok(Settled::Gone) => return Err(Ending::Interrupted(Interrupt::Gone)),
        Err(interrupt) => return Err(Ending::Interrupted(interrupt)),
    }
    let mut work = pin!(join(tools, drain(body)));
    let (results, ()) = guard.wait(&total, |cx| work.as_mut().poll(cx)).await.map_err(Ending::Interrupted)?;
    if let Some(answer) = running.round.take() {
        first.body = OutgoingBody::Json(rounds.next(answer.response, results));
    }
    Ok(())
}

/// Asks the server to stop a response that it would go on with by itself.
async fn stop(client: &Arc<Inner>, options: &Arc<Options>, cancel: &Outgoing) {
    let exchange = Exchange::new(options);
    let http = HttpClient::of(client);
    let asking = async {
        if let Ok((_, mut answer)) = send(&http, &exchange, options, cancel).await {
            answer.drain().await;
        }
    };
    // Nobody waits for the answer.
    let _ = tokio::time::timeout(DRAIN, asking).await;
}

/// Sends the request, again where it may be, until something is to be delivered.
async fn serve<E: Event>(stream: &mut Stream<E>) -> Ending<E> {
    let Stream { client, options, request, running, guard, started, total, .. } = stream;
    let (started, total) = (*started, *total);
    running.session.on_queued(now());
    let mut waiting = Box::pin(Arc::clone(&client.places).acquire_owned());
    let place = guard.wait(&running.session, |cx| waiting.as_mut().poll(cx)).await;
    drop(waiting);
    let _place = match place {
        Ok(place) => place,
        Err(interrupt) => return Ending::Interrupted(interrupt),
    };
    let http = HttpClient::of(client);
    let mut attempt = 1;
    loop {
        let mut ending = self::attempt(running, guard, &http, options, &mut request.first).await;
        if matches!(ending, Ending::Broken) {
            ending = Box::pin(resume(running, guard, &http, options, request)).await;
        }
        let Ending::Served(served) = &ending else { return ending };
        let Some(Err(error)) = served.batch.end.as_deref() else { return ending };
        if !served.batch.events.is_empty() || running.session.has_delivered() {
            return ending;
        }
        let Some(wait) = options.retry.wait(error, attempt, fastrand::f64()) else { return ending };
        let again = now() + wait;
        if total.is_some_and(|total| again >= total) {
            return ending;
        }
        tracing::debug!(stream = running.sink.stream().id(), attempt, ?wait, "sending again: {error}");
        drop(ending);
        let mut again = Box::pin(actix_rt::time::sleep_until(again.into()));
        if let Err(interrupt) = guard.wait(&total, |cx| again.as_mut().poll(cx)).await {
            return Ending::Interrupted(interrupt);
        }
        attempt += 1;
        running.session = session(request, started, attempt);
    }
}

fn session<E: Event>(request: &Prepared<E::Response>, started: Instant, attempt: u32) -> Session<E> {
    let mut session = Session::new(Arc::clone(&request.settings), started, attempt);
    if let Some(after) = request.starts_after {
        session.start_after(after);
    }
    session
}

/// Goes on with a stream that broke, until it ends or cannot be gone on with.
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
            // An event has come since: the tries count from here.
            (tries, reached) = (0, Some(point.after));
        }
        let wait = options.retry.wait_to_resume(&kind, tries, fastrand::f64());
        let (Some(wait), Some(mut outgoing)) = (wait, request.recovery.resume(&point)) else { break };
        tracing::debug!(
            stream = running.sink.stream().id(),
            after = point.after,
            tries,
            ?wait,
            "going on: {kind}"
        );
        let mut again = Box::pin(actix_rt::time::sleep_until((now() + wait).into()));
        if let Err(interrupt) = guard.wait(&*session, |cx| again.as_mut().poll(cx)).await {
            return Ending::Interrupted(interrupt);
        }
        tries += 1;
        session.reconnect(now());
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

/// Sends the request once, and delivers the events that come.
async fn attempt<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    http: &HttpClient,
    options: &Arc<Options>,
    outgoing: &mut Outgoing,
) -> Ending<E> {
    let Running { session, sink, .. } = running;
    // In a box of its own, which is gone when the head is there.
    let mut answer = match Box::pin(ask(session, guard, http, options, outgoing)).await {
        Ok(answer) => answer,
        Err(ending) => return ending,
    };
    let mut usual = 1;
    loop {
        if let Err(interrupt) = read(session, sink, guard, &mut answer).await {
            return Ending::Interrupted(interrupt);
        }
        if let Some(mut served) = deliver(session, sink, &mut answer, &mut usual) {
            served.answer = Some(answer);
            return Ending::Served(served);
        }
        if session.has_delivered() {
            outgoing.let_go();
        }
        if session.broken().is_some() {
            return match settle(session, sink, guard).await {
                Ok(()) => Ending::Broken,
                Err(interrupt) => Ending::Interrupted(interrupt),
            };
        }
    }
}

/// Sends the request, and waits for the head of the answer.
async fn ask<E: Event>(
    session: &mut Session<E>,
    guard: &mut Guard<E>,
    http: &HttpClient,
    options: &Arc<Options>,
    outgoing: &Outgoing,
) -> Result<Answer, Ending<E>> {
    session.on_sent(now());
    let exchange = Exchange::new(options);
    let mut sending = pin!(send(http, &exchange, options, outgoing));
    match guard.wait(&*session, |cx| sending.as_mut().poll(cx)).await {
        Ok(Ok((head, answer))) => {
            session.on_head(head, now());
            Ok(answer)
        }
        Ok(Err(kind)) if session.resume_point().is_some() => {
            session.on_reconnect_failed(kind);
            Err(Ending::Broken)
        }
        Ok(Err(kind)) => {
            let batch = Batch::of_end(session.fail(kind, now()));
            Err(Ending::Served(Box::new(Served { batch, answer: None })))
        }
        Err(interrupt) => Err(Ending::Interrupted(interrupt)),
    }
}

/// Reads what comes next, once the target is done with what it was sent.
///
/// Where all was read that is there, what comes next wakes the connector, which looks then whether an actor is done: so it
/// need not be woken for that as well. Until then the budgets for the server run on, and only when one has run out does it
/// matter when the actor was done.
async fn read<E: Event>(
    session: &mut Session<E>,
    sink: &mut Sink<E>,
    guard: &mut Guard<E>,
    answer: &mut Answer,
) -> Result<(), Interrupt> {
    if sink.is_in_mailbox() && answer.waits() {
        guard.rest(&*session).await;
    } else if sink.is_outstanding() {
        settle(session, sink, guard).await?;
    }
    loop {
        let outstanding = sink.is_outstanding();
        let read = guard.wait(&*session, |cx| {
            if sink.is_outstanding() && ready!(sink.poll_settled(cx)) == Settled::Gone {
                return Poll::Ready(Err(Interrupt::Gone));
            }
            answer.poll_read(cx).map(Ok)
        });
        let read = read.await.flatten();
        if sink.is_outstanding() {
            match read {
                Err(Interrupt::Deadline) => settle(session, sink, guard).await?,
                read => return read,
            }
        } else {
            if outstanding {
                session.resume(sink.done_at());
            }
            // The deadline may have been one of a time when the target did not keep up.
            if !outstanding || read != Err(Interrupt::Deadline) {
                return read;
            }
        }
    }
}

/// Waits until the target is done with what it was sent; as long as it takes, the budgets for the server stand still.
async fn settle<E: Event>(
    session: &mut Session<E>,
    sink: &mut Sink<E>,
    guard: &mut Guard<E>,
) -> Result<(), Interrupt> {
    session.pause();
    match guard.wait(&*session, |cx| sink.poll_settled(cx)).await? {
        Settled::Done => {
            session.resume(sink.done_at());
            Ok(())
        }
        Settled::Gone => Err(Interrupt::Gone),
    }
}

/// Feeds what was read to the session, and sends the events on their way; the end comes back, to be delivered. (No event
/// lives in the future of the pump while it waits: ten thousand silent streams would have ten thousand places for one.)
/// `usual` is how many there were the last time.
fn deliver<E: Event>(
    session: &mut Session<E>,
    sink: &mut Sink<E>,
    answer: &mut Answer,
    usual: &mut usize,
) -> Option<Box<Served<E>>> {
    let mut batch = sink.batch();
    // A few more than the last time need no other place.
    batch.events.reserve_exact(usual.next_power_of_two());
    feed(session, answer, &mut batch);
    if batch.end.is_some() {
        return Some(Box::new(Served { batch, answer: None }));
    }
    if !batch.is_empty() {
        *usual = batch.events.len();
    }
    sink.send(batch);
    None
}

/// Feeds what was read to the session.
fn feed<E: Event>(session: &mut Session<E>, answer: &mut Answer, batch: &mut Batch<E>) {
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

/// Delivers the end. Gives the answer whose body may have a rest, if its connection can be used again.
async fn end<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    ending: Ending<E>,
    settings: &Settings,
    total: Option<Instant>,
) -> Option<Answer> {
    guard.ending();
    let (batch, answer) = match ending {
        Ending::Served(served) => (served.batch, served.answer),
        Ending::Broken => return None,
        Ending::Interrupted(interrupt) => {
            let end = match interrupt {
                Interrupt::Cancelled => running.fail(ErrorKind::Cancelled),
                Interrupt::Gone => {
                    let kind = running.sink.gone_kind();
                    let end = running.fail(kind);
                    running.sink.close(end);
                    return None;
                }
                Interrupt::Deadline => match running.session.on_timeout(now()) {
                    Some(end) => end,
                    // Only the waiting for another attempt, and for tools, is not the session's.
                    None => {
                        let after = settings.budgets.get(Budget::Total).unwrap_or_default();
                        running.fail(ErrorKind::Timeout { budget: Budget::Total, after })
                    }
                },
            };
            let sink = &mut running.sink;
            if sink.is_outstanding() {
                // The target may never be done with what it has: the end waits behind it, and nobody waits for that.
                sink.send_behind(copy(&end));
                sink.close(end);
                let _ = guard.wait(&None, |cx| sink.poll_settled(cx)).await;
                return None;
            }
            (Batch::of_end(end), None)
        }
    };
    let outcome = batch.end.as_deref().map(copy)?;
    let sink = &mut running.sink;
    sink.send(batch);
    let outcome = match guard.wait(&total, |cx| sink.poll_settled(cx)).await {
        Ok(Settled::Done) | Err(Interrupt::Deadline | Interrupt::Cancelled) => outcome,
        Ok(Settled::Gone) | Err(Interrupt::Gone) => Err(replace_kind(sink.gone_kind(), outcome)),
    };
    let finished = outcome.is_ok();
    sink.close(outcome);
    if sink.is_outstanding() {
        drop(answer);
        let _ = guard.wait(&None, |cx| sink.poll_settled(cx)).await;
        return None;
    }
    answer.filter(|_| finished)
}

/// An end for the handle beside the one for the target; neither copies the response.
fn copy<R>(end: &Outcome<R>) -> Outcome<R> {
    match end {
        Ok(finish) => Ok(finish.clone()),
        Err(error) => Err(error.clone()),
    }
}
