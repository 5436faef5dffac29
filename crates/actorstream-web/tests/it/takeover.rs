//! Takeovers of generations whose producer is gone: by policy, without gaps or duplicates, and a bounded number of
//! times.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actorstream_test::{ChatStream, Gate, Reply, Request, Script, Upstream};
use actorstream_web::event::{Event, Part};
use actorstream_web::store::{Append, MemoryStore, NewGeneration, Store, UpstreamPosition};
use actorstream_web::{Api, GenerationId, Relay, Takeover, UpstreamRequest};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::common::{Service, log, with_store, within};
use crate::faulty_store::FaultyStore;

const LEASE: Duration = Duration::from_secs(15);

/// Returns the numbered events of a response.
fn response_events() -> Vec<Value> {
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m",
        "background": true, "status": status, "output": []})
    };
    let mut events = vec![json!({"type": "response.created", "response": response("queued")})];
    for text in ["One", " two", " three"] {
        events.push(json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0,
            "content_index": 0, "delta": text}));
    }
    events.push(json!({"type": "response.completed", "response": response("completed")}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

/// Creates a generation whose producer is gone.
async fn orphan(
    store: &MemoryStore,
    api: Api,
    request: Value,
    events: Vec<Event>,
    at: Option<u64>,
) -> GenerationId {
    let new = NewGeneration {
        id: GenerationId::random(),
        owner: "alice".into(),
        api,
        request: Bytes::from(request.to_string()),
        lease: LEASE,
        attended: LEASE,
    };
    store.create(&new).await.unwrap();
    if !events.is_empty() {
        let upstream = at.map(|seq| UpstreamPosition { id: "resp_1".into(), seq: Some(seq) });
        let append = Append { epoch: 1, first: 1, events, upstream, lease: LEASE };
        store.append(&new.id, &append).await.unwrap();
    }
    store.release(&new.id, 1).await.unwrap();
    new.id
}

fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}]})
}

fn relay(upstream: &Upstream, store: &MemoryStore, takeover: Takeover) -> Relay {
    with_store(&upstream.base_url(), store.clone()).takeover(takeover).max_takeovers(2).build()
}

/// An upstream that answers `starting_after` with the rest of the response.
fn background() -> Script {
    Script::with(|request: &Request| {
        let query = request.query.clone().unwrap_or_default();
        let after = query.split('&').find_map(|pair| pair.strip_prefix("starting_after=")).unwrap();
        Reply::sse().events(response_events().split_off(after.parse::<usize>().unwrap() + 1)).end()
    })
}

#[actix_rt::test]
async fn a_response_in_background_mode_goes_on_exactly() {
    for takeover in [Takeover::Resume, Takeover::Restart] {
        for come in 1..5_usize {
            let upstream = Upstream::start(background());
            let store = MemoryStore::default();
            let events =
                response_events().iter().take(come).map(|event| Event::upstream(event).unwrap()).collect();
            let request = json!({"model": "m", "input": "Hi", "background": true});
            let id = orphan(&store, Api::Responses, request, events, Some(come as u64 - 1)).await;
            relay(&upstream, &store, takeover).adopt_orphans().await;
            let log = log(&store, &id).await;
            let (end, held) = log.split_last().unwrap();
            let held: Vec<Value> = held.iter().map(|entry| entry["upstream"].clone()).collect();
            assert_eq!(held, response_events(), "after {come} events");
            assert_eq!(end["end"]["reason"], "completed");
        }
    }
}

#[actix_rt::test]
async fn an_orphan_restarts_or_fails_by_policy() {
    let part = Event::upstream(&json!({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})).unwrap();
    for (takeover, again) in [(Takeover::Resume, false), (Takeover::Restart, true), (Takeover::Fail, false)] {
        let stream = ChatStream::new().content("Hello");
        let upstream = Upstream::start(stream.reply());
        let store = MemoryStore::default();
        let id = orphan(&store, Api::Chat, chat(), vec![part.clone()], None).await;
        relay(&upstream, &store, takeover).adopt_orphans().await;
        let log = log(&store, &id).await;
        if again {
            assert_eq!(log[1], json!("reset"));
            assert_eq!(log.len(), 1 + 1 + stream.events().count() + 1);
            assert_eq!(log.last().unwrap()["end"]["type"], "finish");
            assert_eq!(upstream.requests()[0].json()["messages"], chat()["messages"]);
        } else {
            assert_eq!(log[1]["end"]["type"], "error", "{takeover:?}");
            assert_eq!(upstream.request_count(), 0);
        }
    }
}

#[actix_rt::test]
async fn of_which_nothing_is_there_yet_is_asked_for_again() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let store = MemoryStore::default();
    let id = orphan(&store, Api::Chat, chat(), Vec::new(), None).await;
    relay(&upstream, &store, Takeover::Resume).adopt_orphans().await;
    let log = log(&store, &id).await;
    assert_eq!(log.last().unwrap()["end"]["type"], "finish");
    assert!(!log.contains(&json!("reset")));
}

#[actix_rt::test]
async fn nothing_is_generated_again_once_a_tool_has_run() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let store = MemoryStore::default();
    let ran = Event::Part(Part::ToolOutput { tool_call_id: "c".into(), output: json!("paid") });
    let id = orphan(&store, Api::Chat, chat(), vec![ran], None).await;
    relay(&upstream, &store, Takeover::Restart).adopt_orphans().await;
    assert_eq!(log(&store, &id).await[1]["end"]["type"], "error");
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn a_generation_is_taken_over_so_often_and_then_fails() {
    let store = MemoryStore::default();
    let id = orphan(&store, Api::Chat, chat(), Vec::new(), None).await;
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    for epoch in 2..=3 {
        store.claim(&id, LEASE).await.unwrap();
        store.release(&id, epoch).await.unwrap();
    }
    relay(&upstream, &store, Takeover::Restart).adopt_orphans().await;
    assert_eq!(log(&store, &id).await[0]["end"]["type"], "error");
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn a_stopped_generation_is_not_resumed() {
    let store = MemoryStore::default();
    let id = orphan(&store, Api::Chat, chat(), Vec::new(), None).await;
    store.request_stop(&id, "the user").await.unwrap();
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    relay(&upstream, &store, Takeover::Restart).adopt_orphans().await;
    assert_eq!(log(&store, &id).await[0]["end"], json!({"type": "abort", "reason": "the user"}));
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn a_viewer_has_its_generation_taken_over() {
    tokio::time::pause();
    let upstream = Upstream::spawn(ChatStream::new().content("Hello").reply());
    let store = MemoryStore::default();
    let id = orphan(&store, Api::Chat, chat(), Vec::new(), None).await;
    let relay = relay(&upstream, &store, Takeover::Resume);
    let mut viewer = relay.viewer(&id, Api::Chat, actorstream_web::Protocol::Text, None).unwrap();
    let mut text = Vec::new();
    while let Some(bytes) = viewer.next().await {
        text.extend(bytes.unwrap());
    }
    assert_eq!(text, b"Hello");
}

#[actix_rt::test]
async fn an_instance_that_goes_down_hands_over_at_once_and_leaves_the_response_to_upstream() {
    tokio::time::pause();
    let gate = Gate::new();
    let first = gate.clone();
    let upstream = Upstream::spawn(Script::with(move |request: &Request| match request.method.as_str() {
        "POST" => Reply::sse().events(response_events().into_iter().take(3)).gate(&first).hold(),
        _ => Reply::sse().events(response_events().split_off(3)).end(),
    }));
    let store = FaultyStore::default();
    store.faults.shared.store(true, Ordering::Relaxed);
    let down = with_store(&upstream.base_url(), store.clone()).build();
    let request = json!({"model": "m", "input": "Hi", "background": true});
    let request = UpstreamRequest::new(Api::Responses, &request).unwrap();
    let id = down.begin("alice", request).await.unwrap();
    while store.generation(&id).await.unwrap().tail < 3 {
        tokio::task::yield_now().await;
    }
    let mut viewer = down.viewer(&id, Api::Responses, actorstream_web::Protocol::OpenAi, None).unwrap();
    assert!(viewer.next().await.unwrap().is_ok());
    let watching = async {
        // The viewer is disconnected, so that it reconnects elsewhere.
        assert!(viewer.next().await.unwrap().is_err());
        assert!(viewer.next().await.is_none());
    };
    let (done, ()) = futures_util::future::join(down.shutdown(Duration::from_secs(5)), watching).await;
    assert!(done);
    assert!(!store.generation(&id).await.unwrap().leased);

    let other = with_store(&upstream.base_url(), store.clone()).build();
    other.adopt_orphans().await;
    let log = log(&store, &id).await;
    let held: Vec<Value> = log[..log.len() - 1].iter().map(|entry| entry["upstream"].clone()).collect();
    assert_eq!(held, response_events());
    let asked: Vec<String> = upstream.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/v1/responses", "/v1/responses/resp_1"], "the response was not stopped");
}

#[actix_rt::test]
async fn upstream_headers_of_a_replaced_answer_are_not_passed_on() {
    for refused in [false, true] {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let upstream = Upstream::start(Script::with(move |_: &Request| {
            let request = asked.fetch_add(1, Ordering::Relaxed);
            let id = format!("req_{request}");
            match (request, refused) {
                (0, _) => Reply::sse().header("x-request-id", id).hold(),
                (_, true) => Reply::error(404, "t", "No.").header("x-request-id", id),
                (_, false) => ChatStream::new().content("Hello").reply().header("x-request-id", id),
            }
        }));
        let store = FaultyStore::default();
        let lease = Duration::from_millis(300);
        let service = Service::start(with_store(&upstream.base_url(), store.clone()).lease(lease));
        let other = with_store(&upstream.base_url(), store.inner.clone()).build();
        let body = json!({"model": "m", "messages": [], "stream": true});
        let asking = service.post("alice", "/api/v1/chat/completions", &body);
        let take_over = async {
            within(upstream.request(0)).await;
            // The producer cannot renew its lease, and another one takes over.
            store.faults.down.store(true, Ordering::Relaxed);
            while upstream.request_count() < 2 {
                other.adopt_orphans().await;
                actix_rt::time::sleep(Duration::from_millis(20)).await;
            }
            store.faults.down.store(false, Ordering::Relaxed);
        };
        let (answer, ()) = futures_util::future::join(asking, take_over).await;
        assert_eq!(answer.status.as_u16(), if refused { 404 } else { 200 });
        assert_eq!(answer.header("x-request-id"), "", "the first request had another answer");
        let text = answer.rest().await;
        assert!(refused || text.contains("[DONE]"), "{text}");
    }
}
