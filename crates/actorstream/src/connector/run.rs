//! Runs a stream: attempts and rounds alternately, then the end.

use std::sync::Arc;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::StreamError;
use futures_util::future::LocalBoxFuture;

use super::attempts::serve;
use super::clearance::{Departure, clear};
use super::ending::end;
use super::guard::{Guard, Interrupt};
use super::rest::{DRAIN, Rest, beside};
use super::round::{deliver_all, round};
use super::running::{Ending, Start, Stream};
use super::sink::Sink;
use crate::connector::prepared::Carried;
use crate::connector::shared::Shared;
use crate::settings::observer::Purpose;
use crate::settings::options::Options;
use crate::stream::delivery::link::Batch;
use crate::stream::registry::Entry;
use crate::telemetry::observation::Observation;
use crate::transport::http::answer::Answer;
use crate::transport::http::outgoing::Outgoing;
use crate::transport::http::send::send;

/// Ends a stream whose request is invalid.
pub(super) async fn refuse<E: Event>(mut sink: Sink<E>, error: StreamError, _entry: Option<Entry>) {
    let mut guard = Guard::new(sink.link(), sink.target());
    guard.ending();
    sink.send(Batch::of_end(Err(error.clone())));
    let _ = guard.wait(&None, |cx| sink.poll_acknowledged(cx)).await;
    sink.close(Err(error));
}

/// Runs a stream from its start to its end. Returns the response whose body may have a rest, if its connection can be reused.
pub(super) async fn run<E: Event>(start: Box<Start<E>>) -> Option<Box<Answer>> {
    let mut stream = Stream::new(start);
    // The rest of the previous body, read so that its connection can be reused. The next request does not wait for
    // it.
    let mut rest = None;
    // What is rare is boxed, so that a waiting stream does not reserve room for it.
    let ending = loop {
        let ending = match rest.take() {
            None => serve(&mut stream).await,
            Some(rest) => Box::pin(beside(rest, serve(&mut stream))).await,
        };
        if stream.request.rounds.is_none() {
            break ending;
        }
        match Box::pin(go_round(&mut stream, ending)).await {
            Ok(next) => rest = next,
            Err(ending) => break ending,
        }
    };
    Box::pin(conclude(&mut stream, ending)).await
}

/// Runs a round of tools and begins the next one. Returns the rest of the response body, or how the stream ends.
async fn go_round<E: Event>(stream: &mut Stream<E>, ending: Ending<E>) -> Result<Option<Rest>, Ending<E>> {
    let Stream { running, guard, request, started, total, .. } = stream;
    let next = round(running, guard, request, ending, *total).await?;
    tracing::debug!(stream = running.sink.stream().id(), "a round of tools is over");
    running.session = request.session(*started, 1);
    let batch = Box::new(Batch { round: next.round, ..Batch::default() });
    deliver_all(running, guard, batch, total).await?;
    Ok(next.rest)
}

/// Brings a stream to its end.
async fn conclude<E: Event>(stream: &mut Stream<E>, ending: Ending<E>) -> Option<Box<Answer>> {
    let Stream { entry, client, options, request, total, guard, running, .. } = stream;
    let cancel = match &ending {
        // A response whose tools run is complete.
        Ending::Interrupted(Interrupt::Cancelled)
            if !running.sink.stream().is_left() && !running.past.is_running() =>
        {
            running.session.resume_point().and_then(|point| request.recovery.cancel(&point.id))
        }
        _ => None,
    };
    let observation = running.sink.observation().clone();
    let rest = end(running, guard, ending, &request.settings, *total).await;
    if let Some(mut cancel) = cancel {
        stop(client, options, &observation, &mut cancel).await;
    }
    drop(entry.take());
    rest
}

/// Asks the server to cancel a response that would otherwise continue there. Boxed, so that a stream that ends otherwise does
/// not move room for it, and so that this crate compiles it, once.
fn stop<'a>(
    client: &'a Arc<Shared>,
    options: &'a Arc<Options>,
    observation: &'a Observation,
    cancel: &'a mut Outgoing,
) -> LocalBoxFuture<'a, ()> {
    let http = client.http();
    let asking = async move {
        let departure = Departure { purpose: Purpose::Cancellation, attempt: 1, backend: None };
        // No error of it is shown.
        let mut carried = Carried::default();
        let Ok(None) = clear(observation, options, cancel, &mut carried, departure).await else { return };
        if let Ok((_, mut answer)) = send(&http, options, cancel).await {
            answer.drain().await;
        }
    };
    Box::pin(async {
        // The reply does not matter.
        let _ = tokio::time::timeout(DRAIN, asking).await;
    })
}
