//! Events that other servers structure differently from OpenAI: they are converted as JSON, and then deserialized.
//!
//! Only deltas that look wrong and events about the response and its items, which are few, are examined.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::generated::{
    OutputContent, OutputItem, OutputMessageContent, Response, ResponseStreamEvent, ResponseUsage,
};
use crate::answer::shape::{says, words};
use crate::json::bounded;
use crate::json::extra::Extra;
use crate::json::hollow::is_hollow;

/// The position of the field `content` among those of a message.
const CONTENT: u32 = 2;
/// The fields of a response that some servers put into the event itself.
const OF_RESPONSE: [&str; 10] = [
    "id",
    "object",
    "created_at",
    "status",
    "model",
    "output",
    "usage",
    "incomplete_details",
    "output_text",
    "tool_calls",
];
/// The names of the counts in the usage, with those of chat completions.
const COUNTS: [(&str, &[&str]); 3] = [
    ("input_tokens", &["prompt_tokens", "inputTokens", "promptTokens"]),
    ("output_tokens", &["completion_tokens", "outputTokens", "completionTokens"]),
    ("total_tokens", &["totalTokens"]),
];

/// Converts an event that has content in other fields than OpenAI's; returns any other unchanged.
pub(super) fn settle(event: ResponseStreamEvent, payload: &Bytes) -> ResponseStreamEvent {
    if !is_misplaced(&event) {
        return event;
    }
    let Ok(Value::Object(mut json)) = bounded::json(payload) else { return event };
    let r#type = event.r#type();
    // The names of the events about the response have one dot.
    match r#type.matches('.').count() {
        1 => gather_response(&mut json),
        _ => translate(&mut json),
    }
    let payload = Value::Object(json).to_string().into();
    ResponseStreamEvent::decode_as(r#type, &payload).unwrap_or(event)
}

fn is_misplaced(event: &ResponseStreamEvent) -> bool {
    use ResponseStreamEvent as E;
    let beside =
        |extra: &Extra| !extra.is_empty() && OF_RESPONSE.iter().any(|name| extra.get(name).is_some_and(says));
    match event {
        E::Created(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::InProgress(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::Queued(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::Completed(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::Incomplete(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::Failed(event) => beside(&event.extra) || has_misplaced(&event.response),
        E::OutputItemAdded(event) => is_odd_item(&event.item),
        E::OutputItemDone(event) => is_odd_item(&event.item),
        E::ContentPartAdded(event) => matches!(event.part, OutputContent::Unknown(_)),
        E::ContentPartDone(event) => matches!(event.part, OutputContent::Unknown(_)),
        E::OutputTextDelta(event) => is_odd_delta(&event.delta, &event.extra),
        E::ReasoningTextDelta(event) => is_odd_delta(&event.delta, &event.extra),
        E::ReasoningSummaryTextDelta(event) => is_odd_delta(&event.delta, &event.extra),
        _ => false,
    }
}

/// Returns whether a delta may be an object with a text, or be in another field.
fn is_odd_delta(delta: &str, extra: &Extra) -> bool {
    delta.starts_with("{\"") || (delta.is_empty() && extra.get("text").is_some_and(says))
}

/// Returns whether a response has content in other fields than OpenAI's.
pub(super) fn has_misplaced(response: &Response) -> bool {
    let extra = &response.extra;
    (!extra.is_empty() && ["output_text", "tool_calls"].iter().any(|name| extra.get(name).is_some_and(says)))
        || response.usage.as_ref().is_some_and(ResponseUsage::is_misnamed)
        || response.output.iter().any(is_odd_item)
}

fn is_odd_item(item: &OutputItem) -> bool {
    match item {
        OutputItem::Message(message) => {
            !message.extra.has(CONTENT)
                || message.extra.get("tool_calls").is_some_and(says)
                || message.content.iter().any(|part| matches!(part, OutputMessageContent::Unknown(_)))
        }
        OutputItem::FunctionCall(call) => call.extra.get("function").is_some_and(says),
        OutputItem::Unknown(item) => item.get("function").is_some() || is_text(item),
        _ => false,
    }
}

/// Returns whether an item, or a part, is a text of a type that only input has.
fn is_text(item: &Value) -> bool {
    let r#type = item.get("type").and_then(Value::as_str);
    item.is_string()
        || (matches!(r#type, Some("text" | "output_text")) && item.get("text").is_some_and(Value::is_string))
}

/// Moves the fields of a response that are next to it in an event into the response.
fn gather_response(event: &mut Map<String, Value>) {
    let mut response = match event.shift_remove("response") {
        Some(Value::Object(response)) => response,
        _ => Map::new(),
    };
    for name in OF_RESPONSE {
        if !response.get(name).is_some_and(says)
            && event.get(name).is_some_and(says)
            && let Some(value) = event.shift_remove(name)
        {
            response.insert(name.into(), value);
        }
    }
    translate_response(&mut response);
    event.insert("response".into(), Value::Object(response));
}

/// Converts an event about an item, a part of it, or a text.
fn translate(event: &mut Map<String, Value>) {
    if let Some(item @ Value::Object(_)) = event.get_mut("item") {
        let mut items = Vec::new();
        push_item(item.take(), &mut items);
        // An event is about one item: the others arrive with the response.
        *item = items.swap_remove(0);
    }
    if let Some(part) = event.get_mut("part").filter(|part| is_text(part)) {
        *part = text_part(part.take());
    }
    let delta = match event.get("delta") {
        Some(delta) if says(delta) => Some(delta).filter(|delta| !delta.is_string()),
        _ => event.get("text"),
    };
    if let Some(text) = delta.and_then(words) {
        event.insert("delta".into(), text.into());
    }
}

/// Converts a response as JSON: moves text and calls into its output, and normalizes its usage.
pub(super) fn translate_response(response: &mut Map<String, Value>) {
    let mut output = Vec::new();
    let told = response.shift_remove("output");
    let is_absent = told.is_none();
    if let Some(Value::Array(items)) = told {
        items.into_iter().for_each(|item| push_item(item, &mut output));
    }
    let is_message = |item: &Value| item.get("type").is_some_and(|r#type| r#type == "message");
    if !output.iter().any(is_message)
        && let Some(text) = response.get("output_text").and_then(words).filter(|text| !text.is_empty())
    {
        output.push(message(vec![text_part(text.into())]));
    }
    if let Some(Value::Array(calls)) = response.shift_remove("tool_calls") {
        output.extend(calls.into_iter().map(call_item));
    }
    if !(is_absent && output.is_empty()) {
        response.insert("output".into(), Value::Array(output));
    }
    if let Some(Value::Object(usage)) = response.get_mut("usage") {
        for (name, others) in COUNTS {
            if usage.get(name).is_none_or(Value::is_null)
                && let Some(count) = others.iter().find_map(|other| usage.get(*other)).cloned()
            {
                usage.insert(name.into(), count);
            }
        }
    }
}

/// Adds an item to an output, together with the calls in it, if it is structured like a chat message.
fn push_item(mut item: Value, output: &mut Vec<Value>) {
    if is_text(&item) {
        return output.push(message(vec![text_part(item)]));
    }
    if item.get("function").is_some_and(Value::is_object) {
        return output.push(call_item(item));
    }
    if item.get("type").is_none_or(|r#type| r#type != "message") {
        return output.push(item);
    }
    let mut calls = Vec::new();
    if let Value::Object(message) = &mut item {
        match message.get_mut("content") {
            Some(text @ Value::String(_)) => *text = Value::Array(vec![text_part(text.take())]),
            Some(Value::Array(parts)) => {
                parts.iter_mut().filter(|part| is_text(part)).for_each(|part| *part = text_part(part.take()));
            }
            _ => {}
        }
        if let Some(Value::Array(told)) = message.shift_remove("tool_calls") {
            calls.extend(told.into_iter().map(call_item));
        }
    }
    let is_empty = item.get("content").is_none_or(is_hollow);
    if calls.is_empty() || !is_empty {
        output.push(item);
    }
    output.append(&mut calls);
}

fn message(content: Vec<Value>) -> Value {
    json!({"type": "message", "content": content})
}

/// Converts a text to a part of a message.
fn text_part(text: Value) -> Value {
    match text {
        Value::Object(mut part) => {
            part.insert("type".into(), "output_text".into());
            Value::Object(part)
        }
        text => json!({"type": "output_text", "text": text}),
    }
}

/// Converts a chat completion's call to an item: `{"id", "type": "function", "function": {"name", "arguments"}}`.
fn call_item(call: Value) -> Value {
    let Value::Object(mut call) = call else { return call };
    let Some(Value::Object(function)) = call.shift_remove("function") else { return Value::Object(call) };
    for name in ["name", "arguments"] {
        if !call.get(name).is_some_and(says)
            && let Some(value) = function.get(name)
        {
            call.insert(name.into(), value.clone());
        }
    }
    if !call.get("call_id").is_some_and(says)
        && let Some(id) = call.shift_remove("id")
    {
        call.insert("call_id".into(), id);
    }
    call.insert("type".into(), "function_call".into());
    Value::Object(call)
}
