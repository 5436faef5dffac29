//! Bodies that never end, are too large, or consist of noise.

use std::time::Duration;

use actorstream::{ErrorKind, Limits};
use actorstream_test::{Reply, Upstream};

use crate::common::{chunk, client, hello, stop};
use crate::compress::{CODINGS, compress_endless, header};
use crate::play::{MIB, feed, play, play_within, run, turn};

/// Returns the head of an event stream in a coding.
fn sse(coding: &str) -> Reply {
    Reply::sse().header("content-encoding", header(coding))
}

#[test]
fn an_endless_line_is_over_the_limit() {
    let _turn = turn();
    let played = play(Reply::sse().piece("data: ").forever("x".repeat(64 << 10), Duration::ZERO));
    let max = Limits::default().event;
    assert!(matches!(played.error("limit").kind, ErrorKind::Limit { max: limit, .. } if limit == max));
    // The buffer doubles as it grows.
    played.holds_at_most(4 * max);
}

#[test]
fn an_event_of_100_mib_is_over_the_limit() {
    let _turn = turn();
    // In one line, and in many lines of one event.
    let limits = || Limits { event: MIB, ..Limits::default() };
    for piece in ["x".repeat(64 << 10), "data: x\n".repeat(8 << 10)] {
        let played = play_within(limits(), Reply::sse().piece("data: {\"a\":\"").repeat(1600, piece));
        played.error("limit");
        played.holds_at_most(8 * MIB);
    }
}

#[test]
fn an_error_that_floods_is_cut() {
    let _turn = turn();
    let played = play(Reply::status(500).chunked().repeat(1600, "x".repeat(64 << 10)));
    let error = played.error("refused");
    assert!(error.to_string().len() < 1000);
    played.holds_at_most(4 * MIB);
}

#[test]
fn a_million_empty_events_and_a_million_comments_are_nothing() {
    let _turn = turn();
    let hello = || format!("\n\ndata: {}\n\ndata: {}\n\ndata: [DONE]\n\n", chunk("Hello"), stop());
    for piece in [
        ": \n",
        ":\n\n",
        "data:\n\n",
        "data\n\n",
        "data: : x\n\n",
        "\n",
        "\r",
        "event: x\n\n",
        "id: 7\n\n",
        "retry: 1\n",
        "unknown: x\n\n",
    ] {
        // A thousand per read. The first line of an event stream must be a known one.
        let read: &'static [u8] = format!(":\n{}", piece.repeat(1000)).leak().as_bytes();
        let played = feed(1000, read, hello());
        assert_eq!((played.finished().content(), played.events), (Some("Hello"), 2), "{piece:?}");
        played.holds_at_most(MIB);
        // The same over a socket.
        let reply = Reply::sse().repeat(10, read).piece(hello()).end();
        assert_eq!(play(reply).finished().content(), Some("Hello"), "{piece:?}");
    }
}

#[test]
fn events_without_a_text_hold_nothing() {
    let _turn = turn();
    for event in [r#"{"choices":[]}"#, r#"{"choices":[{"index":0,"delta":{"content":""}}]}"#, "{}", "7"] {
        let read: &'static [u8] = format!("data: {event}\n\n").repeat(1000).leak().as_bytes();
        let last = || format!("data: {}\n\ndata: [DONE]\n\n", stop());
        let played = feed(50, read, last());
        played.finished();
        assert_eq!((played.events, played.text), (50_001, 0), "{event}");
        let few = feed(5, read, last()).memory;
        assert!(
            played.memory < few + MIB / 8,
            "{event}: {} bytes, and {few} for a tenth of it",
            played.memory
        );
        let played = play(Reply::sse().repeat(10, read).piece(last()).end());
        played.finished();
        assert_eq!((played.events, played.text), (10_001, 0), "{event}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let _turn = turn();
    for (bytes, text) in [
        (&b"a\xffb"[..], "a\u{fffd}b"),
        (b"\xc3", "\u{fffd}"),
        // A surrogate encoded in UTF-8, which is invalid, reads like an escaped one.
        (b"\xed\xa0\xbd", "\u{fffd}"),
        (b"\xef\xbb\xbfx", "\u{feff}x"),
        (b"\\u0000", "\0"),
    ] {
        let mut event = br#"data: {"choices":[{"index":0,"delta":{"content":""#.to_vec();
        event.extend_from_slice(bytes);
        event.extend_from_slice(b"\"}}]}\n\n");
        let played = play(Reply::sse().piece(event).event(stop()).done().end());
        assert_eq!(played.finished().content(), Some(text), "{}", bytes.escape_ascii());
    }
    // Between events, and where JSON does not allow them.
    let odd = Reply::sse().piece(&b":\n\0\xff\xfe\n\n\xef\xbb\xbf: x\n\n"[..]).event(chunk("Hello"));
    assert_eq!(play(odd.event(stop()).done().end()).finished().content(), Some("Hello"));
    play(Reply::sse().piece(&b"data: {\"a\":\0}\n\n"[..]).hold()).error("malformed");
}

#[test]
fn what_is_in_no_coding_or_an_unknown_one_is_no_stream() {
    let _turn = turn();
    for coding in ["gzip", "br", "zstd", "deflate", "x"] {
        let reply = Reply::sse().header("content-encoding", coding).piece(vec![0x1f_u8; MIB]).end();
        let played = play(reply);
        // If the coding has no magic number, the data is corrupt.
        let kind = if ["br", "deflate"].contains(&coding) { "truncated" } else { "not_a_stream" };
        assert!(played.error(kind).to_string().contains(coding));
        played.holds_at_most(4 * MIB);
    }
}

#[test]
fn a_little_that_decodes_to_a_gigabyte_is_over_the_limit_and_holds_nothing_of_it() {
    let _turn = turn();
    let limits = || Limits { event: MIB, body: MIB, ..Limits::default() };
    let gigabyte = |coding: &str, start: &[u8]| {
        let (begun, piece) = compress_endless(coding, start, &[b'0'; MIB]);
        [begun, piece.repeat(1024)].concat()
    };
    for coding in CODINGS {
        let coded = gigabyte(coding, b"data: ");
        let len = coded.len();
        let played = play_within(limits(), sse(coding).piece(coded).end());
        assert!(matches!(played.error("limit").kind, ErrorKind::Limit { max: MIB, .. }), "{coding}");
        // The received data, the limit of one event, and the window of a decoder.
        played.holds_at_most(12 * MIB + 2 * len);
        let coded = gigabyte(coding, b"{\"");
        let ((), memory) = run(async {
            let reply = Reply::text(200, "application/json", coded);
            let upstream = Upstream::start(reply.header("content-encoding", header(coding)));
            let chat = client(&upstream.base_url()).chat().limits(limits());
            assert_eq!(chat.create(hello()).await.unwrap_err().kind.name(), "limit", "{coding}");
        });
        println!("{coding}: {} KiB were held at most, and {} came", memory >> 10, len >> 10);
        assert!(memory <= 12 * MIB + 2 * len, "{coding}: {memory} bytes");
    }
}

#[test]
fn a_refusal_that_decodes_to_a_gigabyte_is_cut() {
    let _turn = turn();
    for coding in CODINGS {
        let (begun, piece) = compress_endless(coding, b"no", &[b'0'; MIB]);
        let reply = Reply::status(500).header("content-encoding", header(coding)).chunked();
        let played = play(reply.piece(begun).repeat(1024, piece).end());
        let error = played.error("refused");
        assert!(error.to_string().contains("no000") && error.to_string().len() < 1000, "{error}");
        played.holds_at_most(12 * MIB);
    }
}
