//! Numbers: as floats, as texts, left out.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::stream::Stream;

/// Numbers that are the same when they are written otherwise.
const NUMBERS: [&str; 16] = [
    "index",
    "output_index",
    "content_index",
    "summary_index",
    "sequence_number",
    "created",
    "created_at",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "annotation_index",
    "audio_tokens",
];

/// Integers come as floats, or as texts.
pub(super) fn otherwise(stream: &mut Stream, random: &mut Rng) -> bool {
    let way = random.u8(..3);
    let mut changed = false;
    for event in stream.data() {
        visit(&mut event.json, &mut |name, value| {
            let number = value.as_u64().filter(|_| NUMBERS.contains(&name) && random.bool());
            let Some(number) = number else { return name != "arguments" };
            *value = match way {
                0 => json!(number as f64),
                1 => json!(number.to_string()),
                _ => json!(format!("{number}.0")),
            };
            changed = true;
            false
        });
    }
    changed
}

/// Visits the fields of all objects, also of those that are in others, unless the visitor says that there is nothing to find.
pub(super) fn visit(json: &mut Value, change: &mut impl FnMut(&str, &mut Value) -> bool) {
    match json {
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                if change(name, value) {
                    visit(value, change);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| visit(item, change)),
        _ => {}
    }
}

/// The only choice has no index.
pub(super) fn no_index(stream: &mut Stream, random: &mut Rng) -> bool {
    if stream.answer.choices.len() > 1 {
        return false;
    }
    let null = random.bool();
    for event in stream.data() {
        for choice in event.choices().iter_mut().filter_map(Value::as_object_mut) {
            if null {
                choice.insert("index".into(), Value::Null);
            } else {
                choice.shift_remove("index");
            }
        }
    }
    true
}

/// Events are not numbered, or all have one number.
pub(super) fn no_sequence(stream: &mut Stream, random: &mut Rng) -> bool {
    let way = random.u8(..4);
    for event in stream.data().filter_map(|event| event.json.as_object_mut()) {
        match way {
            0 => drop(event.shift_remove("sequence_number")),
            1 => drop(event.insert("sequence_number".into(), Value::Null)),
            2 => drop(event.insert("sequence_number".into(), json!(0))),
            _ => drop(event.insert("sequence_number".into(), json!("seq"))),
        }
    }
    true
}
