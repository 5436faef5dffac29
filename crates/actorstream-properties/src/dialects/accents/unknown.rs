//! Fields and events that nobody documents.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::plain::Endpoint;
use super::super::stream::{Event, Kind, Stream};
use super::numbers::visit;

const NAMES: [&str; 8] = [
    "provider",
    "native_finish_reason",
    "x_extra",
    "matched_stop",
    "prompt_token_ids",
    "citations",
    "stop_reason",
    "é \"n\"",
];

fn value(random: &mut Rng) -> Value {
    match random.u8(..8) {
        0 => Value::Null,
        1 => json!("OpenAI"),
        2 => json!(random.u16(..)),
        3 => json!([1, "a", null]),
        4 => json!({"a": {"b": "c"}, "n": 1.5}),
        5 => json!(true),
        6 => json!("[DONE]"),
        _ => json!({}),
    }
}

/// An unknown field stands in every event, the same or another value.
pub(super) fn fields(stream: &mut Stream, random: &mut Rng) -> bool {
    let name = NAMES[random.usize(..NAMES.len())];
    let (same, repeats) = (value(random), random.bool());
    for event in stream.data() {
        let value = if repeats { same.clone() } else { value(random) };
        if let Some(object) = event.json.as_object_mut() {
            object.insert(name.into(), value);
        }
    }
    true
}

/// An unknown field stands in every object.
pub(super) fn everywhere(stream: &mut Stream, random: &mut Rng) -> bool {
    let name = NAMES[random.usize(..NAMES.len())];
    let (same, repeats) = (value(random), random.bool());
    for event in stream.data() {
        visit(&mut event.json, &mut |field, inner| {
            // The arguments of a call are no object of the API, and what is hollow would not be so any more.
            if ["arguments", "usage", "error", "errors", "base_resp", name].contains(&field) {
                return false;
            }
            let value = if repeats { same.clone() } else { value(random) };
            match inner {
                Value::Object(object) => drop(object.insert(name.into(), value)),
                Value::Array(list) => {
                    for object in list.iter_mut().filter_map(Value::as_object_mut) {
                        object.insert(name.into(), value.clone());
                    }
                }
                _ => {}
            }
            true
        });
    }
    true
}

/// Gateways say beside each chunk that all is well.
pub(super) fn success(stream: &mut Stream, random: &mut Rng) -> bool {
    let words = [
        json!({"code": 0, "message": "success"}),
        json!({"success": true, "msg": "ok", "code": 200}),
        json!({"base_resp": {"status_code": 0, "status_msg": ""}}),
        json!({"status": "ok", "detail": null}),
        json!({"type": "chunk"}),
        json!({"message": "", "errors": []}),
    ];
    let words = words[random.usize(..words.len())].clone();
    for event in stream.data() {
        if let (Some(event), Some(words)) = (event.json.as_object_mut(), words.as_object()) {
            event.extend(words.clone());
        }
    }
    true
}

/// Chunks that have no choices stand between the others.
pub(super) fn no_choices(stream: &mut Stream, random: &mut Rng) -> bool {
    for _ in 0..random.usize(1..4) {
        let chunk = match random.u8(..6) {
            0 => {
                json!({"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
            }
            1 => json!({"id": "c", "object": "chat.completion.chunk", "choices": []}),
            2 => json!({"id": "c", "choices": null}),
            3 => json!({"id": "c", "object": "chat.completion.chunk", "obfuscation": "abc"}),
            4 => json!({"x_extra": {"queue": 3}}),
            _ => json!({}),
        };
        let place = stream.place(random);
        stream.events.insert(place, Event { kind: Kind::Filler, ..Event::data(chunk) });
    }
    true
}

/// Events of types that nobody knows.
pub(super) fn events(stream: &mut Stream, random: &mut Rng) -> bool {
    if stream.answer.endpoint != Endpoint::Responses {
        return false;
    }
    let end = stream.events.iter().position(|event| matches!(event.kind, Kind::Last | Kind::Error));
    let end = end.unwrap_or(stream.events.len());
    for _ in 0..random.usize(1..4) {
        let event = match random.u8(..6) {
            0 => json!({"type": "response.rate_limits.updated", "rate_limits": []}),
            1 => {
                json!({"type": "response.new_thing.delta", "item_id": "item_0", "output_index": 0, "delta": "x"})
            }
            2 => json!({"type": "response.metadata", "response": {"id": "resp_1"}}),
            3 => json!({"type": "response.web_search_call.completed", "item_id": "none", "output_index": 99}),
            4 => json!({"type": "new"}),
            _ => json!({"a": 1}),
        };
        let place = random.usize(..=end);
        stream.events.insert(place, Event { kind: Kind::Filler, ..Event::data(event) });
    }
    true
}
