//! From upstream to the log: order, backpressure, the lease, and every kind of end.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Actor;
use actorstream::{ChatRequest, IntoTarget, StreamEvent};
use actorstream_test::{ChatStream, Gate, Reply, Script, Upstream};
use actorstream_web::event::{End, Event, Part};
use actorstream_web::store::{Claim, MemoryStore, StoreLimits};
use actorstream_web::{Api, Generation, GenerationId, Log, Relay, UpstreamRequest};
use serde_json::{Value, json};

use crate::common::{builder, log, with_store, within};
use crate::faulty_store::FaultyStore;

fn hello() -> UpstreamRequest {
    UpstreamRequest::new(Api::Chat, &ChatRequest::new("m").user("Hello")).unwrap()
}

/// Returns the text of the chunks in a log.
fn text(log: &[Value]) -> String {
    log.iter().filter_map(|entry| entry["upstream"]["choices"][0]["delta"]["content"].as_str()).collect()
}

/// Sends one piece, then waits at the gate.
fn held(gate: &Gate) -> Reply {
    let events: Vec<String> = ChatStream::new().delta_words().content("Hello, world").events().collect();
    let (head, tail) = events.split_at(2);
    Reply::sse().events(head.to_vec()).gate(gate).events(tail.to_vec()).done().end()
}

#[actix_rt::test]
async fn a_log_has_every_event_as_it_came_and_the_end() {
    let stream = ChatStream::new().content("Hello, wörld").usage(1, 2);
    let upstream = Upstream::start(stream.reply());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let log = log(&**relay.store(), &id).await;
    let (end, events) = log.split_last().unwrap();
    let came: Vec<Value> = stream.events().map(|event| serde_json::from_str(&event).unwrap()).collect();
    let held: Vec<Value> = events.iter().map(|entry| entry["upstream"].clone()).collect();
    assert_eq!(held, came);
    assert_eq!(*end, json!({"end": {"type": "finish", "reason": "stop"}}));
}

/// Returns a relay whose store waits at the gate, and the log of its generation.
async fn braked(upstream: &Upstream, store: FaultyStore) -> (Relay, GenerationId, Log) {
    let faults = store.faults.clone();
    let held = Arc::new(Mutex::new(None));
    let holding = Arc::clone(&held);
    let relay = with_store(&upstream.base_url(), store).through_chat(move |log| {
        *holding.lock().unwrap() = Some(log.clone());
        Generation::new(log).start()
    });
    let relay = relay.build();
    let id = relay.begin("alice", hello()).await.unwrap();
    within(faults.waits.notified()).await;
    let log = held.lock().unwrap().take().unwrap();
    within(async {
        while !log.is_full() {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    (relay, id, log)
}

#[actix_rt::test]
async fn events_during_an_append_form_the_next_one() {
    let (store, gate) = FaultyStore::gated();
    let faults = store.faults.clone();
    let upstream = Upstream::start(ChatStream::new().deltas(2000, "word ").reply());
    let (relay, id, _log) = braked(&upstream, store).await;
    assert!(faults.appends.lock().unwrap().is_empty());
    gate.open();
    assert_eq!(text(&log(&**relay.store(), &id).await), "word ".repeat(2000));
    let appends = faults.appends.lock().unwrap().clone();
    assert!(appends[1].0 > 500, "{appends:?}");
}

#[actix_rt::test]
async fn a_slow_store_stops_the_reading() {
    let (store, gate) = FaultyStore::gated();
    let faults = store.faults.clone();
    // 20 MB, of which the kernel and the log hold a part.
    let upstream = Upstream::start(ChatStream::new().deltas(20_000, "x".repeat(1000)).reply());
    let (relay, id, _log) = braked(&upstream, store).await;
    let mut written = 0;
    while upstream.bytes_written() > written {
        written = upstream.bytes_written();
        actix_rt::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(written < 20_000_000, "all of it was read");
    gate.open();
    assert_eq!(text(&log(&**relay.store(), &id).await).len(), 20_000_000);
    let most = faults.appends.lock().unwrap().iter().map(|(_, bytes)| *bytes).max().unwrap();
    assert!(most < 512 << 10, "{most} bytes waited for the store");
}

#[actix_rt::test]
async fn an_answer_of_the_store_that_is_lost_is_asked_for_again() {
    let store = FaultyStore::default();
    store.faults.lost_answers.store(3, Ordering::Relaxed);
    let upstream = Upstream::start(ChatStream::new().content("Hello, world").reply());
    let relay = with_store(&upstream.base_url(), store).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    assert_eq!(text(&log(&**relay.store(), &id).await), "Hello, world");
}

#[actix_rt::test]
async fn a_store_that_stays_away_closes_upstream() {
    tokio::time::pause();
    let store = FaultyStore::default();
    let gate = Gate::new();
    let upstream = Upstream::spawn(held(&gate));
    let relay = with_store(&upstream.base_url(), store.clone()).build();
    relay.begin("alice", hello()).await.unwrap();
    gate.reached().await;
    store.faults.down.store(true, Ordering::Relaxed);
    upstream.peer_closed(0).await;
    while relay.running() > 0 {
        actix_rt::time::sleep(Duration::from_millis(100)).await;
    }
}

#[actix_rt::test]
async fn the_lease_is_kept_while_upstream_is_silent() {
    tokio::time::pause();
    let gate = Gate::new();
    let upstream = Upstream::spawn(held(&gate));
    let relay = builder(&upstream.base_url()).lease(Duration::from_secs(3)).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    gate.reached().await;
    for _ in 0..100 {
        actix_rt::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(relay.store().claim(&id, Duration::from_secs(1)).await, Ok(Claim::Held));
    }
    gate.open();
    assert_eq!(text(&log(&**relay.store(), &id).await), "Hello, world");
}

#[actix_rt::test]
async fn a_fenced_producer_drops_its_upstream() {
    tokio::time::pause();
    let gate = Gate::new();
    let upstream = Upstream::spawn(held(&gate));
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    gate.reached().await;
    let store = relay.store();
    store.release(&id, 1).await.unwrap();
    let Claim::Taken(taken) = store.claim(&id, Duration::from_secs(60)).await.unwrap() else {
        panic!("released")
    };
    upstream.peer_closed(0).await;
    assert_eq!(store.generation(&id).await.unwrap().tail, taken.tail, "nothing was written after the claim");
}

#[actix_rt::test]
async fn a_log_that_nobody_ends_ends_with_an_error() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    // A target that drops the log after the first event.
    let forgetful = |log: Log| {
        let mut log = Some(log);
        (move |event: StreamEvent<actorstream::ChatCompletionChunk>| {
            if let (Some(log), StreamEvent::Data(chunk)) = (log.take(), event) {
                log.record(&chunk);
            }
        })
        .into_target()
    };
    let relay = builder(&upstream.base_url()).through_chat(forgetful).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let log = log(&**relay.store(), &id).await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[1]["end"]["code"], "aborted");
}

#[actix_rt::test]
async fn a_target_of_ones_own_watches_and_changes() {
    let upstream = Upstream::start(ChatStream::new().delta_words().content("a b c").reply());
    let shouting = |log: Log| {
        (move |event: StreamEvent<actorstream::ChatCompletionChunk>| match event {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(chunk) => {
                let mut json = actorstream::Event::payload(&chunk).json().unwrap();
                if let Some(text) = json["choices"][0]["delta"]["content"].as_str() {
                    json["choices"][0]["delta"]["content"] = text.to_uppercase().into();
                }
                log.write(Event::upstream(&json).unwrap());
            }
            StreamEvent::Error(error) => log.fail(&error),
            StreamEvent::Finish(_) => {
                log.part(Part::Data { name: "words".into(), id: None, data: json!(3), transient: false });
                log.end(End::Finish { reason: Some("stop".into()) });
            }
        })
        .into_target()
    };
    let relay = builder(&upstream.base_url()).through_chat(shouting).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let log = log(&**relay.store(), &id).await;
    assert_eq!(text(&log), "A B C");
    assert_eq!(log[log.len() - 2]["part"]["name"], "words");
}

#[actix_rt::test]
async fn an_answer_that_outgrows_its_caps_ends_with_an_error() {
    let store = MemoryStore::new(StoreLimits { max_events: 10, ..StoreLimits::default() });
    let upstream = Upstream::start(ChatStream::new().deltas(1000, "x").reply().then(Reply::raw().hold()));
    let relay = with_store(&upstream.base_url(), store).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let log = log(&**relay.store(), &id).await;
    let end = &log.last().unwrap()["end"];
    assert_eq!((&end["type"], &end["code"]), (&json!("error"), &json!("limit")));
    assert!(log.len() <= 11, "{}", log.len());
}

#[actix_rt::test]
async fn an_answer_that_takes_too_long_ends_with_an_error() {
    tokio::time::pause();
    let store = MemoryStore::new(StoreLimits { max_age: Duration::from_secs(60), ..StoreLimits::default() });
    let gate = Gate::new();
    let upstream = Upstream::spawn(held(&gate));
    let relay = with_store(&upstream.base_url(), store).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    upstream.peer_closed(0).await;
    let log = log(&**relay.store(), &id).await;
    assert_eq!(log.last().unwrap()["end"]["code"], "limit");
    assert_eq!(text(&log), "Hello,");
}

#[actix_rt::test]
async fn upstreams_errors_are_told_in_its_words_only_where_they_may_be() {
    for (tell, message) in
        [(false, "the model's server refused the request"), (true, "no model `m` for org-42, ***")]
    {
        let error = Reply::error(404, "invalid_request_error", "no model `m` for org-42, sk-secret");
        let upstream = Upstream::start(Script::sequence([error]));
        let relay = builder(&upstream.base_url()).expose_upstream_errors(tell).build();
        let id = relay.begin("alice", hello()).await.unwrap();
        let log = log(&**relay.store(), &id).await;
        assert_eq!(log.len(), 1);
        assert_eq!((&log[0]["end"]["message"], &log[0]["end"]["status"]), (&json!(message), &json!(404)));
    }
}

#[actix_rt::test]
async fn a_cut_answer_keeps_what_came() {
    let events: Vec<String> =
        ChatStream::new().delta_words().content("Hello, world").events().take(2).collect();
    let upstream = Upstream::start(Reply::sse().events(events).reset());
    let relay = builder(&upstream.base_url()).build();
    let id = relay.begin("alice", hello()).await.unwrap();
    let log = log(&**relay.store(), &id).await;
    assert_eq!(text(&log), "Hello,");
    assert_eq!(log.last().unwrap()["end"]["code"], "upstream_truncated");
}
