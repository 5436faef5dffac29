//! Every wait of an exchange is bounded: complete responses that do not end, refusals that trickle, unstreamed
//! responses.

use std::time::Duration;

use actix::Actor;
use actorstream::{
    Custom, ErrorKind, FunctionDefinition, OpenAi, RetryPolicy, StreamEvent, Timeout, Timeouts, Tools,
};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::common::{Noting, chunk, client, hello, one_stream};

const PING: &str = ": ping\n\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[track_caller]
fn near(start: Instant, expected: Duration) {
    let elapsed = start.elapsed();
    assert!(elapsed >= expected && elapsed < expected + Duration::from_millis(500), "{elapsed:?}");
}

/// Returns a reply with the events of a complete response, without `[DONE]`.
fn complete(stream: &ChatStream) -> Reply {
    let events: Vec<String> = stream.events().collect();
    Reply::sse().events(events)
}

fn hello_stop() -> Reply {
    complete(&ChatStream::new().content("Hello").finish_reason("stop"))
}

#[actix_rt::test]
async fn silence_after_every_finish_reason_is_a_finish() {
    tokio::time::pause();
    for rest in
        [Reply::raw().hold(), Reply::raw().forever(PING, seconds(1)), Reply::raw().forever(":", seconds(1))]
    {
        let upstream = Upstream::spawn(hello_stop().then(rest));
        let start = Instant::now();
        let actor = Noting::default();
        let log = actor.chat.clone();
        // The other timeouts are shorter, but the end is not a timeout.
        let timeouts = Timeouts::default().idle(seconds(4)).stall(seconds(4)).tail(seconds(3));
        let handle = client(&upstream.base_url()).chat().timeouts(timeouts).stream(hello(), actor.start());
        let id = handle.id();
        let finish = handle.await.unwrap();
        near(start, seconds(3));
        assert_eq!((finish.sentinel, finish.response.content()), (false, Some("Hello")));
        let (_, text, end) = one_stream(&log, id);
        assert!(text == "Hello" && matches!(end, StreamEvent::Finish(_)));
        upstream.peer_closed(0).await;
    }
}

#[actix_rt::test]
async fn the_usage_within_the_tail_counts() {
    tokio::time::pause();
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let upstream = Upstream::spawn(hello_stop().wait(seconds(4)).event(usage).forever(PING, seconds(1)));
    let start = Instant::now();
    let finish =
        client(&upstream.base_url()).chat().stream(hello(), Noting::default().start()).await.unwrap();
    near(start, seconds(9));
    assert_eq!((finish.sentinel, finish.response.usage.as_ref().unwrap().total_tokens), (false, 3));
}

#[actix_rt::test]
async fn a_choice_that_goes_on_is_waited_for() {
    tokio::time::pause();
    let two = ChatStream::new().content("a").finish_reason("stop");
    let second = chunk("b").replace("\"index\":0", "\"index\":1");
    let upstream = Upstream::spawn(complete(&two).event(second).forever(PING, seconds(1)));
    let start = Instant::now();
    let call = client(&upstream.base_url()).chat().timeouts(Timeouts::default().stall(seconds(20)));
    let error = call.stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Stall));
    near(start, seconds(20));
}

#[actix_rt::test]
async fn the_tail_counts_from_when_the_target_was_done() {
    use actix::{AsyncContext as _, WrapFuture as _};
    tokio::time::pause();
    let upstream = Upstream::spawn(hello_stop().forever(PING, seconds(1)));
    let actor = Noting::with(|count, _, ctx| {
        if count == 1 {
            ctx.wait(tokio::time::sleep(seconds(60)).into_actor(&Noting::default()));
        }
    });
    let log = actor.chat.clone();
    let start = Instant::now();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    assert!(!handle.await.unwrap().sentinel);
    assert!(start.elapsed() >= seconds(65), "{:?}", start.elapsed());
    assert_eq!(one_stream(&log, id).1, "Hello");
}

#[actix_rt::test]
async fn tools_run_on_a_complete_answer_that_does_not_end() {
    tokio::time::pause();
    let calls = ChatStream::new().tool_call("a", "double", r#"{"n":2}"#).finish_reason("tool_calls");
    let answer = ChatStream::new().content("4").finish_reason("stop").reply();
    let upstream = Upstream::spawn(Script::sequence([complete(&calls).forever(PING, seconds(1)), answer]));
    let tools = Tools::new().function(FunctionDefinition::new("double"), |arguments: Value| async move {
        Ok::<_, String>(arguments["n"].as_u64().unwrap_or_default() * 2)
    });
    let call = client(&upstream.base_url()).chat().tools(tools);
    let finish = call.stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!((finish.response.content(), finish.rounds.len()), (Some("4"), 1));
    assert_eq!(finish.rounds[0].results[0].output, "4");
}

#[actix_rt::test]
async fn a_refusal_that_drips_is_told_after_the_idle_timeout() {
    tokio::time::pause();
    let drips = || {
        let head =
            "HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{\"error\":";
        Reply::raw().bytes(head).forever(" ", Duration::from_millis(300))
    };
    let timeouts = Timeouts::default().idle(seconds(2));
    for streamed in [true, false] {
        let upstream = Upstream::spawn(drips());
        let start = Instant::now();
        let call = client(&upstream.base_url()).chat().timeouts(timeouts.clone());
        let error = if streamed {
            call.stream(hello(), Noting::default().start()).await.unwrap_err()
        } else {
            call.create(hello()).await.unwrap_err()
        };
        near(start, seconds(2));
        let ErrorKind::Refused(refused) = &error.kind else { panic!("{error}") };
        assert!(refused.status == 503 && refused.body.starts_with("{\"error\":"), "{refused:?}");
        upstream.peer_closed(0).await;
    }
    // It is retried like any other refusal.
    let good = ChatStream::new().content("Hello").finish_reason("stop").reply();
    let upstream = Upstream::spawn(Script::sequence([drips(), good]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).timeouts(timeouts).build().unwrap();
    let finish = openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!((finish.attempts, finish.response.content()), (2, Some("Hello")));
}

#[actix_rt::test]
async fn a_broken_stream_goes_on_after_a_refusal_that_hangs() {
    tokio::time::pause();
    let event = |number: u64, kind: &str, more: Value| {
        let mut event = json!({"type": kind, "sequence_number": number});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let response =
        |status| json!({"response": {"id": "r", "background": true, "status": status, "output": []}});
    let first = Reply::sse().event(event(0, "response.created", response("in_progress"))).reset();
    let hangs = Reply::raw().bytes("HTTP/1.1 503 Busy\r\ncontent-length: 9\r\n\r\n").hold();
    let last = Reply::sse().event(event(1, "response.completed", response("completed"))).end();
    let upstream = Upstream::spawn(Script::sequence([first, hangs, last]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let call = openai.responses().timeouts(Timeouts::default().idle(seconds(2)));
    call.stream_fn(json!({"model": "m", "input": "x", "background": true}), |_| {}).await.unwrap();
    assert_eq!(upstream.request_count(), 3);
}

#[actix_rt::test]
async fn an_unstreamed_call_has_timeouts() {
    tokio::time::pause();
    let json_head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n";
    let timeouts = Timeouts::default().first_event(seconds(1)).idle(seconds(20)).response(seconds(100));
    for (reply, timeout, after) in [
        (Reply::raw().hold(), Timeout::Response, 100),
        (Reply::raw().bytes(json_head).hold(), Timeout::Response, 100),
        (Reply::raw().bytes(json_head).forever(" ", seconds(3)), Timeout::Response, 100),
        (Reply::raw().wait(seconds(90)).bytes(json_head).bytes("{\"id\":").hold(), Timeout::Idle, 110),
    ] {
        let upstream = Upstream::spawn(reply);
        let start = Instant::now();
        let call = client(&upstream.base_url()).chat().timeouts(timeouts.clone());
        let error = call.create(hello()).await.unwrap_err();
        assert_eq!(error.timeout(), Some(timeout), "{error}");
        near(start, seconds(after));
        upstream.peer_closed(0).await;
    }
    // A slow model is waited for.
    let answer = ChatStream::new().content("Hello").finish_reason("stop").completion();
    let upstream = Upstream::spawn(Reply::raw().wait(seconds(599)).then(Reply::json(200, &answer)));
    let openai = OpenAi::builder().base_url(upstream.base_url()).retry(RetryPolicy::none()).build().unwrap();
    assert_eq!(openai.chat().create(hello()).await.unwrap().response.content(), Some("Hello"));
}

#[actix_rt::test]
async fn a_lookup_has_a_short_timeout_for_all_of_it() {
    tokio::time::pause();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n";
    for reply in [
        Reply::raw().hold(),
        Reply::raw().bytes(head).hold(),
        Reply::raw().bytes(head).forever("[1,", Duration::from_millis(300)),
    ] {
        let upstream = Upstream::spawn(reply);
        let start = Instant::now();
        let error =
            client(&upstream.base_url()).endpoint(Custom::get("/models")).create(()).await.unwrap_err();
        assert_eq!(error.timeout(), Some(Timeout::Lookup), "{error}");
        near(start, seconds(30));
        upstream.peer_closed(0).await;
    }
}
