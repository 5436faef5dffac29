//! The routes of the OpenAI API, over real sockets.

use actorstream_test::{ChatStream, CompletionStream, Gate, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{Service, builder, frames, log, within};

fn response(status: &str, output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "background": true,
        "status": status, "output": output})
}

fn message(text: &str) -> Value {
    json!([{"type": "message", "id": "i", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}]}])
}

/// Returns the events of a response, numbered from 0.
fn response_events() -> Vec<Value> {
    let mut events = vec![
        json!({"type": "response.created", "response": response("in_progress", &json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0,
            "item": {"type": "message", "id": "i", "status": "in_progress", "role": "assistant", "content": []}}),
        json!({"type": "response.content_part.added", "item_id": "i", "output_index": 0, "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []}}),
    ];
    for text in ["One", " two"] {
        events.push(json!({"type": "response.output_text.delta", "item_id": "i", "output_index": 0,
            "content_index": 0, "delta": text}));
    }
    events
        .push(json!({"type": "response.completed", "response": response("completed", &message("One two"))}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn data(text: &str) -> Vec<Value> {
    let frames = frames(text).into_iter().map(|(_, data)| data);
    frames.filter(|data| data != "[DONE]").map(|data| serde_json::from_str(&data).unwrap()).collect()
}

#[actix_rt::test]
async fn a_streamed_completion_is_upstreams_to_the_letter() {
    let stream = ChatStream::new().content("Hello, wörld").usage(1, 2);
    let upstream = Upstream::start(stream.reply());
    let service = Service::start(builder(&upstream.base_url()));
    let request = json!({"model": "gpt-x", "messages": [{"role": "user", "content": "Hi"}], "stream": true,
        "temperature": 0.7, "unknown": {"a": 1}});
    let answer = service.post("alice", "/api/v1/chat/completions", &request).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/event-stream"));
    let text = answer.rest().await;
    let sent: Vec<String> = frames(&text).into_iter().map(|(_, data)| data).collect();
    let came: Vec<String> = stream.events().chain(["[DONE]".to_owned()]).collect();
    assert_eq!(sent, came);
    let asked = upstream.requests()[0].clone();
    assert_eq!(asked.json(), request);
    assert_eq!(asked.header("authorization"), Some("Bearer sk-secret"));
}

#[actix_rt::test]
async fn an_unstreamed_answer_of_a_server_that_streams_all_the_same_is_put_together() {
    let chat = ChatStream::new().content("Hello").tool_call("c", "f", "{}").usage(1, 2);
    let text = CompletionStream::new().text("Once");
    let (chat_reply, text_reply) = (chat.reply(), text.reply());
    let upstream = Upstream::start(Script::with(move |request: &Request| match request.path.as_str() {
        "/v1/chat/completions" => chat_reply.clone(),
        _ => text_reply.clone(),
    }));
    let service = Service::start(builder(&upstream.base_url()));
    let request = json!({"model": "m", "messages": []});
    let answer = service.post("alice", "/api/v1/chat/completions", &request).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let answer = answer.json().await;
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "f");
    assert_eq!(answer["usage"]["completion_tokens"], 2);
    assert_eq!(upstream.requests()[0].json(), request);
    let answer = service
        .post("alice", "/api/v1/completions", &json!({"model": "m", "prompt": "x"}))
        .await
        .json()
        .await;
    assert_eq!(answer["choices"][0]["text"], "Once");
}

#[actix_rt::test]
async fn a_refusal_has_its_status() {
    for streamed in [true, false] {
        let upstream = Upstream::start(Reply::error(429, "rate_limit_error", "slow down"));
        let service = Service::start(builder(&upstream.base_url()).expose_upstream_errors(true));
        let request = json!({"model": "m", "messages": [], "stream": streamed});
        let answer = service.post("alice", "/api/v1/chat/completions", &request).await;
        assert_eq!(answer.status, 429);
        let error = answer.json().await;
        assert_eq!(error["error"]["message"], "slow down");
        assert_eq!(error["error"]["type"], "rate_limit_error");
    }
}

#[actix_rt::test]
async fn a_response_is_found_by_upstreams_id_and_gone_on_with() {
    let gate = Gate::new();
    let (head, tail) = (response_events(), response_events().split_off(4));
    let upstream = Upstream::start(Reply::sse().events(&head[..4]).gate(&gate).events(tail).end());
    let service = Service::start(builder(&upstream.base_url()));
    let request = json!({"model": "m", "input": "Hi", "stream": true, "background": true});
    let mut first = service.post("alice", "/api/v1/responses", &request).await;
    first.until("One").await;
    let live = service.get("alice", "/api/v1/responses/resp_1?stream=true&starting_after=2").await;
    assert_eq!(service.get("bob", "/api/v1/responses/resp_1?stream=true").await.status, 404);
    gate.open();
    assert_eq!(data(&first.rest().await), response_events());
    assert_eq!(data(&live.rest().await), response_events()[3..]);
    for after in 0..response_events().len() {
        let path = format!("/api/v1/responses/resp_1?stream=true&starting_after={after}");
        assert_eq!(data(&service.get("alice", &path).await.rest().await), response_events()[after + 1..]);
    }
    let whole = service.get("alice", "/api/v1/responses/resp_1").await.json().await;
    assert_eq!(whole["status"], "completed");
    assert_eq!(whole["output"][0]["content"][0]["text"], "One two");
    assert_eq!(upstream.request_count(), 1);
}

#[actix_rt::test]
async fn an_unstreamed_response_is_put_together() {
    let upstream = Upstream::start(Reply::sse().events(response_events()).end());
    let service = Service::start(builder(&upstream.base_url()));
    let answer =
        service.post("alice", "/api/v1/responses", &json!({"model": "m", "input": "Hi"})).await.json().await;
    assert_eq!((&answer["id"], &answer["status"]), (&json!("resp_1"), &json!("completed")));
    assert_eq!(answer["output"][0]["content"][0]["text"], "One two");
}

#[actix_rt::test]
async fn a_response_in_background_mode_can_be_polled() {
    let gate = Gate::new();
    let events = response_events();
    let upstream = Upstream::start(Reply::sse().events(&events[..4]).gate(&gate).events(&events[4..]).end());
    let service = Service::start(builder(&upstream.base_url()));
    let request = json!({"model": "m", "input": "Hi", "background": true});
    let begun = service.post("alice", "/api/v1/responses", &request).await.json().await;
    assert_eq!((&begun["id"], &begun["status"]), (&json!("resp_1"), &json!("in_progress")));
    let poll = || async { service.get("alice", "/api/v1/responses/resp_1").await.json().await };
    assert_eq!(poll().await["status"], "in_progress");
    gate.open();
    within(async {
        while poll().await["status"] != "completed" {
            actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(poll().await["output"][0]["content"][0]["text"], "One two");
    assert_eq!(upstream.request_count(), 1);
}

#[actix_rt::test]
async fn a_response_can_be_cancelled() {
    let gate = Gate::new();
    let events: Vec<Value> = response_events().into_iter().take(4).collect();
    let opened = gate.clone();
    let upstream = Upstream::start(Script::with(move |request: &Request| match request.path.as_str() {
        "/v1/responses" => Reply::sse().events(events.clone()).gate(&opened).hold(),
        _ => Reply::json(200, &json!({"id": "resp_1", "status": "cancelled"})),
    }));
    let service = Service::start(builder(&upstream.base_url()));
    let request = json!({"model": "m", "input": "Hi", "stream": true, "background": true});
    let mut first = service.post("alice", "/api/v1/responses", &request).await;
    first.until("One").await;
    let id = first.generation();
    assert_eq!(service.post("bob", "/api/v1/responses/resp_1/cancel", &json!({})).await.status, 404);
    let cancelled = service.post("alice", "/api/v1/responses/resp_1/cancel", &json!({})).await.json().await;
    assert_eq!((&cancelled["id"], &cancelled["status"]), (&json!("resp_1"), &json!("cancelled")));
    // The response is also cancelled at upstream.
    let told = within(upstream.request(1)).await;
    assert_eq!((told.method.as_str(), told.path.as_str()), ("POST", "/v1/responses/resp_1/cancel"));
    assert_eq!(log(&**service.relay.store(), &id).await.last().unwrap()["end"]["type"], "abort");
    first.rest().await;
}

#[actix_rt::test]
async fn the_models_are_upstreams() {
    let models = json!({"object": "list", "data": [{"id": "m", "object": "model"}]});
    let upstream = Upstream::start(Reply::json(200, &models));
    let service = Service::start(builder(&upstream.base_url()));
    assert_eq!(service.get("alice", "/api/v1/models").await.json().await, models);
    assert_eq!(upstream.requests()[0].path, "/v1/models");
}

#[actix_rt::test]
async fn a_request_is_looked_at_before_it_goes_out() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()).prepare(|owner, _, request| {
        if request.get::<String>("model").as_deref() != Some("small") {
            return Err(actorstream_web::Failure::new(403, "invalid_request_error", "ask the small model"));
        }
        request.set("user", owner);
        Ok(())
    }));
    let ask = |model: &str| json!({"model": model, "messages": [], "stream": true});
    assert_eq!(service.post("alice", "/api/v1/chat/completions", &ask("large")).await.status, 403);
    assert_eq!(service.post("alice", "/api/v1/chat/completions", &ask("small")).await.status, 200);
    assert_eq!(upstream.requests()[0].json()["user"], "alice");
    assert_eq!(upstream.request_count(), 1);
}
