//! Responses that are compressed although the request asks for `identity`.

use actorstream::{ChatCompletion, ErrorKind, Limits, StreamError, StreamEvent};
use actorstream_test::{ChatStream, Gate, Reply, Upstream};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::common::{chunk, client, hello, stop, within};
use crate::compress::{CODINGS, compress, compress_pieces, header};

/// Returns the lines of an event.
fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// Returns the events of a stream with the text `Hello`.
fn hello_events() -> [String; 4] {
    [event(&chunk("Hel")), event(&chunk("lo")), event(&stop()), event("[DONE]")]
}

/// Returns the head of an event stream with this `Content-Encoding`.
fn sse(coding: &str) -> Reply {
    Reply::sse().header("content-encoding", header(coding))
}

/// Returns the text and the end of a stream.
async fn play(reply: Reply) -> (String, Result<actorstream::Finish<ChatCompletion>, StreamError>) {
    let upstream = Upstream::start(reply);
    let mut events = client(&upstream.base_url()).chat().events(hello());
    let mut text = String::new();
    loop {
        match within(events.next()).await.expect("no end") {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(chunk) => text.push_str(chunk.content().unwrap_or_default()),
            StreamEvent::Finish(finish) => return (text, Ok(finish)),
            StreamEvent::Error(error) => return (text, Err(error)),
        }
    }
}

#[actix_rt::test]
async fn a_compressed_stream_is_the_stream_in_it() {
    let stream = ChatStream::new().content("Hello, world").finish_reason("stop").usage(3, 4);
    let whole = stream.completion();
    let body: String = stream.events().map(|data| event(&data)).collect::<String>() + &event("[DONE]");
    for coding in CODINGS {
        for split in [1, 7, 10_000] {
            let reply = sse(coding).piece(compress(coding, &body)).end().split_every(split);
            let (text, outcome) = play(reply).await;
            let finish = outcome.unwrap_or_else(|error| panic!("{coding}: {error}"));
            assert_eq!((text.as_str(), finish.sentinel), ("Hello, world", true), "{coding}");
            assert_eq!(serde_json::to_value(&*finish.response).unwrap(), whole, "{coding}");
        }
    }
}

#[actix_rt::test]
async fn an_event_that_is_flushed_is_told_before_the_next_one_comes() {
    let events = hello_events();
    let events: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
    for coding in CODINGS {
        let (flushed, last) = compress_pieces(coding, &events);
        let gates = [Gate::new(), Gate::new()];
        let reply = sse(coding).piece(flushed[0].clone()).gate(&gates[0]).piece(flushed[1].clone());
        let reply = reply.gate(&gates[1]).piece(flushed[2..].concat()).piece(last).end();
        let upstream = Upstream::start(reply);
        let mut events = client(&upstream.base_url()).chat().events(hello());
        for (text, gate) in ["Hel", "lo"].into_iter().zip(&gates) {
            let StreamEvent::Data(chunk) = within(events.next()).await.unwrap() else { panic!("{coding}") };
            assert_eq!(chunk.content(), Some(text), "{coding}");
            gate.open();
        }
        let rest: Vec<_> = within(events.collect::<Vec<_>>()).await;
        assert!(matches!(rest.last(), Some(StreamEvent::Finish(_))), "{coding}: {rest:?}");
    }
}

#[actix_rt::test]
async fn an_unstreamed_answer_and_the_body_of_an_error_are_decoded() {
    let answer = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}]});
    let error = json!({"error": {"message": "slow down", "type": "rate_limit", "code": "too_many"}});
    for coding in CODINGS {
        let reply = |status: u16, body: &serde_json::Value| {
            let body = compress(coding, body.to_string());
            Reply::text(status, "application/json", body).header("content-encoding", header(coding))
        };
        let upstream = Upstream::start(reply(200, &answer));
        let finish = within(client(&upstream.base_url()).chat().create(hello())).await.unwrap();
        assert_eq!(finish.response.content(), Some("Hello"), "{coding}");
        for streamed in [true, false] {
            let upstream = Upstream::start(reply(429, &error));
            let chat = client(&upstream.base_url()).chat();
            let outcome = match streamed {
                true => within(chat.stream_fn(hello(), |_| {})).await,
                false => within(chat.create(hello())).await,
            };
            let refused = outcome.unwrap_err();
            assert_eq!((refused.status(), refused.kind.name()), (Some(429), "refused"), "{coding}");
            assert_eq!(refused.api().unwrap().message, "slow down", "{coding}");
        }
        // An error instead of a response.
        let (_, outcome) = play(reply(200, &error)).await;
        assert_eq!(outcome.unwrap_err().kind.name(), "provider", "{coding}");
    }
}

#[actix_rt::test]
async fn several_codings_are_taken_off_in_their_order() {
    let body = hello_events().concat();
    for inner in CODINGS {
        for outer in CODINGS {
            let coded = compress(outer, compress(inner, &body));
            let both = format!("{}, {}", header(inner), header(outer).to_uppercase());
            let (text, outcome) =
                play(Reply::sse().header("content-encoding", both).piece(coded).end()).await;
            assert!(text == "Hello" && outcome.is_ok(), "{outer} of {inner}: {outcome:?}");
        }
    }
    let coded = compress("br", compress("gzip", &body));
    let lines =
        Reply::sse().header("content-encoding", "x-gzip").header("content-encoding", "br").piece(coded);
    assert_eq!(play(lines.end()).await.0, "Hello");
}

#[actix_rt::test]
async fn a_compressed_body_that_is_cut_is_truncated() {
    let [first, second, stop, done] = hello_events();
    let all = [first.as_bytes(), second.as_bytes(), stop.as_bytes(), done.as_bytes()];
    for coding in CODINGS {
        let (flushed, _) = compress_pieces(coding, &all);
        let start = || sse(coding).piece(flushed[0].clone());
        for (name, text, reply) in [
            ("a clean end", "Hel", start().end()),
            ("a reset", "Hel", start().reset()),
            ("a cut chunk", "Hel", start().cut()),
            ("half of an event", "Hel", start().piece(flushed[1][..4].to_vec()).end()),
            ("a clean end after every finish reason", "Hello", start().piece(flushed[1..3].concat()).end()),
        ] {
            let (told, outcome) = play(reply).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.kind.name(), told.as_str()), ("truncated", text), "{coding}, {name}: {error}");
            let partial = error.partial::<ChatCompletion>().unwrap();
            assert_eq!(partial.content(), Some(text), "{coding}, {name}");
        }
        // The missing bytes are after the last event.
        let (text, outcome) = play(start().piece(flushed[1..].concat()).end()).await;
        assert!(text == "Hello" && outcome.is_ok_and(|finish| finish.sentinel), "{coding}");
        let whole = json!({"choices": [{"message": {"content": "Hello"}}]}).to_string();
        let half = compress(coding, whole);
        let half = Reply::text(200, "application/json", half[..half.len() - 6].to_vec());
        let upstream = Upstream::start(half.header("content-encoding", header(coding)));
        let error = within(client(&upstream.base_url()).chat().create(hello())).await.unwrap_err();
        assert_eq!(error.kind.name(), "truncated", "{coding}: {error}");
    }
}

#[actix_rt::test]
async fn a_compressed_body_that_is_corrupt_is_truncated_and_says_so() {
    let [first, ..] = hello_events();
    for coding in CODINGS {
        let (flushed, _) = compress_pieces(coding, &[first.as_bytes()]);
        let gate = Gate::new();
        let reply = sse(coding).piece(flushed[0].clone()).gate(&gate).piece(vec![0xff; 300]).hold();
        let upstream = Upstream::start(reply);
        let mut events = client(&upstream.base_url()).chat().events(hello());
        assert!(matches!(within(events.next()).await, Some(StreamEvent::Data(_))), "{coding}");
        gate.open();
        // The end of the body is not needed.
        let end = loop {
            match within(events.next()).await.unwrap() {
                StreamEvent::Start(_) => {}
                StreamEvent::Data(_) => {}
                end => break end,
            }
        };
        let StreamEvent::Error(error) = end else { panic!("{coding}: {end:?}") };
        let message = error.to_string();
        assert_eq!(error.kind.name(), "truncated", "{coding}: {message}");
        assert!(message.contains(&format!("its {} data are corrupt", header(coding))), "{message}");
        assert_eq!(error.partial::<ChatCompletion>().unwrap().content(), Some("Hel"), "{coding}");
    }
}

#[actix_rt::test]
async fn a_body_under_a_wrong_coding_is_read_as_what_it_is() {
    let body = hello_events().concat();
    let answer = json!({"choices": [{"message": {"content": "Hello"}}]});
    for coding in
        ["gzip", "deflate", "br", "zstd", "gzip, br", "compress", "foo", "none", "identity", "utf-8"]
    {
        for split in [1, 10_000] {
            let plain = Reply::sse().header("content-encoding", coding).piece(body.clone()).end();
            let (text, outcome) = play(plain.split_every(split)).await;
            assert!(text == "Hello" && outcome.is_ok(), "{coding}: {outcome:?}");
        }
        let upstream = Upstream::start(Reply::json(200, &answer).header("content-encoding", coding));
        let finish = within(client(&upstream.base_url()).chat().create(hello())).await.unwrap();
        assert_eq!(finish.response.content(), Some("Hello"), "{coding}");
        let refused = Reply::error(429, "rate_limit", "slow down").header("content-encoding", coding);
        let error = play(refused).await.1.unwrap_err();
        assert_eq!(error.api().unwrap().message, "slow down", "{coding}");
    }
    // A proxy has removed one of two codings but not its name.
    let reply = Reply::sse().header("content-encoding", "gzip, zstd").piece(compress("gzip", &body)).end();
    assert_eq!(play(reply).await.0, "Hello");
}

#[actix_rt::test]
async fn a_coding_that_is_not_known_is_named() {
    for coding in ["compress", "foo", "gzip, foo"] {
        let named = |message: String| {
            assert!(message.contains(coding) && message.contains("identity"), "{message}");
        };
        let packed = compress("zstd", hello_events().concat());
        let coded = |reply: Reply| reply.header("content-encoding", coding);
        let error = play(coded(Reply::sse()).piece(packed.clone()).end()).await.1.unwrap_err();
        assert_eq!(error.kind.name(), "not_a_stream", "{error}");
        named(error.to_string());
        let error = play(coded(Reply::text(500, "text/plain", packed.clone()))).await.1.unwrap_err();
        assert_eq!(error.status(), Some(500));
        named(error.to_string());
        let upstream = Upstream::start(coded(Reply::text(200, "application/json", packed)));
        let error = within(client(&upstream.base_url()).chat().create(hello())).await.unwrap_err();
        named(error.to_string());
    }
}

#[actix_rt::test]
async fn limits_hold_for_what_is_decoded() {
    let limits = || Limits { event: 1000, response: 1000, body: 1000, error_body: 1000, ..Limits::default() };
    let long = event(&chunk(&"a".repeat(2000)));
    let many = event(&chunk("aaaaaaaaaa")).repeat(1000);
    for coding in CODINGS {
        for (body, limit) in [(&long, "an event"), (&many, "the accumulated response")] {
            let upstream = Upstream::start(sse(coding).piece(compress(coding, body)).end());
            let chat = client(&upstream.base_url()).chat().limits(limits());
            let error = within(chat.stream_fn(hello(), |_| {})).await.unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Limit { max: 1000, .. }), "{coding}: {error}");
            assert!(error.to_string().contains(limit), "{coding}: {error}");
        }
        let coded = |status| {
            let body = compress(coding, format!("{{\"error\":{{\"message\":\"{}\"}}}}", "m".repeat(5000)));
            let reply = Reply::text(status, "application/json", body);
            Upstream::start(reply.header("content-encoding", header(coding)))
        };
        let upstream = coded(200);
        let error = within(client(&upstream.base_url()).chat().limits(limits()).create(hello())).await;
        assert_eq!(error.unwrap_err().kind.name(), "limit", "{coding}");
        let upstream = coded(500);
        let chat = client(&upstream.base_url()).chat().limits(limits());
        let ErrorKind::Refused(refused) =
            within(chat.stream_fn(hello(), |_| {})).await.unwrap_err().kind.clone()
        else {
            panic!("{coding}")
        };
        assert_eq!((refused.status, refused.body.len()), (500, 1000), "{coding}");
    }
}

#[actix_rt::test]
async fn the_connection_of_a_compressed_answer_is_kept() {
    for coding in CODINGS {
        let reply = sse(coding).piece(compress(coding, hello_events().concat())).end();
        // The end of the body arrives together with the end of the stream.
        let upstream = Upstream::start(reply.split_every(1 << 20));
        let openai = client(&upstream.base_url());
        for _ in 0..3 {
            within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
        }
        assert_eq!((upstream.request_count(), upstream.accepted()), (3, 1), "{coding}");
    }
}
