//! A chat completion as OpenAI streams it.

use serde_json::{Value, json};

use super::plain::{Answer, Call, Counts, Item};
use super::stream::Event;

/// The events, without `[DONE]`.
pub(super) fn events(answer: &Answer) -> Vec<Event> {
    let mut events = Vec::new();
    for (index, choice) in answer.choices.iter().enumerate() {
        let mut say = |delta: Value| events.push(chunk(index, delta, Value::Null));
        say(json!({"role": "assistant", "content": "", "refusal": null}));
        let mut calls = 0;
        for item in &choice.items {
            match item {
                Item::Reasoning(pieces) => {
                    pieces.iter().for_each(|text| say(json!({"reasoning_content": text})));
                }
                Item::Message(parts) => {
                    for part in parts {
                        let name = if part.refusal { "refusal" } else { "content" };
                        part.pieces.iter().for_each(|text| say(json!({ name: text })));
                    }
                }
                Item::Call(call) => {
                    deltas(call, calls).into_iter().for_each(|delta| say(json!({"tool_calls": [delta]})));
                    calls += 1;
                }
            }
        }
        if let Some(reason) = choice.reason {
            events.push(chunk(index, json!({}), json!(reason)));
        }
    }
    if let Some(counts) = answer.usage {
        let mut last = chunk(0, json!({}), Value::Null);
        last.json["choices"] = json!([]);
        last.json["usage"] = usage(counts);
        events.push(last);
    }
    events
}

/// A chunk with one choice.
pub(super) fn chunk(index: usize, delta: Value, reason: Value) -> Event {
    Event::data(json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m-1",
        "service_tier": "default", "system_fingerprint": "fp_1",
        "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": reason}],
    }))
}

/// The deltas of a call.
fn deltas(call: &Call, index: usize) -> Vec<Value> {
    let (kind, text) = if call.custom { ("custom", "input") } else { ("function", "arguments") };
    let begun = json!({"index": index, "id": call.id, "type": kind, kind: {"name": call.name, text: ""}});
    let more = call.pieces.iter().map(|piece| json!({"index": index, kind: {text: piece}}));
    std::iter::once(begun).chain(more).collect()
}

/// The usage of a completion.
pub(super) fn usage(counts: Counts) -> Value {
    json!({
        "prompt_tokens": counts.input[0], "completion_tokens": counts.output[0], "total_tokens": counts.total(),
        "prompt_tokens_details": {"cached_tokens": counts.input[1], "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": counts.output[1], "audio_tokens": 0},
    })
}
