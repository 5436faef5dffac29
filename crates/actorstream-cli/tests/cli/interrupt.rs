//! Ctrl-C, and readers that go away.

use std::io::Read;
use std::time::Duration;

use actorstream_test::{Gate, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{Ran, at, chunk, command, first_line, interrupt, pipes, wait};

#[test]
fn an_interrupt_cancels_the_stream() {
    let gate = Gate::new();
    let upstream = Upstream::start(Reply::sse().event(chunk("Hel")).gate(&gate).done().end());
    for (arguments, text) in [(&["chat", "Hi", "--jsonl"] as &[_], false), (&["chat", "Hi"], true)] {
        let url = upstream.base_url();
        let mut child = command(&at(&url, arguments)).spawn().unwrap();
        // The event has been printed: the stream runs.
        let mut out = child.stdout.take().unwrap();
        let mut first = [0; 3];
        out.read_exact(&mut first).unwrap();
        interrupt(&child);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let ran = Ran::new(child);
        assert_eq!(ran.status, Some(130));
        if text {
            assert_eq!(
                (first, rest.as_str(), ran.err.as_str()),
                (*b"Hel", "\n", "error: the stream was cancelled\n")
            );
        } else {
            let end: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
            assert_eq!((rest.lines().count(), &end["error"]["kind"]), (2, &json!("cancelled")));
            assert_eq!(end["partial"]["choices"][0]["message"]["content"], "Hel");
        }
    }
    wait(upstream.peer_closed(1));
}

#[test]
fn an_interrupt_stops_a_response_in_the_background_at_the_server() {
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "background": true, "status": "in_progress"}});
    let upstream = Upstream::start(Script::with(move |request| {
        if request.path.ends_with("/cancel") {
            Reply::json(200, &json!({}))
        } else {
            Reply::sse().event(&created).hold()
        }
    }));
    let base_url = upstream.base_url();
    let mut child = command(&at(&base_url, &["respond", "Hi", "--background", "--jsonl"])).spawn().unwrap();
    let (out, _err) = pipes(&mut child);
    let (line, _out) = first_line(out);
    assert!(line.contains("response.created"), "{line}");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(upstream.requests().last().unwrap().path, "/v1/responses/resp_1/cancel");
}

#[test]
fn a_second_interrupt_kills() {
    let upstream = Upstream::start(Reply::sse().event(chunk("Hel")).hold());
    let url = upstream.base_url();
    // The actor sleeps for an hour over its first event.
    let child = command(&at(&url, &["chat", "Hi", "--slow", "3600000"])).spawn().unwrap();
    wait(upstream.request(0));
    interrupt(&child);
    // The first one was taken: the request is gone though the actor blocks.
    wait(upstream.peer_closed(0));
    interrupt(&child);
    let ran = Ran::new(child);
    assert_eq!((ran.status, ran.out.as_str()), (Some(130), ""));
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly() {
    for arguments in [&["chat", "Hi", "--jsonl"] as &[_], &["chat", "Hi"]] {
        let gate = Gate::new();
        // It goes on: a process that another test starts may hold the reader's end for the moment of one event.
        let more = format!("data: {}\n\n", chunk("lo"));
        let upstream = Upstream::start(
            Reply::sse().event(chunk("Hel\n")).gate(&gate).forever(more, Duration::from_millis(20)),
        );
        let url = upstream.base_url();
        let mut child = command(&at(&url, arguments)).spawn().unwrap();
        let (out, mut err) = pipes(&mut child);
        drop(first_line(out));
        gate.open();
        let mut told = String::new();
        err.read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(1), ""));
        wait(upstream.peer_closed(0));
    }
}
