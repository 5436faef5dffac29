//! The end of a stream: created, delivered, and passed to the handle.

use std::time::Instant;

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::finish::Outcome;
use actorstream_proto::session::Settings;
use actorstream_proto::session::timeouts::Timeout;

use super::guard::{Guard, Interrupt};
use super::running::{Ending, Running};
use super::sink::Acknowledged;
use crate::stream::clock::now;
use crate::stream::delivery::link::{Batch, replace_kind};
use crate::transport::http::answer::Answer;

/// Delivers the end. Returns the response whose body may have a rest, if its connection can be reused.
pub(super) async fn end<E: Event>(
    running: &mut Running<E>,
    guard: &mut Guard<E>,
    ending: Ending<E>,
    settings: &Settings,
    total: Option<Instant>,
) -> Option<Box<Answer>> {
    guard.ending();
    let (batch, answer) = match ending {
        Ending::Served(mut served) => {
            served.batch.end = served.batch.end.map(|end| Box::new(running.with_rounds(*end)));
            (served.batch, served.answer)
        }
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
                Interrupt::Deadline => match running.session.on_timeout(now(), &mut Vec::new()) {
                    Some(end) => running.with_rounds(end),
                    // Only the wait for a retry, and for tools, is outside the session.
                    None => {
                        let after = settings.timeouts.get(Timeout::Total).unwrap_or_default();
                        running.fail(ErrorKind::Timeout { timeout: Timeout::Total, after })
                    }
                },
            };
            let sink = &mut running.sink;
            if sink.is_outstanding() {
                // The target may never finish its delivery: queue the end behind it and do not wait.
                sink.send_behind(copy(&end));
                sink.close(end);
                let _ = guard.wait(&None, |cx| sink.poll_acknowledged(cx)).await;
                return None;
            }
            (Batch::of_end(end), None)
        }
    };
    let outcome = batch.end.as_deref().map(copy)?;
    let sink = &mut running.sink;
    sink.send(batch);
    let outcome = match guard.wait(&total, |cx| sink.poll_acknowledged(cx)).await {
        Ok(Acknowledged::Done) | Err(Interrupt::Deadline | Interrupt::Cancelled) => outcome,
        Ok(Acknowledged::Gone) | Err(Interrupt::Gone) => Err(replace_kind::<E>(sink.gone_kind(), outcome)),
    };
    let finished = outcome.is_ok();
    sink.close(outcome);
    if sink.is_outstanding() {
        drop(answer);
        let _ = guard.wait(&None, |cx| sink.poll_acknowledged(cx)).await;
        return None;
    }
    answer.filter(|_| finished)
}

/// Copies an end for the handle; target and handle share the response.
fn copy<R>(end: &Outcome<R>) -> Outcome<R> {
    match end {
        Ok(finish) => Ok(finish.clone()),
        Err(error) => Err(error.clone()),
    }
}
