//! Cursors: the position of a viewer, and the data it receives from there, in any protocol.

use std::cmp::Ordering;

use actorstream_web::event::Api;
use actorstream_web::id::Cursor;
use actorstream_web::protocol::Protocol;
use bytes::BytesMut;

use crate::sent::{GENERATION, frames, new, send, send_all};
use crate::{PROTOCOLS, logs, scenes};

/// A viewer that reconnects after any entry receives exactly the rest.
#[test]
fn skipped_and_following_events_make_the_whole() {
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

/// The same for a viewer that received some frames of an entry and reconnects with the id of the last one.
#[test]
fn an_id_in_the_middle_of_an_entry_is_gone_on_from() {
    for (name, api, log) in logs() {
        for protocol in [Protocol::UiMessage, Protocol::OpenAi] {
            let whole = frames(&send_all(protocol, api, &log));
            for (got, frame) in whole.iter().enumerate() {
                let cursor: Cursor = frame.id.as_ref().unwrap().parse().unwrap();
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

/// Every frame has an id; ids are unique and increase.
#[test]
fn ids_grow() {
    for (name, api, log) in logs() {
        for protocol in [Protocol::UiMessage, Protocol::OpenAi] {
            let mut last = (0, 0);
            for frame in frames(&send_all(protocol, api, &log)) {
                let cursor: Cursor = frame.id.unwrap().parse().unwrap();
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

/// Nothing follows the end, not even an error of the relay.
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

/// The work is linear: an entry costs no more at the end than at the start, and no text is kept.
#[test]
fn a_long_answer_is_written_as_cheaply_as_a_short_one() {
    for (protocol, (api, log)) in PROTOCOLS.iter().flat_map(|protocol| {
        [
            (*protocol, (Api::Chat, scenes::long(20_000))),
            (*protocol, (Api::Responses, scenes::long_response(20_000))),
        ]
    }) {
        let mut encoder = new(protocol, api);
        let mut out = BytesMut::new();
        let mut sizes = Vec::new();
        for entry in &log[..20_000] {
            out.clear();
            encoder.encode(entry, &mut out);
            sizes.push(out.len());
        }
        assert!(
            sizes[10_000..].iter().all(|size| *size <= sizes[1..10].iter().max().unwrap() + 16),
            "{protocol:?}"
        );
        log[20_000..].iter().for_each(|entry| encoder.encode(entry, &mut out));
        // The state does not grow with the text.
        let kept = format!("{encoder:?}").len();
        assert!(kept < 3_000, "{protocol:?} of {api:?} keeps {kept} characters: {encoder:?}");
    }
}

/// A keep-alive is not an event for any client, at any position.
#[test]
fn a_ping_is_a_comment_and_no_blank_line_follows_it() {
    for protocol in [Protocol::UiMessage, Protocol::OpenAi] {
        let log = scenes::long(2);
        let mut encoder = new(protocol, Api::Chat);
        let mut out = BytesMut::new();
        for entry in &log {
            out.extend_from_slice(&encoder.ping().unwrap());
            encoder.encode(entry, &mut out);
        }
        assert!(!String::from_utf8(out.to_vec()).unwrap().contains(": ping\n\n"));
        let data = |sent: &[u8]| frames(sent).into_iter().map(|frame| frame.data).collect::<Vec<_>>();
        let pinged = String::from_utf8(out.to_vec()).unwrap().replace(": ping\n", "");
        assert_eq!(pinged.as_bytes(), send_all(protocol, Api::Chat, &log));
        assert_eq!(data(pinged.as_bytes()), data(&send_all(protocol, Api::Chat, &log)));
    }
    assert_eq!(new(Protocol::Text, Api::Chat).ping(), None);
}
