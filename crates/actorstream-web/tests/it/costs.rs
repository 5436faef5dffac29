//! The cost that one user, and many users, can cause the relay.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actorstream_test::{ChatStream, Reply, Upstream};
use actorstream_web::event::Event;
use actorstream_web::store::{Append, NewGeneration, Store};
use actorstream_web::{Api, GenerationId, Protocol};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::common::{Service, builder, ui, ui_text, with_store, within};
use crate::faulty_store::FaultyStore;

const ROUTES: [(&str, &str); 4] = [
    ("/api/chat", "chat"),
    ("/api/v1/chat/completions", "messages"),
    ("/api/v1/completions", "prompt"),
    ("/api/v1/responses", "input"),
];

fn request(path: &str, id: usize) -> Value {
    match path {
        "/api/chat" => ui(&format!("c{id}"), "m"),
        _ => json!({"model": "m", "messages": [], "prompt": "x", "input": "x", "stream": true}),
    }
}

#[actix_rt::test]
async fn nothing_is_asked_for_that_has_no_permit() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()).max_viewers(0));
    for (path, _) in ROUTES {
        let answer = service.post("alice", path, &request(path, 0)).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{path}");
        assert_eq!(answer.json().await["error"]["code"], "too_many_viewers");
    }
    assert_eq!((upstream.request_count(), service.relay.running()), (0, 0));
}

#[actix_rt::test]
async fn one_user_does_not_take_it_all() {
    let upstream = Upstream::start(Reply::sse().hold());
    let service = Service::start(builder(&upstream.base_url()).max_generations_of_owner(2));
    let ask = |user: &'static str, id: usize| {
        let service = &service;
        async move { service.post(user, "/api/chat", &request("/api/chat", id)).await }
    };
    let held = (ask("alice", 1).await, ask("alice", 2).await);
    let refused = ask("alice", 3).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json().await["error"]["code"], "too_many_generations");
    for (path, _) in ROUTES {
        for streamed in [true, false] {
            let mut request = request(path, 4);
            request["stream"] = streamed.into();
            assert_eq!(service.post("alice", path, &request).await.status, 429, "{path}");
        }
    }
    assert_eq!(upstream.request_count(), 2);
    let other = ask("bob", 1).await;
    assert_eq!(other.status, 200);
    drop((held, other));

    let upstream = Upstream::start(Reply::sse().hold());
    let service = Service::start(builder(&upstream.base_url()).max_viewers_of_owner(2));
    let first = service.post("alice", "/api/chat", &ui("c", "m")).await;
    let second = service.get("alice", "/api/chat/c/stream").await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    assert_eq!(service.get("alice", "/api/chat/c/stream").await.status, 429);
    assert_eq!(service.post("bob", "/api/chat", &ui("c", "m")).await.status, 200);
}

#[actix_rt::test]
async fn one_user_keeps_so_many_bytes() {
    let upstream = Upstream::start(ChatStream::new().content("a".repeat(6000)).reply());
    let service = Service::start(builder(&upstream.base_url()).max_bytes_of_owner(20_000));
    let mut answers = Vec::new();
    for id in 0..8 {
        let answer = service.post("alice", "/api/chat", &ui(&format!("c{id}"), "m")).await;
        answers.push(answer.status.as_u16());
        answer.rest().await;
    }
    assert_eq!((answers[0], answers[7]), (200, 429), "{answers:?}");
    let other = service.post("bob", "/api/chat", &ui("c", "m")).await;
    let text = other.rest().await;
    assert!(text.contains("aaa"), "{text}");
}

/// Creates a generation that another instance writes.
async fn elsewhere(store: &dyn Store, events: Vec<Event>) -> GenerationId {
    let lease = Duration::from_secs(60);
    let new = NewGeneration {
        id: GenerationId::random(),
        owner: "alice".into(),
        api: Api::Responses,
        request: Bytes::from_static(b"{}"),
        lease,
        attended: lease,
    };
    store.create(&new).await.unwrap();
    if !events.is_empty() {
        store.append(&new.id, &Append { epoch: 1, first: 1, events, upstream: None, lease }).await.unwrap();
    }
    new.id
}

#[actix_rt::test]
async fn quick_reconnects_leave_no_pollers_behind() {
    let upstream = Upstream::start(Reply::sse().hold());
    let store = FaultyStore::default();
    let relay = with_store(&upstream.base_url(), store.clone()).build();
    let id = elsewhere(&store, Vec::new()).await;
    let start = Instant::now();
    for _ in 0..200 {
        drop(relay.viewer(&id, Api::Responses, Protocol::OpenAi, None).unwrap());
    }
    let _viewer = relay.viewer(&id, Api::Responses, Protocol::OpenAi, None).unwrap();
    actix_rt::time::sleep(Duration::from_millis(2500)).await;
    // One poll per second, however long this took.
    let claims = store.faults.claims.load(Ordering::Relaxed) as u64;
    assert!((1..=start.elapsed().as_secs() + 2).contains(&claims), "{claims} in {:?}", start.elapsed());
}

#[actix_rt::test]
async fn a_running_response_is_not_read_whole() {
    let upstream = Upstream::start(Reply::sse().hold());
    let store = FaultyStore::default();
    let service = Service::start(with_store(&upstream.base_url(), store.clone()));
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "r", "status": "in_progress", "output": []}});
    let delta = |n: usize| json!({"type": "response.output_text.delta", "sequence_number": n, "delta": "x".repeat(1000)});
    let events = [created].into_iter().chain((1..2000).map(delta));
    let id = elsewhere(&store, events.map(|event| Event::upstream(&event).unwrap()).collect()).await;
    for _ in 0..5 {
        let answer = service.get("alice", &format!("/api/v1/responses/{id}")).await.json().await;
        assert_eq!(answer["status"], "in_progress");
    }
    let read = store.faults.bytes_read.load(Ordering::Relaxed);
    assert!(read < 5 * 40_000, "{read} bytes of 2 MB were read");
    // It also takes a permit.
    let full = Service::start(with_store(&upstream.base_url(), store.clone()).max_viewers(0));
    assert_eq!(full.get("alice", &format!("/api/v1/responses/{id}")).await.status, 503);
}

#[actix_rt::test]
async fn a_store_that_is_away_is_told_of_at_once() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let store = FaultyStore::default();
    let service = Service::start(with_store(&upstream.base_url(), store.clone()));
    store.faults.down.store(true, Ordering::Relaxed);
    for (path, _) in ROUTES {
        let start = Instant::now();
        let answer = service.post("alice", path, &request(path, 0)).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{path}");
        println!("{path}: reported after {:?}", start.elapsed());
        // Before failures were prompt, this took 14.6 s. The limit leaves room for a busy machine.
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(service.get("alice", "/api/chat/c/stream").await.status, 503);
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn an_unbound_generation_is_never_sent_upstream() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let store = FaultyStore::default();
    store.faults.shared.store(true, Ordering::Relaxed);
    let lease = Duration::from_millis(200);
    let service = Service::start(with_store(&upstream.base_url(), store.clone()).lease(lease));
    // The store fails between the two steps, and the cleanup fails too.
    store.faults.bind_down.store(true, Ordering::Relaxed);
    store.faults.remove_down.store(true, Ordering::Relaxed);
    assert_eq!(service.post("alice", "/api/chat", &ui("c", "m")).await.status, 503);
    assert_eq!(store.inner.len(), 1, "it is in the store");
    store.faults.bind_down.store(false, Ordering::Relaxed);
    store.faults.remove_down.store(false, Ordering::Relaxed);
    // The lease expires, and another instance finds the generation.
    let other = with_store(&upstream.base_url(), store.clone()).build();
    actix_rt::time::sleep(2 * lease).await;
    other.adopt_orphans().await;
    within(async {
        while !store.inner.is_empty() {
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!((upstream.request_count(), other.running()), (0, 0));
    // The same message starts the only response.
    assert_eq!(ui_text(&service.post("alice", "/api/chat", &ui("c", "m")).await.rest().await), "Hello");
    assert_eq!(upstream.request_count(), 1);
    let asked = upstream.requests()[0].json();
    let mut fields: Vec<&str> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["messages", "model", "stream"]);
}
