//! Timeouts, on the paused clock.

use std::time::Duration;

use actix::{Actor, ActorContext as _};
use actorstream::{ChatCompletion, OpenAi, RetryPolicy, Timeout, Timeouts};
use actorstream_test::{Blackhole, Reply, Upstream};
use tokio::time::Instant;

use crate::common::{Noting, chunk, hello, one_stream};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn client(url: &str, timeouts: Timeouts) -> OpenAi {
    OpenAi::builder().base_url(url).timeouts(timeouts).retry(RetryPolicy::none()).build().unwrap()
}

/// Returns the timeout that ends a reply, and the time until then.
async fn ends(reply: Reply, timeouts: Timeouts) -> (Timeout, Duration) {
    let upstream = Upstream::spawn(reply);
    let start = Instant::now();
    let handle = client(&upstream.base_url(), timeouts).chat().stream(hello(), Noting::default().start());
    let error = handle.await.unwrap_err();
    upstream.peer_closed(0).await;
    (error.timeout().unwrap_or_else(|| panic!("{error}")), start.elapsed())
}

#[track_caller]
fn near(elapsed: Duration, expected: u64) {
    let expected = seconds(expected);
    assert!(
        elapsed >= expected && elapsed < expected + Duration::from_millis(500),
        "{elapsed:?} for {expected:?}"
    );
}

#[actix_rt::test]
async fn first_event() {
    tokio::time::pause();
    for reply in [Reply::raw().hold(), Reply::sse().hold(), Reply::sse().forever(": ping\n\n", seconds(1))] {
        let (timeout, elapsed) = ends(reply, Timeouts::default().first_event(seconds(10))).await;
        assert_eq!(timeout, Timeout::FirstEvent);
        near(elapsed, 10);
    }
}

#[actix_rt::test]
async fn idle() {
    tokio::time::pause();
    let reply = Reply::sse().event(chunk("a")).wait(seconds(4)).comment("still here").hold();
    let (timeout, elapsed) = ends(reply, Timeouts::default().idle(seconds(5))).await;
    assert_eq!(timeout, Timeout::Idle);
    near(elapsed, 9);
}

#[actix_rt::test]
async fn stall_comments_do_not_count() {
    tokio::time::pause();
    let reply = Reply::sse().event(chunk("a")).forever(": ping\n\n", seconds(1));
    let (timeout, elapsed) = ends(reply, Timeouts::default().idle(seconds(5)).stall(seconds(20))).await;
    assert_eq!(timeout, Timeout::Stall);
    near(elapsed, 20);
}

#[actix_rt::test]
async fn total() {
    tokio::time::pause();
    let reply = Reply::sse().forever(format!("data: {}\n\n", chunk("a")), seconds(1));
    let (timeout, elapsed) = ends(reply, Timeouts::default().total(seconds(60))).await;
    assert_eq!(timeout, Timeout::Total);
    near(elapsed, 60);
}

#[actix_rt::test]
async fn connect() {
    let blackhole = Blackhole::new();
    tokio::time::pause();
    let start = Instant::now();
    let openai = client(&blackhole.base_url(), Timeouts::default().connect(seconds(3)));
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Connect));
    near(start.elapsed(), 3);
}

#[actix_rt::test]
async fn connect_covers_the_tls_handshake() {
    tokio::time::pause();
    let upstream = Upstream::spawn(actorstream_test::Script::on_accept(Reply::raw().hold()));
    let url = upstream.base_url().replace("http:", "https:");
    let start = Instant::now();
    let openai = client(&url, Timeouts::default().connect(seconds(3)));
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Connect));
    near(start.elapsed(), 3);
    upstream.peer_closed(0).await;
}

#[actix_rt::test]
async fn queue() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let openai = OpenAi::builder().base_url(upstream.base_url()).max_streams(1).build().unwrap();
    let timeouts = Timeouts::unlimited().queue(seconds(5));
    let first = openai.chat().timeouts(Timeouts::unlimited()).stream(hello(), Noting::default().start());
    upstream.request(0).await;
    assert_eq!(openai.available_permits(), 0);
    let start = Instant::now();
    let error =
        openai.chat().timeouts(timeouts).stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Queue));
    near(start.elapsed(), 5);
    assert_eq!(error.attempts, 1);
    // The permit becomes free when its stream ends.
    first.cancel();
    first.await.unwrap_err();
    while openai.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
}

#[actix_rt::test]
async fn a_slow_target_is_not_the_servers_silence() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).wait(seconds(1)).event(chunk("b")).hold());
    let timeouts = Timeouts::unlimited().idle(seconds(5)).stall(seconds(5));
    // The actor waits for a minute after the first event.
    let actor = Noting::with(|count, _, ctx| {
        if count == 1 {
            use actix::{AsyncContext as _, WrapFuture as _};
            ctx.wait(tokio::time::sleep(seconds(60)).into_actor(&Noting::default()));
        }
    });
    let log = actor.chat.clone();
    let start = Instant::now();
    let handle = client(&upstream.base_url(), timeouts).chat().stream(hello(), actor.start());
    let id = handle.id();
    let error = handle.await.unwrap_err();
    // Five seconds after the second event, which arrived after the minute.
    assert_eq!(error.timeout(), Some(Timeout::Idle));
    assert!(start.elapsed() >= seconds(64), "{:?}", start.elapsed());
    assert_eq!(one_stream(&log, id).1, "ab");
}

#[actix_rt::test]
async fn silence_counts_from_when_the_target_was_done() {
    tokio::time::pause();
    // Shorter and longer than the timeout.
    for busy in [3, 12] {
        let reply = Reply::sse().event(chunk("a")).wait(seconds(1)).event(chunk("b")).hold();
        let upstream = Upstream::spawn(reply);
        let actor = Noting::with(move |count, _, ctx| {
            if count == 1 {
                use actix::{AsyncContext as _, WrapFuture as _};
                ctx.wait(tokio::time::sleep(seconds(busy)).into_actor(&Noting::default()));
            }
        });
        let start = Instant::now();
        let timeouts = Timeouts::unlimited().idle(seconds(5));
        let error = client(&upstream.base_url(), timeouts).chat().stream(hello(), actor.start()).await;
        assert_eq!(error.unwrap_err().timeout(), Some(Timeout::Idle));
        near(start.elapsed(), busy + 5);
    }
}

#[actix_rt::test]
async fn the_total_timeout_runs_also_while_the_target_waits() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).event(chunk("b")).hold());
    let actor = Noting::with(|count, _, ctx| {
        if count == 1 {
            use actix::{AsyncContext as _, WrapFuture as _};
            ctx.wait(tokio::time::sleep(seconds(60)).into_actor(&Noting::default()));
        }
    });
    let log = actor.chat.clone();
    let start = Instant::now();
    let handle = client(&upstream.base_url(), Timeouts::unlimited().total(seconds(10)))
        .chat()
        .stream(hello(), actor.start());
    let id = handle.id();
    let error = handle.await.unwrap_err();
    upstream.peer_closed(0).await;
    assert_eq!(error.timeout(), Some(Timeout::Total));
    assert!(error.partial::<ChatCompletion>().is_some());
    near(start.elapsed(), 10);
    // The target receives its end when it continues.
    tokio::time::sleep(seconds(55)).await;
    assert!(one_stream(&log, id).2.is_end());
}

#[actix_rt::test]
async fn nothing_follows_an_end_that_waited_behind_a_delivery() {
    tokio::time::pause();
    let all: String = ["a", "b", "c", "d"].map(|text| format!("data: {}\n\n", chunk(text))).concat();
    let upstream = Upstream::spawn(Reply::sse().chunk(all).hold());
    // The actor waits after each event, so that the stream alternates between waiting and reading.
    let actor = Noting::with(|_, _, ctx| {
        use actix::{AsyncContext as _, WrapFuture as _};
        ctx.wait(tokio::time::sleep(seconds(60)).into_actor(&Noting::default()));
    });
    let log = actor.chat.clone();
    let timeouts = Timeouts::unlimited().total(seconds(10));
    let handle = client(&upstream.base_url(), timeouts).chat().stream(hello(), actor.start());
    let id = handle.id();
    assert_eq!(handle.await.unwrap_err().timeout(), Some(Timeout::Total));
    tokio::time::sleep(seconds(1000)).await;
    let (events, text, _) = one_stream(&log, id);
    assert_eq!((events, text.as_str()), (2, "ab"));
}

#[actix_rt::test]
async fn a_target_that_stops_cancels_a_silent_stream_within_250_ms() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let actor = Noting::with(|_, _, ctx| ctx.stop());
    let start = Instant::now();
    let handle = client(&upstream.base_url(), Timeouts::unlimited()).chat().stream(hello(), actor.start());
    let error = handle.await.unwrap_err();
    upstream.peer_closed(0).await;
    assert_eq!(error.kind.name(), "target_stopped");
    assert!(start.elapsed() <= Duration::from_millis(250), "{:?}", start.elapsed());
}

#[actix_rt::test]
async fn a_target_that_panics_cancels_a_silent_stream_within_250_ms() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let actor = Noting::with(|_, _, _| panic!("on purpose"));
    let start = Instant::now();
    let handle = client(&upstream.base_url(), Timeouts::unlimited()).chat().stream(hello(), actor.start());
    let error = handle.await.unwrap_err();
    upstream.peer_closed(0).await;
    assert_eq!(error.kind.name(), "target_panicked");
    assert!(start.elapsed() <= Duration::from_millis(250), "{:?}", start.elapsed());
}

#[actix_rt::test]
async fn a_target_that_stops_by_itself_is_noticed_too() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let actor = Noting::with(|_, _, ctx| {
        use actix::AsyncContext as _;
        ctx.run_later(seconds(3), |_, ctx| ctx.stop());
    });
    let start = Instant::now();
    let handle = client(&upstream.base_url(), Timeouts::unlimited()).chat().stream(hello(), actor.start());
    let error = handle.await.unwrap_err();
    upstream.peer_closed(0).await;
    assert_eq!(error.kind.name(), "target_stopped");
    assert_eq!(error.partial::<ChatCompletion>().unwrap().content(), Some("a"));
    assert!(start.elapsed() <= seconds(3) + Duration::from_millis(250), "{:?}", start.elapsed());
}
