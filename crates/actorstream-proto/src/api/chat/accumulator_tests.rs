use bytes::Bytes;
use serde_json::{Value, json};

use super::super::tool_calls::TOOL_CALL;
use super::*;
use crate::endpoint::event::{Event, Memory as _};
use crate::sse::Frame;
use crate::template::Template;

fn chunk(json: &str) -> ChatCompletionChunk {
    let frame = Frame { event: None, data: Bytes::copy_from_slice(json.as_bytes()) };
    ChatCompletionChunk::decode(frame, &mut Default::default()).unwrap().event
}

fn add_up(chunks: &[Value]) -> Value {
    let mut accumulator = ChatAccumulator::default();
    for json in chunks {
        accumulator.push(&mut chunk(&json.to_string()), true);
    }
    serde_json::to_value(accumulator.take()).unwrap()
}

#[test]
fn adds_up_to_what_the_unstreamed_call_answers() {
    let delta = |delta: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "service_tier": "default",
               "system_fingerprint": "fp", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    };
    let got = add_up(&[
        delta(json!({"role": "assistant", "content": "", "refusal": null})),
        delta(json!({"content": "Hel"})),
        delta(json!({"content": "lo"})),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
               "completion_tokens_details": {"reasoning_tokens": 0}}}),
    ]);
    let unstreamed = json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": null},
                     "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
                  "completion_tokens_details": {"reasoning_tokens": 0}},
        "service_tier": "default", "system_fingerprint": "fp"});
    assert_eq!(got, unstreamed);
}

#[test]
fn several_choices_tools_reasoning_logprobs_audio_and_unknown_fields() {
    let got = add_up(&[
        json!({"choices": [
            {"index": 1, "delta": {"role": "assistant", "reasoning_content": "hm"}},
            {"index": 0, "delta": {"role": "assistant", "refusal": "I "}, "logprobs": {"content": null,
             "refusal": [{"token": "I", "logprob": -0.5, "bytes": [73], "top_logprobs": []}]}}]}),
        json!({"provider": "p", "choices": [
            {"index": 0, "delta": {"refusal": "won't", "signature": "a"}, "native_finish_reason": "x",
             "logprobs": {"content": null, "refusal": [{"token": "w", "logprob": -1.0, "bytes": null,
             "top_logprobs": []}]}, "finish_reason": "stop"},
            {"index": 1, "delta": {"tool_calls": [{"index": 0, "id": "t", "type": "function",
             "function": {"name": "f", "arguments": "{}"}}], "audio": {"id": "a", "data": "QUI=", "transcript": "hi"}}}]}),
        json!({"choices": [{"index": 1, "delta": {"audio": {"data": "QQ==", "expires_at": 9},
               "function_call": {"name": "old", "arguments": "1"}}, "finish_reason": "tool_calls"}]}),
    ]);
    assert_eq!(got["provider"], "p");
    let [first, second] = got["choices"].as_array().unwrap().as_slice() else { panic!("{got}") };
    assert_eq!(first["message"]["refusal"], "I won't");
    assert_eq!(first["message"]["signature"], "a");
    assert_eq!(first["native_finish_reason"], "x");
    assert_eq!(first["logprobs"]["refusal"][1]["token"], "w");
    assert_eq!(second["message"]["reasoning_content"], "hm");
    assert_eq!(
        second["message"]["audio"],
        json!({"id": "a", "data": "QUI=QQ==", "transcript": "hi", "expires_at": 9})
    );
    assert_eq!(second["message"]["function_call"], json!({"name": "old", "arguments": "1"}));
    assert_eq!(
        second["message"]["tool_calls"],
        json!([{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}])
    );
}

#[test]
fn a_pair_of_surrogates_split_over_two_chunks_is_one_character() {
    let mut accumulator = ChatAccumulator::default();
    let text = |index: u32, content: &str| {
        format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"{content}"}}}}]}}"#)
    };
    let mut seen = [String::new(), String::new()];
    for (index, content) in [(0, r"a\ud83d"), (1, r"\ud83d"), (0, r"\ude00b"), (1, "x"), (0, r"\ud83d")] {
        let mut chunk = chunk(&text(index, content));
        accumulator.push(&mut chunk, true);
        seen[index as usize].push_str(chunk.choice(index).unwrap().delta.content.as_ref().unwrap());
    }
    let mut last = chunk(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#);
    accumulator.push(&mut last, true);
    seen[0].push_str(last.content().unwrap());
    assert_eq!(seen, ["a😀b\u{fffd}", "\u{fffd}x"]);
    let response = accumulator.take();
    let texts: Vec<_> =
        response.choices.iter().map(|choice| choice.message.content.clone().unwrap()).collect();
    assert_eq!(texts, seen);
}

#[test]
fn without_keeping_the_texts_all_else_is_there() {
    let mut accumulator = ChatAccumulator::default();
    for json in [
        r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"long text"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#,
    ] {
        accumulator.push(&mut chunk(json), false);
    }
    assert!(accumulator.is_complete(1) && !accumulator.is_complete(2));
    let response = accumulator.take();
    assert_eq!(response.content(), Some(""));
    assert_eq!(response.usage.unwrap().total_tokens, 3);
    assert_eq!(response.choices[0].finish_reason.as_ref().unwrap(), "stop");
}

#[test]
fn the_size_counts_what_a_server_can_make_it_hold() {
    let mut accumulator = ChatAccumulator::default();
    accumulator
        .push(&mut chunk(r#"{"choices":[{"index":4000000000,"delta":{"content":"0123456789"}}]}"#), true);
    assert_eq!(accumulator.size(), CHOICE + 10);
    accumulator
        .push(&mut chunk(r#"{"choices":[{"index":4000000000,"delta":{"tool_calls":[{"index":7}]}}]}"#), true);
    assert_eq!(accumulator.size(), CHOICE + 10 + TOOL_CALL);
}

#[test]
fn a_long_response_is_whole() {
    let mut accumulator = ChatAccumulator::default();
    for number in 0..100_000 {
        let json = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{number} "}}}}]}}"#);
        accumulator.push(&mut chunk(&json), true);
    }
    let text: String = (0..100_000).map(|number| format!("{number} ")).collect();
    assert_eq!(accumulator.take().content(), Some(text.as_str()));
}

#[test]
fn what_adds_up_keeps_no_read_alive() {
    let chunk = |number: usize| {
        format!(
            r#"{{"id":"chatcmpl-{number}","model":"a model with a long name","choices":[{{"index":0,"delta":{{"content":"a text that is not short"}}}}],"provider":"p{number}"}}"#
        )
    };
    let (mut template, mut accumulator) = (Default::default(), ChatAccumulator::default());
    for number in 0..9 {
        let read = Bytes::from(chunk(number));
        let frame = Frame { event: None, data: read.clone() };
        let mut events = Vec::new();
        if let Err(frame) = Template::recall(&mut template, frame, &mut events) {
            events.push(ChatCompletionChunk::decode(frame, &mut template).unwrap().event);
        }
        accumulator.push(&mut events[0], true);
        drop(events);
        assert!(read.is_unique(), "event {number}");
    }
}
