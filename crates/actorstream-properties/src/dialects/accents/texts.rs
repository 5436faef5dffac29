//! Texts in other pieces, in other words, in parts.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::json::{half, has_half};
use super::super::plain::{Endpoint, broken};
use super::super::stream::{Event, Stream};

/// The texts of a chat's delta.
const TEXTS: [&str; 3] = ["content", "refusal", "reasoning_content"];

/// The text that an event brings and nothing else, but for fields that may come twice.
fn only_text(event: &mut Event) -> Option<&mut String> {
    if !event.is_data() {
        return None;
    }
    if event.json.get("choices").is_none() {
        let r#type = event.r#type();
        if !r#type.ends_with(".delta") {
            return None;
        }
        return match event.json.get_mut("delta") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
    }
    let choice = event.choice()?;
    if choice.contains_key("message") {
        return None;
    }
    if choice.contains_key("text") {
        return match choice.get_mut("text") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
    }
    let delta = choice.get_mut("delta")?.as_object_mut()?;
    if delta.contains_key("tool_calls") {
        return None;
    }
    if !delta.iter().all(|(name, value)| value.is_null() || name == "role" || TEXTS.contains(&name.as_str()))
    {
        return None;
    }
    let mut texts =
        delta.iter_mut().filter(|(name, value)| TEXTS.contains(&name.as_str()) && value.is_string());
    match (texts.next(), texts.next()) {
        (Some((_, Value::String(text))), None) => Some(text),
        _ => None,
    }
}

/// Some texts come in smaller pieces.
pub(super) fn split(stream: &mut Stream, random: &mut Rng) -> bool {
    replace(stream, random, |text, random| broken(text, 4, random))
}

/// Some characters that are pairs in UTF-16 come in two halves.
pub(super) fn halves(stream: &mut Stream, random: &mut Rng) -> bool {
    replace(stream, random, |text, _| {
        let pair = text.char_indices().find(|(_, character)| character.len_utf16() == 2);
        let Some((at, character)) = pair.filter(|_| !has_half(text)) else { return Vec::new() };
        let mut units = [0; 2];
        character.encode_utf16(&mut units);
        let [first, second] = units.map(half);
        vec![format!("{}{first}", &text[..at]), format!("{second}{}", &text[at + character.len_utf8()..])]
    })
}

/// Replaces some events with one text by several.
fn replace(stream: &mut Stream, random: &mut Rng, pieces: fn(&str, &mut Rng) -> Vec<String>) -> bool {
    let mut changed = false;
    let mut events = Vec::new();
    for mut event in std::mem::take(&mut stream.events) {
        let pieces = match only_text(&mut event).filter(|_| random.bool()) {
            Some(text) => pieces(text, random),
            None => Vec::new(),
        };
        if pieces.len() < 2 {
            events.push(event);
            continue;
        }
        changed = true;
        for piece in pieces {
            let mut part = event.clone();
            if let Some(text) = only_text(&mut part) {
                *text = piece;
            }
            events.push(part);
        }
    }
    stream.events = events;
    changed
}

/// Texts that follow one another come as one.
pub(super) fn join(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    let mut at = 1;
    while at < stream.events.len() {
        let (before, after) = stream.events.split_at_mut(at);
        let (first, second) = (&mut before[at - 1], &mut after[0]);
        let (mut a, mut b) = (first.clone(), second.clone());
        let text = only_text(&mut b).map(std::mem::take);
        only_text(&mut a).map(std::mem::take);
        a.json["sequence_number"] = b.json["sequence_number"].clone();
        if b.json.get("choices").is_some() {
            b.json["sequence_number"] = Value::Null;
        }
        match (only_text(first), text) {
            (Some(so_far), Some(text)) if a.json == b.json && random.u8(..3) > 0 => {
                so_far.push_str(&text);
                stream.events.remove(at);
                changed = true;
            }
            _ => at += 1,
        }
    }
    changed
}

/// Pieces that are empty stand between the others.
pub(super) fn empty(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    let mut events = Vec::new();
    for event in std::mem::take(&mut stream.events) {
        let mut nothing = event.clone();
        let has_text = only_text(&mut nothing).map(String::clear).is_some();
        match random.u8(..3) {
            1 if has_text => events.extend([nothing, event]),
            2 if has_text => events.extend([event, nothing]),
            _ => {
                events.push(event);
                continue;
            }
        }
        changed = true;
    }
    stream.events = events;
    changed
}

/// The chunks of several choices are mixed.
pub(super) fn mix(stream: &mut Stream, random: &mut Rng) -> bool {
    let choices = stream.answer.choices.len();
    if choices < 2 || stream.events.iter_mut().any(|event| event.choices().len() > 1) {
        return false;
    }
    mix_by(stream, random, Event::index)
}

/// Mixes the events that have keys, in runs of them; those of one key keep their order.
pub(super) fn mix_by(stream: &mut Stream, random: &mut Rng, key: impl Fn(&mut Event) -> Option<u64>) -> bool {
    let keys: Vec<_> = stream.events.iter_mut().map(&key).collect();
    let mut changed = false;
    let mut from = 0;
    while from < keys.len() {
        let Some(len) = keys[from..].iter().position(Option::is_none).or(Some(keys.len() - from)) else {
            break;
        };
        let run = &keys[from..from + len];
        let mut order: Vec<_> = run.iter().map(|_| random.u32(..)).zip(run).collect();
        // Each key has its slots; they are filled in the order of the events.
        order.sort_unstable_by_key(|(random, _)| *random);
        let mut taken = vec![false; len];
        let mut events = Vec::with_capacity(len);
        for (_, key) in order {
            let next = (0..len).find(|at| !taken[*at] && run[*at] == *key).unwrap_or(0);
            taken[next] = true;
            changed |= next != events.len();
            events.push(stream.events[from + next].clone());
        }
        stream.events.splice(from..from + len, events);
        from += len + 1;
    }
    changed
}

/// Chunks that follow one another come as one: of one choice, if they say different things, or of several.
pub(super) fn merge(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    let mut at = 1;
    while at < stream.events.len() {
        let second = stream.events[at].clone();
        let first = &mut stream.events[at - 1];
        if random.bool() && first.is_data() && second.is_data() && merged(first, &second) {
            stream.events.remove(at);
            changed = true;
        } else {
            at += 1;
        }
    }
    changed
}

/// Whether a chunk has no field but those of OpenAI's, so that another chunk can take its place.
pub(super) fn is_known(chunk: &mut Event) -> bool {
    const CHUNK: [&str; 7] =
        ["id", "object", "created", "model", "service_tier", "system_fingerprint", "choices"];
    const CHOICE: [&str; 6] = ["index", "text", "delta", "message", "logprobs", "finish_reason"];
    let only = |json: &Value, known: &[&str]| {
        json.as_object().is_some_and(|object| object.keys().all(|name| known.contains(&name.as_str())))
    };
    let usage = |choice: &Value| choice.get("delta").is_some_and(|delta| delta.get("usage").is_some());
    only(&chunk.json, &CHUNK) && chunk.choices().iter().all(|choice| only(choice, &CHOICE) && !usage(choice))
}

fn merged(first: &mut Event, second: &Event) -> bool {
    let mut second = second.clone();
    if !is_known(&mut second) {
        return false;
    }
    let (Some(a), Some(b)) = (first.index(), second.index()) else {
        // Other choices beside those that are there.
        let new = second.choices().to_vec();
        let known: Vec<_> = first.choices().iter().map(|choice| choice["index"].clone()).collect();
        let others = !new.is_empty()
            && !known.is_empty()
            && new.iter().all(|choice| !known.contains(&choice["index"]));
        if others && let Some(Value::Array(choices)) = first.json.get_mut("choices") {
            choices.extend(new);
        }
        return others;
    };
    if a != b {
        if let (Some(choice), Some(Value::Array(choices))) =
            (second.choices().first(), first.json.get_mut("choices"))
        {
            choices.push(choice.clone());
        }
        return true;
    }
    let (Some(delta), Some(more)) = (first.delta().cloned(), second.delta().cloned()) else { return false };
    let message = |event: &mut Event| event.choice().is_some_and(|choice| choice.contains_key("message"));
    if message(first) || message(&mut second) {
        return false;
    }
    // The text of the first chunk, which is empty, may give way.
    let says = |value: &Value| !value.is_null() && value != "";
    if more.iter().any(|(name, _)| delta.get(name).is_some_and(says)) {
        return false;
    }
    // Reasoning comes before the text, and the calls behind; in one chunk they have that order.
    let reason = second.choice().and_then(|choice| choice.get("finish_reason").cloned()).unwrap_or_default();
    if let Some(choice) = first.choice() {
        let own = choice.get("finish_reason").cloned().unwrap_or_default();
        if !own.is_null() && !reason.is_null() && own != reason {
            return false;
        }
        if own.is_null() {
            choice.insert("finish_reason".into(), reason);
        }
    }
    if let Some(delta) = first.delta() {
        delta.extend(more);
    }
    true
}

/// The reasoning comes by another name, or by two.
pub(super) fn reasoning_names(stream: &mut Stream, random: &mut Rng) -> bool {
    let way = random.u8(..8);
    let mut changed = false;
    for event in stream.data() {
        for choice in event.choices() {
            for name in ["delta", "message"] {
                if let Some(Value::Object(said)) = choice.get_mut(name)
                    && let Some(Value::String(text)) = said.get("reasoning_content").cloned()
                {
                    changed = true;
                    rename(said, &text, way);
                }
            }
        }
    }
    changed
}

fn rename(said: &mut Map<String, Value>, text: &str, way: u8) {
    let details = json!([{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]);
    let blocks = json!([{"type": "thinking", "thinking": text, "signature": null}]);
    if way != 7 {
        said.shift_remove("reasoning_content");
    }
    let (name, value) = match way {
        0 => ("reasoning", json!(text)),
        1 => ("thinking", json!(text)),
        2 => ("reasoning_text", json!(text)),
        3 => ("thought", json!(text)),
        4 => ("reasoning_details", details),
        5 => {
            said.insert("reasoning".into(), json!(text));
            ("reasoning_details", details)
        }
        6 => {
            said.insert("reasoning".into(), json!(text));
            ("reasoning_content", json!(text))
        }
        _ => ("thinking_blocks", blocks),
    };
    said.insert(name.into(), value);
}

/// The content comes as a list of parts.
pub(super) fn parts(stream: &mut Stream, random: &mut Rng) -> bool {
    // Put on twice, the reasoning would change its field within a message, which then has it in two.
    if !stream.claim("parts of the content") {
        return false;
    }
    let way = random.u8(..7);
    let mut changed = false;
    for event in stream.data() {
        for choice in event.choices() {
            for name in ["delta", "message"] {
                let Some(Value::Object(said)) = choice.get_mut(name) else { continue };
                let refusal = match said.get("refusal") {
                    Some(Value::String(refusal)) if way == 5 => Some(refusal.clone()),
                    _ => None,
                };
                let thought = match said.get("reasoning_content") {
                    Some(Value::String(thought)) if way == 4 => Some(thought.clone()),
                    _ => None,
                };
                let text = match said.get("content") {
                    Some(Value::String(text)) => text.clone(),
                    None | Some(Value::Null) if thought.is_some() || refusal.is_some() => String::new(),
                    _ => continue,
                };
                changed = true;
                let cut = broken(&text, 2, random);
                let mut parts: Vec<Value> = match way {
                    0 | 4 | 5 => cut.iter().map(|text| json!({"type": "text", "text": text})).collect(),
                    1 => vec![json!({"type": "output_text", "text": text, "annotations": []})],
                    2 => vec![json!(text)],
                    _ => vec![json!({"type": "text", "text": {"value": text, "annotations": []}})],
                };
                if way == 6 {
                    said.insert("content".into(), json!({"type": "text", "text": text}));
                    continue;
                }
                if let Some(refusal) = refusal {
                    said.shift_remove("refusal");
                    parts.push(json!({"type": "refusal", "refusal": refusal}));
                }
                if let Some(thought) = thought {
                    said.shift_remove("reasoning_content");
                    let thought = json!([{"type": "text", "text": thought}]);
                    parts.insert(0, json!({"type": "thinking", "thinking": thought}));
                }
                said.insert("content".into(), Value::Array(parts));
            }
        }
    }
    changed && stream.answer.endpoint == Endpoint::Chat
}
