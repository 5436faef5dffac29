//! A response as OpenAI streams it.

use serde_json::{Value, json};

use super::meaning::{is_short, long_reason};
use super::plain::{Answer, Call, Close, Counts, Item, Part};
use super::stream::{Event, Kind};

/// The events.
pub(super) fn events(answer: &Answer) -> Vec<Event> {
    let Some(choice) = answer.choices.first() else { return Vec::new() };
    let mut events = Vec::new();
    for r#type in ["response.created", "response.in_progress"] {
        let response = response("in_progress", json!([]));
        events.push(json!({"type": r#type, "response": response}));
    }
    let last = choice.items.len();
    for (index, item) in choice.items.iter().enumerate() {
        // What is cut off has no end.
        let whole = choice.reason.is_some() || index + 1 < last;
        match item {
            Item::Reasoning(pieces) => reasoning(index, pieces, whole, &mut events),
            Item::Message(parts) => message(index, parts, whole, &mut events),
            Item::Call(call) => self::call(index, call, whole, &mut events),
        }
    }
    let mut events: Vec<Event> = events.into_iter().map(Event::data).collect();
    if let (Some(reason), true) = (choice.reason, answer.close == Close::Complete) {
        let status = if is_short(reason) { "incomplete" } else { "completed" };
        let output = (0..).zip(&choice.items).map(|(index, item)| self::item(index, item)).collect();
        let mut response = response(status, Value::Array(output));
        if is_short(reason) {
            response["incomplete_details"] = json!({"reason": long_reason(reason)});
        }
        response["usage"] = answer.usage.map_or(Value::Null, usage);
        let json = json!({"type": format!("response.{status}"), "response": response});
        events.push(Event { kind: Kind::Last, ..Event::data(json) });
    } else if let Some(counts) = answer.usage {
        // Where no last event comes, the tokens are told before.
        let mut response = response("in_progress", json!([]));
        response["usage"] = usage(counts);
        events.push(Event::data(json!({"type": "response.in_progress", "response": response})));
    }
    for (number, event) in events.iter_mut().enumerate() {
        event.json["sequence_number"] = number.into();
        event.name = Some(event.r#type().to_owned());
    }
    events
}

fn response(status: &str, output: Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "background": false,
        "error": null, "incomplete_details": null, "instructions": null, "metadata": {}, "model": "m-1",
        "output": output, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "usage": null,
    })
}

/// The id of an item.
pub(super) fn item_id(index: usize) -> String {
    format!("item_{index}")
}

fn part(part: &Part, text: &str) -> Value {
    if part.refusal {
        json!({"type": "refusal", "refusal": text})
    } else {
        json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    }
}

/// An item that is whole.
pub(super) fn item(index: usize, item: &Item) -> Value {
    let id = item_id(index);
    match item {
        Item::Reasoning(pieces) => {
            json!({"id": id, "type": "reasoning", "summary": [{"type": "summary_text", "text": pieces.concat()}]})
        }
        Item::Message(parts) => {
            let content: Vec<Value> = parts.iter().map(|own| part(own, &own.pieces.concat())).collect();
            json!({"id": id, "type": "message", "status": "completed", "role": "assistant", "content": content})
        }
        Item::Call(call) => called(&id, call, "completed", &call.pieces.concat()),
    }
}

fn called(id: &str, call: &Call, status: &str, text: &str) -> Value {
    let (r#type, name) =
        if call.custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
    json!({"id": id, "type": r#type, "status": status, "call_id": call.id, "name": call.name, name: text})
}

fn added(index: usize, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: usize, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn reasoning(index: usize, pieces: &[String], whole: bool, events: &mut Vec<Value>) {
    let id = item_id(index);
    let event = |r#type: &str, name: &str, value: Value| {
        json!({"type": format!("response.reasoning_summary_{type}"), "item_id": id, "output_index": index,
               "summary_index": 0, name: value})
    };
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    events.push(added(index, json!({"id": id, "type": "reasoning", "summary": []})));
    events.push(event("part.added", "part", part("")));
    events.extend(pieces.iter().map(|piece| event("text.delta", "delta", json!(piece))));
    if whole {
        let all = pieces.concat();
        events.push(event("text.done", "text", json!(all)));
        events.push(event("part.done", "part", part(&all)));
        events.push(done(index, item(index, &Item::Reasoning(pieces.to_vec()))));
    }
}

fn message(index: usize, parts: &[Part], whole: bool, events: &mut Vec<Value>) {
    let id = item_id(index);
    let begun =
        json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
    events.push(added(index, begun));
    for (place, own) in parts.iter().enumerate() {
        let event = |r#type: &str, name: &str, value: Value| {
            json!({"type": format!("response.{type}"), "item_id": id, "output_index": index, "content_index": place,
                   name: value})
        };
        let (kind, field) = if own.refusal { ("refusal", "refusal") } else { ("output_text", "text") };
        events.push(event("content_part.added", "part", part(own, "")));
        for piece in &own.pieces {
            events.push(event(&format!("{kind}.delta"), "delta", json!(piece)));
        }
        if whole || place + 1 < parts.len() {
            let all = own.pieces.concat();
            events.push(event(&format!("{kind}.done"), field, json!(all)));
            events.push(event("content_part.done", "part", part(own, &all)));
        }
    }
    if whole {
        events.push(done(index, item(index, &Item::Message(parts.to_vec()))));
    }
}

fn call(index: usize, call: &Call, whole: bool, events: &mut Vec<Value>) {
    let id = item_id(index);
    events.push(added(index, called(&id, call, "in_progress", "")));
    let (kind, field) = if call.custom {
        ("custom_tool_call_input", "input")
    } else {
        ("function_call_arguments", "arguments")
    };
    let event = |r#type: &str, name: &str, value: Value| json!({"type": format!("response.{kind}.{type}"), "item_id": id, "output_index": index, name: value});
    events.extend(call.pieces.iter().map(|piece| event("delta", "delta", json!(piece))));
    if whole {
        events.push(event("done", field, json!(call.pieces.concat())));
        events.push(done(index, item(index, &Item::Call(call.clone()))));
    }
}

/// The usage of a response.
pub(super) fn usage(counts: Counts) -> Value {
    json!({
        "input_tokens": counts.input[0], "input_tokens_details": {"cached_tokens": counts.input[1]},
        "output_tokens": counts.output[0], "output_tokens_details": {"reasoning_tokens": counts.output[1]},
        "total_tokens": counts.total(),
    })
}
