//! What goes wrong in a race of two backends: whose error is told, and what counts as a failure.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actorstream::{
    Backend, BeforeFuture, CredentialsError, Custom, Denied, KeyRequest, ObservedRequest, Observer, OpenAi,
    OpenAiBuilder, RawEvent, Secret, Timeouts,
};
use actorstream_test::{Reply, Script, Upstream};
use tokio::time::Instant;

use crate::common::{chunk, hello, stop, within};
use crate::hedging::{ask, backend, builder, good, told};

/// A server whose first event comes after this time.
fn late(seconds: u64) -> Upstream {
    let reply = Reply::sse().wait(Duration::from_secs(seconds)).event(chunk("Hello")).event(stop()).end();
    Upstream::spawn(reply)
}

/// Does this to each request to the reserve.
fn at_reserve(act: impl Fn() -> Result<(), Denied> + Send + Sync + 'static) -> impl Observer {
    move |request: &mut ObservedRequest| if request.backend().is_some() { act() } else { Ok(()) }
}

#[actix_rt::test]
async fn a_hedge_that_fails_leaves_the_first_request_alone() {
    tokio::time::pause();
    let login = "<html><title>Log in</title></html>";
    let keyless = |upstream: &Upstream| {
        let client = OpenAi::builder()
            .base_url(upstream.base_url())
            .credentials(|_: KeyRequest| async { Err::<Secret, _>(CredentialsError::new("no vault")) });
        Backend::new(&client.build().unwrap()).name("reserve")
    };
    type Reserve<'a> = &'a dyn Fn(OpenAiBuilder, &Upstream) -> OpenAiBuilder;
    let plain: Reserve<'_> = &|builder, other| builder.backend(backend(other, "reserve"));
    let cases: [(&str, Reply, Reserve<'_>); 6] = [
        ("404", Reply::error(404, "model_not_found", "no such model"), plain),
        ("400", Reply::error(400, "x", "no"), plain),
        ("not_a_stream", Reply::text(200, "text/html", login), plain),
        ("config", good("no"), &|builder, other| builder.backend(keyless(other))),
        ("denied", good("no"), &|builder, other| {
            plain(builder, other).observer(at_reserve(|| Err(Denied::new("not there"))))
        }),
        ("observer_panicked", good("no"), &|builder, other| {
            plain(builder, other).observer(at_reserve(|| panic!("not there")))
        }),
    ];
    for (error, reply, reserve) in cases {
        let (own, other) = (late(4), Upstream::spawn(reply));
        let openai = reserve(builder(&own), &other).build().unwrap();
        let (texts, end) = ask(&openai).await;
        assert_eq!(texts.concat(), "Hello", "{error}: {end:?}");
        let finish = end.unwrap();
        assert_eq!(told(&finish.tried), [format!("reserve {error}"), "own answered".into()]);
        assert_eq!(finish.attempts, 2);
    }
}

#[actix_rt::test]
async fn if_all_fail_the_error_is_that_of_the_first() {
    tokio::time::pause();
    let slow = Reply::raw().wait(Duration::from_secs(3)).bytes("HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n");
    let missing = || Upstream::spawn(Reply::error(404, "model_not_found", "no such model"));
    // While both run, and one after the other.
    for (own, order) in [
        (slow.end(), ["second 404", "third 404", "own 503"]),
        (Reply::error(503, "x", "no"), ["own 503", "second 404", "third 404"]),
    ] {
        let (own, second, third) = (Upstream::spawn(own), missing(), missing());
        let openai = builder(&own)
            .backend(backend(&second, "second"))
            .backend(backend(&third, "third"))
            .build()
            .unwrap();
        let error = ask(&openai).await.1.unwrap_err();
        assert_eq!((error.status(), error.attempts), (Some(503), 3));
        assert_eq!(told(&error.tried), order);
    }
}

#[actix_rt::test]
async fn a_request_that_cannot_be_sent_to_a_backend_ends_no_race_and_no_call_without_an_end() {
    tokio::time::pause();
    let other = Upstream::spawn(good("Hello"));
    // Below the path of the backend, the URL is longer than a URL can be.
    let far = format!("{}/{}", other.base_url(), "a".repeat(1_000));
    let reserve = |url: &str, name: &str| {
        Backend::new(&OpenAi::builder().base_url(url).api_key("sk-reserve-key").build().unwrap()).name(name)
    };
    let long = format!("/{}", "p".repeat(65_000));
    for (hedge, expected) in [(true, "transport"), (false, "config")] {
        let mut own =
            OpenAi::builder().base_url(Upstream::refused_url()).api_key("sk-own-key").max_retries(0);
        if hedge {
            own = own.hedge_after(Duration::from_secs(2));
        }
        let openai = own.backend(reserve(&far, "far")).build().unwrap();
        let error =
            within(openai.endpoint(Custom::<RawEvent>::post(long.clone())).stream_fn(hello(), |_| {}))
                .await
                .unwrap_err();
        assert_eq!(told(&error.tried), ["own transport", "far config"], "{hedge}");
        assert_eq!((error.kind.name(), other.request_count()), (expected, 0), "{hedge}");
    }
}

#[actix_rt::test]
async fn a_key_that_is_refused_in_a_race_is_renewed_once() {
    tokio::time::pause();
    let refused = || Reply::error(401, "invalid_request_error", "expired");
    let source = |asked: &Arc<Mutex<Vec<Option<u16>>>>| {
        let asked = Arc::clone(asked);
        move |request: KeyRequest| {
            let mut asked = asked.lock().unwrap();
            asked.push(request.refused);
            ready(Ok::<_, CredentialsError>(Secret::new(&format!("sk-live-key-{}", asked.len()))))
        }
    };
    // Such a refusal is no failure of the server, so the reserve is never asked.
    let asked = Arc::default();
    let own = Upstream::spawn(Script::sequence((0..7).flat_map(|_| [refused(), good("Hello")])));
    let other = Upstream::spawn(good("no"));
    let openai =
        builder(&own).credentials(source(&asked)).backend(backend(&other, "reserve")).build().unwrap();
    for _ in 0..7 {
        let (texts, end) = ask(&openai).await;
        let finish = end.unwrap();
        assert_eq!(told(&finish.tried), ["own 401", "own answered"]);
        assert_eq!((texts.concat().as_str(), finish.attempts), ("Hello", 2));
    }
    assert_eq!((other.request_count(), asked.lock().unwrap()[..2].to_vec()), (0, vec![None, Some(401)]));
    assert_eq!(own.request(1).await.header("authorization"), Some("Bearer sk-live-key-2"));
    // A second refusal goes on to the next, and no error shows a key.
    let own = Upstream::spawn(Reply::error(401, "x", "sk-live-key-2 has expired"));
    let other = Upstream::spawn(Reply::error(400, "x", "no"));
    let asked = Arc::default();
    let openai =
        builder(&own).credentials(source(&asked)).backend(backend(&other, "reserve")).build().unwrap();
    let error = ask(&openai).await.1.unwrap_err();
    assert_eq!(told(&error.tried), ["own 401", "own 401", "reserve 400"]);
    assert!(error.status() == Some(401) && !format!("{error:?} {error}").contains("sk-live"), "{error:?}");
}

/// Lets each request go after five seconds.
struct Slow;

impl Observer for Slow {
    fn before<'a>(&'a self, _: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(())
        })
    }
}

#[actix_rt::test]
async fn the_time_of_a_race_counts_from_when_the_request_is_sent() {
    tokio::time::pause();
    let (own, other) = (late(1), Upstream::spawn(good("no")));
    let openai = builder(&own).observer(Slow).backend(backend(&other, "reserve")).build().unwrap();
    let start = Instant::now();
    assert_eq!(ask(&openai).await.0.concat(), "Hello");
    assert_eq!((other.request_count(), start.elapsed().as_secs()), (0, 6));
    // Another one is asked two seconds after the request, not after the call.
    let own = Upstream::spawn(Reply::raw().hold());
    let openai = builder(&own).observer(Slow).backend(backend(&other, "reserve")).build().unwrap();
    let start = Instant::now();
    assert_eq!(ask(&openai).await.0.concat(), "no");
    assert_eq!(start.elapsed().as_secs(), 12);
}

#[actix_rt::test]
async fn a_server_that_always_loses_without_a_head_is_left_alone() {
    tokio::time::pause();
    for (reply, requests) in [(Reply::raw().hold(), 5), (Reply::sse().comment("wait").hold(), 7)] {
        let (own, other) = (Upstream::spawn(reply), Upstream::spawn(good("Hello")));
        // The connect timeout is longer than the race.
        let timeouts = Timeouts::default().connect(Duration::from_secs(60));
        let openai = builder(&own).timeouts(timeouts).backend(backend(&other, "reserve")).build().unwrap();
        for _ in 0..7 {
            assert_eq!(ask(&openai).await.0.concat(), "Hello");
        }
        assert_eq!((own.request_count(), other.request_count()), (requests, 7));
    }
}

#[actix_rt::test]
async fn an_answer_of_an_observer_says_nothing_about_the_server() {
    tokio::time::pause();
    let kept = format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", chunk("Kept"), stop());
    for hedge in [true, false] {
        let answer = kept.clone();
        let observer = move |request: &mut ObservedRequest| -> Result<(), Denied> {
            if request.call().owner() == Some("kept") {
                request.answer(answer.clone());
            }
            Ok(())
        };
        let (own, other) = (Upstream::spawn(Reply::error(500, "x", "no")), Upstream::spawn(good("Hello")));
        let mut own_builder = OpenAi::builder().base_url(own.base_url()).api_key("sk-own-key").max_retries(0);
        if hedge {
            own_builder = own_builder.hedge_after(Duration::from_secs(2));
        }
        let openai = own_builder.observer(observer).backend(backend(&other, "reserve")).build().unwrap();
        for _ in 0..4 {
            assert_eq!(ask(&openai).await.0.concat(), "Hello");
        }
        let call = openai.chat().owner("kept");
        let finish = within(call.stream_fn(hello(), |_| {})).await.unwrap();
        assert!(finish.tried.last().unwrap().by_observer, "{:?}", finish.tried);
        assert_eq!((told(&finish.tried), own.request_count()), (vec!["own answered".to_owned()], 4));
        // The fifth failure in a row is followed by a rest.
        for _ in 0..3 {
            let finish = ask(&openai).await.1.unwrap();
            assert!(finish.tried.iter().all(|attempt| !attempt.by_observer));
        }
        assert_eq!((own.request_count(), other.request_count()), (5, 7));
    }
    // It is told even where nothing else is.
    let upstream = Upstream::spawn(good("no"));
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .api_key("sk-own-key")
        .observer(move |request: &mut ObservedRequest| {
            request.answer(kept.clone());
            Ok(())
        })
        .build()
        .unwrap();
    let finish = ask(&openai).await.1.unwrap();
    assert!(matches!(&finish.tried[..], [attempt] if attempt.by_observer), "{:?}", finish.tried);
}
