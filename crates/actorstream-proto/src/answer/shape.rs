//! Puts the parts of a completion's chunk where OpenAI puts them, for the chunks of servers that put them elsewhere.

use serde_json::{Map, Value, json};

use crate::answer::finish_reason::FinishReason;
use crate::json::extra::Extra;
use crate::outcome::ending::{Ending, reason_in};

/// The names of a finish reason.
const REASONS: [&str; 2] = ["finish_reason", "finishReason"];
/// Other names, which some servers send beside a finish reason with another meaning: such as the stop string.
const OTHER_REASONS: [&str; 3] = ["stop_reason", "stopReason", "done_reason"];
/// The fields that hold the text or the message at the top of a chunk, where it has no choices.
const TOP: [&str; 12] = [
    "delta",
    "message",
    "content",
    "text",
    "response",
    "completion",
    "tool_calls",
    "toolCalls",
    "function_call",
    "functionCall",
    "reasoning_content",
    "reasoning",
];

/// Objects that may hold the whole chunk.
const HOLDERS: [&str; 5] = ["data", "result", "output", "response", "payload"];

/// Returns whether a chunk without choices may have what belongs into one.
pub(crate) fn is_choiceless(extra: &Extra) -> bool {
    if HOLDERS.iter().any(|name| extra.get(name).is_some_and(holds_choices)) {
        return true;
    }
    // An event with a type belongs to another protocol.
    extra.get("type").is_none()
        && TOP.iter().chain(&REASONS).chain(&OTHER_REASONS).any(|name| extra.get(name).is_some_and(says))
}

/// Returns whether a choice has no finish reason, or a hollow one.
pub(crate) fn is_open(reason: Option<&FinishReason>) -> bool {
    match reason {
        None => true,
        Some(FinishReason::Other(reason)) => Ending::of(reason) == Ending::None,
        Some(_) => false,
    }
}

/// Returns whether the finish reason may be in one of these fields, which are unknown to the API.
pub(crate) fn has_reason(extra: &Extra) -> bool {
    !extra.is_empty() && REASONS.iter().chain(&OTHER_REASONS).any(|name| extra.get(name).is_some_and(says))
}

/// Returns whether a field of this name may be a finish reason.
pub(crate) fn may_have_reason(name: &str) -> bool {
    REASONS.iter().chain(&OTHER_REASONS).any(|known| *known == name)
}

/// Makes a list of the choices: of one object, of a map by index, or of what stands at the top of the chunk.
pub(crate) fn list_choices(chunk: &mut Map<String, Value>) {
    unwrap_chunk(chunk);
    if let Some(choices @ Value::Object(_)) = chunk.get_mut("choices") {
        *choices = Value::Array(listed(choices.take()));
    }
    if !chunk.get("choices").is_some_and(says)
        && !chunk.get("type").is_some_and(Value::is_string)
        && let Some(choice) = choice_at_top(chunk)
    {
        chunk.insert("choices".into(), json!([choice]));
    }
    if let Some(Value::Array(choices)) = chunk.get_mut("choices").map(Value::take) {
        let mut choices = choices;
        for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
            settle_reason(choice);
        }
        // Of one choice, the finish reason may be that of the chunk.
        if let [Value::Object(choice)] = &mut choices[..]
            && reason_of(choice).is_none()
            && let Some(reason) = take_reason(chunk)
        {
            choice.insert("finish_reason".into(), reason);
        }
        chunk.insert("choices".into(), Value::Array(choices));
    }
    if let Some(Value::Array(usage)) = chunk.get_mut("usage") {
        let last = usage.pop().unwrap_or_default();
        chunk.insert("usage".into(), last);
    }
}

fn holds_choices(value: &Value) -> bool {
    value.get("choices").is_some_and(|choices| says(choices) && !choices.is_string())
}

/// Moves the fields of a chunk in an envelope to the top: `{"code": 0, "data": {"choices": […]}}`.
fn unwrap_chunk(chunk: &mut Map<String, Value>) {
    if chunk.get("choices").is_some_and(says) {
        return;
    }
    let holder = HOLDERS.iter().find(|name| chunk.get(**name).is_some_and(holds_choices));
    if let Some(Value::Object(inner)) = holder.and_then(|name| chunk.shift_remove(*name)) {
        for (name, value) in inner {
            if !chunk.get(&name).is_some_and(says) {
                chunk.insert(name, value);
            }
        }
    }
}

/// Returns the items that an object stands for: itself, or its values if its names are indices.
pub(crate) fn listed(choices: Value) -> Vec<Value> {
    let Value::Object(fields) = choices else { return vec![choices] };
    let is_map = !fields.is_empty() && fields.keys().all(|name| name.parse::<u32>().is_ok());
    if !is_map {
        return vec![Value::Object(fields)];
    }
    let indexed = fields.into_iter().map(|(index, mut choice)| {
        if let (Value::Object(choice), Ok(index)) = (&mut choice, index.parse::<u32>()) {
            choice.entry("index").or_insert_with(|| index.into());
        }
        choice
    });
    indexed.collect()
}

/// Takes a choice that is spread over the top of a chunk without choices.
fn choice_at_top(chunk: &mut Map<String, Value>) -> Option<Value> {
    let mut choice = Map::new();
    for name in TOP {
        // A message that is a text is for people.
        let belongs = |value: &Value| says(value) && (name != "message" || value.is_object());
        if chunk.get(name).is_some_and(belongs)
            && let Some(value) = chunk.shift_remove(name)
        {
            let name = if ["response", "completion"].contains(&name) { "content" } else { name };
            choice.insert(name.into(), value);
        }
    }
    // What Ollama calls a message is the new part of one.
    if chunk.get("done").is_some_and(Value::is_boolean)
        && let Some(message) = choice.shift_remove("message")
    {
        choice.insert("delta".into(), message);
    }
    if let Some(reason) = take_reason(chunk) {
        choice.insert("finish_reason".into(), reason);
    }
    if choice.is_empty() {
        return None;
    }
    choice.insert("index".into(), 0.into());
    Some(Value::Object(choice))
}

/// Moves the finish reason of a choice to its field: from another name, or from the delta or the message.
fn settle_reason(choice: &mut Map<String, Value>) {
    if reason_of(choice).is_some() {
        return;
    }
    let mut reason = take_reason(choice);
    for name in ["delta", "message"] {
        if let Some(Value::Object(inner)) = choice.get_mut(name) {
            reason = reason.or_else(|| take_reason(inner));
        }
    }
    if let Some(reason) = reason {
        choice.insert("finish_reason".into(), reason);
    }
}

/// Returns the finish reason of a choice, unless it is hollow.
fn reason_of(choice: &Map<String, Value>) -> Option<&Value> {
    choice.get("finish_reason").filter(|reason| means(reason).is_some())
}

/// Takes a finish reason out of these fields. Where the name may mean something else, the field stays.
fn take_reason(fields: &mut Map<String, Value>) -> Option<Value> {
    for name in REASONS {
        if fields.get(name).is_some_and(|reason| means(reason).is_some()) {
            return fields.shift_remove(name);
        }
    }
    let is_word =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-: ".contains(&byte));
    let known = |reason: &&Value| {
        reason.as_str().is_some_and(is_word) && means(reason).is_some_and(|ending| ending != Ending::Other)
    };
    OTHER_REASONS.iter().find_map(|name| fields.get(*name).filter(known).cloned())
}

fn means(reason: &Value) -> Option<Ending> {
    reason_in(reason).map(Ending::of).filter(|ending| *ending != Ending::None)
}

/// Returns the text of a value: a string, an object with one, or a list of either.
pub(crate) fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().map(words).collect(),
        Value::Object(object) => ["text", "value", "thinking", "summary", "content", "parts"]
            .iter()
            .find_map(|name| words(object.get(*name)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns whether a value is present and not empty.
pub(crate) fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
