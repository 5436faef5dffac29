//! The routes of `useChat`, over real sockets.

use std::time::Duration;

use actorstream_test::{ChatStream, Gate, Reply, Upstream};
use actorstream_web::{Protocol, Takeover};
use serde_json::json;

use crate::common::{Service, builder, frames, log, ui, ui_text, within};

/// Sends a part, waits at the gate, and sends the rest.
fn held(gate: &Gate) -> Reply {
    let events: Vec<String> = ChatStream::new().delta_words().content("Hello, my world").events().collect();
    let (head, tail) = events.split_at(2);
    Reply::sse().events(head.to_vec()).gate(gate).events(tail.to_vec()).done().end()
}

#[actix_rt::test]
async fn an_answer_streams_with_the_headers_that_keep_it_flowing() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut answer = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("cache-control"), "no-cache, no-transform");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("content-encoding"), "identity");
    assert_eq!(answer.header("x-vercel-ai-ui-message-stream"), "v1");
    // The response is streamed.
    answer.until("Hello,").await;
    assert!(!answer.text.contains("world"));
    gate.open();
    let text = answer.rest().await;
    assert_eq!(ui_text(&text), "Hello, my world");
    assert!(text.ends_with("data: [DONE]\n\n"));
    let asked = upstream.requests()[0].json();
    assert_eq!((&asked["model"], &asked["messages"][0]["role"]), (&json!("m"), &json!("user")));
    assert_eq!(asked["stream"], true);
}

#[actix_rt::test]
async fn a_reload_goes_on_where_it_was() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut first = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    first.until("Hello,").await;
    let seen = frames(&first.text);
    drop(first);
    let mut from_start = service.get("alice", "/api/chat/c/stream").await;
    from_start.until("Hello,").await;
    let mut rest = service.get_after("alice", "/api/chat/c/stream", &seen.last().unwrap().0).await;
    gate.open();
    rest.until("[DONE]").await;
    let all = frames(&from_start.rest().await);
    let joined: Vec<_> = seen.into_iter().chain(frames(&rest.text)).collect();
    assert_eq!(joined, all);
    assert_eq!(upstream.request_count(), 1);
}

#[actix_rt::test]
async fn a_connection_that_was_lost_at_the_end_gets_the_rest_and_then_204() {
    let upstream = Upstream::start(ChatStream::new().delta_words().content("Hello, world").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let path = "/api/chat/c/stream";
    assert_eq!(service.get("alice", path).await.status, 204);
    let all = frames(&service.post("alice", "/api/chat", &ui("c", "m1")).await.rest().await);
    for (number, (id, _)) in all.iter().enumerate() {
        let rest = service.get_after("alice", path, id).await;
        if number + 1 == all.len() {
            assert_eq!(rest.status, 204);
        } else {
            assert_eq!(frames(&rest.rest().await), all[number + 1..]);
        }
        let after = service.get("alice", &format!("{path}?after={id}")).await;
        assert_eq!(after.status.as_u16(), if number + 1 == all.len() { 204 } else { 200 });
    }
    assert_eq!(service.get("alice", path).await.status, 204);
    let foreign = service.get_after("alice", path, "gen_00000000000000000000000000000000.3").await;
    assert_eq!(frames(&foreign.rest().await), all);
}

#[actix_rt::test]
async fn the_same_message_starts_nothing_twice() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut first = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    first.until("Hello,").await;
    let second = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    assert_eq!(second.generation(), first.generation());
    gate.open();
    assert_eq!(frames(&second.rest().await), frames(&first.rest().await));
    // Another message, a regeneration, and another user's message start new generations.
    let mut regenerate = ui("c", "m1");
    regenerate["trigger"] = json!("regenerate-message");
    for (user, body) in [("alice", ui("c", "m2")), ("alice", regenerate), ("bob", ui("c", "m2"))] {
        service.post(user, "/api/chat", &body).await.rest().await;
    }
    assert_eq!(upstream.request_count(), 4);
}

#[actix_rt::test]
async fn stop_closes_upstream_and_keeps_the_text() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut answer = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    answer.until("Hello,").await;
    let id = answer.generation();
    assert_eq!(service.post("alice", "/api/chat/c/stop", &json!({})).await.status, 202);
    within(upstream.peer_closed(0)).await;
    let text = answer.rest().await;
    assert_eq!(ui_text(&text), "Hello,");
    assert!(text.contains(r#""type":"abort""#), "{text}");
    let log = log(&**service.relay.store(), &id).await;
    assert_eq!(log.last().unwrap()["end"]["type"], "abort");
    // The kept text can be read again, and another stop has no effect.
    let again = service.get("alice", &format!("/api/v1/generations/{id}/stream?protocol=ui")).await;
    assert_eq!(ui_text(&again.rest().await), "Hello,");
    assert_eq!(service.post("alice", "/api/chat/c/stop", &json!({})).await.status, 202);
}

#[actix_rt::test]
async fn a_generation_of_another_owner_is_not_found() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut answer = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    answer.until("Hello,").await;
    let id = answer.generation();
    let nothing = json!({});
    assert_eq!(service.get("bob", "/api/chat/c/stream").await.status, 204);
    assert_eq!(service.post("bob", "/api/chat/c/stop", &nothing).await.status, 404);
    assert_eq!(service.get("bob", &format!("/api/v1/generations/{id}/stream")).await.status, 404);
    assert_eq!(service.post("bob", &format!("/api/v1/generations/{id}/stop"), &nothing).await.status, 404);
    assert_eq!(service.get("bob", &format!("/api/v1/responses/{id}")).await.status, 404);
    assert_eq!(service.get("alice", "/api/v1/generations/nonsense.../stream").await.status, 404);
    gate.open();
    assert_eq!(ui_text(&answer.rest().await), "Hello, my world");
}

#[actix_rt::test]
async fn nobody_comes_in_without_a_name() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let client = crate::common::client();
    for path in
        ["/api/chat/c/stream", "/api/v1/responses/x", "/api/v1/generations/x/stream", "/api/v1/models"]
    {
        assert_eq!(client.get(service.url(path)).send().await.unwrap().status(), 401, "{path}");
    }
    let posts = [
        "/api/chat",
        "/api/chat/c/stop",
        "/api/v1/chat/completions",
        "/api/v1/completions",
        "/api/v1/responses",
        "/api/v1/responses/x/cancel",
        "/api/v1/generations/x/stop",
        "/own",
    ];
    for path in posts {
        assert_eq!(
            client.post(service.url(path)).send_json(&ui("c", "m")).await.unwrap().status(),
            401,
            "{path}"
        );
    }
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn bad_requests_are_told_what_is_wrong() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()).max_body(1000));
    for (body, status) in [
        (json!([1]), 400),
        (json!({"id": "c"}), 400),
        (json!({"id": "c", "messages": [], "padding": "x".repeat(2000)}), 413),
    ] {
        let answer = service.post("alice", "/api/chat", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        let error = answer.json().await;
        assert!(error["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
    }
    assert_eq!(service.post("alice", "/api/chat?protocol=smoke", &ui("c", "m")).await.status, 400);
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn an_error_of_upstream_comes_in_the_viewers_protocol() {
    let upstream = Upstream::start(Reply::error(500, "server_error", "sk-secret is not welcome"));
    let service = Service::start(builder(&upstream.base_url()).expose_upstream_errors(true));
    let ui_stream = service.post("alice", "/api/chat", &ui("c", "m1")).await.rest().await;
    assert!(ui_stream.contains(r#""type":"error""#) && ui_stream.contains("is not welcome"), "{ui_stream}");
    assert!(!ui_stream.contains("sk-secret"), "{ui_stream}");
    let text = service.post("alice", "/api/chat?protocol=text", &ui("c", "m2")).await;
    assert_eq!(text.header("content-type").split(';').next(), Some("text/plain"));
    assert!(text.rest().await.contains("is not welcome"));
}

#[actix_rt::test]
async fn a_new_message_stops_the_answer_before() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut first = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    first.until("Hello,").await;
    let second = service.post("alice", "/api/chat", &ui("c", "m2")).await;
    assert!(first.rest().await.contains(r#""type":"abort""#));
    gate.open();
    assert_eq!(ui_text(&second.rest().await), "Hello, my world");
}

#[actix_rt::test]
async fn a_client_that_leaves_is_noticed() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut answer = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    answer.until("Hello,").await;
    assert_eq!(service.relay.viewers(), 1);
    drop(answer);
    within(async {
        while service.relay.viewers() > 0 {
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(service.relay.running(), 1, "the generation goes on");
    gate.open();
}

#[actix_rt::test]
async fn a_handler_of_ones_own_takes_three_lines() {
    let upstream = Upstream::start(ChatStream::new().content("Once upon a time").reply());
    let service = Service::start(builder(&upstream.base_url()).takeover(Takeover::Fail));
    let answer = service.post("alice", "/own", &json!({})).await;
    assert_eq!(answer.rest().await, "Once upon a time");
    let _ = Protocol::Text;
}

#[actix_rt::test]
async fn the_chat_route_can_ask_for_responses() {
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m",
        "status": status, "output": []})
    };
    let events = [
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress")}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
            "item": {"type": "message", "id": "i", "status": "in_progress", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "sequence_number": 2, "item_id": "i", "output_index": 0,
            "content_index": 0, "delta": "Hello"}),
        json!({"type": "response.completed", "sequence_number": 3, "response": response("completed")}),
    ];
    let upstream = Upstream::start(Reply::sse().events(events).end());
    let service = Service::start(builder(&upstream.base_url()).chat_over_responses());
    let text = service.post("alice", "/api/chat", &ui("c", "m1")).await.rest().await;
    assert_eq!(ui_text(&text), "Hello");
    assert_eq!(upstream.requests()[0].path, "/v1/responses");
}

#[actix_rt::test]
async fn an_answer_that_continues_a_message_keeps_its_id() {
    let gate = Gate::new();
    let upstream = Upstream::start(held(&gate));
    let service = Service::start(builder(&upstream.base_url()));
    let mut body = ui("c", "m1");
    body["messages"].as_array_mut().unwrap().push(json!({"id": "asst_77", "role": "assistant", "parts": [
        {"type": "tool-f", "toolCallId": "k", "state": "output-available", "input": {}, "output": 2}]}));
    let mut first = service.post("alice", "/api/chat", &body).await;
    first.until("Hello,").await;
    // Every viewer receives the same, whenever it connects.
    let same = service.post("alice", "/api/chat", &body).await;
    let reload = service.get("alice", "/api/chat/c/stream").await;
    let by_id = format!("/api/v1/generations/{}/stream?protocol=ui", first.generation());
    let by_id = service.get("alice", &by_id).await;
    gate.open();
    let all = first.rest().await;
    assert!(frames(&all)[0].1.contains(r#""messageId":"asst_77""#), "{all}");
    for viewer in [same, reload, by_id] {
        assert_eq!(viewer.rest().await, all);
    }
    let asked = upstream.requests()[0].json();
    assert_eq!(upstream.request_count(), 1);
    assert_eq!(asked.as_object().unwrap().keys().collect::<Vec<_>>(), ["model", "messages", "stream"]);
}

#[actix_rt::test]
async fn a_message_without_anything_to_answer_is_refused() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    for relay in [builder(&upstream.base_url()), builder(&upstream.base_url()).chat_over_responses()] {
        let service = Service::start(relay);
        let mut body = ui("c", "m1");
        body["messages"][0]["parts"] = json!([]);
        let answer = service.post("alice", "/api/chat", &body).await;
        assert_eq!(answer.status, 400);
        let said = answer.json().await["error"]["message"].take();
        assert_eq!(said, "messages[0].parts: there is nothing for the model to answer");
    }
    assert_eq!(upstream.request_count(), 0);
}
