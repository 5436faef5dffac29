//! Two backends that race for the first event.

use std::time::Duration;

use actorstream::{
    Attempt, Backend, ChatCompletion, ChatCompletionChunk, ErrorKind, Finish, ObservedRequest, OpenAi,
    OpenAiBuilder, StreamError, StreamEvent, Timeout, Timeouts,
};
use actorstream_test::{ChatStream, Recorder, Reply, Upstream};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{chunk, hello, stop, within};

/// How long after it has lost the connection of a loser may be open.
const CLOSED: Duration = Duration::from_millis(250);

pub(crate) fn good(text: &str) -> Reply {
    ChatStream::new().content(text).finish_reason("stop").reply()
}

pub(crate) fn builder(upstream: &Upstream) -> OpenAiBuilder {
    OpenAi::builder()
        .base_url(upstream.base_url())
        .api_key("sk-own-key")
        .max_retries(0)
        .hedge_after(Duration::from_secs(2))
}

pub(crate) fn backend(upstream: &Upstream, name: &str) -> Backend {
    let client = OpenAi::builder().base_url(upstream.base_url()).api_key("sk-reserve-key").build().unwrap();
    Backend::new(&client).name(name)
}

/// What became of each attempt.
pub(crate) fn told(tried: &[Attempt]) -> Vec<String> {
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

/// Streams an answer: its texts, and its end, after which nothing came.
pub(crate) async fn ask(openai: &OpenAi) -> (Vec<String>, Result<Finish<ChatCompletion>, StreamError>) {
    let recorder = Recorder::new(StreamEvent::<ChatCompletionChunk>::is_end);
    let end = openai.chat().stream(hello(), recorder.sink()).await;
    recorder.assert_one_end();
    let texts = recorder
        .events()
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Data(chunk) => chunk.content().map(str::to_owned).filter(|text| !text.is_empty()),
            _ => None,
        })
        .collect();
    (texts, end)
}

#[actix_rt::test]
async fn the_first_event_decides_and_the_other_connection_is_closed() {
    tokio::time::pause();
    for slow in [
        Reply::raw().hold(),
        Reply::sse().comment("wait").hold(),
        Reply::sse().event(r#"{"type":"ping"}"#).hold(),
    ] {
        let (own, other) = (Upstream::spawn(slow), Upstream::spawn(good("Hello")));
        let openai = builder(&own).backend(backend(&other, "reserve")).build().unwrap();
        let start = Instant::now();
        let (texts, end) = ask(&openai).await;
        let finish = end.unwrap();
        assert!((2_000..2_250).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        assert_eq!((texts.concat().as_str(), finish.attempts), ("Hello", 2));
        assert_eq!(told(&finish.tried), ["own cancelled", "reserve answered"]);
        tokio::time::timeout(CLOSED, own.peer_closed(0)).await.expect("the connection of the loser is open");
    }
}

#[actix_rt::test]
async fn a_server_that_answers_in_time_is_the_only_one_that_is_asked() {
    tokio::time::pause();
    let late = Reply::sse()
        .wait(Duration::from_millis(1_900))
        .event(chunk("Hello"))
        .wait(Duration::from_secs(9))
        .event(stop())
        .end();
    let (own, other) = (Upstream::spawn(late), Upstream::spawn(good("no")));
    let openai = builder(&own).backend(backend(&other, "reserve")).build().unwrap();
    let (texts, end) = ask(&openai).await;
    assert_eq!(
        (texts.concat().as_str(), told(&end.unwrap().tried)),
        ("Hello", vec!["own answered".to_owned()])
    );
    assert_eq!(other.request_count(), 0);
}

#[actix_rt::test]
async fn the_first_server_may_still_win() {
    tokio::time::pause();
    let late = Reply::sse().wait(Duration::from_secs(3)).event(chunk("Hello")).event(stop()).end();
    let (own, other) = (Upstream::spawn(late), Upstream::spawn(Reply::raw().hold()));
    let openai = builder(&own).backend(backend(&other, "reserve")).build().unwrap();
    let (texts, end) = ask(&openai).await;
    assert_eq!(
        (texts.concat().as_str(), told(&end.unwrap().tried)),
        ("Hello", vec!["reserve cancelled".to_owned(), "own answered".to_owned()])
    );
    tokio::time::timeout(CLOSED, other.peer_closed(0)).await.expect("the connection of the loser is open");
}

#[actix_rt::test]
async fn failures_in_a_race_go_on_to_the_next_and_two_are_asked_at_most() {
    tokio::time::pause();
    let failing = || Upstream::spawn(Reply::error(503, "x", "no"));
    // At once, where nobody runs any more.
    let (own, second, third) = (failing(), failing(), Upstream::spawn(good("Hello")));
    let backends = |builder: OpenAiBuilder| {
        builder.backend(backend(&second, "second")).backend(backend(&third, "third"))
    };
    let start = Instant::now();
    let (texts, end) = ask(&backends(builder(&own)).build().unwrap()).await;
    assert_eq!(told(&end.unwrap().tried), ["own 503", "second 503", "third answered"]);
    assert!(texts.concat() == "Hello" && start.elapsed() < Duration::from_millis(250));
    // After the time, where one still does.
    let own = Upstream::spawn(Reply::raw().hold());
    let start = Instant::now();
    let (_, end) = ask(&backends(builder(&own)).build().unwrap()).await;
    assert_eq!(told(&end.unwrap().tried), ["second 503", "own cancelled", "third answered"]);
    assert!((2_000..2_250).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // All fail.
    let (own, other) = (failing(), failing());
    let openai = builder(&own).backend(backend(&other, "reserve")).max_retries(1).build().unwrap();
    let (_, end) = ask(&openai).await;
    let error = end.unwrap_err();
    assert_eq!(told(&error.tried), ["own 503", "reserve 503", "own 503", "reserve 503"]);
    assert_eq!((error.status(), error.attempts), (Some(503), 4));
    // What is the request's fault is told at once.
    let (own, other) = (Upstream::spawn(Reply::error(400, "x", "no")), failing());
    let openai = builder(&own).backend(backend(&other, "reserve")).build().unwrap();
    assert_eq!((ask(&openai).await.1.unwrap_err().status(), other.request_count()), (Some(400), 0));
}

#[actix_rt::test]
async fn the_total_timeout_and_a_cancellation_end_a_race() {
    tokio::time::pause();
    let silent = || Upstream::spawn(Reply::raw().hold());
    let (own, other) = (silent(), silent());
    let timeouts = Timeouts::default().total(Duration::from_secs(5));
    let openai = builder(&own).timeouts(timeouts).backend(backend(&other, "reserve")).build().unwrap();
    let start = Instant::now();
    let (_, end) = ask(&openai).await;
    assert_eq!((end.unwrap_err().timeout(), start.elapsed().as_secs()), (Some(Timeout::Total), 5));
    for upstream in [&own, &other] {
        tokio::time::timeout(CLOSED, upstream.peer_closed(0)).await.expect("a connection is open");
    }
    let handle = openai.chat().stream_fn(hello(), |_| {});
    tokio::time::sleep(Duration::from_secs(3)).await;
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
    for upstream in [&own, &other] {
        tokio::time::timeout(CLOSED, upstream.peer_closed(1)).await.expect("a connection is open");
    }
}

#[actix_rt::test]
async fn an_unstreamed_call_takes_the_first_response_and_observers_see_both_requests() {
    tokio::time::pause();
    let whole = json!({"id": "c", "model": "m", "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]});
    let (own, other) = (Upstream::spawn(Reply::raw().hold()), Upstream::spawn(Reply::json(200, &whole)));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&seen);
    let openai = builder(&own)
        .backend(backend(&other, "reserve"))
        .observer(move |request: &mut ObservedRequest| {
            noted.lock().unwrap().push((request.attempt(), request.backend().map(str::to_owned)));
            Ok(())
        })
        .build()
        .unwrap();
    let finish = openai.chat().create(hello()).await.unwrap();
    assert_eq!(told(&finish.tried), ["own cancelled", "reserve answered"]);
    assert_eq!(*seen.lock().unwrap(), [(1, None), (2, Some("reserve".to_owned()))]);
    assert_eq!(other.request(0).await.header("authorization"), Some("Bearer sk-reserve-key"));
}

/// What a backend of a random race does.
#[derive(Debug, Clone)]
enum Fate {
    Fails(u16),
    Breaks,
    Silent,
    /// Answers after so many milliseconds, with so many events, and is cut before its end or not.
    Answers {
        after: u64,
        events: usize,
        cut: bool,
    },
}

impl Fate {
    fn random(random: &mut fastrand::Rng) -> Self {
        match random.u8(0..10) {
            0 => Self::Fails([408, 429, 500, 503][random.usize(0..4)]),
            1 => Self::Breaks,
            2 | 3 => Self::Silent,
            _ => Self::Answers {
                after: random.u64(0..6_000),
                events: random.usize(1..6),
                cut: random.u8(0..5) == 0,
            },
        }
    }

    /// The reply, whose texts name the backend.
    fn reply(&self, name: &str) -> Reply {
        match *self {
            Self::Fails(status) => Reply::error(status, "x", "no"),
            Self::Breaks => Reply::raw().reset(),
            Self::Silent => Reply::sse().comment("wait").hold(),
            Self::Answers { after, events, cut } => {
                let mut reply = Reply::sse().comment("wait").wait(Duration::from_millis(after));
                for at in 0..events {
                    reply = reply.event(chunk(&format!("{name}{at}")));
                }
                if cut { reply.reset() } else { reply.event(stop()).event("[DONE]").end() }
            }
        }
    }
}

#[actix_rt::test]
async fn random_races_give_one_answer_and_one_end_within_the_total_timeout() {
    tokio::time::pause();
    let total = Duration::from_secs(10);
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let fates: Vec<Fate> = (0..random.usize(2..5)).map(|_| Fate::random(&mut random)).collect();
        let first_event = Duration::from_millis(random.u64(1_000..8_000));
        let hedge = Duration::from_millis(random.u64(0..4_000));
        let what = format!("seed {seed}: {fates:?}, first_event {first_event:?}, hedge {hedge:?}");
        let names: Vec<String> = (0..fates.len()).map(|at| char::from(b'a' + at as u8).to_string()).collect();
        let upstreams: Vec<Upstream> =
            fates.iter().zip(&names).map(|(fate, name)| Upstream::spawn(fate.reply(name))).collect();
        let timeouts = Timeouts::default().first_event(first_event).total(total);
        let mut own = builder(&upstreams[0]).timeouts(timeouts.clone()).hedge_after(hedge);
        for (upstream, name) in upstreams.iter().zip(&names).skip(1) {
            let client =
                OpenAi::builder().base_url(upstream.base_url()).timeouts(timeouts.clone()).build().unwrap();
            own = own.backend(Backend::new(&client).name(name));
        }
        let start = Instant::now();
        let (texts, end) = ask(&own.build().unwrap()).await;
        assert!(start.elapsed() <= total + CLOSED, "{what}: {:?}", start.elapsed());
        let (tried, attempts, finished) = match &end {
            Ok(finish) => (&finish.tried, finish.attempts, true),
            Err(error) => (&error.tried, error.attempts, false),
        };
        let sent: usize = upstreams.iter().map(Upstream::request_count).sum();
        assert!(
            sent <= attempts as usize && attempts as usize <= fates.len(),
            "{what}: {sent} of {attempts}"
        );
        // All texts are of one backend, each once and in order, and that is the one that is told.
        if let Some(first) = texts.first() {
            let winner = &first[..1];
            for (at, text) in texts.iter().enumerate() {
                assert_eq!(text, &format!("{winner}{at}"), "{what}: {texts:?}");
            }
            let answered = tried.last().unwrap();
            assert_eq!(
                (answered.backend.as_deref().unwrap_or("a"), answered.error),
                (winner, None),
                "{what}: {tried:?}"
            );
            let Fate::Answers { events, cut, .. } =
                fates[names.iter().position(|name| name == winner).unwrap()]
            else {
                panic!("{what}: {texts:?}");
            };
            assert_eq!((texts.len() == events || cut, finished), (true, !cut), "{what}: {texts:?}");
        } else {
            assert!(!finished, "{what}");
        }
        // One that answers in time is found, unless the total timeout comes first.
        let in_time = |fate: &Fate| matches!(fate, Fate::Answers { after, .. } if Duration::from_millis(*after) < first_event);
        if fates.iter().any(in_time) && first_event * fates.len() as u32 + Duration::from_secs(1) < total {
            assert!(!texts.is_empty(), "{what}: {tried:?}");
        }
        // The connections of the losers are closed.
        for attempt in tried.iter().filter(|attempt| matches!(attempt.error, Some("cancelled" | "timeout"))) {
            let at = names.iter().position(|name| name == attempt.backend.as_deref().unwrap_or("a")).unwrap();
            if upstreams[at].request_count() > 0 {
                let closed = tokio::time::timeout(CLOSED, upstreams[at].peer_closed(0)).await;
                assert!(closed.is_ok(), "{what}: {attempt:?} is open");
            }
        }
    }
}
