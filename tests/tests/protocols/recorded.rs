//! Logs of the recorded responses, as a generation would have written them.

use std::time::Instant;

use actorstream::proto::endpoint::event::Event as StreamEvent;
use actorstream::proto::session::{Session, Settings};
use actorstream::{ChatCompletionChunk, CompletionChunk, ResponseEvent};
use actorstream_web::event::{Api, End, Event, Failure, Logged};
use bytes::Bytes;

use crate::common::capture::{capture, parse};
use crate::scenes::logged;

const CAPTURES: &[(&str, &str, usize, &str)] = include!("../captures.table");

/// Returns the log of each recorded response that is a stream.
pub(crate) fn all() -> Vec<(String, Api, Vec<Logged>)> {
    let logs = CAPTURES.iter().filter_map(|(name, path, ..)| {
        let (api, log) = match *path {
            "/chat/completions" => (Api::Chat, log::<ChatCompletionChunk>(name)?),
            "/completions" => (Api::Completions, log::<CompletionChunk>(name)?),
            _ => (Api::Responses, log::<ResponseEvent>(name)?),
        };
        Some(((*name).to_owned(), api, log))
    });
    let logs: Vec<_> = logs.collect();
    assert!(logs.len() > 60, "{}", logs.len());
    logs
}

fn log<E: StreamEvent>(name: &str) -> Option<Vec<Logged>> {
    let (head, body, end) = parse(&capture(name))?;
    let now = Instant::now();
    let mut session = Session::<E>::new(Settings::default(), now, 1);
    session.on_sent(now);
    session.on_head(head, now);
    let mut events = Vec::new();
    let ended = session.on_bytes(Bytes::from(body), now, &mut events);
    let ended = ended.or_else(|| session.on_body_end(&end, now, &mut events))?;
    let mut log: Vec<Event> = events
        .iter()
        .map(|event| Event::Upstream(serde_json::from_slice(event.payload().as_bytes()).unwrap()))
        .collect();
    log.push(Event::End(match ended {
        Ok(finish) => {
            let reason = finish.finish_reasons.first().map(ToString::to_string);
            End::Finish { reason: reason.or_else(|| Some(finish.status.as_str().to_owned())) }
        }
        Err(error) => End::Error(Failure {
            message: error.to_string().replace('\n', " "),
            kind: error.kind.name().to_owned(),
            code: None,
            param: None,
            status: 502,
        }),
    }));
    Some(logged(log))
}
