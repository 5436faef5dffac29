//! Failures that are retried, and failures that are not.

use std::time::Duration;

use actix::Actor;
use actorstream::{OpenAi, RetryPolicy};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use tokio::time::Instant;

use crate::common::{Noting, chunk, hello};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

fn client(upstream: &Upstream) -> OpenAi {
    OpenAi::builder().base_url(upstream.base_url()).build().unwrap()
}

#[actix_rt::test]
async fn safe_requests_are_retried_until_they_succeed() {
    tokio::time::pause();
    for status in [408, 409, 429, 500, 503] {
        let upstream = Upstream::spawn(Script::sequence([
            Reply::error(status, "x", "no"),
            Reply::error(status, "x", "no"),
            good(),
        ]));
        let finish = client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap();
        assert_eq!((finish.attempts, upstream.request_count()), (3, 3), "{status}");
        let bodies: Vec<_> = upstream.requests().into_iter().map(|request| request.body).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the request changed");
    }
}

#[actix_rt::test]
async fn the_last_error_is_delivered_when_retries_run_out() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::error(500, "server_error", "no"));
    let error = client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!((error.status(), error.attempts, upstream.request_count()), (Some(500), 3, 3));
}

#[actix_rt::test]
async fn the_server_says_when_and_whether() {
    tokio::time::pause();
    let start = Instant::now();
    let later = Reply::error(429, "x", "no").header("retry-after", "7");
    let upstream = Upstream::spawn(Script::sequence([later, good()]));
    client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(7) && start.elapsed() < Duration::from_secs(8));

    let never = Reply::error(500, "x", "no").header("x-should-retry", "false");
    let upstream = Upstream::spawn(Script::sequence([never, good()]));
    client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(upstream.request_count(), 1);

    let always = Reply::error(400, "x", "no").header("x-should-retry", "true").header("retry-after-ms", "10");
    let upstream = Upstream::spawn(Script::sequence([always, good()]));
    client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap();

    let too_late = Reply::error(429, "x", "no").header("retry-after", "3600");
    let upstream = Upstream::spawn(Script::sequence([too_late, good()]));
    let error = client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
}

#[actix_rt::test]
async fn a_retry_after_that_is_no_time_is_later_than_any() {
    tokio::time::pause();
    let absurd = [
        "9999999999999999999999999",
        "1e30",
        "inf",
        "-1",
        "NaN",
        "soon",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Wed, 32 Oct 2026 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ];
    for text in absurd {
        for header in ["retry-after", "retry-after-ms"] {
            let refusal = Reply::error(429, "x", "no").header(header, text);
            let upstream = Upstream::spawn(Script::sequence([refusal, good()]));
            let policy = RetryPolicy { max_retry_after: Duration::from_secs(600), ..RetryPolicy::default() };
            let call = client(&upstream).chat().retry(policy);
            let error = call.stream(hello(), Noting::default().start()).await.unwrap_err();
            assert_eq!((error.status(), upstream.request_count()), (Some(429), 1), "{header}: {text}");
            assert!(error.retry_after() > Some(Duration::from_secs(600)), "{:?}", error.retry_after());
        }
    }
    for (headers, wait) in [
        (&[("retry-after-ms", "-5"), ("retry-after", "7")][..], 7000),
        (&[("retry-after-ms", "NaN"), ("retry-after", "7")], 7000),
        (&[("retry-after-ms", "1500"), ("retry-after", "inf")], 1500),
        (&[("retry-after", "1.25")], 1250),
        // A date in the past means now.
        (&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], 0),
    ] {
        let start = Instant::now();
        let refusal = headers.iter().fold(Reply::error(429, "x", "no"), |reply, (n, v)| reply.header(n, v));
        let upstream = Upstream::spawn(Script::sequence([refusal, good()]));
        client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap();
        let (elapsed, wait) = (start.elapsed(), Duration::from_millis(wait));
        assert!(elapsed >= wait && elapsed < wait + Duration::from_millis(100), "{headers:?}: {elapsed:?}");
    }
}

#[actix_rt::test]
async fn nothing_is_sent_again_after_an_event_or_without_safety() {
    tokio::time::pause();
    for reply in [
        Reply::sse().event(chunk("a")).reset(),
        Reply::sse().event(r#"{"error":{"message":"boom","code":500}}"#).end(),
        Reply::sse().comment("hi").reset(),
        Reply::raw().reset(),
        Reply::error(400, "x", "no"),
        Reply::error(401, "x", "no"),
    ] {
        let upstream = Upstream::spawn(Script::sequence([reply, good()]));
        client(&upstream).chat().stream(hello(), Noting::default().start()).await.unwrap_err();
        assert_eq!(upstream.request_count(), 1);
    }
}

#[actix_rt::test]
async fn a_connection_that_cannot_be_made_is_tried_again() {
    tokio::time::pause();
    let openai = OpenAi::builder().base_url(Upstream::refused_url()).build().unwrap();
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!((error.kind.name(), error.attempts), ("transport", 3));
    assert!(error.to_string().contains("refused") && error.is_retryable(), "{error}");
}

#[actix_rt::test]
async fn no_retry_starts_that_the_total_timeout_would_cut() {
    tokio::time::pause();
    let later = Reply::error(429, "x", "no").header("retry-after", "30");
    let upstream = Upstream::spawn(Script::sequence([later, good()]));
    let timeouts = actorstream::Timeouts::default().total(Duration::from_secs(20));
    let error = client(&upstream)
        .chat()
        .timeouts(timeouts)
        .stream(hello(), Noting::default().start())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(429));
}

#[actix_rt::test]
async fn a_kept_connection_that_the_server_closed_is_replaced() {
    tokio::time::pause();
    // The first connection answers once and is reset by its second request.
    let first: Script = Script::sequence([good(), Reply::raw().reset()]);
    let upstream = Upstream::spawn(Script::by_connection([first, good().into()]));
    let openai = client(&upstream);
    openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    let finish = openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!((finish.attempts, upstream.accepted()), (1, 2), "it is not a retry");
}

#[actix_rt::test]
async fn a_cancelled_stream_is_not_sent_again() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::error(500, "x", "no"));
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .retry(RetryPolicy::default().max_retries(1000))
        .build()
        .unwrap();
    let handle = openai.chat().stream(hello(), Noting::default().start());
    upstream.request(2).await;
    handle.cancel();
    assert_eq!(handle.await.unwrap_err().kind.name(), "cancelled");
    let sent = upstream.request_count();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(upstream.request_count(), sent);
}
