//! Images and audio of the upstream for manual experiments.

use crate::raw_client::RawClient;
use actorstream_test::{Upstream, story};
use serde_json::{Value, json};

/// Returns the head and the body of the response to a request; the body is still chunked.
async fn ask(path: &str, content_type: &str, body: &str) -> (String, String) {
    let upstream = Upstream::spawn(story());
    let mut client = RawClient::connect(&upstream).await;
    let head = format!(
        "POST /v1{path} HTTP/1.1\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length"
    );
    client.send(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    let answer = client.rest_to_fin().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn events(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|event| serde_json::from_str(event).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn pictures() {
    let asked = json!({"prompt": "An otter", "n": 2, "partial_images": 2, "stream": true}).to_string();
    let (_, body) = ask("/images/generations", "application/json", &asked).await;
    let types: Vec<_> =
        events(&body).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let one =
        ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"];
    assert_eq!(types, [one, one].concat());
    let (_, body) =
        ask("/images/edits", "application/json", &json!({"prompt": "An otter"}).to_string()).await;
    let whole: Value = serde_json::from_str(&body).unwrap();
    assert!(whole["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    let (head, _) = ask("/images/generations", "application/json", "{}").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn transcriptions() {
    let form = |more: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sea.mp3\"\r\n\r\nhum\r\n{more}--B--\r\n"
        )
    };
    let field = |name: &str, value: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let kind = "multipart/form-data; boundary=B";
    let (_, body) = ask("/audio/transcriptions", kind, &form(&field("stream", "true"))).await;
    let events = events(&body);
    let text: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert!(text.starts_with("A recording of 3 bytes, sea.mp3."), "{text}");
    assert_eq!(events.last().unwrap()["text"], text);
    let (head, body) = ask("/audio/transcriptions", kind, &form(&field("response_format", "vtt"))).await;
    assert!(head.contains("text/vtt") && body.starts_with("WEBVTT"), "{head} {body}");
    let (_, body) = ask("/audio/transcriptions", kind, &form("")).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["text"], text);
}

#[tokio::test(start_paused = true)]
async fn speech() {
    let asked = json!({"input": "Hello there", "stream_format": "sse"}).to_string();
    let (_, body) = ask("/audio/speech", "application/json", &asked).await;
    let events = events(&body);
    assert!(events[0]["audio"].as_str().unwrap().starts_with("UklGR"));
    assert_eq!(events.last().unwrap()["usage"]["input_tokens"], 2);
}
