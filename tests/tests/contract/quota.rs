//! Limits of the client's own on what it sends in a minute.

use std::time::Duration;

use actorstream::{
    Backend, ChatRequest, ErrorKind, FunctionDefinition, KeyPool, OpenAi, OpenAiBuilder, Quota, StreamError,
    Timeout, Timeouts, Tools,
};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{hello, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").usage(60, 40).reply()
}

fn builder(upstream: &Upstream) -> OpenAiBuilder {
    OpenAi::builder().base_url(upstream.base_url()).api_key("sk-own-key").max_retries(0)
}

/// Streams an answer; gives how long it waited in the queue, in milliseconds.
async fn queued(openai: &OpenAi, request: ChatRequest) -> u128 {
    // The paused clock runs on to the next timer, so a net under it would fire.
    openai.chat().stream_fn(request, |_| {}).await.unwrap().timings.queue.as_millis()
}

#[track_caller]
fn assert_near(millis: u128, seconds: u128) {
    assert!((seconds * 1_000..seconds * 1_000 + 250).contains(&millis), "{millis} ms, not {seconds} s");
}

#[actix_rt::test]
async fn requests_beyond_the_quota_wait_and_the_wait_is_told() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = builder(&upstream).quota(Quota::new().requests(2)).build().unwrap();
    let waits = futures_util::future::join_all((0..4).map(|_| queued(&openai, hello()))).await;
    for (wait, seconds) in waits.into_iter().zip([0, 0, 30, 60]) {
        assert_near(wait, seconds);
    }
    // Another model, and another key, have quotas of their own. Lookups do not count.
    assert_near(queued(&openai, ChatRequest::new("other").user("Hi")).await, 0);
    let call = openai.chat().api_key("sk-other-key");
    assert_near(call.stream_fn(hello(), |_| {}).await.unwrap().timings.queue.as_millis(), 0);
    assert_eq!(upstream.request_count(), 6);
    let lookups = Upstream::spawn(Reply::json(200, &json!({"object": "list", "data": []})));
    let openai = builder(&lookups).quota(Quota::new().requests(1)).build().unwrap();
    let start = Instant::now();
    for _ in 0..3 {
        openai.models().list().await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[actix_rt::test]
async fn the_queue_timeout_holds_for_the_quota_and_a_cancellation_gives_the_place_up() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let timeouts = Timeouts::default().queue(Duration::from_secs(70));
    let openai = builder(&upstream).timeouts(timeouts).quota(Quota::new().requests(1)).build().unwrap();
    queued(&openai, hello()).await;
    let start = Instant::now();
    let cancelled = openai.chat().stream_fn(hello(), |_| {});
    let second = openai.chat().create(ChatRequest::new("gpt-4o").user("second"));
    let third = openai.chat().stream_fn(hello(), |_| {});
    tokio::time::sleep(Duration::from_secs(10)).await;
    cancelled.cancel();
    let error = within(cancelled).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_near(error.timings.queue.as_millis(), 10);
    // The second one comes at the time of the first.
    let (second, third) = futures_util::future::join(second, third).await;
    assert!(second.is_err() && upstream.request_count() == 2, "a stream is no answer to an unstreamed call");
    let error: StreamError = third.unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(Timeout::Queue), 70));
    assert_near(error.timings.queue.as_millis(), 70);
    assert_eq!(
        error.to_string(),
        "the quota had no room within 70s (the queue timeout): 1 request in a minute; send less, or raise the quota or the \
         timeout"
    );
    assert_eq!(upstream.request_count(), 2);
}

#[actix_rt::test]
async fn owners_take_turns_and_each_keeps_its_order() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let timeouts = Timeouts::unlimited();
    let openai = builder(&upstream).timeouts(timeouts).quota(Quota::new().requests(1)).build().unwrap();
    let ask = |owner: &str, text: &str| {
        openai.chat().owner(owner).stream_fn(ChatRequest::new("gpt-4o").user(text), |_| {})
    };
    let mut handles = vec![ask("alice", "a0")];
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (owner, text) in
        [("alice", "a1"), ("alice", "a2"), ("alice", "a3"), ("bob", "b1"), ("bob", "b2"), ("", "x")]
    {
        handles.push(ask(owner, text));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for handle in handles {
        handle.await.unwrap();
    }
    let order: Vec<_> = upstream
        .requests()
        .iter()
        .map(|request| request.json()["messages"][0]["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(order, ["a0", "a1", "b1", "x", "a2", "b2", "a3"]);
}

#[actix_rt::test]
async fn tokens_are_estimated_and_corrected_by_the_usage() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = builder(&upstream).quota(Quota::new().tokens(600)).build().unwrap();
    // It may take 550 and takes 100: 500 are left.
    let request = || hello().field("max_completion_tokens", 500);
    assert_near(queued(&openai, request()).await, 0);
    let wait = queued(&openai, request()).await;
    assert!((1_000..10_000).contains(&wait), "some tokens have to come back: {wait}");
    // Two at once: the second waits for what the first may take.
    let waits = futures_util::future::join(queued(&openai, request()), queued(&openai, request())).await;
    assert!(waits.1 > waits.0 + 1_000, "{waits:?}");
    // An image does not count by its length.
    let image = "A".repeat(100_000);
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{image}")}}]}]});
    tokio::time::advance(Duration::from_secs(60)).await;
    let finish = openai.chat().stream_fn(request, |_| {}).await.unwrap();
    assert_near(finish.timings.queue.as_millis(), 0);
}

#[actix_rt::test]
async fn the_limits_that_a_server_states_are_kept() {
    tokio::time::pause();
    let stated = good()
        .header("x-ratelimit-limit-requests", "4")
        .header("x-ratelimit-remaining-requests", "0")
        .header("x-ratelimit-reset-requests", "40s");
    let upstream = Upstream::spawn(Script::sequence([stated.clone(), good()]));
    let openai = builder(&upstream).quota(Quota::new()).build().unwrap();
    assert_near(queued(&openai, hello()).await, 0);
    assert_near(queued(&openai, hello()).await, 10);
    // A client without a quota does not look at them.
    let upstream = Upstream::spawn(Script::sequence([stated, good()]));
    let openai = builder(&upstream).build().unwrap();
    assert_near(queued(&openai, hello()).await, 0);
    assert_near(queued(&openai, hello()).await, 0);
    // A pause after a 429 holds for all.
    let limited = Reply::error(429, "x", "no").header("retry-after", "20");
    let upstream = Upstream::spawn(Script::sequence([limited, good()]));
    let openai = builder(&upstream).quota(Quota::new()).build().unwrap();
    openai.chat().stream_fn(hello(), |_| {}).await.unwrap_err();
    assert_near(queued(&openai, hello()).await, 20);
}

#[actix_rt::test]
async fn retries_and_rounds_of_tools_count_too() {
    tokio::time::pause();
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let upstream = Upstream::spawn(Script::sequence([Reply::error(500, "x", "no"), call, good()]));
    let openai = builder(&upstream).max_retries(1).quota(Quota::new().requests(1)).build().unwrap();
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    let finish = openai.chat().tools(tools).stream_fn(hello(), |_| {}).await.unwrap();
    let waited = finish.timings.queue.as_secs_f64();
    assert!((118.0..121.0).contains(&waited), "{waited}");
}

#[actix_rt::test]
async fn a_refused_request_has_used_no_tokens_and_one_that_was_not_sent_is_none() {
    tokio::time::pause();
    let request = || hello().field("max_completion_tokens", 500);
    let upstream = Upstream::spawn(Script::sequence([Reply::error(503, "x", "no"), good()]));
    let quota = Quota::new().requests(2).tokens(600);
    let openai = builder(&upstream).quota(quota).build().unwrap();
    openai.chat().stream_fn(request(), |_| {}).await.unwrap_err();
    assert_near(queued(&openai, request()).await, 0);
    // The refused one was a request.
    assert_near(queued(&openai, ChatRequest::new("gpt-4o").user("Hi")).await, 30);
    // One that finds no server is none.
    let none = OpenAi::builder().base_url(Upstream::refused_url()).api_key("sk-own-key").max_retries(3);
    let none = none.quota(quota).build().unwrap();
    let error = none.chat().stream_fn(request(), |_| {}).await.unwrap_err();
    assert_eq!((error.kind.name(), error.attempts, error.timings.queue), ("transport", 4, Duration::ZERO));
}

#[actix_rt::test]
async fn another_backend_is_asked_instead_of_waiting_longer_than_the_queue_timeout() {
    tokio::time::pause();
    let limited = Reply::error(429, "x", "no").header("retry-after", "600");
    let (own, other) = (Upstream::spawn(limited), Upstream::spawn(good()));
    let reserve = OpenAi::builder().base_url(other.base_url()).api_key("sk-reserve-key").build().unwrap();
    let openai =
        builder(&own).quota(Quota::new().requests(2)).backend(Backend::new(&reserve)).build().unwrap();
    let start = Instant::now();
    // The third waits when the server asks for the pause.
    for wait in futures_util::future::join_all((0..3).map(|_| queued(&openai, hello()))).await {
        assert_near(wait, 0);
    }
    assert_near(queued(&openai, hello()).await, 0);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!((own.request_count(), other.request_count()), (2, 4));
    // Without another backend, nothing is to be waited for either.
    let openai = builder(&own).quota(Quota::new()).build().unwrap();
    openai.chat().stream_fn(hello(), |_| {}).await.unwrap_err();
    let error = openai.chat().stream_fn(hello(), |_| {}).await.unwrap_err();
    assert_eq!((error.timeout(), error.timings.queue), (Some(Timeout::Queue), Duration::ZERO));
    let words = error.to_string();
    assert!(
        words.contains("within 60s (the queue timeout): the server asks for a pause of 600 s;"),
        "{words}"
    );
    // A wait for the own quota that is too long is one for another backend, too.
    let own = Upstream::spawn(good());
    let timeouts = Timeouts::default().queue(Duration::from_secs(20));
    let own_client = builder(&own).quota(Quota::new().requests(1)).timeouts(timeouts);
    let openai = own_client.backend(Backend::new(&reserve)).build().unwrap();
    assert_near(queued(&openai, hello()).await, 0);
    assert_near(queued(&openai, hello()).await, 20);
    assert_eq!((own.request_count(), other.request_count()), (1, 5));
}

#[actix_rt::test]
async fn while_the_requests_of_a_key_pause_another_key_is_used() {
    tokio::time::pause();
    let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 600\r\ncontent-length: 0\r\n\r\n";
    let limited = Reply::raw().wait(Duration::from_secs(10)).bytes(limited);
    let upstream = Upstream::spawn(Script::sequence([limited, good()]));
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .max_retries(0)
        .timeouts(Timeouts::unlimited())
        .credentials(KeyPool::new(["sk-a", "sk-b"]))
        .quota(Quota::new().requests(1))
        .build()
        .unwrap();
    let refused = openai.chat().stream_fn(hello(), |_| {});
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_near(queued(&openai, hello()).await, 0);
    // This one waits for the first key, which then pauses for ten minutes. The second one has room after one.
    let (refused, wait) = futures_util::future::join(refused, queued(&openai, hello())).await;
    assert_eq!(refused.unwrap_err().status(), Some(429));
    assert_near(wait, 60);
    let requests = upstream.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(keys, ["Bearer sk-a", "Bearer sk-b", "Bearer sk-b"]);
}
