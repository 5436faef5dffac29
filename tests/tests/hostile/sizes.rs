//! Very many choices, calls, items and fields, which count towards the limit on the response. Also a large prompt.

use actorstream::{ChatRequest, Limits, ResponseRequest, StreamEvent};
use actorstream_test::{Reply, Upstream};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::MEMORY;
use crate::common::{chunk, client, stop};
use crate::play::{MIB, play, play_within, run, turn};

fn small() -> Limits {
    Limits { response: 4 * MIB, ..Limits::default() }
}

#[test]
fn very_many_choices_are_over_the_limit() {
    let _turn = turn();
    const MANY: usize = 100_000;
    let all = |item: &str| format!(r#"{{"choices":[{}]}}"#, vec![item; MANY].join(","));
    let numbered: Vec<String> = (0..MANY).map(|index| format!(r#"{{"index":{index}}}"#)).collect();
    let numbered = format!(r#"{{"choices":[{}]}}"#, numbered.join(","));
    for event in [all("{}"), all(r#"{"index":0,"delta":{"content":"a"}}"#), numbered] {
        let played = play(Reply::sse().event(&event).event(stop()).done().end());
        match &played.end {
            // Too many for their length are ignored.
            Ok(finish) => assert!(finish.response.choices.len() <= 1),
            Err(error) => assert_eq!(error.kind.name(), "limit"),
        }
        played.holds_at_most(48 * event.len());
    }
    // One in each event.
    let reply = Reply::sse().repeat_with(10_000, |index| {
        format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{}}}}]}}\n\n")
    });
    play_within(small(), reply).holds_at_most(16 * MIB).error("limit");
}

#[test]
fn very_many_small_values_are_not_read() {
    let _turn = turn();
    const MANY: usize = 1_000_000;
    for item in ["{\"\":0}", "[]", "0", "{\"a\":{\"a\":0}}"] {
        let list = format!("[{}{item}]", format!("{item},").repeat(MANY - 1));
        for event in [
            // In an unknown field, and in a field of another type.
            format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"a","x":{list}}}}}]}}"#),
            format!(r#"{{"choices":[{{"index":0,"delta":{{"content":{list}}}}}]}}"#),
            format!(r#"{{"error":null,"type":{list}}}"#),
        ] {
            let played = play(Reply::sse().event(&event).event(chunk("b")).event(stop()).done().end());
            assert!(played.finished().content().is_some_and(|text| text.ends_with('b')), "{item}");
            played.holds_at_most(48 * event.len() + 8 * MIB);
        }
    }
}

#[test]
fn very_many_tool_calls_are_over_the_limit() {
    let _turn = turn();
    let reply = Reply::sse().repeat_with(20_000, |index| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{index},\"id\":\"c{index}\"}}]}}}}]}}\n\n"
        )
    });
    play_within(small(), reply).holds_at_most(16 * MIB).error("limit");
}

#[test]
fn unknown_fields_count_for_the_response() {
    let _turn = turn();
    let long = "x".repeat(60_000);
    let reply = Reply::sse().repeat_with(200, move |number| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"unknown{number}\":\"{long}\"}}}}]}}\n\n")
    });
    play_within(small(), reply).holds_at_most(16 * MIB).error("limit");
}

#[test]
fn very_many_items_of_a_response_are_over_the_limit() {
    let _turn = turn();
    for indices in [|n: usize| (n, 0), |_: usize| (usize::MAX, usize::MAX), |n: usize| (7, n)] {
        let (error, memory) = run(async {
            let reply = Reply::sse().repeat_with(40_000, move |number| {
                let (output, content) = indices(number);
                format!(
                    "data: {{\"type\":\"response.output_text.delta\",\"output_index\":{output},\"content_index\":{content},\"delta\":\"a\"}}\n\n"
                )
            });
            let upstream = Upstream::start(reply);
            let call = client(&upstream.base_url()).responses().limits(Limits { response: MIB, ..small() });
            call.stream_fn(ResponseRequest::new("m").input(""), |_| {}).await.unwrap_err()
        });
        assert_eq!(error.kind.name(), "limit", "{error}");
        assert!(memory < 16 * MIB, "{memory}");
    }
}

#[test]
fn a_prompt_is_let_go_when_the_answer_has_begun() {
    let _turn = turn();
    const PROMPT: usize = 8 * MIB;
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    let (held, _) = run(async {
        // A server that keeps nothing of the request.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = actix_rt::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (mut piece, mut left) = (vec![0; 64 << 10], PROMPT);
            while left > 0 {
                left = left.saturating_sub(socket.read(&mut piece).await.unwrap());
            }
            socket.write_all(ANSWER).await.unwrap();
            std::future::pending::<()>().await;
        });
        let before = MEMORY.current_usage();
        let mut stream = client(&url).chat().events(ChatRequest::new("m").user("x".repeat(PROMPT)));
        let first = stream.next().await.unwrap();
        assert!(matches!(first, StreamEvent::Data(_)), "{first:?}");
        let held = MEMORY.current_usage().saturating_sub(before);
        server.abort();
        held
    });
    assert!(held < MIB, "{held} bytes are held of a prompt of {PROMPT}");
}
