//! Values that say nothing.

use serde_json::Value;

/// Returns whether a value is empty, or contains only empty values.
pub(crate) fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_hollow),
        Value::Object(object) => object.values().all(is_hollow),
    }
}
