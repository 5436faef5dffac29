//! The event streams of the API: the API's client reads them with the same result as upstream's.

use std::time::Instant;

use actorstream::proto::endpoint::event::Event as StreamEvent;
use actorstream::proto::session::head::Head;
use actorstream::proto::session::{BodyEnd, End as StreamEnd, Session, Settings};
use actorstream::{ChatCompletionChunk, CompletionChunk, ErrorKind, ResponseEvent};
use actorstream_web::event::{Api, End, Event, Failure, Logged};
use actorstream_web::protocol::{Protocol, encoder_starting_after, whole};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;

use crate::sent::{GENERATION, frames, new, send, send_all};
use crate::{logs, scenes};

fn client<E: StreamEvent>(sent: Vec<u8>) -> StreamEnd<E> {
    let now = Instant::now();
    let mut session = Session::<E>::new(Settings::default(), now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |name| (name == "content-type").then_some("text/event-stream")), now);
    let mut events = Vec::new();
    let ended = session.on_bytes(Bytes::from(sent), now, &mut events);
    ended.or_else(|| session.on_body_end(&BodyEnd::Clean, now, &mut events)).unwrap()
}

/// Returns the end of a stream for the client: the response, or the message of the error.
fn ended<E: StreamEvent>(sent: Vec<u8>) -> Result<Value, String>
where
    E::Response: Serialize,
{
    match client::<E>(sent) {
        Ok(finish) => Ok(serde_json::to_value(finish.response).unwrap()),
        Err(error) => match &error.kind {
            ErrorKind::Provider(error) => Err(error.message.clone()),
            other => panic!("{other:?}"),
        },
    }
}

#[test]
fn the_client_gets_the_response_that_the_unstreamed_call_would_have_answered() {
    for (name, api, log) in logs() {
        if log.iter().any(|entry| matches!(entry.event, Event::Reset))
            || name == "tools_that_the_service_runs"
        {
            // Earlier events cannot be retracted (see below), and the API has no steps.
            continue;
        }
        let sent = send_all(Protocol::OpenAi, api, &log);
        let got = match api {
            Api::Chat => ended::<ChatCompletionChunk>(sent),
            Api::Completions => ended::<CompletionChunk>(sent),
            Api::Responses => ended::<ResponseEvent>(sent),
        };
        match (whole(api, &log), got) {
            (Ok(mut expected), Ok(mut got)) => {
                if name == "response_that_was_stopped" {
                    // The output of the stream is in its deltas; the unstreamed response contains it.
                    assert_eq!(
                        (&expected["status"], &got["status"]),
                        (&"cancelled".into(), &"cancelled".into())
                    );
                    expected = expected["output"].take();
                    got = got["output"].take();
                }
                assert_eq!(got, expected, "{name}");
            }
            (Err(failure), Err(message)) => assert_eq!(message, failure.message, "{name}"),
            (expected, got) => panic!("{name}: {expected:?}, but the stream says {got:?}"),
        }
    }
}

#[test]
fn upstreams_payloads_are_sent_as_they_came() {
    for (name, api, log) in logs().into_iter().filter(|(_, api, _)| *api != Api::Responses) {
        let began_again = log.iter().position(|entry| matches!(entry.event, Event::Reset));
        let upstream = log[..began_again.filter(|at| *at > 0).unwrap_or(log.len())].iter();
        let payloads: Vec<String> = upstream
            .filter_map(|entry| match &entry.event {
                Event::Upstream(json) => Some(json.get().replace("\r\n", "\n").replace('\r', "\n")),
                _ => None,
            })
            .collect();
        let sent = frames(&send_all(Protocol::OpenAi, api, &log));
        let data: Vec<&str> = sent.iter().map(|frame| frame.data.as_str()).collect();
        assert_eq!(data[..payloads.len()], payloads, "{name}");
        assert!(data.len() <= payloads.len() + 1, "{name}");
    }
}

/// Events of responses have a number, and their type in the `event:` line. The numbers are consecutive if upstream
/// sends none. A viewer that sends the number of its last event receives the following ones.
#[test]
fn responses_are_numbered_and_gone_on_with() {
    for (name, api, log) in logs() {
        if api != Api::Responses {
            continue;
        }
        let sent = frames(&send_all(Protocol::OpenAi, api, &log));
        let numbers: Vec<u64> =
            sent.iter().map(|frame| frame.json()["sequence_number"].as_u64().expect("a number")).collect();
        for (frame, number) in sent.iter().zip(&numbers) {
            assert_eq!(frame.event.as_deref(), Some(frame.r#type().as_str()), "{name}");
            let mut after = encoder_starting_after(GENERATION, *number);
            let rest = frames(&send(&mut *after, &log));
            let expected: Vec<_> = sent.iter().zip(&numbers).filter(|(_, other)| *other > number).collect();
            assert_eq!(
                rest.iter().collect::<Vec<_>>(),
                expected.iter().map(|(frame, _)| *frame).collect::<Vec<_>>()
            );
        }
        let theirs = log.iter().any(|entry| {
            matches!(&entry.event, Event::Upstream(json) if json.get().contains("\"sequence_number\":"))
        });
        if !theirs {
            assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{name}: {numbers:?}");
        }
    }
}

/// Wherever a log ends with an error or a stop, the client receives that, and never treats the output so far as
/// complete.
#[test]
fn a_log_that_breaks_anywhere_is_an_error_for_the_client() {
    for (name, api, log) in logs() {
        for cut in 0..log.len() {
            let terminal = log[..cut].iter().any(|entry| {
                matches!(&entry.event, Event::Upstream(json)
                    if ["response.completed\"", "response.incomplete\""].iter().any(|r#type| json.get().contains(r#type)))
            });
            if terminal || log[..cut].iter().any(|entry| matches!(entry.event, Event::Reset)) {
                continue;
            }
            let mut encoder = new(Protocol::OpenAi, api);
            let mut sent = BytesMut::from(&send(&mut *encoder, &log[..cut])[..]);
            encoder.fail(&scenes::failure("the log is gone"), &mut sent);
            let sent = sent.to_vec();
            let got = match api {
                Api::Chat => ended::<ChatCompletionChunk>(sent),
                Api::Completions => ended::<CompletionChunk>(sent),
                Api::Responses => ended::<ResponseEvent>(sent),
            };
            assert_eq!(got.unwrap_err(), "the log is gone", "{name} cut at {cut}");
        }
    }
}

/// A client of the API cannot retract events, so a restart ends its stream with an error. A client that connects
/// later receives only the valid events.
#[test]
fn an_answer_that_begins_again() {
    for name in ["begun_again", "response_begun_again"] {
        let scene = scenes::all().into_iter().find(|scene| scene.name == name).unwrap();
        let sent = send_all(Protocol::OpenAi, scene.api, &scene.log);
        assert!(String::from_utf8(sent).unwrap().contains("\"code\":\"restarted\""));
        let again = scene.log.iter().position(|entry| matches!(entry.event, Event::Reset)).unwrap();
        let sent = send_all(Protocol::OpenAi, scene.api, &scene.log[again..]);
        let got = match scene.api {
            Api::Responses => ended::<ResponseEvent>(sent),
            _ => ended::<ChatCompletionChunk>(sent),
        };
        assert_eq!(got.unwrap(), whole(scene.api, &scene.log).unwrap());
    }
}

#[test]
fn the_unstreamed_answer_of_a_log_that_does_not_finish() {
    let log = |events: Vec<Event>| scenes::logged(events);
    let failure = |api, log: &[Logged]| -> Failure { whole(api, log).unwrap_err() };
    let stopped = log(vec![Event::End(End::Abort { reason: "enough".into() })]);
    for api in [Api::Chat, Api::Completions] {
        let stopped = failure(api, &stopped);
        assert_eq!((stopped.status, stopped.code.as_deref()), (499, Some("cancelled")));
    }
    assert_eq!(whole(Api::Responses, &stopped).unwrap()["status"], "cancelled");
    assert_eq!(failure(Api::Chat, &[]).status, 500);
    let broken = log(vec![Event::End(End::Error(scenes::failure("broken")))]);
    assert_eq!(failure(Api::Responses, &broken), scenes::failure("broken"));
}
