//! The gateway reports what upstream reports.

use std::sync::atomic::Ordering;

use actorstream_test::{ChatStream, Gate, Reply, Request, Script, Upstream};
use actorstream_web::{Failure, RelayBuilder};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Service, builder, client, ui, ui_text, user, with_store, within};
use crate::faulty_store::FaultyStore;

fn chat(streamed: bool) -> Value {
    json!({"model": "m", "messages": [], "stream": streamed})
}

#[actix_rt::test]
async fn statuses_keep_their_meaning_and_nobody_asks_again_for_the_client() {
    for status in [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529] {
        for streamed in [true, false] {
            let body = json!({"error": {"message": "No.", "type": "t", "param": "model", "code": "c"}});
            let reply = Reply::json(status, &body).header("x-request-id", "req_1").header("retry-after", "7");
            let upstream = Upstream::start(reply);
            let openai =
                actorstream::OpenAi::builder().base_url(upstream.base_url()).api_key("k").build().unwrap();
            let store = actorstream_web::store::MemoryStore::default();
            let relay = actorstream_web::Relay::builder(openai, store, user).expose_upstream_errors(true);
            let service = Service::start(relay);
            let answer = service.post("alice", "/api/v1/chat/completions", &chat(streamed)).await;
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!((answer.header("x-request-id"), answer.header("retry-after")), ("req_1", "7"));
            let credentials = matches!(status, 401 | 403);
            assert_eq!(answer.header("x-should-retry"), if credentials { "false" } else { "" });
            let error = answer.json().await["error"].take();
            assert_eq!(error["param"], "model");
            if credentials {
                assert_eq!(error["code"], "upstream_credentials");
                assert!(
                    error["message"].as_str().unwrap().contains("credentials of this service"),
                    "{error}"
                );
            } else {
                assert_eq!((&error["message"], &error["code"]), (&json!("No."), &json!("c")));
            }
            assert_eq!(upstream.request_count(), 1, "{status}");
        }
    }
}

#[actix_rt::test]
async fn the_parameter_that_an_error_in_mid_stream_is_about_is_told_with_its_words() {
    let error = json!({"error": {"message": "No.", "type": "t", "param": "tools[0]", "code": "c"}});
    let begun = ChatStream::new().content("Hel").events().take(1);
    let upstream = Upstream::start(Reply::sse().events(begun).event(error).end());
    for told in [true, false] {
        let service = Service::start(builder(&upstream.base_url()).expose_upstream_errors(told));
        let text = service.post("alice", "/api/v1/chat/completions", &chat(true)).await.rest().await;
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let error: Value = serde_json::from_str(last).unwrap();
        assert_eq!(error["error"]["param"], if told { json!("tools[0]") } else { Value::Null }, "{text}");
    }
}

fn response(status: &str, more: &Value) -> Value {
    let mut response = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status,
        "background": true, "output": []});
    response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    response
}

/// Returns the events of a response that fails after some output.
fn failing() -> Vec<Value> {
    let error = json!({"error": {"code": "server_error", "message": "The model broke"}});
    vec![
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", &json!({}))}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
            "item": {"type": "message", "id": "i", "status": "in_progress", "role": "assistant", "content": []}}),
        json!({"type": "response.content_part.added", "sequence_number": 2, "item_id": "i", "output_index": 0,
            "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
        json!({"type": "response.output_text.delta", "sequence_number": 3, "item_id": "i", "output_index": 0,
            "content_index": 0, "delta": "So far"}),
        json!({"type": "response.failed", "sequence_number": 4, "response": response("failed", &error)}),
    ]
}

#[actix_rt::test]
async fn a_failed_response_is_a_response() {
    let upstream = Upstream::start(Reply::sse().events(failing()).end());
    let service = Service::start(builder(&upstream.base_url()).expose_upstream_errors(true));
    let failed = |answer: Value| {
        assert_eq!((&answer["id"], &answer["status"]), (&json!("resp_1"), &json!("failed")), "{answer}");
        assert_eq!(answer["error"]["message"], "The model broke", "{answer}");
    };
    let unstreamed = service.post("alice", "/api/v1/responses", &json!({"model": "m", "input": "x"})).await;
    assert_eq!(unstreamed.status, 200);
    failed(unstreamed.json().await);

    let background = json!({"model": "m", "input": "x", "background": true});
    assert_eq!(service.post("bob", "/api/v1/responses", &background).await.status, 200);
    let mut last = Value::Null;
    within(async {
        while last["status"] != "failed" {
            let answer = service.get("bob", "/api/v1/responses/resp_1").await;
            assert_eq!(answer.status, 200);
            last = answer.json().await;
        }
    })
    .await;
    assert_eq!(last["output"][0]["content"][0]["text"], "So far", "{last}");
    failed(last);
    let cancelled = service.post("bob", "/api/v1/responses/resp_1/cancel", &json!({})).await;
    assert_eq!(cancelled.status, 200);
    failed(cancelled.json().await);
}

#[actix_rt::test]
async fn an_unstreamed_answer_is_upstreams_to_the_letter() {
    let body = "{\"id\":\"x\", \"z\":1.50,\n \"a\":[12345678901234567890123, null], \"choices\":[{\"u\":\"\\u00e9\"}]}";
    let upstream = Upstream::start(Script::with(move |_: &Request| {
        Reply::text(200, "application/json; charset=utf-8", body)
            .header("openai-processing-ms", "42")
            .header("x-ratelimit-remaining-tokens", "9")
    }));
    let service = Service::start(builder(&upstream.base_url()));
    for (path, request) in [
        ("/api/v1/chat/completions", chat(false)),
        ("/api/v1/chat/completions", json!({"model": "m", "messages": []})),
        ("/api/v1/completions", json!({"model": "m", "prompt": "x"})),
        ("/api/v1/responses", json!({"model": "m", "input": "x"})),
        ("/api/v1/embeddings", json!({"model": "m", "input": "x"})),
        ("/api/v1/responses/input_tokens", json!({"model": "m", "input": "x"})),
    ] {
        let answer = service.post("alice", path, &request).await;
        assert_eq!((answer.status.as_u16(), answer.header("openai-processing-ms")), (200, "42"), "{path}");
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), "9");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.rest().await, body);
        let asked = upstream.requests().last().unwrap().clone();
        assert_eq!((asked.path.as_str(), asked.json()), (path.strip_prefix("/api").unwrap(), request));
    }
    for path in ["/api/v1/models", "/api/v1/models/m", "/api/v1/models/org/m"] {
        assert_eq!(service.get("alice", path).await.rest().await, body);
        assert_eq!(upstream.requests().last().unwrap().path, path.strip_prefix("/api").unwrap());
    }
}

#[actix_rt::test]
async fn an_unstreamed_response_is_kept_for_its_owner() {
    let whole = response("completed", &json!({"output": [{"type": "message", "x": 1.0}]})).to_string();
    let kept = whole.clone();
    let upstream = Upstream::start(Script::with(move |request: &Request| match request.method.as_str() {
        "DELETE" => Reply::text(200, "application/json", r#"{"deleted":true}"#),
        "GET" => Reply::text(200, "application/json", r#"{"data":[]}"#),
        _ => Reply::text(200, "application/json", whole.clone()),
    }));
    let service = Service::start(builder(&upstream.base_url()).pass_queries_on(true));
    let request = json!({"model": "m", "input": "x"});
    assert_eq!(service.post("alice", "/api/v1/responses", &request).await.rest().await, kept);
    assert_eq!(service.get("alice", "/api/v1/responses/resp_1").await.rest().await, kept);
    assert_eq!(
        service
            .get("alice", "/api/v1/responses/resp_1/input_items?include[]=a&include[]=b")
            .await
            .rest()
            .await,
        r#"{"data":[]}"#
    );
    let asked = upstream.requests().last().unwrap().clone();
    assert_eq!(
        (asked.path.as_str(), asked.query.as_deref()),
        ("/v1/responses/resp_1/input_items", Some("include[]=a&include[]=b"))
    );
    for path in ["/api/v1/responses/resp_1", "/api/v1/responses/resp_1/input_items"] {
        assert_eq!(service.get("bob", path).await.status, 404, "{path}");
    }
    let delete = |user: &'static str| {
        client().delete(service.url("/api/v1/responses/resp_1")).insert_header(("x-user", user)).send()
    };
    assert_eq!(within(delete("bob")).await.unwrap().status(), 404);
    let mut deleted = within(delete("alice")).await.unwrap();
    assert_eq!(deleted.body().await.unwrap(), r#"{"deleted":true}"#);
    assert_eq!(upstream.requests().last().unwrap().method, "DELETE");
    assert_eq!(service.get("alice", "/api/v1/responses/resp_1").await.status, 404);
}

#[actix_rt::test]
async fn a_client_that_gives_an_unstreamed_call_up_cancels_it() {
    let gate = Gate::new();
    let upstream = Upstream::start(Reply::raw().gate(&gate).hold());
    let service = Service::start(builder(&upstream.base_url()));
    let request = chat(false);
    let asking = service.post("alice", "/api/v1/chat/completions", &request);
    tokio::select! {
        _ = asking => panic!("there is no answer"),
        _ = within(upstream.request(0)) => {}
    }
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn allowed_headers_go_upstream_and_its_headers_come_back() {
    let upstream = Upstream::start(
        ChatStream::new()
            .content("Hello")
            .reply()
            .header("x-request-id", "req_9")
            .header("openai-version", "2020-10-01")
            .header("x-ratelimit-limit-requests", "60")
            .header("set-cookie", "a=b")
            .header("x-internal", "1"),
    );
    let allowed: fn(RelayBuilder) -> RelayBuilder = |relay| {
        relay.pass_headers_on(["OpenAI-Beta", "Idempotency-Key", "authorization"]).pass_queries_on(true)
    };
    for (allow, beta, query) in [(allowed, Some("x=1"), Some("a=b%20c")), (|relay| relay, None, None)] {
        let service = Service::start(allow(builder(&upstream.base_url())));
        let request =
            client().post(service.url("/api/v1/chat/completions?a=b%20c")).insert_header(("x-user", "alice"));
        let request = request
            .insert_header(("openai-beta", "x=1"))
            .insert_header(("cookie", "c"))
            .bearer_auth("clients");
        let answer = within(request.send_json(&chat(true))).await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("x-request-id").as_deref(), Some("req_9"));
        assert_eq!(header("openai-version").as_deref(), Some("2020-10-01"));
        assert_eq!(header("x-ratelimit-limit-requests").as_deref(), Some("60"));
        assert_eq!((header("set-cookie"), header("x-internal")), (None, None));
        let asked = upstream.requests().last().unwrap().clone();
        assert_eq!(asked.header("openai-beta"), beta);
        assert_eq!(asked.query.as_deref().map(|query| query.replace('+', "%20")).as_deref(), query);
        assert_eq!((asked.header("authorization"), asked.header("cookie")), (Some("Bearer sk-secret"), None));
    }
}

#[actix_rt::test]
async fn unknown_routes_answer_with_json() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    for path in ["/api/v1/nothing", "/api/v1", "/api/v1/chat", "/api/v1/responses/a/b/c", "/api/chat/c/other"]
    {
        let answer = service.get("alice", path).await;
        assert_eq!(answer.status, 404, "{path}");
        let error = answer.json().await["error"].take();
        assert_eq!(error["code"], "unknown_url");
        assert!(error["message"].as_str().unwrap().contains("stream"), "{error}");
    }
    for (path, allow) in [
        ("/api/v1/chat/completions", "POST"),
        ("/api/v1/responses", "POST"),
        ("/api/v1/embeddings", "POST"),
        ("/api/chat", "POST"),
        ("/api/chat/c/stop", "POST"),
    ] {
        let answer = service.get("alice", path).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{path}");
        assert_eq!(answer.json().await["error"]["code"], "method_not_allowed");
    }
    assert_eq!(service.post("alice", "/api/v1/models", &json!({})).await.status, 405);
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn clients_of_http_1_0_get_no_chunks() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let body = chat(true).to_string();
    let chat_body = ui("c", "m").to_string();
    for (path, body) in [("/api/v1/chat/completions", body), ("/api/chat", chat_body)] {
        let mut socket = TcpStream::connect(service.url("").strip_prefix("http://").unwrap()).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.0\r\nx-user: alice\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(socket.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        assert!(body.starts_with("id: ") && body.ends_with("data: [DONE]\n\n"), "{body}");
    }
}

#[actix_rt::test]
async fn an_answer_that_failed_is_asked_for_again() {
    let fails = std::sync::atomic::AtomicBool::new(true);
    let fails = std::sync::Arc::new(fails);
    let failing = std::sync::Arc::clone(&fails);
    let upstream = Upstream::start(Script::with(move |_: &Request| match failing.load(Ordering::Relaxed) {
        true => Reply::error(500, "server_error", "down"),
        false => ChatStream::new().content("Hello").reply(),
    }));
    let service = Service::start(builder(&upstream.base_url()));
    let ask = || async { service.post("alice", "/api/chat", &ui("c", "m")).await.rest().await };
    assert!(ask().await.contains(r#""type":"error""#));
    fails.store(false, Ordering::Relaxed);
    // One of several concurrent requests begins the response.
    let answers = join_all((0..8).map(|_| ask())).await;
    assert!(answers.iter().all(|answer| ui_text(answer) == "Hello"), "{answers:?}");
    assert_eq!(ui_text(&ask().await), "Hello");
    assert_eq!(upstream.request_count(), 2);
}

#[actix_rt::test]
async fn an_answer_that_failed_and_is_removed_meanwhile_is_asked_for_again() {
    let upstream = Upstream::start(Script::sequence([
        Reply::error(500, "server_error", "down"),
        ChatStream::new().content("Hello").reply(),
    ]));
    let store = FaultyStore::default();
    let service = Service::start(with_store(&upstream.base_url(), store.clone()));
    let ask = || async { service.post("alice", "/api/chat", &ui("c", "m")).await.rest().await };
    assert!(ask().await.contains(r#""type":"error""#));
    // A concurrent request detects the failure, and removes the generation while this request reads it.
    store.faults.removed_first.store(true, Ordering::Relaxed);
    assert_eq!(ui_text(&ask().await), "Hello");
    assert_eq!(upstream.request_count(), 2);
}

#[actix_rt::test]
async fn the_second_of_two_tabs_says_so_to_the_first() {
    let upstream =
        Upstream::start(Reply::sse().events(ChatStream::new().content("Hel").events().take(1)).hold());
    let service = Service::start(builder(&upstream.base_url()));
    let first = service.post("alice", "/api/chat", &ui("c", "m1")).await;
    let second = service.post("alice", "/api/chat", &ui("c", "m2")).await;
    let text = first.rest().await;
    assert!(
        text.contains(r#""type":"abort""#) && text.contains("another answer has begun in the chat"),
        "{text}"
    );
    drop(second);
}

#[actix_rt::test]
async fn embeddings_are_not_a_way_around_prepare() {
    let upstream = Upstream::start(Reply::json(200, &json!({"data": []})));
    let request = json!({"model": "dear", "input": "x"});
    let service = Service::start(builder(&upstream.base_url()).prepare(|_, _, _| Ok(())));
    assert_eq!(service.post("alice", "/api/v1/embeddings", &request).await.status, 403);
    let checked = builder(&upstream.base_url()).prepare(|_, _, _| Ok(())).prepare_embeddings(|_, request| {
        if request.get::<String>("model").as_deref() == Some("dear") {
            Err(Failure::new(403, "t", "no"))
        } else {
            Ok(())
        }
    });
    let service = Service::start(checked);
    assert_eq!(service.post("alice", "/api/v1/embeddings", &request).await.status, 403);
    assert_eq!(
        service.post("alice", "/api/v1/embeddings", &json!({"model": "m", "input": "x"})).await.status,
        200
    );
    assert_eq!(upstream.request_count(), 1);
}

#[actix_rt::test]
async fn when_to_come_again_is_passed_on_as_upstream_wrote_it() {
    let far = "9".repeat(40);
    for after in ["7", "0.5", "1e300", "-1", &far, "soon", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let body = json!({"error": {"message": "slow"}});
        let upstream = Upstream::start(Reply::json(429, &body).header("retry-after", after));
        let service = Service::start(builder(&upstream.base_url()));
        for streamed in [true, false] {
            let answer = service.post("alice", "/api/v1/chat/completions", &chat(streamed)).await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, after));
        }
    }
    // Unreadable headers are left out.
    let head = b"HTTP/1.1 429 No\r\ncontent-length: 2\r\nretry-after: 7\xff\r\n\r\n{}";
    let upstream = Upstream::start(Reply::recorded(head.to_vec()));
    let service = Service::start(builder(&upstream.base_url()));
    let answer = service.post("alice", "/api/v1/chat/completions", &chat(true)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, ""));
}
