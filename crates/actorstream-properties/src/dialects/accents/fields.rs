//! Fields that say nothing: left out, `null`, empty, repeated.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::plain::Endpoint;
use super::super::stream::Stream;

/// Fields of a chunk, of a choice, of a delta that an answer means the same without.
const CHUNK: [&str; 6] = ["id", "object", "created", "model", "service_tier", "system_fingerprint"];
const CHOICE: [&str; 2] = ["logprobs", "finish_reason"];
const DELTA: [&str; 7] =
    ["role", "content", "refusal", "reasoning_content", "tool_calls", "function_call", "audio"];
/// Fields of a response, of an item, of a part.
const RESPONSE: [&str; 12] = [
    "id",
    "object",
    "created_at",
    "background",
    "instructions",
    "metadata",
    "model",
    "parallel_tool_calls",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];
const ITEM: [&str; 3] = ["status", "role", "annotations"];
const PART: [&str; 2] = ["annotations", "logprobs"];

/// Some objects of the stream, each with the fields that may be missing.
fn objects(stream: &mut Stream, mut visit: impl FnMut(&mut Map<String, Value>, &[&'static str])) {
    for event in stream.data() {
        if event.json.get("choices").is_some() {
            for choice in event.choices() {
                for name in ["delta", "message"] {
                    if let Some(Value::Object(said)) = choice.get_mut(name) {
                        visit(said, &DELTA);
                    }
                }
                if let Some(choice) = choice.as_object_mut() {
                    visit(choice, &CHOICE);
                }
            }
            if let Some(chunk) = event.json.as_object_mut() {
                visit(chunk, &CHUNK);
            }
            continue;
        }
        if let Some(Value::Object(response)) = event.json.get_mut("response") {
            for item in response.get_mut("output").and_then(Value::as_array_mut).into_iter().flatten() {
                item_objects(item, &mut visit);
            }
            visit(response, &RESPONSE);
        }
        if let Some(item) = event.json.get_mut("item") {
            item_objects(item, &mut visit);
        }
        if let Some(Value::Object(part)) = event.json.get_mut("part") {
            visit(part, &PART);
        }
    }
}

fn item_objects(item: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>, &[&'static str])) {
    for part in item.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(part) = part.as_object_mut() {
            visit(part, &PART);
        }
    }
    if let Some(item) = item.as_object_mut() {
        visit(item, &ITEM);
    }
}

/// Whether a field says nothing that must not be lost.
fn is_silent(name: &str, value: Option<&Value>) -> bool {
    let says_nothing = |value: &Value| value.is_null() || value == "" || *value == json!([]);
    match name {
        "content" | "refusal" | "reasoning_content" | "tool_calls" | "finish_reason" | "annotations" => {
            value.is_none_or(says_nothing)
        }
        _ => true,
    }
}

/// Fields are left out.
pub(super) fn leave_out(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    let always = random.bool();
    objects(stream, |object, names| {
        for name in names {
            if is_silent(name, object.get(*name)) && (always || random.u8(..3) == 0) {
                changed |= object.shift_remove(*name).is_some();
            }
        }
    });
    changed
}

/// Fields are `null`, also those that are not there with OpenAI.
pub(super) fn null(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    objects(stream, |object, names| {
        for name in names {
            if is_silent(name, object.get(*name)) && random.u8(..3) == 0 {
                object.insert((*name).to_owned(), Value::Null);
                changed = true;
            }
        }
    });
    changed
}

/// Fields are empty: `""` or `[]`.
pub(super) fn empty(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    objects(stream, |object, names| {
        for name in names {
            let value = object.get(*name);
            let nothing = match *name {
                "tool_calls" | "annotations" | "tools" => json!([]),
                "created"
                | "created_at"
                | "function_call"
                | "audio"
                | "background"
                | "parallel_tool_calls"
                | "temperature"
                | "top_p"
                | "metadata" => continue,
                _ => json!(""),
            };
            if is_silent(name, value) && random.u8(..3) == 0 {
                object.insert((*name).to_owned(), nothing);
                changed = true;
            }
        }
    });
    changed
}

/// The role stands in every chunk.
pub(super) fn role(stream: &mut Stream, _: &mut Rng) -> bool {
    for event in stream.data() {
        for choice in event.choices() {
            if let Some(Value::Object(delta)) = choice.get_mut("delta") {
                delta.insert("role".into(), json!("assistant"));
            }
        }
    }
    true
}

/// The id and the model of the answer change from event to event.
pub(super) fn ids(stream: &mut Stream, random: &mut Rng) -> bool {
    let responses = stream.answer.endpoint == Endpoint::Responses;
    for (number, event) in stream.data().enumerate() {
        let holder = if responses { event.json.get_mut("response") } else { Some(&mut event.json) };
        if let Some(Value::Object(holder)) = holder {
            holder.insert(
                "id".into(),
                if random.u8(..4) == 0 { json!(number) } else { json!(format!("id-{number}")) },
            );
            holder.insert("model".into(), json!(format!("m-{}", number % 2)));
        }
    }
    true
}
