//! Keys that change during the lifetime of a client.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Actor;
use actorstream::{
    Credentials, CredentialsError, FunctionDefinition, KeyAnswer, KeyFuture, KeyPool, KeyRequest,
    ObservedRequest, OpenAi, OpenAiBuilder, RetryPolicy, Secret, StreamError, Timeout, Tools,
};
use actorstream_test::{ChatStream, Reply, Script, TestCa, Upstream};
use serde_json::json;

use crate::common::{Noting, hello, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

fn builder(upstream: &Upstream) -> OpenAiBuilder {
    OpenAi::builder().base_url(upstream.base_url())
}

/// Streams a response. Returns the number of attempts.
async fn ask(openai: &OpenAi) -> Result<u32, StreamError> {
    let finish = within(openai.chat().stream(hello(), Noting::default().start())).await?;
    Ok(finish.attempts)
}

/// Returns the keys of the requests.
fn keys(upstream: &Upstream) -> Vec<String> {
    let requests = upstream.requests();
    let key = |n: usize| requests[n].header("authorization").unwrap_or_default().replace("Bearer ", "");
    (0..requests.len()).map(key).collect()
}

/// Returns a source of numbered keys (`key-1`, `key-2`, …) that records its requests.
fn counting(asked: &Arc<Mutex<Vec<KeyRequest>>>) -> impl Credentials {
    let asked = Arc::clone(asked);
    move |request| {
        let count = {
            let mut asked = asked.lock().unwrap();
            asked.push(request);
            asked.len()
        };
        async move { Ok(Secret::new(&format!("sk-live-key-{count}"))) }
    }
}

#[actix_rt::test]
async fn a_source_is_asked_before_each_attempt() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Script::sequence([good(), Reply::error(500, "x", "no"), good()]));
    let asked = Arc::default();
    let openai = builder(&upstream).credentials(counting(&asked)).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), 1);
    assert_eq!(ask(&openai).await.unwrap(), 2);
    assert_eq!(keys(&upstream), ["sk-live-key-1", "sk-live-key-2", "sk-live-key-3"]);
    let attempts: Vec<_> = asked.lock().unwrap().iter().map(|request| request.attempt).collect();
    assert_eq!(attempts, [1, 1, 2]);
}

#[actix_rt::test]
async fn after_a_401_another_key_is_tried_once_and_at_once() {
    tokio::time::pause();
    let refused = || Reply::error(401, "invalid_request_error", "expired sk-live-key-1");
    let start = tokio::time::Instant::now();
    let upstream = Upstream::spawn(Script::sequence([refused(), good(), refused(), refused(), good()]));
    let asked = Arc::default();
    let openai = builder(&upstream).credentials(counting(&asked)).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), 2);
    let reasons: Vec<_> = asked.lock().unwrap().iter().map(|request| request.refused).collect();
    assert_eq!((reasons, start.elapsed() < Duration::from_millis(100)), (vec![None, Some(401)], true));
    // Only once: a second refusal ends the stream.
    let error = ask(&openai).await.unwrap_err();
    assert_eq!((error.status(), error.attempts, upstream.request_count()), (Some(401), 2, 4));
    assert!(!format!("{error:?}").contains("sk-live"), "{error:?}");
}

#[actix_rt::test]
async fn after_a_401_the_same_key_is_not_sent_again() {
    let upstream = Upstream::start(Reply::error(401, "invalid_request_error", "no"));
    for openai in [builder(&upstream).credentials("sk-fixed-key"), builder(&upstream).api_key("sk-fixed-key")]
    {
        assert_eq!(ask(&openai.build().unwrap()).await.unwrap_err().status(), Some(401));
    }
    assert_eq!(keys(&upstream), ["sk-fixed-key", "sk-fixed-key"]);
}

#[actix_rt::test]
async fn a_source_that_fails_ends_the_stream_without_a_request() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = builder(&upstream).credentials(|_| async { Err(CredentialsError::new("no vault")) });
    let error = ask(&openai.build().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no key for the request: no vault");
    assert_eq!((error.kind.name(), error.attempts), ("config", 1));
    assert_eq!(upstream.request_count(), 0);
    // A transient error is retried.
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let openai = builder(&upstream).credentials(move |_| {
        let count = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            match count {
                0 | 1 => Err(CredentialsError::temporary("the vault is away")),
                _ => Ok(Secret::new("sk-at-last")),
            }
        }
    });
    assert_eq!(ask(&openai.build().unwrap()).await.unwrap(), 3);
    assert_eq!(keys(&upstream), ["sk-at-last"]);
}

#[actix_rt::test]
async fn a_silent_source_is_left_after_the_connect_timeout() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = builder(&upstream)
        .credentials(|_| std::future::pending::<Result<Secret, CredentialsError>>())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = ask(&openai).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Connect));
    // A cancellation is not delayed.
    let handle = openai.chat().stream(hello(), Noting::default().start());
    tokio::task::yield_now().await;
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind.name(), "cancelled");
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn keys_of_a_pool_take_turns_and_rest() {
    tokio::time::pause();
    let limited = Reply::error(429, "x", "no").header("retry-after", "0");
    let refused = Reply::error(401, "x", "no");
    let upstream =
        Upstream::spawn(Script::sequence([good(), limited, good(), refused, good(), good(), good()]));
    let openai = builder(&upstream).credentials(KeyPool::new(["sk-a", "sk-b", "sk-c"])).build().unwrap();
    for attempts in [1, 2, 2] {
        assert_eq!(ask(&openai).await.unwrap(), attempts);
    }
    // `sk-a` was refused and is skipped for now.
    assert_eq!(keys(&upstream), ["sk-a", "sk-b", "sk-c", "sk-a", "sk-b"]);
    ask(&openai).await.unwrap();
    ask(&openai).await.unwrap();
    assert_eq!(keys(&upstream)[5..], ["sk-c", "sk-b"]);
}

#[actix_rt::test]
async fn a_stream_is_resumed_with_a_new_key() {
    tokio::time::pause();
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "background": true, "status": status,
               "output": []})
    };
    let begin = json!({"type": "response.created", "response": response("queued"), "sequence_number": 0});
    let end = json!({"type": "response.completed", "response": response("completed"), "sequence_number": 1});
    let upstream = Upstream::spawn(Script::sequence([
        Reply::sse().event(begin.to_string()).reset(),
        Reply::sse().event(end.to_string()).end(),
    ]));
    let asked = Arc::default();
    let openai = builder(&upstream).credentials(counting(&asked)).build().unwrap();
    let request = json!({"model": "m", "input": "Hi", "background": true});
    within(openai.responses().stream_fn(request, |_| {})).await.unwrap();
    assert_eq!(keys(&upstream), ["sk-live-key-1", "sk-live-key-2"]);
}

#[actix_rt::test]
async fn a_key_of_a_source_is_never_shown() {
    let key = "sk-live-51H8xQ2eZvKYlo2C";
    for reply in [
        Reply::error(400, "x", "your key sk-live-51H8xQ2eZvKYlo2C is wrong"),
        Reply::sse().event(r#"{"error":{"message":"sk-live-51H8xQ2eZvKYlo2C","code":"x"}}"#).end(),
    ] {
        let upstream = Upstream::start(reply);
        let openai = builder(&upstream).credentials(key).build().unwrap();
        let error = ask(&openai).await.unwrap_err();
        let call = openai.chat();
        for shown in [format!("{error}"), format!("{error:?}"), format!("{openai:?}"), format!("{call:?}")] {
            assert!(!shown.contains("51H8xQ2e"), "{shown}");
        }
    }
}

#[actix_rt::test]
async fn the_last_setting_of_a_key_counts() {
    let upstream = Upstream::start(good());
    let openai = builder(&upstream).api_key("sk-one").credentials("sk-two").build().unwrap();
    ask(&openai).await.unwrap();
    let call = openai.chat().api_key("sk-three");
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    let call = call.credentials("sk-four").api_key_header("x-key");
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    assert_eq!(keys(&upstream), ["sk-two", "sk-three", ""]);
    assert_eq!(upstream.request(2).await.header("x-key"), Some("sk-four"));
}

#[actix_rt::test]
async fn a_server_that_requires_a_certificate_gets_it() {
    let ca = TestCa::new();
    let identity = ca.identity(&["127.0.0.1"]).requiring_clients_of(&ca);
    let upstream = Upstream::builder().tls(&identity).start(good()).unwrap();
    let client = || builder(&upstream).ca_certificate(ca.pem()).retry(RetryPolicy::none());
    let error = ask(&client().build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind.name(), "transport", "{error}");
    let (certificate, key) = ca.client_certificate();
    let openai = client().client_certificate(&certificate, &key).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), 1);
    let shown = format!("{openai:?}");
    assert!(!shown.contains("PRIVATE KEY") && !shown.contains("CERTIFICATE-----"), "{shown}");
    // An invalid certificate is an error of `build`.
    let (_, other) = ca.client_certificate();
    for (certificate, key, what) in [
        ("", key.as_str(), "the client certificate holds no BEGIN CERTIFICATE"),
        (certificate.as_str(), "x", "the key of the client certificate is not a private key in PEM"),
        (certificate.as_str(), other.as_str(), "the client certificate cannot be used"),
    ] {
        let error = client().client_certificate(certificate, key).build().unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

/// A source of one key that notes what servers say about it.
struct Judged(Arc<Mutex<Vec<KeyAnswer>>>);

impl Credentials for Judged {
    fn key(&self, _: KeyRequest) -> KeyFuture {
        Box::pin(async { Ok(Secret::new("sk-of-the-source")) })
    }

    fn report(&self, _: &Secret, answer: KeyAnswer) {
        self.0.lock().unwrap().push(answer);
    }
}

#[actix_rt::test]
async fn only_a_key_that_was_sent_is_judged() {
    let upstream = Upstream::start(Reply::error(401, "x", "no"));
    let judged = Arc::default();
    let openai = builder(&upstream).credentials(Judged(Arc::clone(&judged))).build().unwrap();
    let replaced = openai.chat().observer(|request: &mut ObservedRequest| {
        request.set_header("authorization", "Bearer sk-of-the-observer");
        Ok(())
    });
    within(replaced.stream_fn(hello(), |_| {})).await.unwrap_err();
    let replaced = openai.chat().header("authorization", "Bearer sk-of-the-call");
    within(replaced.stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!((keys(&upstream).len(), judged.lock().unwrap().len()), (2, 0));
    within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!(*judged.lock().unwrap(), [KeyAnswer::Refused]);
    assert_eq!(keys(&upstream), ["sk-of-the-observer", "sk-of-the-call", "sk-of-the-source"]);
}

#[actix_rt::test]
async fn a_source_is_asked_before_each_round_of_tools() {
    tokio::time::pause();
    let call = || ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let upstream = Upstream::spawn(Script::sequence([call(), call(), good()]));
    let asked = Arc::default();
    let openai = builder(&upstream).credentials(counting(&asked)).build().unwrap();
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    within(openai.chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    assert_eq!(keys(&upstream), ["sk-live-key-1", "sk-live-key-2", "sk-live-key-3"]);
}
