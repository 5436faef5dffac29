//! Well-formed streams, and what they add up to.

use crate::raw_client::RawClient;
use actorstream_test::{ChatStream, CompletionStream, Upstream};
use serde_json::{Value, json};

fn parsed(events: impl Iterator<Item = String>) -> Vec<Value> {
    events.map(|event| serde_json::from_str(&event).unwrap()).collect()
}

#[test]
fn a_chat_stream_word_by_word() {
    let stream = ChatStream::new().id("a\"b").model("m").created(7).content("Hi there").delta_words();
    let events: Vec<String> = stream.events().collect();
    let chunk = |delta: &str, reason: &str| {
        format!(
            r#"{{"id":"a\"b","object":"chat.completion.chunk","created":7,"model":"m","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}]}}"#
        )
    };
    let expected = [
        chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        chunk(r#"{"content":"Hi"}"#, "null"),
        chunk(r#"{"content":" there"}"#, "null"),
        chunk("{}", r#""stop""#),
    ];
    assert_eq!(events, expected);
    assert_eq!(
        stream.completion(),
        json!({
            "id": "a\"b", "object": "chat.completion", "created": 7, "model": "m",
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": "Hi there", "refusal": null},
                "logprobs": null,
                "finish_reason": "stop",
            }],
        })
    );
}

/// Adds up the deltas of a chat stream, independently of the code under test.
fn add_up(chunks: &[Value]) -> Vec<Value> {
    let mut choices: Vec<Value> = Vec::new();
    for choice in chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        let index = choice["index"].as_u64().unwrap() as usize;
        if index == choices.len() {
            choices.push(json!({"index": index, "message": {}, "logprobs": null}));
        }
        let whole = &mut choices[index];
        whole["finish_reason"] = choice["finish_reason"].clone();
        for (key, value) in choice["delta"].as_object().unwrap() {
            let message = &mut whole["message"];
            match (key.as_str(), value) {
                ("tool_calls", _) => add_call(message, &value[0]),
                (_, Value::String(text)) => append(&mut message[key], text),
                _ => message[key] = value.clone(),
            }
        }
    }
    choices
}

fn add_call(message: &mut Value, delta: &Value) {
    let index = delta["index"].as_u64().unwrap() as usize;
    if index == 0 && message["tool_calls"].is_null() {
        message["tool_calls"] = json!([]);
    }
    let calls = message["tool_calls"].as_array_mut().unwrap();
    if index == calls.len() {
        let mut call = delta.clone();
        call.as_object_mut().unwrap().remove("index");
        return calls.push(call);
    }
    let arguments = delta["function"]["arguments"].as_str().unwrap();
    append(&mut calls[index]["function"]["arguments"], arguments);
}

fn append(value: &mut Value, text: &str) {
    *value = format!("{}{text}", value.as_str().unwrap_or_default()).into();
}

#[test]
fn a_chat_stream_adds_up_to_its_completion() {
    let stream = ChatStream::new()
        .reasoning_content("Let me think.")
        .content("Grüße 😀😀 an alle")
        .tool_call("call_1", "weather", r#"{"city":"Zürich"}"#)
        .tool_call("call_2", "time", "")
        .choice()
        .refusal("I would rather not.")
        .choice()
        .deltas(100, "tok ")
        .finish_reason("length")
        .choice()
        .usage(9, 120)
        .delta_chars(3);
    let mut chunks = parsed(stream.events());
    let completion = stream.completion();

    let usage = chunks.pop().unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["total_tokens"], 129);
    assert_eq!(usage["usage"], completion["usage"]);
    assert!(chunks.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    assert_eq!(Value::from(add_up(&chunks)), completion["choices"]);
    assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(completion["choices"][2]["finish_reason"], "length");
    assert_eq!(completion["choices"][3]["message"]["content"], Value::Null);
}

#[test]
fn a_completion_stream_adds_up_to_its_completion() {
    let stream = CompletionStream::new()
        .text("Once upon a time")
        .choice()
        .deltas(3, "la ")
        .finish_reason("length")
        .usage(1, 2);
    let chunks = parsed(stream.events());
    let mut texts = [String::new(), String::new()];
    for choice in chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        assert_eq!(chunks[0]["object"], "text_completion");
        let index = choice["index"].as_u64().unwrap() as usize;
        texts[index].push_str(choice["text"].as_str().unwrap());
    }
    let completion = stream.completion();
    assert_eq!(texts[0], completion["choices"][0]["text"]);
    assert_eq!(texts[1], completion["choices"][1]["text"]);
    assert_eq!(texts[1], "la la la ");
    assert_eq!(completion["choices"][1]["finish_reason"], "length");
    assert_eq!(completion["usage"]["total_tokens"], 3);
}

#[tokio::test]
async fn a_long_stream_is_made_as_it_goes() {
    const COUNT: usize = 100_000;
    let stream = ChatStream::new().deltas(COUNT, "tok ");
    let upstream = Upstream::spawn(stream.reply().split_every(1 << 16));
    let mut client = RawClient::posting(&upstream, "").await;
    let answer = client.read_until("\r\n0\r\n\r\n").await;
    assert_eq!(answer.matches("data: {").count(), COUNT + 2);
    assert!(answer.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"));
    client.post("/", "").await;
    client.read().await;
}
