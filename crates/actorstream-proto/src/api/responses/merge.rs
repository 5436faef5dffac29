//! Merges an item or a response from an event with the one received so far: an event that contains less removes
//! nothing.

use serde_json::{Map, Value};

use super::items::{Key, places};
use crate::json::hollow::is_hollow;

/// Merges `later` over `before`.
pub(super) fn merge(before: &mut Value, later: Value) {
    match (before, later) {
        (Value::Object(before), Value::Object(later)) => merge_objects(before, later),
        (Value::Array(before), Value::Array(later)) => merge_lists(before, later),
        (Value::String(before), Value::String(later)) => {
            // A prefix of the text received so far contains less.
            if later.len() >= before.len() || !before.starts_with(&later) {
                *before = later;
            }
        }
        (before, later) => {
            if !is_hollow(&later) || is_hollow(before) {
                *before = later;
            }
        }
    }
}

pub(super) fn merge_objects(before: &mut Map<String, Value>, later: Map<String, Value>) {
    for (name, value) in later {
        match before.get_mut(&name) {
            // A status may change to a shorter word.
            Some(field) if name == "status" && value.as_str().is_some_and(|status| !status.is_empty()) => {
                *field = value;
            }
            Some(field) => merge(field, value),
            None => {
                before.insert(name, value);
            }
        }
    }
}

fn merge_lists(before: &mut Vec<Value>, later: Vec<Value>) {
    if later.len() < before.len() && !later.is_empty() && says_all(&later, before) {
        *before = later;
        return;
    }
    for (at, value) in later.into_iter().enumerate() {
        match before.get_mut(at) {
            Some(part) if is_alike(part, &value) => merge(part, value),
            Some(part) => *part = value,
            None => before.push(value),
        }
    }
}

/// Returns whether both may be the same part.
fn is_alike(a: &Value, b: &Value) -> bool {
    match (a.get("type"), b.get("type")) {
        (Some(a), Some(b)) => a == b,
        _ => a.is_object() == b.is_object(),
    }
}

/// Returns whether `fewer` parts contain the same text as `more` parts: some servers split a text while they stream
/// it.
fn says_all(fewer: &[Value], more: &[Value]) -> bool {
    let text =
        |parts: &[Value]| parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<String>();
    let (fewer, more) = (text(fewer), text(more));
    !more.is_empty() && fewer.starts_with(&more)
}

/// Merges the output of the last event over the output received so far.
pub(super) fn merge_output(before: &mut Vec<Value>, later: Vec<Value>) {
    let known: Vec<Key<'_>> = before.iter().map(Key::of).collect();
    let places = places(&known, &later.iter().map(Key::of).collect::<Vec<_>>());
    for (place, item) in places.into_iter().zip(later) {
        match place {
            Some(at) => merge(&mut before[at], item),
            None if item.is_object() => before.push(item),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn less_undoes_nothing_and_more_adds() {
        for (before, later, merged) in [
            (json!({"text": "Hi you"}), json!({"text": ""}), json!({"text": "Hi you"})),
            (json!({"text": "Hi you"}), json!({"text": "Hi"}), json!({"text": "Hi you"})),
            (json!({"text": "Hi you"}), json!({"text": "Hello"}), json!({"text": "Hello"})),
            (
                json!({"content": [{"text": "Hi"}]}),
                json!({"content": []}),
                json!({"content": [{"text": "Hi"}]}),
            ),
            (
                json!({"content": [{"text": "Hi"}]}),
                json!({"content": null}),
                json!({"content": [{"text": "Hi"}]}),
            ),
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"usage": {"n": 3}}), json!({"usage": {}}), json!({"usage": {"n": 3}})),
            (json!({"status": "in_progress"}), json!({"status": "in"}), json!({"status": "in"})),
            (
                json!([{"text": "th"}, {"text": "ink"}]),
                json!([{"text": "think"}]),
                json!([{"text": "think"}]),
            ),
            (
                json!([{"text": "a"}, {"text": "b"}]),
                json!([{"text": "a"}]),
                json!([{"text": "a"}, {"text": "b"}]),
            ),
        ] {
            let mut got = before.clone();
            merge(&mut got, later.clone());
            assert_eq!(got, merged, "{before} then {later}");
        }
    }

    #[test]
    fn items_are_told_by_id_then_by_type_and_order() {
        let text = |id: &str, text: &str| json!({"type": "message", "id": id, "content": [{"type": "output_text", "text": text}]});
        let call = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "arguments": arguments});
        for (before, later, merged) in [
            (json!([text("a", "x")]), json!([text("a", "xy")]), json!([text("a", "xy")])),
            (json!([text("a", "x")]), json!([text("b", "xy")]), json!([text("b", "xy")])),
            (
                json!([text("a", "x"), call("c", "{}")]),
                json!([call("c", "{}")]),
                json!([text("a", "x"), call("c", "{}")]),
            ),
            (
                json!([call("c", "1")]),
                json!([call("c", "1"), call("d", "2")]),
                json!([call("c", "1"), call("d", "2")]),
            ),
            (json!([call("c", "1")]), json!([call("d", "2")]), json!([call("c", "1"), call("d", "2")])),
            (
                json!([text("a", "x")]),
                json!([null, text("b", "y"), text("a", "x")]),
                json!([text("a", "x"), text("b", "y")]),
            ),
        ] {
            let (Value::Array(mut got), Value::Array(later)) = (before.clone(), later.clone()) else {
                panic!()
            };
            merge_output(&mut got, later);
            assert_eq!(Value::Array(got), merged, "{before}");
        }
    }
}
