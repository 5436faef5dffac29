//! A round of tools: runs the calls of a response and prepares the next request.

use std::pin::pin;
use std::time::Instant;

use actorstream_proto::answer::tools::Round;
use actorstream_proto::endpoint::event::Event;

use super::guard::{Guard, Interrupt};
use super::rest::{Rest, drain};
use super::running::{Ending, Running, Served};
use super::sink::Acknowledged;
use crate::connector::prepared::Prepared;
use crate::stream::delivery::link::{Batch, replace_kind};
use crate::tools::Step;
use crate::transport::http::outgoing::OutgoingBody;

/// The result of a round; the next request is in place.
pub(super) struct Next<E: Event> {
    /// The rest of the response body.
    pub(super) rest: Option<Rest>,
    /// The round, for a target that receives rounds.
    pub(super) round: Option<Box<Round<E::Response>>>,
}

/// Runs the tools that a response calls and replaces the request with the next one. Returns the rest of the response
/// body, or how the stream ends.
pub(super) async fn round<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    request: &mut Prepared<E::Response>,
    ending: Ending<E>,
    total: Option<Instant>,
) -> Result<Next<E>, Ending<E>> {
    let Prepared { rounds: Some(rounds), first, .. } = request else { return Err(ending) };
    let Ending::Served(mut served) = ending else { return Err(ending) };
    let Some(Ok(answer)) = served.batch.end.as_deref() else { return Err(Ending::Served(served)) };
    let (tools, is_last) = match rounds.run(answer) {
        Ok(Step::RunAndAsk(tools)) => (tools, false),
        Ok(Step::RunAndFinish(tools)) => (tools, true),
        Ok(Step::Finish) => return Err(Ending::Served(served)),
        Err(kind) => {
            served.batch.end = served.batch.end.map(|end| Box::new(Err(replace_kind::<E>(kind, *end))));
            return Err(Ending::Served(served));
        }
    };
    let Served { mut batch, answer: body } = *served;
    let Some(Ok(answer)) = batch.end.take().map(|end| *end) else {
        return Ok(Next { rest: None, round: None });
    };
    running.past.begin(Box::new(answer), tools.progress());
    running.sink.observation().round(running.tried.by_observer());
    // The view of the last response ends with the stream.
    batch.round_ends = !is_last;
    deliver_all(running, guard, batch, &total).await?;
    let mut rest = body.map(drain);
    let mut tools = pin!(tools);
    let work = guard.wait(&total, |cx| {
        if rest.as_mut().is_some_and(|rest| rest.as_mut().poll(cx).is_ready()) {
            rest = None;
        }
        tools.as_mut().poll(cx)
    });
    work.await.map_err(Ending::Interrupted)?;
    if is_last {
        let end = running.past.end_stream().map(|finish| Box::new(Ok(*finish)));
        return Err(Ending::Served(Box::new(Served {
            batch: Box::new(Batch { end, ..Batch::default() }),
            answer: None,
        })));
    }
    let Some(round) = running.past.end_round() else { return Ok(Next { rest, round: None }) };
    // The source of keys is asked before each request.
    first.key = None;
    first.body = OutgoingBody::Json(rounds.next(&round.response, &round.results));
    let round = running.sink.takes_rounds().then(|| Box::new(round.clone()));
    Ok(Next { rest, round })
}

/// Sends a batch and waits until the target has acknowledged it.
pub(super) async fn deliver_all<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    batch: Box<Batch<E>>,
    total: &Option<Instant>,
) -> Result<(), Ending<E>> {
    running.sink.send(batch);
    match guard.wait(total, |cx| running.sink.poll_acknowledged(cx)).await {
        Ok(Acknowledged::Done) => Ok(()),
        Ok(Acknowledged::Gone) => Err(Ending::Interrupted(Interrupt::Gone)),
        Err(interrupt) => Err(Ending::Interrupted(interrupt)),
    }
}
