//! The upstream for manual experiments.

use crate::raw_client::RawClient;
use actorstream_test::{Upstream, story};
use serde_json::{Value, json};

/// Returns the status line and the body of the response to a request.
async fn ask(path: &str, body: &str) -> (String, String) {
    let upstream = Upstream::spawn(story());
    let mut client = RawClient::connect(&upstream).await;
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}");
    client.send(format!("{head}\r\n\r\n{body}").as_bytes()).await;
    let answer = client.rest_to_fin().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap();
    (status.to_owned(), body.to_owned())
}

fn chunks(body: &str) -> Vec<Value> {
    assert!(body.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{body}");
    let events = body.lines().filter_map(|line| line.strip_prefix("data: {"));
    let chunks = events.map(|event| serde_json::from_str(&format!("{{{event}")).unwrap());
    chunks.collect()
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_streamed_in_time() {
    let start = tokio::time::Instant::now();
    let asked = json!({
        "model": "gpt-4",
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [
            {"role": "user", "content": "before"},
            {"role": "user", "content": [{"type": "text", "text": "Tell me about\nquantum computing"}]},
        ],
    });
    let (status, body) = ask("/v1/chat/completions", &asked.to_string()).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let chunks = chunks(&body);
    let text: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert!(text.contains("“Tell me about quantum computing”"), "{text}");
    assert_eq!(chunks[0]["model"], "gpt-4");
    let usage = &chunks.last().unwrap()["usage"];
    assert_eq!(usage["prompt_tokens"], 5);
    assert_eq!(usage["completion_tokens"], text.split_whitespace().count());
    let seconds = start.elapsed().as_secs();
    assert!((3..=10).contains(&seconds), "{seconds} s for {} chunks", chunks.len());
}

#[tokio::test(start_paused = true)]
async fn models_that_reason_do_so_first() {
    let asked = json!({"model": "o3-mini", "stream": true, "messages": []});
    let (_, body) = ask("/v1/chat/completions", &asked.to_string()).await;
    let chunks = chunks(&body);
    assert!(chunks[1]["choices"][0]["delta"]["reasoning_content"].is_string());
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn without_stream_it_answers_whole() {
    let asked = json!({"model": "m", "messages": [{"role": "user", "content": "x".repeat(100)}]});
    let (_, body) = ask("/v1/chat/completions", &asked.to_string()).await;
    let whole: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(whole["object"], "chat.completion");
    assert!(whole["usage"]["completion_tokens"].as_u64().unwrap() > 100);
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains(&format!("“{}…”", "x".repeat(60))), "{text}");

    let asked = json!({"model": "m", "prompt": ["a", "b"], "stream": false});
    let (_, body) = ask("/openai/v1/completions", &asked.to_string()).await;
    let whole: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(whole["object"], "text_completion");
    assert!(whole["choices"][0]["text"].as_str().unwrap().contains("“a b”"));
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_streamed() {
    let (_, body) = ask("/v1/completions", r#"{"prompt":"Hi","stream":true}"#).await;
    let chunks = chunks(&body);
    assert!(chunks.len() > 100);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn anything_else_is_refused() {
    for (path, body, status) in [
        ("/v1/models", "{}", "HTTP/1.1 404 Not Found"),
        ("/v1/chat/completions", "{", "HTTP/1.1 400 Bad Request"),
        ("/v1/completions", "[]", "HTTP/1.1 400 Bad Request"),
    ] {
        let (answered, body) = ask(path, body).await;
        assert_eq!(answered, status);
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_can_be_resumed_and_read_whole() {
    let upstream = Upstream::spawn(story());
    let ask = async |request: String| {
        let mut client = RawClient::connect(&upstream).await;
        client.send(request.as_bytes()).await;
        client.rest_to_fin().await.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n");
    let body =
        json!({"model": "o3", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "stream": true, "background": true})
        .to_string();
    let head = format!("POST /v1/responses HTTP/1.1\r\nconnection: close\r\ncontent-length: {}", body.len());
    let whole = ask(format!("{head}\r\n\r\n{body}")).await;
    let events = |body: &str| -> Vec<Value> {
        let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|event| serde_json::from_str(event).unwrap()).collect()
    };
    let whole = events(&whole);
    let response = &whole.last().unwrap()["response"];
    assert_eq!(response["output"][0]["type"], "reasoning");
    assert!(response["output"][1]["content"][0]["text"].as_str().unwrap().contains("“Hi”"));
    let id = response["id"].as_str().unwrap();

    let rest = ask(get(&format!("/v1/responses/{id}?stream=true&starting_after=4"))).await;
    assert_eq!(events(&rest), whole[5..]);
    let read: Value = serde_json::from_str(&ask(get(&format!("/v1/responses/{id}"))).await).unwrap();
    assert_eq!(&read, response);
    assert!(ask(get("/v1/responses/resp_other")).await.contains("not found"));
    let cancel =
        format!("POST /v1/responses/{id}/cancel HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let cancelled: Value = serde_json::from_str(&ask(cancel).await).unwrap();
    assert_eq!(cancelled["status"], "cancelled");
}
