//! From the log to its viewers: each from its position and at its own pace.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actorstream::ChatRequest;
use actorstream_test::{ChatStream, Gate, Reply, Upstream};
use actorstream_web::{Api, Cursor, GenerationId, OnLastViewer, Protocol, Relay, UpstreamRequest, Viewer};
use futures_util::future::join_all;

use crate::common::{builder, frames, log, with_store, within};
use crate::faulty_store::FaultyStore;

fn hello() -> UpstreamRequest {
    UpstreamRequest::new(Api::Chat, &ChatRequest::new("m").user("Hello")).unwrap()
}

async fn rest(mut viewer: Viewer) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = viewer.next().await {
        text.extend(bytes.unwrap());
    }
    String::from_utf8(text).unwrap()
}

fn viewer(relay: &Relay, id: &GenerationId, after: Option<Cursor>) -> Viewer {
    relay.viewer(id, Api::Chat, Protocol::UiMessage, after).unwrap()
}

/// Creates a generation that has ended.
async fn ended() -> (Relay, GenerationId, Upstream) {
    let stream = ChatStream::new().delta_chars(1).reasoning_content("Hmm").content("Hello, wörld");
    let stream = stream.tool_call("c", "f", "{\"a\":1}");
    let upstream = Upstream::start(stream.usage(1, 2).reply());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    log(&**relay.store(), &id).await;
    (relay, id, upstream)
}

#[actix_rt::test]
async fn after_any_event_a_viewer_gets_the_rest_and_nothing_twice() {
    let (relay, id, _upstream) = ended().await;
    let all = rest(viewer(&relay, &id, None)).await;
    let events = frames(&all);
    assert!(events.len() > 20);
    let mut split = 0;
    for (number, (cursor, _)) in events.iter().enumerate() {
        let cursor: Cursor = cursor.parse().unwrap();
        split += usize::from(cursor.frames.is_some());
        let rest = rest(viewer(&relay, &id, Some(cursor.clone()))).await;
        assert_eq!(frames(&rest), events[number + 1..], "after {cursor}");
    }
    assert!(split > 0, "no entry became several events");
}

#[actix_rt::test]
async fn a_cursor_of_something_else_is_a_full_replay() {
    let (relay, id, _upstream) = ended().await;
    let all = rest(viewer(&relay, &id, None)).await;
    let other = Cursor { generation: GenerationId::random(), seq: 3, frames: None };
    let beyond = Cursor { generation: id.clone(), seq: 10_000, frames: None };
    for cursor in [other, beyond] {
        assert_eq!(rest(viewer(&relay, &id, Some(cursor))).await, all);
    }
}

#[actix_rt::test]
async fn all_viewers_see_the_same_whenever_they_come() {
    let gates: Vec<Gate> = (0..4).map(|_| Gate::new()).collect();
    let events: Vec<String> = ChatStream::new().delta_chars(1).content("Hello, world").events().collect();
    let mut reply = Reply::sse();
    for (event, number) in events.iter().zip(0..) {
        reply = reply.event(event);
        if number % 4 == 3 {
            reply = reply.gate(&gates[number / 4 % 4]);
        }
    }
    let upstream = Upstream::start(reply.done().end());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let mut watching = Vec::new();
    for gate in &gates {
        for _ in 0..5 {
            watching.push(actix_rt::spawn(rest(viewer(&relay, &id, None))));
        }
        within(async {
            while gate.arrivals() == 0 && relay.running() > 0 {
                actix_rt::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        gate.open();
    }
    let seen: Vec<String> = within(join_all(watching)).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(seen.len(), 20);
    assert!(seen[0].contains("[DONE]"));
    assert!(seen.iter().all(|one| frames(one) == frames(&seen[0])));
    assert_eq!(relay.viewers(), 0);
}

#[actix_rt::test]
async fn a_viewer_that_stalls_holds_nobody_back() {
    let upstream = Upstream::start(ChatStream::new().deltas(5000, "word ").reply());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let mut stalled = relay.viewer(&id, Api::Chat, Protocol::Text, None).unwrap();
    let first = within(stalled.next()).await.unwrap().unwrap();
    let quick = within(rest(relay.viewer(&id, Api::Chat, Protocol::Text, None).unwrap())).await;
    assert_eq!(quick, "word ".repeat(5000));
    let mut text = String::from_utf8(first.to_vec()).unwrap();
    text.push_str(&within(rest(stalled)).await);
    assert_eq!(text, quick);
}

#[actix_rt::test]
async fn a_silent_answer_is_kept_alive_every_15_seconds() {
    tokio::time::pause();
    let gate = Gate::new();
    let upstream = Upstream::spawn(Reply::sse().gate(&gate).hold());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let mut viewer = viewer(&relay, &id, None);
    gate.reached().await;
    let begun = tokio::time::Instant::now();
    for count in 1..=4 {
        let ping = viewer.next().await.unwrap().unwrap();
        assert_eq!(ping, ": ping\n");
        assert_eq!(begun.elapsed().as_secs(), 15 * count);
    }
}

#[actix_rt::test]
async fn so_many_may_watch() {
    let (relay, id, upstream) = ended().await;
    drop(relay);
    let relay = builder(&upstream.base_url()).max_viewers(3).max_viewers_of_one(2).build();
    let other = GenerationId::random();
    let permits: Vec<_> = (0..2).map(|_| viewer(&relay, &id, None)).collect();
    assert_eq!(relay.viewer(&id, Api::Chat, Protocol::Text, None).unwrap_err().status, 503);
    let _third = viewer(&relay, &other, None);
    assert_eq!(relay.viewer(&other, Api::Chat, Protocol::Text, None).unwrap_err().status, 503);
    drop(permits);
    viewer(&relay, &id, None);
}

#[actix_rt::test]
async fn a_generation_goes_on_when_its_last_viewer_leaves() {
    tokio::time::pause();
    let gate = Gate::new();
    let events: Vec<String> = ChatStream::new().content("Hello").events().collect();
    let upstream = Upstream::spawn(Reply::sse().gate(&gate).events(events).done().end());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    drop(viewer(&relay, &id, None));
    actix_rt::time::sleep(Duration::from_secs(100)).await;
    gate.open();
    assert_eq!(log(&**relay.store(), &id).await.last().unwrap()["end"]["type"], "finish");
}

#[actix_rt::test]
async fn or_it_is_stopped_a_while_after_where_that_is_configured() {
    tokio::time::pause();
    let hold = Duration::from_secs(20);
    let upstream = Upstream::spawn(Reply::sse().hold());
    let relay = builder(&upstream.base_url()).on_last_viewer(OnLastViewer::CancelAfter(hold)).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let mut watching = viewer(&relay, &id, None);
    // The viewer stays, so the generation continues.
    for _ in 0..20 {
        watching.next().await.unwrap().unwrap();
    }
    assert!(!relay.store().generation(&id).await.unwrap().ended);
    drop(watching);
    let left = tokio::time::Instant::now();
    upstream.peer_closed(0).await;
    let waited = left.elapsed();
    assert!(
        waited >= hold - Duration::from_secs(1) && waited <= hold + hold / 4 + Duration::from_secs(1),
        "{waited:?}"
    );
    assert_eq!(log(&**relay.store(), &id).await.last().unwrap()["end"]["type"], "abort");
}

#[actix_rt::test]
async fn a_store_that_goes_away_is_told_in_the_viewers_protocol() {
    tokio::time::pause();
    let store = FaultyStore::default();
    let upstream = Upstream::spawn(Reply::sse().hold());
    let relay = with_store(&upstream.base_url(), store.clone()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    store.faults.down.store(true, Ordering::Relaxed);
    let text = rest(viewer(&relay, &id, None)).await;
    assert!(text.contains(r#""type":"error""#), "{text}");
    assert!(!text.contains("password"), "{text}");
}

#[actix_rt::test]
async fn every_stream_gets_its_end_before_the_server_stops() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().hold());
    let relay = builder(&upstream.base_url()).build();
    let mut watching = Vec::new();
    for _ in 0..3 {
        let id = relay.begin("alice", hello()).await.unwrap();
        watching.push(rest(viewer(&relay, &id, None)));
    }
    let down = relay.shutdown(Duration::from_secs(5));
    let (seen, done) = futures_util::future::join(join_all(watching), down).await;
    assert!(done);
    for text in seen {
        assert!(text.contains("shutting down"), "{text}");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    }
    upstream.all_closed().await;
    assert_eq!((relay.running(), relay.viewers()), (0, 0));
    assert_eq!(relay.begin("alice", hello()).await.unwrap_err().status, 503);
}
