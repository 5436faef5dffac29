//! How much of the memory a value takes.

use serde_json::Value;

/// About how many bytes a value holds.
pub(crate) fn weight(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(object) => object.iter().map(|(name, value)| name.len() + weight(value)).sum(),
    };
    size_of::<Value>() + held
}
