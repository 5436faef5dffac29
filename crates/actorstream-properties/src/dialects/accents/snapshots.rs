//! The message so far, beside the deltas or instead of them.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::stream::{Event, Stream};
use super::texts::is_known;

/// Adds a delta as OpenAI sends it to a message.
fn add(message: &mut Map<String, Value>, delta: &Map<String, Value>) {
    for (name, value) in delta {
        match (name.as_str(), value) {
            ("tool_calls", Value::Array(deltas)) => {
                let calls = message.entry("tool_calls").or_insert_with(|| json!([]));
                let Value::Array(calls) = calls else { continue };
                deltas.iter().for_each(|delta| add_call(calls, delta));
            }
            ("role", _) => drop(message.insert(name.clone(), value.clone())),
            (_, Value::String(text)) => {
                let so_far = message.get(name).and_then(Value::as_str).unwrap_or_default();
                let whole = format!("{so_far}{text}");
                message.insert(name.clone(), Value::String(whole));
            }
            _ => {}
        }
    }
}

fn add_call(calls: &mut Vec<Value>, delta: &Value) {
    let index = delta["index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    if index >= calls.len() {
        let mut call = delta.clone();
        if let Some(call) = call.as_object_mut() {
            call.shift_remove("index");
        }
        calls.push(call);
        return;
    }
    for (kind, text) in [("function", "arguments"), ("custom", "input")] {
        if let Some(Value::String(more)) = delta.get(kind).and_then(|own| own.get(text)) {
            let so_far = calls[index][kind][text].as_str().unwrap_or_default().to_owned();
            calls[index][kind][text] = Value::String(so_far + more);
        }
    }
}

/// The message of each choice as far as it has come with each event; `None` where that cannot be told.
fn messages(stream: &mut Stream) -> Option<Vec<Option<Value>>> {
    // Calls that come twice or begin again are reckoned otherwise.
    let odd = ["arguments", "names", "order of calls"];
    if odd.iter().any(|claim| stream.is_claimed(claim)) || !stream.claim("messages") {
        return None;
    }
    let mut so_far: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let messages = stream.events.iter_mut().map(|event| {
        let index = event.index()?;
        let delta = event.delta().cloned().unwrap_or_default();
        let message = so_far.entry(index).or_default();
        add(message, &delta);
        Some(Value::Object(message.clone()))
    });
    Some(messages.collect())
}

fn set(event: &mut Event, message: Value) {
    if let Some(choice) = event.choice() {
        choice.insert("message".into(), message);
    }
}

/// The message so far stands beside each delta, or beside some.
pub(super) fn beside(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(messages) = messages(stream) else { return false };
    let always = random.bool();
    for (event, message) in stream.events.iter_mut().zip(messages) {
        if let Some(message) = message.filter(|_| always || random.bool()) {
            set(event, message);
        }
    }
    true
}

/// The whole message stands in the chunk that ends a choice.
pub(super) fn at_end(stream: &mut Stream, _: &mut Rng) -> bool {
    let Some(messages) = messages(stream) else { return false };
    let mut changed = false;
    for (event, message) in stream.events.iter_mut().zip(messages) {
        let ends = event
            .choice()
            .is_some_and(|choice| choice.get("finish_reason").is_some_and(|reason| !reason.is_null()));
        if let Some(message) = message.filter(|_| ends) {
            set(event, message);
            changed = true;
        }
    }
    changed
}

/// The message so far comes instead of the deltas, in every chunk, or in the last one alone.
pub(super) fn instead(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(messages) = messages(stream) else { return false };
    let nothing = [json!({}), Value::Null, json!({"content": ""})];
    let nothing = nothing[random.usize(..3)].clone();
    for (event, message) in stream.events.iter_mut().zip(messages) {
        if let Some(message) = message {
            set(event, message);
            // Nothing else stays: more of a call that only messages have begun would have to have its id.
            match event.delta().filter(|delta| delta.contains_key("usage")) {
                Some(delta) => delta.retain(|name, _| name == "usage"),
                None => event.choice().into_iter().for_each(|choice| choice["delta"] = nothing.clone()),
            }
        }
    }
    true
}

/// The last chunk of each choice has the whole message, and the deltas before it bring but a part.
pub(super) fn fuller(stream: &mut Stream, random: &mut Rng) -> bool {
    if !stream.is_complete() {
        return false;
    }
    let Some(messages) = messages(stream) else { return false };
    let mut left: BTreeMap<u64, usize> = BTreeMap::new();
    let mut last: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, event) in stream.events.iter_mut().enumerate() {
        last.extend(event.index().map(|index| (index, at)));
    }
    let mut at = 0;
    let mut messages = messages.into_iter();
    let before = stream.events.len();
    stream.events.retain_mut(|event| {
        at += 1;
        let message = messages.next().flatten();
        let (Some(index), Some(message)) = (event.index(), message) else { return true };
        let ends = last.get(&index) == Some(&(at - 1));
        let left = left.entry(index).or_insert_with(|| random.usize(..5));
        *left = left.saturating_sub(1);
        if *left > 0 && !ends {
            return true;
        }
        let needed = ends || event.reason().is_some() || !is_known(event);
        event.delta().into_iter().for_each(|delta| delta.retain(|name, _| name == "usage"));
        if ends {
            set(event, message);
        }
        needed
    });
    stream.events.len() < before
}
