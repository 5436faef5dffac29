//! Upstream events, and the ends that they cause.

use actix::Actor;
use actorstream::{ChatCompletion, ErrorKind, Limits, OnMalformed, OpenAi, RetryPolicy, StreamEvent};
use actorstream_test::{ChatStream, Gate, Reply, Upstream};

use crate::common::{Noting, chunk, client, hello, one_stream, stop, within};

/// Streams a reply into an actor. Returns the number of events, their text, and the end, which must be the same for
/// the handle and the actor.
async fn play(
    reply: Reply,
) -> (usize, String, Result<actorstream::Finish<ChatCompletion>, actorstream::StreamError>) {
    let upstream = Upstream::start(reply);
    let actor = Noting::default();
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    let outcome = within(handle).await;
    let (events, text, end) = one_stream(&log, id);
    match (&outcome, &end) {
        (Ok(finish), StreamEvent::Finish(same)) => assert_eq!(finish.response, same.response),
        (Err(error), StreamEvent::Error(same)) => assert_eq!(error.kind, same.kind),
        other => panic!("the handle and the target disagree: {other:?}"),
    }
    (events, text, outcome)
}

fn hello_then() -> Reply {
    Reply::sse().event(chunk("Hel")).event(chunk("lo"))
}

#[actix_rt::test]
async fn done_is_a_finish_with_the_complete_response() {
    let stream = ChatStream::new().content("Hello, world").finish_reason("stop").usage(3, 4);
    let whole = stream.completion();
    let (_, text, outcome) = play(stream.reply().header("x-request-id", "req-7")).await;
    let finish = outcome.unwrap();
    assert_eq!(text, "Hello, world");
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), whole);
    assert!(finish.sentinel);
    assert_eq!((finish.finish_reasons[0].as_str(), finish.request_id.as_deref()), ("stop", Some("req-7")));
    assert_eq!((finish.response.usage.as_ref().unwrap().total_tokens, finish.attempts), (7, 1));
    assert!(
        finish.timings.head <= finish.timings.first_event
            && finish.timings.last_event <= Some(finish.timings.total)
    );
}

#[actix_rt::test]
async fn a_stream_of_100_000_chunks_is_whole() {
    let stream = ChatStream::new().deltas(100_000, "tok ").finish_reason("stop");
    let (events, text, outcome) = play(stream.reply()).await;
    assert_eq!((events, text.len()), (100_002, 400_000));
    assert_eq!(outcome.unwrap().response.content(), Some(text.as_str()));
}

#[actix_rt::test]
async fn a_clean_end_after_every_finish_reason_is_a_finish_without_sentinel() {
    let (_, text, outcome) = play(hello_then().event(stop()).end()).await;
    assert_eq!((text.as_str(), outcome.unwrap().sentinel), ("Hello", false));
}

#[actix_rt::test]
async fn every_way_to_cut_a_body_is_truncated() {
    let long = chunk("Hello");
    let short = Reply::status(200)
        .header("content-type", "text/event-stream")
        .content_length(4000)
        .bytes(format!("data: {long}\n\ndata: {}\n\n", stop()))
        .close();
    for (name, reply) in [
        ("reset", hello_then().reset()),
        ("cut chunk", hello_then().cut()),
        ("cut after the finish reason", hello_then().event(stop()).cut()),
        ("short content-length", short),
        ("clean end without finish reason", hello_then().end()),
        ("clean close without length", Reply::sse_until_close().event(chunk("Hello")).fin()),
        ("reset before an event", Reply::sse().comment("hi").reset()),
        ("cut in its first word", Reply::sse().chunk("dat").cut()),
    ] {
        let (_, text, outcome) = play(reply).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind.name(), "truncated", "{name}: {error}");
        let partial =
            error.partial::<ChatCompletion>().and_then(|partial| partial.content().map(str::to_owned));
        assert_eq!(partial.unwrap_or_default(), text, "{name}");
    }
}

#[actix_rt::test]
async fn an_error_in_the_stream_is_provider() {
    for reply in [
        hello_then().event(r#"{"error":{"message":"boom","code":500}}"#).done().end(),
        hello_then().event(r#"{"error":"boom"}"#).end(),
        hello_then().named_event("error", r#"{"message":"boom"}"#).end(),
        hello_then().chunk(r#"data: {"error":{"message":"boom"}}"#).end(),
        Reply::json(200, &serde_json::json!({"error": {"message": "boom"}})),
    ] {
        let (_, _, outcome) = play(reply).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind.name(), error.api().unwrap().message.as_str()), ("provider", "boom"));
    }
}

#[actix_rt::test]
async fn a_status_outside_2xx_is_refused() {
    let html = Reply::text(502, "text/html", "<html>bad gateway</html>").header("x-request-id", "req-1");
    let (_, _, outcome) = play(html).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.status(), error.request_id.as_deref()), (Some(502), Some("req-1")));
    assert!(error.to_string().contains("bad gateway"), "{error}");

    let stream = Reply::status(500)
        .header("content-type", "text/event-stream")
        .chunked()
        .event(r#"{"error":{"message":"boom"}}"#)
        .end();
    let (_, _, outcome) = play(stream).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.status(), error.api().unwrap().message.as_str()), (Some(500), "boom"));

    let moved = Reply::text(307, "text/plain", "").header("location", "http://127.0.0.1:1/v1");
    let (_, _, outcome) = play(moved).await;
    assert_eq!(outcome.unwrap_err().status(), Some(307));
}

#[actix_rt::test]
async fn success_that_is_no_stream_is_not_a_stream() {
    for reply in [
        Reply::text(200, "text/html", "<html>log in</html>"),
        Reply::json(200, &serde_json::json!({"object": "chat.completion"})),
        Reply::text(200, "text/event-stream", ""),
        Reply::status(204),
    ] {
        let (events, _, outcome) = play(reply).await;
        assert_eq!((events, outcome.unwrap_err().kind.name()), (0, "not_a_stream"));
    }
}

#[actix_rt::test]
async fn an_event_that_is_not_json_is_malformed_or_skipped() {
    let reply = || hello_then().event("{oops").event(stop()).done().end();
    let (events, text, outcome) = play(reply()).await;
    assert_eq!((events, text.as_str(), outcome.unwrap_err().kind.name()), (2, "Hello", "malformed"));

    let upstream = Upstream::start(reply());
    let openai = client(&upstream.base_url());
    let actor = Noting::default();
    let call = openai.chat().on_malformed(OnMalformed::Skip);
    let finish = within(call.stream(hello(), actor.start())).await.unwrap();
    assert_eq!((finish.timings.skipped, finish.response.content()), (1, Some("Hello")));
}

#[actix_rt::test]
async fn wire_oddities_are_read_as_they_are_meant() {
    let body = format!(
        "\u{feff}: hi\r\n\r\ndata:{}\r\rdata: : keepalive\n\ndata: {}\n\n",
        chunk("Hel"),
        chunk("lo")
    );
    let split = r#"{"created":1.5,"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#;
    let rest = r#"{"id":7,"choices":[{"index":0,"delta":{"content":"\ude00"}}]}"#;
    let (_, text, outcome) =
        play(Reply::sse().chunk(body).event(split).event(rest).event(stop()).done().end()).await;
    assert_eq!(text, "Hello😀");
    assert_eq!(outcome.unwrap().response.content(), Some("Hello😀"));
}

#[actix_rt::test]
async fn cancelling_ends_the_stream_and_closes_the_connection() {
    let gate = Gate::new();
    let upstream = Upstream::start(hello_then().gate(&gate).hold());
    let actor = Noting::default();
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    while log.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    handle.cancel();
    let error = within(handle).await.unwrap_err();
    within(upstream.peer_closed(0)).await;
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(error.partial::<ChatCompletion>().unwrap().content(), Some("Hello"));
    let (events, _, end) = one_stream(&log, id);
    assert!(events == 2 && matches!(end, StreamEvent::Error(error) if error.kind == ErrorKind::Cancelled));
}

#[actix_rt::test]
async fn cancelling_before_anything_was_sent_sends_nothing() {
    let upstream = Upstream::start(hello_then().hold());
    let handle = client(&upstream.base_url()).chat().stream(hello(), Noting::default().start());
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(upstream.accepted(), 0);
}

#[actix_rt::test]
async fn limits_hold() {
    let openai = |limits: Limits, url: &str| {
        OpenAi::builder().base_url(url).limits(limits).retry(RetryPolicy::none()).build().unwrap()
    };
    for (limits, reply) in [
        (
            Limits { event: 1000, ..Limits::default() },
            Reply::sse().chunk("data: ").repeat(100, "x".repeat(100)).hold(),
        ),
        (Limits { head: 1000, ..Limits::default() }, Reply::sse().header("x-long", "x".repeat(2000)).hold()),
        (
            Limits { response: 20_000, ..Limits::default() },
            Reply::sse().events((0..10).map(|_| chunk(&"x".repeat(1000)))).hold(),
        ),
    ] {
        let upstream = Upstream::start(reply);
        let handle =
            openai(limits.clone(), &upstream.base_url()).chat().stream(hello(), Noting::default().start());
        assert_eq!(within(handle).await.unwrap_err().kind.name(), "limit", "{limits:?}");
        within(upstream.peer_closed(0)).await;
    }
}

#[actix_rt::test]
async fn without_keeping_the_response_the_end_has_all_but_the_texts() {
    let upstream =
        Upstream::start(ChatStream::new().content("Hello").finish_reason("stop").usage(1, 2).reply());
    let call = client(&upstream.base_url()).chat().keep_response(false);
    let finish = within(call.stream(hello(), Noting::default().start())).await.unwrap();
    assert_eq!(finish.response.content().unwrap_or_default(), "");
    assert_eq!(finish.response.usage.as_ref().unwrap().total_tokens, 3);
    assert_eq!(finish.finish_reasons[0], "stop");
}
