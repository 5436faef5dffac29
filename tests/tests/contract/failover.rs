//! Servers that answer where the client's own does not.

use std::time::Duration;

use actix::Actor;
use actorstream::{
    Attempt, Backend, ChatRequest, FunctionDefinition, OpenAi, OpenAiBuilder, ResponseHead, StreamEvent,
    Timeout, Timeouts, Tools,
};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use tokio::time::Instant;

use crate::common::{Noting, chunk, hello, one_stream, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

fn builder(upstream: &Upstream) -> OpenAiBuilder {
    OpenAi::builder().base_url(upstream.base_url()).api_key("sk-own-key")
}

fn reserve(upstream: &Upstream) -> Backend {
    let client = OpenAi::builder().base_url(upstream.base_url()).api_key("sk-reserve-key").build().unwrap();
    Backend::new(&client).name("reserve")
}

/// What became of each attempt: the backend, and the error or status.
fn told(tried: &[Attempt]) -> Vec<String> {
    let one = |attempt: &Attempt| {
        let end = match (attempt.error, attempt.status) {
            (_, Some(status)) => status.to_string(),
            (Some(error), None) => error.to_owned(),
            (None, None) => "answered".to_owned(),
        };
        format!("{} {end}", attempt.backend.as_deref().unwrap_or("own"))
    };
    tried.iter().map(one).collect()
}

#[actix_rt::test]
async fn a_server_that_cannot_be_reached_is_replaced() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let heads = std::sync::Arc::new(std::sync::Mutex::new(0));
    let seen = heads.clone();
    let openai = OpenAi::builder()
        .base_url(Upstream::refused_url())
        .api_key("sk-own-key")
        .organization("own")
        .header("x-own", "1")
        .query("own", "1")
        .on_head(move |_: &ResponseHead| *seen.lock().unwrap() += 1)
        .backend(reserve(&upstream).model("m", "their-m"))
        .build()
        .unwrap();
    let start = Instant::now();
    let actor = Noting::default();
    let log = actor.chat.clone();
    let handle = openai.chat().stream(ChatRequest::new("m").user("Hi"), actor.start());
    let id = handle.id();
    let finish = within(handle).await.unwrap();
    assert_eq!(told(&finish.tried), ["own transport", "reserve answered"]);
    assert_eq!((one_stream(&log, id).1.as_str(), finish.attempts), ("Hello", 2));
    assert!(start.elapsed() < Duration::from_millis(100), "at once");
    // What is the own server's stays its own; what is the call's goes along.
    let request = upstream.request(0).await;
    assert_eq!(request.header("authorization"), Some("Bearer sk-reserve-key"));
    assert_eq!((request.header("x-own"), request.header("openai-organization")), (None, None));
    assert_eq!((request.query.as_deref(), request.json()["model"].as_str()), (None, Some("their-m")));
    assert_eq!(*heads.lock().unwrap(), 1);
    // Another model keeps its name.
    within(openai.chat().stream_fn(ChatRequest::new("other").user("Hi"), |_| {})).await.unwrap();
    assert_eq!(upstream.request(1).await.json()["model"], "other");
}

#[actix_rt::test]
async fn what_is_the_servers_fault_goes_to_another_and_what_is_the_requests_does_not() {
    tokio::time::pause();
    for status in [401, 403, 408, 429, 500, 502, 503, 529] {
        let (own, other) = (Upstream::spawn(Reply::error(status, "x", "no")), Upstream::spawn(good()));
        let openai = builder(&own).backend(reserve(&other)).build().unwrap();
        let finish = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
        assert_eq!(told(&finish.tried), [format!("own {status}"), "reserve answered".into()]);
        assert_eq!((own.request_count(), other.request_count()), (1, 1), "{status}");
    }
    for status in [400, 404, 413, 422] {
        let (own, other) = (Upstream::spawn(Reply::error(status, "x", "no")), Upstream::spawn(good()));
        let openai = builder(&own).backend(reserve(&other)).build().unwrap();
        let error = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
        assert_eq!((error.status(), other.request_count()), (Some(status), 0));
        assert_eq!(told(&error.tried), [format!("own {status}")]);
    }
}

#[actix_rt::test]
async fn a_slow_start_fails_over_and_its_connection_is_closed() {
    tokio::time::pause();
    for slow in [Reply::raw().hold(), Reply::sse().comment("wait").hold()] {
        let (own, other) = (Upstream::spawn(slow), Upstream::spawn(good()));
        let timeouts = Timeouts::default().first_event(Duration::from_secs(3));
        let openai = builder(&own).timeouts(timeouts).backend(reserve(&other)).build().unwrap();
        let start = Instant::now();
        let finish = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
        let elapsed = start.elapsed();
        assert!((3_000..3_250).contains(&elapsed.as_millis()), "{elapsed:?}");
        assert_eq!(told(&finish.tried), ["own timeout", "reserve answered"]);
        within(own.peer_closed(0)).await;
    }
}

#[actix_rt::test]
async fn nothing_fails_over_after_an_event() {
    tokio::time::pause();
    for reply in [
        Reply::sse().event(chunk("a")).reset(),
        Reply::sse().event(chunk("a")).event(r#"{"error":{"message":"boom","code":500}}"#).end(),
        Reply::sse().event(chunk("a")).hold(),
    ] {
        let (own, other) = (Upstream::spawn(reply), Upstream::spawn(good()));
        let timeouts = Timeouts::default().idle(Duration::from_secs(3));
        let openai = builder(&own).timeouts(timeouts).backend(reserve(&other)).build().unwrap();
        let recorder = actorstream_test::Recorder::new(StreamEvent::is_end);
        let error = within(openai.chat().stream(hello(), recorder.sink())).await.unwrap_err();
        recorder.assert_one_end();
        assert_eq!((other.request_count(), told(&error.tried)), (0, vec!["own answered".to_owned()]));
    }
}

#[actix_rt::test]
async fn when_all_have_failed_all_are_asked_again() {
    tokio::time::pause();
    let failing = |status| Script::sequence([Reply::error(status, "x", "no"), good()]);
    let (own, other) = (Upstream::spawn(failing(500)), Upstream::spawn(Reply::error(503, "x", "no")));
    let openai = builder(&own).backend(reserve(&other)).build().unwrap();
    let start = Instant::now();
    let finish = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
    assert_eq!(told(&finish.tried), ["own 500", "reserve 503", "own answered"]);
    assert!(start.elapsed() >= Duration::from_millis(375), "after the delay of a retry");

    let (own, other) =
        (Upstream::spawn(Reply::error(500, "x", "no")), Upstream::spawn(Reply::error(503, "x", "no")));
    let openai = builder(&own).backend(reserve(&other)).max_retries(1).build().unwrap();
    let error = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!(told(&error.tried), ["own 500", "reserve 503", "own 500", "reserve 503"]);
    assert_eq!((error.status(), error.attempts), (Some(503), 4));
    let shown = format!("{error:?} {openai:?}");
    assert!(!shown.contains("own-key") && !shown.contains("reserve-key"), "{shown}");
}

#[actix_rt::test]
async fn the_total_timeout_holds_over_all_backends() {
    tokio::time::pause();
    let (own, other) = (Upstream::spawn(Reply::raw().hold()), Upstream::spawn(Reply::raw().hold()));
    let timeouts = Timeouts::default().first_event(Duration::from_secs(3)).total(Duration::from_secs(5));
    let openai = builder(&own).timeouts(timeouts).backend(reserve(&other)).build().unwrap();
    let start = Instant::now();
    let error = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(Timeout::Total), 5));
}

#[actix_rt::test]
async fn a_server_that_keeps_failing_is_left_alone() {
    tokio::time::pause();
    let (own, other) = (Upstream::spawn(Reply::error(500, "x", "no")), Upstream::spawn(good()));
    let openai = builder(&own).backend(reserve(&other)).build().unwrap();
    for _ in 0..8 {
        within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
    }
    assert_eq!((own.request_count(), other.request_count()), (5, 8));
    tokio::time::advance(Duration::from_secs(31)).await;
    for _ in 0..3 {
        within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
    }
    assert_eq!((own.request_count(), other.request_count()), (6, 11));
}

#[actix_rt::test]
async fn a_tool_loop_stays_with_the_server_that_answered() {
    tokio::time::pause();
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let own = Upstream::spawn(Script::sequence([Reply::error(500, "x", "no"), good()]));
    let other = Upstream::spawn(Script::sequence([call, good()]));
    let openai = builder(&own).backend(reserve(&other).model("m", "their-m")).build().unwrap();
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    let request = ChatRequest::new("m").user("When?");
    let finish = within(openai.chat().tools(tools).stream_fn(request, |_| {})).await.unwrap();
    assert_eq!((finish.rounds.len(), own.request_count(), other.request_count()), (1, 1, 2));
    assert!(other.requests().iter().all(|request| request.json()["model"] == "their-m"));
}

#[actix_rt::test]
async fn a_call_with_its_own_server_and_a_lookup_ask_no_other() {
    tokio::time::pause();
    let (own, other) = (Upstream::spawn(Reply::error(500, "x", "no")), Upstream::spawn(good()));
    let openai = builder(&own).backend(reserve(&other)).max_retries(0).build().unwrap();
    let elsewhere = Upstream::spawn(Reply::error(500, "x", "no"));
    let call = openai.chat().base_url(elsewhere.base_url());
    within(call.stream_fn(hello(), |_| {})).await.unwrap_err();
    within(openai.models().list()).await.unwrap_err();
    assert_eq!((own.request_count(), elsewhere.request_count(), other.request_count()), (1, 1, 0));
}
