//! The last event of a response: hollow, fuller than the deltas, under another name.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::plain::Counts;
use super::super::responses::usage;
use super::super::stream::{Event, Kind, Stream};
use super::items::{Carrier, empty_item, may_lose};

fn last(stream: &mut Stream) -> Option<&mut Event> {
    stream.events.iter_mut().find(|event| event.kind == Kind::Last && event.lines.is_none())
}

/// The tokens are told before the last event, and not in it, or in both.
pub(super) fn usage_before(stream: &mut Stream, random: &mut Rng) -> bool {
    let nothing = [None, Some(Value::Null), Some(json!({}))][random.usize(..3)].clone();
    let Some(event) = last(stream) else { return false };
    let Some(response) = event.json["response"].as_object_mut() else { return false };
    let Some(usage) = response.get("usage").filter(|usage| usage.is_object()).cloned() else { return false };
    if random.u8(..4) > 0 {
        response.shift_remove("usage");
        response.extend(nothing.map(|nothing| ("usage".to_owned(), nothing)));
    }
    let mut told = response.clone();
    told.insert("usage".into(), usage);
    told.insert("output".into(), json!([]));
    told.insert("status".into(), json!("in_progress"));
    told.insert("incomplete_details".into(), Value::Null);
    let number = event.json["sequence_number"].clone();
    let told = json!({"type": "response.in_progress", "sequence_number": number, "response": told});
    let at = stream.events.iter().position(|event| event.kind == Kind::Last).unwrap_or(0);
    stream.events.insert(at, Event::data(told));
    stream.claim("last event")
}

/// The tokens are told as they are counted, before they are told in the end.
pub(super) fn usage_running(stream: &mut Stream, random: &mut Rng) -> bool {
    let counts = |event: &Event| event.json.pointer("/response/usage").is_some_and(Value::is_object);
    let at = stream.events.iter().position(|event| event.is_data() && counts(event));
    let (Some(at), Some(whole)) = (at.filter(|at| *at > 0), stream.answer.usage) else { return false };
    let mut told = stream.events[at].clone();
    told.kind = Kind::Data;
    told.json["type"] = json!("response.in_progress");
    told.name = Some(told.r#type().to_owned());
    let response = &mut told.json["response"];
    response["output"] = json!([]);
    response["status"] = json!("in_progress");
    response["incomplete_details"] = Value::Null;
    for _ in 0..random.usize(1..4) {
        let output = random.u64(..=whole.output[0]);
        let input = if random.bool() { whole.input } else { [0, 0] };
        let counts = Counts { input, output: [output, output.min(whole.output[1])] };
        told.json["response"]["usage"] = usage(counts);
        stream.events.insert(random.usize(1..=at), told.clone());
    }
    true
}

/// The last event has no output, or a hollow one, or hardly any fields.
pub(super) fn hollow(stream: &mut Stream, random: &mut Rng) -> bool {
    if last(stream).is_none() || !may_lose(stream, Carrier::Last) {
        return false;
    }
    stream.claim("last event");
    let Some(Value::Object(response)) = last(stream).and_then(|event| event.json.get_mut("response")) else {
        return false;
    };
    match random.u8(..5) {
        0 => drop(response.shift_remove("output")),
        1 => drop(response.insert("output".into(), json!([]))),
        2 => drop(response.insert("output".into(), Value::Null)),
        3 => {
            let items = response.get_mut("output").and_then(Value::as_array_mut);
            items.into_iter().flatten().for_each(|item| empty_item(item, random.bool()));
        }
        _ => response
            .retain(|name, _| ["id", "status", "incomplete_details", "usage"].contains(&name.as_str())),
    }
    true
}

/// The last event has another name, and the status inside tells what it is.
pub(super) fn named(stream: &mut Stream, random: &mut Rng) -> bool {
    let complete = stream.meaning.end == "completed";
    let Some(event) = last(stream) else { return false };
    let way = random.u8(..3);
    let (r#type, without_status) = match (complete, way) {
        (true, 0) => ("response.completed", true),
        (false, 0) => ("response.incomplete", true),
        (_, 1) => ("response.done", false),
        _ => ("response.completed", false),
    };
    event.json["type"] = json!(r#type);
    event.name = Some(r#type.to_owned());
    if without_status && let Some(response) = event.json["response"].as_object_mut() {
        response.shift_remove("status");
    }
    stream.claim("last event")
}

/// The deltas bring but the beginning of each text, no event before the last one the rest.
pub(super) fn fuller(stream: &mut Stream, random: &mut Rng) -> bool {
    if last(stream).is_none() || stream.is_claimed("last") || !stream.is_complete() {
        return false;
    }
    for carrier in [Carrier::Texts, Carrier::Parts, Carrier::Items, Carrier::Deltas] {
        stream.claim(match carrier {
            Carrier::Texts => "texts",
            Carrier::Parts => "parts",
            Carrier::Items => "items",
            _ => "deltas",
        });
    }
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    stream.events.retain(|event| {
        let r#type = event.r#type();
        if event.kind == Kind::Last || !event.is_data() {
            return true;
        }
        if r#type.ends_with(".delta") {
            // A reasoning is one text, however its parts are counted.
            let part = event.json.get("content_index").filter(|_| !r#type.contains("reasoning"));
            let place = [event.json.get("item_id"), part];
            let left = left.entry(format!("{place:?}")).or_insert_with(|| random.usize(..4));
            *left = left.saturating_sub(1);
            return *left > 0;
        }
        !r#type.ends_with(".done")
    });
    true
}

/// The items have other ids in the last event.
pub(super) fn other_ids(stream: &mut Stream, _: &mut Rng) -> bool {
    let Some(event) = last(stream) else { return false };
    let output = event.json.pointer_mut("/response/output").and_then(Value::as_array_mut);
    let mut changed = false;
    for (number, item) in output.into_iter().flatten().enumerate() {
        if item.get("id").is_some() {
            item["id"] = json!(format!("final-{number}"));
            changed = true;
        }
    }
    changed
}
