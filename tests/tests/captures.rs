//! Plays raw captured responses of real servers, whole and split everywhere. The table states how each ends.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use actorstream::proto::endpoint::event::{Event, Memory as _};
use actorstream::proto::session::head::Head;
use actorstream::proto::session::{BodyEnd, End, Session, Settings};
use actorstream::proto::sse::SseDecoder;
use actorstream::{
    ChatCompletionChunk, CompletionChunk, Endpoint, OpenAi, RawEvent, ResponseEvent, StreamEvent,
};
use actorstream_test::{Reply, Upstream};
use bytes::Bytes;
use serde_json::json;

use common::capture::{capture, parse};
use common::{client, within};

/// Capture, endpoint, number of events, and the end: `kind: what` for an error, otherwise
/// `finish reasons (sentinel)`.
const CAPTURES: &[(&str, &str, usize, &str)] = include!("captures.table");

/// Describes an end as in the table.
fn describe<E: Event>(end: &End<E>) -> String {
    match end {
        Ok(finish) => {
            let sentinel = if finish.sentinel { "sentinel" } else { "no sentinel" };
            let reasons: Vec<&str> = finish.finish_reasons.iter().map(actorstream::Text::as_str).collect();
            format!("{} {} ({sentinel})", finish.status.as_str(), reasons.join(","))
        }
        Err(error) => {
            let mut text = error.kind.name().to_owned();
            if let Some(status) = error.status() {
                write!(text, " {status}").unwrap();
            }
            if let Some(api) = error.api() {
                let message: String = api.message.chars().take(40).collect();
                write!(text, ": {message}").unwrap();
                if let Some(code) = &api.code {
                    write!(text, " [{code}]").unwrap();
                }
            }
            text
        }
    }
}

/// Streams from an upstream. Returns the events as JSON, and a description of the end.
async fn stream(openai: &OpenAi, path: &str) -> (Vec<String>, String) {
    match path {
        "/chat/completions" => pull(openai.chat().events(json!({"model": "m", "messages": []}))).await,
        "/completions" => pull(openai.completions().events(json!({"model": "m", "prompt": ""}))).await,
        _ => pull(openai.responses().events(json!({"model": "m", "input": ""}))).await,
    }
}

async fn pull<E: Event + serde::Serialize>(mut events: actorstream::EventStream<E>) -> (Vec<String>, String) {
    use futures_util::StreamExt as _;
    let mut data = Vec::new();
    while let Some(event) = within(events.next()).await {
        match event {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(event) => data.push(serde_json::to_string(&event).unwrap()),
            StreamEvent::Error(error) => return (data, describe::<E>(&Err(error))),
            StreamEvent::Finish(finish) => return (data, describe::<E>(&Ok(finish))),
        }
    }
    panic!("no end");
}

#[actix_rt::test]
async fn every_capture_ends_as_the_table_says() {
    let mut got = String::new();
    let mut expected = String::new();
    for (name, path, events, end) in CAPTURES {
        let upstream = Upstream::start(Reply::recorded(capture(name)));
        let (data, ended) = stream(&client(&upstream.base_url()), path).await;
        writeln!(got, "    ({name:?}, {path:?}, {}, {ended:?}),", data.len()).unwrap();
        writeln!(expected, "    ({name:?}, {path:?}, {events}, {end:?}),").unwrap();
    }
    assert_eq!(got, expected, "got:\n{got}");
}

#[test]
fn every_capture_is_in_the_table() {
    let folder = common::capture::folder();
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".http", ""))
        .collect();
    files.sort();
    let named: Vec<&str> = CAPTURES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(named, files);
}

/// The events and the end do not depend on how the bytes of a response are split: small responses at every byte,
/// others at random.
#[actix_rt::test]
async fn every_split_on_the_wire_gives_the_same() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for (name, path, ..) in CAPTURES {
        let bytes = capture(name);
        if bytes.is_empty() {
            continue;
        }
        let splits: Vec<Vec<usize>> = if bytes.len() <= 600 {
            (1..bytes.len()).map(|at| vec![at]).collect()
        } else {
            (0..12)
                .map(|_| {
                    let mut cuts: Vec<usize> =
                        (0..random.usize(1..20)).map(|_| random.usize(1..bytes.len())).collect();
                    cuts.sort_unstable();
                    cuts.dedup();
                    cuts
                })
                .collect()
        };
        let whole = Upstream::start(Reply::recorded(bytes.clone()));
        let expected = stream(&client(&whole.base_url()), path).await;
        let replies: Vec<Reply> =
            splits.iter().map(|cuts| Reply::recorded(bytes.clone()).split_at(cuts)).collect();
        let upstream = Upstream::start(actorstream_test::Script::sequence(replies));
        let openai = client(&upstream.base_url());
        for cuts in splits {
            assert_eq!(stream(&openai, path).await, expected, "{name} cut at {cuts:?}");
        }
    }
}

/// Decodes a body that is split at these positions.
fn decode<E: Event + serde::Serialize>(
    head: &Head,
    body: &[u8],
    end: &BodyEnd,
    cuts: &[usize],
) -> (Vec<String>, String) {
    let now = Instant::now();
    let mut session = Session::<E>::new(Settings::default(), now, 1);
    session.on_sent(now);
    session.on_head(head.clone(), now);
    let mut events = Vec::new();
    let mut ended = None;
    let mut from = 0;
    for to in cuts.iter().copied().chain([body.len()]) {
        let read = Bytes::copy_from_slice(&body[from..to]);
        ended = ended.or_else(|| session.on_bytes(read, now, &mut events));
        from = to;
    }
    let ended = ended.or_else(|| session.on_body_end(end, now, &mut events)).expect("no end");
    (events.iter().map(|event| serde_json::to_string(event).unwrap()).collect(), describe::<E>(&ended))
}

/// Every body, split in two and in three (small ones at every byte, others at every seventh), and into single bytes.
#[test]
fn every_split_of_every_body_gives_the_same() {
    const SMALL: usize = 1500;
    let offset = fastrand::usize(..7);
    println!("offset {offset}");
    for (name, path, events, end) in CAPTURES {
        let Some((head, body, body_end)) = parse(&capture(name)) else {
            assert!(capture(name).is_empty(), "{name} cannot be parsed");
            continue;
        };
        let run = |cuts: &[usize]| match *path {
            "/chat/completions" => decode::<ChatCompletionChunk>(&head, &body, &body_end, cuts),
            "/completions" => decode::<CompletionChunk>(&head, &body, &body_end, cuts),
            _ => decode::<ResponseEvent>(&head, &body, &body_end, cuts),
        };
        let whole = run(&[]);
        // The client decodes content codings before the core.
        let expected = if head.content_encoding.is_some() { (0, "not_a_stream") } else { (*events, *end) };
        assert_eq!((whole.0.len(), whole.1.as_str()), expected, "{name}");
        let step = if body.len() <= SMALL { 1 } else { 7 };
        for cut in (1 + offset % step..body.len()).step_by(step) {
            assert_eq!(run(&[cut]), whole, "{name} cut at {cut}");
            assert_eq!(run(&[cut - 1, cut]), whole, "{name} cut around {cut}");
        }
        assert_eq!(run(&(1..body.len()).collect::<Vec<_>>()), whole, "{name} byte by byte");
    }
}

/// Reads the events of a body as one stream, in which most are recalled, and each one separately, so that all are
/// parsed. Returns how many were recalled.
fn recall<E: Event + serde::Serialize>(name: &str, body: &[u8]) -> usize {
    let mut decoder = SseDecoder::new(1 << 20);
    decoder.feed(Bytes::copy_from_slice(body));
    let mut memory = E::Memory::default();
    let mut recalled = 0;
    while let Some(frame) = decoder.next_frame().unwrap() {
        let mut events = Vec::new();
        let event = match memory.recall(frame.clone(), &mut events) {
            Ok(()) => {
                recalled += 1;
                events.pop()
            }
            Err(frame) => E::decode(frame, &mut memory).ok().map(|decoded| decoded.event),
        };
        let parsed = E::decode(frame, &mut E::Memory::default()).ok().map(|decoded| decoded.event);
        let json = |event: &Option<E>| event.as_ref().map(|event| serde_json::to_string(event).unwrap());
        assert_eq!(json(&event), json(&parsed), "{name}");
        assert_eq!(format!("{event:?}"), format!("{parsed:?}"), "{name}");
    }
    recalled
}

#[test]
fn recalled_events_equal_parsed_events() {
    let mut recalled = 0;
    for (name, path, ..) in CAPTURES {
        let Some((_, body, _)) = parse(&capture(name)) else { continue };
        recalled += match *path {
            "/chat/completions" => recall::<ChatCompletionChunk>(name, &body),
            "/completions" => recall::<CompletionChunk>(name, &body),
            _ => recall::<ResponseEvent>(name, &body),
        };
    }
    assert!(recalled > 100, "{recalled}");
}

/// Every path in the table is that of a typed endpoint.
#[test]
fn paths_of_the_table_are_endpoints() {
    let chat = actorstream::Chat;
    let completions = actorstream::Completions;
    for (name, path, ..) in CAPTURES {
        assert!([&*chat.path(), &*completions.path(), "/responses"].contains(path), "{name}: {path}");
    }
}

/// As raw events, streams of responses have the same number of events and the same end.
#[actix_rt::test]
async fn raw_events_end_as_the_typed_ones() {
    for (name, path, events, end) in CAPTURES.iter().filter(|(_, path, ..)| *path == "/responses") {
        let upstream = Upstream::start(Reply::recorded(capture(name)));
        let endpoint = actorstream::Custom::post(*path);
        let request = json!({"model": "m", "stream": true});
        let (data, ended) =
            pull::<RawEvent>(client(&upstream.base_url()).endpoint(endpoint).events(request)).await;
        assert_eq!((data.len(), ended.as_str()), (*events, *end), "{name}");
    }
}
