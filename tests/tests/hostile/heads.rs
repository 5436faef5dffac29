//! Heads that never end, contradict themselves, or redirect.

use std::time::Duration;

use actorstream_test::{Reply, Upstream};

use crate::common::{chunk, client, hello, stop};
use crate::play::{MIB, play, run, turn};

fn raw(head: &str) -> Reply {
    Reply::raw().bytes(head.to_owned())
}

#[test]
fn an_endless_head_is_over_the_limit() {
    let _turn = turn();
    for line in ["x: y\r\n", "x"] {
        let endless = raw("HTTP/1.1 200 OK\r\n").forever(line.repeat(1000), Duration::ZERO);
        let played = play(endless);
        played.error("limit");
        played.holds_at_most(2 * MIB);
    }
}

#[test]
fn interim_answers_for_ever_are_over_the_limit() {
    let _turn = turn();
    let flood = raw("").forever("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100), Duration::ZERO);
    let played = play(flood);
    played.error("limit");
    played.holds_at_most(2 * MIB);
}

#[test]
fn a_head_that_contradicts_itself_is_no_answer() {
    let _turn = turn();
    let body = format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", chunk("Hello"), stop());
    let len = body.len();
    for framing in [
        format!("content-length: {len}\r\ncontent-length: 3\r\n"),
        format!("content-length: {len}, 3\r\n"),
        "content-length: -1\r\n".into(),
        "content-length: 99999999999999999999999\r\n".into(),
        "transfer-encoding: chunked, gzip\r\n".into(),
        "content-length: 3\r\ntransfer-encoding: gzip\r\n".into(),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{framing}\r\n{body}");
        let played = play(raw(&head).close());
        // Never more than the body contains, and only an error as end, unless the stream is complete.
        match &played.end {
            Ok(finish) => {
                assert_eq!((played.events, finish.response.content()), (2, Some("Hello")), "{framing}");
            }
            Err(error) => {
                assert!(["transport", "truncated"].contains(&error.kind.name()), "{framing}: {error}");
            }
        }
    }
    // With both a length and chunks, the chunks count (RFC 9112, 6.3), or it is an error.
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
         {len:x}\r\n{body}\r\n0\r\n\r\n"
    );
    match &play(raw(&chunked).close()).end {
        Ok(finish) => assert_eq!(finish.response.content(), Some("Hello")),
        Err(error) => assert_eq!(error.kind.name(), "transport"),
    }
}

#[test]
fn nothing_of_a_request_follows_a_redirect() {
    let _turn = turn();
    run(async {
        let other = Upstream::start(Reply::sse().event(chunk("stolen")).event(stop()).done().end());
        for status in [301, 302, 303, 307, 308] {
            let upstream = Upstream::start(Reply::status(status).header("location", other.url()));
            let openai = client(&upstream.base_url());
            let error = openai.chat().stream_fn(hello(), |_| {}).await.unwrap_err();
            assert_eq!(error.status(), Some(status));
            let error = openai.chat().create(hello()).await.unwrap_err();
            assert_eq!(error.status(), Some(status));
            let resumed = openai.responses().resume("resp_1", 3).stream_fn((), |_| {}).await;
            assert_eq!(resumed.unwrap_err().kind.name(), "truncated");
        }
        assert_eq!(other.accepted(), 0);
    });
}
