//! The whole answer where a stream was asked for.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::chat;
use super::super::plain::{Answer, Choice, Endpoint, Item};
use super::super::stream::{Event, Kind, Stream};

/// The answer as the unstreamed call gives it.
fn answer(answer: &Answer) -> Value {
    let choices: Vec<Value> =
        (0..).zip(&answer.choices).map(|(index, own)| choice(answer.endpoint, index, own)).collect();
    let object = if answer.endpoint == Endpoint::Chat { "chat.completion" } else { "text_completion" };
    let mut whole = json!({"id": "c-1", "object": object, "created": 1, "model": "m-1", "choices": choices});
    if let Some(counts) = answer.usage {
        whole["usage"] = chat::usage(counts);
    }
    whole
}

fn choice(endpoint: Endpoint, index: usize, choice: &Choice) -> Value {
    let [mut text, mut refusal, mut reasoning] = [const { String::new() }; 3];
    let mut calls = Vec::new();
    for item in &choice.items {
        match item {
            Item::Reasoning(pieces) => reasoning += &pieces.concat(),
            Item::Message(parts) => {
                for part in parts {
                    let into = if part.refusal { &mut refusal } else { &mut text };
                    *into += &part.pieces.concat();
                }
            }
            Item::Call(call) => {
                let (kind, name) = if call.custom { ("custom", "input") } else { ("function", "arguments") };
                let own = json!({"name": call.name, name: call.pieces.concat()});
                calls.push(json!({"id": call.id, "type": kind, kind: own}));
            }
        }
    }
    if endpoint == Endpoint::Completions {
        return json!({"index": index, "text": text, "logprobs": null, "finish_reason": choice.reason});
    }
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if text.is_empty() {
        message["content"] = Value::Null;
    }
    if !refusal.is_empty() {
        message["refusal"] = json!(refusal);
    }
    if !reasoning.is_empty() {
        message["reasoning_content"] = json!(reasoning);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({"index": index, "message": message, "logprobs": null, "finish_reason": choice.reason})
}

/// The body is the whole answer as JSON.
pub(super) fn json(stream: &mut Stream, random: &mut Rng) -> bool {
    if !stream.is_complete() || random.u8(..4) > 0 {
        return false;
    }
    let whole = if stream.answer.endpoint == Endpoint::Responses {
        let last = stream.events.iter().find(|event| event.kind == Kind::Last);
        let Some(response) = last.and_then(|event| event.json.get("response")).cloned() else { return false };
        // It is whole only where the last event has all of it.
        if stream.is_claimed("last event") {
            return false;
        }
        response
    } else {
        answer(&stream.answer)
    };
    if stream.is_claimed("reasons") && stream.is_claimed("[DONE]") {
        return false;
    }
    self::whole(stream, &whole, random);
    true
}

/// The body is this JSON.
pub(super) fn whole(stream: &mut Stream, json: &Value, random: &mut Rng) {
    stream.content_type =
        ["application/json", "application/json; charset=utf-8", "text/event-stream", ""][random.usize(..4)];
    let json =
        if random.bool() { json.to_string() } else { serde_json::to_string_pretty(json).unwrap_or_default() };
    stream.body = Some(json);
}

/// The stream is the whole answer as its one event.
pub(super) fn event(stream: &mut Stream, random: &mut Rng) -> bool {
    if !stream.is_complete() || random.u8(..4) > 0 || !stream.claim("messages") {
        return false;
    }
    if stream.is_claimed("reasons") {
        return false;
    }
    let whole = Event::data(answer(&stream.answer));
    stream.events.retain(|event| event.kind == Kind::Last);
    stream.events.insert(0, whole);
    true
}
