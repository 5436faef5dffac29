//! The tool choice of a request.

use serde_json::Value;

use crate::request::body::Body;

/// Removes a choice that forces a call, since it would force one in every round. The tools that the model may call
/// are unchanged.
pub(crate) fn lift(body: &mut Body) {
    let Some(mut choice) = body.get::<Value>("tool_choice") else { return };
    if !forces(&choice) {
        return;
    }
    // The mode of a list of tools is in it, or beside it.
    let is_list = choice.get("type").is_some_and(|kind| kind == "allowed_tools");
    let inner = if choice.get("allowed_tools").is_some_and(Value::is_object) {
        choice.get_mut("allowed_tools")
    } else if is_list {
        Some(&mut choice)
    } else {
        None
    };
    match inner.and_then(Value::as_object_mut) {
        Some(list) => {
            list.insert("mode".to_owned(), "auto".into());
            body.set("tool_choice", &choice);
        }
        None => body.remove("tool_choice"),
    }
}

/// Returns whether a choice forces a call.
fn forces(choice: &Value) -> bool {
    let may = |mode: &Value| mode.as_str().is_some_and(|mode| matches!(mode, "auto" | "none"));
    match choice {
        // An unknown mode leaves the request unchanged.
        Value::String(mode) => matches!(mode.as_str(), "required" | "any"),
        Value::Object(fields) => {
            let lists = fields.get("allowed_tools").and_then(Value::as_object).unwrap_or(fields);
            let mode = lists.get("mode").or_else(|| fields.get("mode"));
            match mode {
                Some(mode) => !may(mode),
                None if fields.get("type").is_some_and(|kind| kind == "allowed_tools") => false,
                None => !fields.get("type").is_some_and(may),
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_forces_a_call_is_lifted() {
        let tools = json!([{"type": "function", "name": "z"}, {"type": "function", "name": "a"}]);
        for (before, after) in [
            (json!("auto"), Some(json!("auto"))),
            (json!("none"), Some(json!("none"))),
            (json!("validated"), Some(json!("validated"))),
            (json!("required"), None),
            (json!("any"), None),
            (json!({"type": "function", "name": "f"}), None),
            (json!({"type": "function", "function": {"name": "f"}}), None),
            (json!({"function": {"name": "f"}}), None),
            (json!({"type": "custom", "custom": {"name": "f"}}), None),
            (json!({"type": "mcp", "server_label": "s"}), None),
            (json!({"type": "file_search"}), None),
            (json!({"type": "any"}), None),
            (json!({"type": "auto"}), Some(json!({"type": "auto"}))),
            (
                json!({"type": "allowed_tools", "mode": "required", "tools": tools}),
                Some(json!({"type": "allowed_tools", "mode": "auto", "tools": tools})),
            ),
            (
                json!({"type": "allowed_tools", "mode": "auto", "tools": tools, "x": 1}),
                Some(json!({"type": "allowed_tools", "mode": "auto", "tools": tools, "x": 1})),
            ),
            (
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools}}),
                Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}})),
            ),
            (
                json!({"allowed_tools": {"mode": "required", "tools": tools}}),
                Some(json!({"allowed_tools": {"mode": "auto", "tools": tools}})),
            ),
            (
                json!({"type": "allowed_tools", "tools": tools}),
                Some(json!({"type": "allowed_tools", "tools": tools})),
            ),
        ] {
            let mut body = Body::new(&json!({"model": "m", "tool_choice": before})).unwrap();
            // A second pass must change nothing.
            for _ in 0..2 {
                lift(&mut body);
                assert_eq!(body.get::<Value>("tool_choice"), after, "{before}");
            }
        }
        let mut body = Body::new(&json!({"model": "m"})).unwrap();
        lift(&mut body);
        assert_eq!(body.to_bytes(), r#"{"model":"m"}"#);
    }
}
