//! The protocols in which viewers read a log, over logs of recorded answers and over scripted ones.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod golden;
mod openai;
mod recorded;
mod scenes;
mod sent;
mod ui_message;

use std::cmp::Ordering;

use actorstream_web::event::{Api, Logged};
use actorstream_web::protocol::Protocol;
use bytes::BytesMut;

use sent::{GENERATION, frames, new, send, send_all};

const PROTOCOLS: [Protocol; 3] = [Protocol::UiMessage, Protocol::OpenAi, Protocol::Text];

/// Every log there is: its name, API and entries.
fn logs() -> Vec<(String, Api, Vec<Logged>)> {
    let scenes = scenes::all().into_iter().map(|scene| (scene.name.to_owned(), scene.api, scene.log));
    scenes.chain(recorded::all()).collect()
}

/// A viewer that comes back with any entry gets the rest, to the letter.
#[test]
fn what_was_skipped_and_what_follows_are_the_whole() {
    for (name, api, log) in logs() {
        for protocol in PROTOCOLS {
            let whole = send_all(protocol, api, &log);
            for had in 0..=log.len() {
                let mut encoder = new(protocol, api);
                log[..had].iter().for_each(|entry| encoder.skip(entry));
                let mut out = BytesMut::new();
                log[had..].iter().for_each(|entry| encoder.encode(entry, &mut out));
                let before = send(&mut *new(protocol, api), &log[..had]);
                assert_eq!([&before[..], &out[..]].concat(), whole, "{name} {protocol:?} after {had}");
            }
        }
    }
}

/// The same for a viewer that got some frames of an entry: it comes back with the id of the last.
#[test]
fn an_id_in_the_middle_of_an_entry_is_gone_on_from() {
    for (name, api, log) in logs() {
        for protocol in [Protocol::UiMessage, Protocol::OpenAi] {
            let whole = frames(&send_all(protocol, api, &log));
            for (got, frame) in whole.iter().enumerate() {
                let cursor: actorstream_web::id::Cursor = frame.id.as_ref().unwrap().parse().unwrap();
                assert_eq!(cursor.generation.as_str(), GENERATION);
                let mut encoder = new(protocol, api);
                let mut out = BytesMut::new();
                for entry in &log {
                    let had = match entry.seq.cmp(&cursor.seq) {
                        Ordering::Less => u64::MAX,
                        Ordering::Equal => cursor.frames.unwrap_or(u64::MAX),
                        Ordering::Greater => 0,
                    };
                    encoder.encode_after(entry, had, &mut out);
                }
                assert_eq!(frames(&out), whole[got + 1..], "{name} {protocol:?} after {cursor}");
            }
        }
    }
}

/// Every frame has an id, none has the id of another, and they grow.
#[test]
fn ids_grow() {
    for (name, api, log) in logs() {
        for protocol in [Protocol::UiMessage, Protocol::OpenAi] {
            let mut last = (0, 0);
            for frame in frames(&send_all(protocol, api, &log)) {
                let cursor: actorstream_web::id::Cursor = frame.id.unwrap().parse().unwrap();
                let here = (cursor.seq, cursor.frames.unwrap_or(u64::MAX));
                assert!(here > last, "{name} {protocol:?}: {here:?} after {last:?}");
                assert!(
                    cursor.frames != Some(0)
                        && (last.0 == cursor.seq || cursor.frames.is_none_or(|k| k == 1))
                );
                last = here;
            }
        }
    }
}

/// Nothing follows the end, and an error of the relay after it is none.
#[test]
fn nothing_follows_the_end() {
    let failure = scenes::failure("late");
    for (name, api, log) in logs() {
        for protocol in PROTOCOLS {
            let mut encoder = new(protocol, api);
            send(&mut *encoder, &log);
            let again = send(&mut *encoder, &log);
            assert!(again.is_empty(), "{name} {protocol:?}: {again:?}");
            let mut out = BytesMut::new();
            encoder.fail(&failure, &mut out);
            assert!(out.is_empty(), "{name} {protocol:?}: {out:?}");
        }
    }
}

/// The work is linear: twice the log is about twice the bytes, and an entry costs no more at the end than at the start.
#[test]
fn a_long_answer_is_written_as_cheaply_as_a_short_one() {
    for protocol in PROTOCOLS {
        let log = scenes::long(20_000);
        let mut encoder = new(protocol, Api::Chat);
        let mut out = BytesMut::new();
        let mut sizes = Vec::new();
        for entry in &log[..log.len() - 1] {
            out.clear();
            encoder.encode(entry, &mut out);
            sizes.push(out.len());
        }
        assert!(sizes[10_000..].iter().all(|size| *size <= sizes[1] + 16), "{protocol:?}");
        // What it keeps does not grow with the text.
        let kept = format!("{encoder:?}").len();
        assert!(kept < 2_000, "{protocol:?} keeps {kept} characters");
    }
}
