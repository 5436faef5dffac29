//! Converts the output of a response to items of the next request.

use serde_json::{Map, Value};

use super::{Input, InputItem};
use crate::api::responses::{OutputItem, Response};

impl From<&OutputItem> for InputItem {
    /// Converts an output item to an input item, without the fields that only an output has (`created_by`, and the
    /// `status` of a custom tool's output). Fields that the server did not send are omitted.
    fn from(item: &OutputItem) -> Self {
        let mut item = serde_json::to_value(item).unwrap_or_default();
        if let Value::Object(fields) = &mut item {
            keep_input(fields);
        }
        Self::from(item)
    }
}

impl From<OutputItem> for InputItem {
    fn from(item: OutputItem) -> Self {
        Self::from(&item)
    }
}

impl From<&Response> for Input {
    /// Converts the whole output of the response.
    fn from(response: &Response) -> Self {
        Self::Items(response.output.iter().map(InputItem::from).collect())
    }
}

/// Removes the fields of an item that an input must not have.
fn keep_input(fields: &mut Map<String, Value>) {
    fields.shift_remove("created_by");
    if fields.get("type").is_some_and(|kind| kind == "custom_tool_call_output") {
        fields.shift_remove("status");
    }
    // An empty text means that the server did not send the field.
    for name in ["id", "role", "status"] {
        if fields.get(name).is_some_and(|value| value == "") {
            fields.shift_remove(name);
        }
    }
    // The pieces of a shell's output also have this field.
    if let Some(Value::Array(pieces)) = fields.get_mut("output") {
        for piece in pieces.iter_mut().filter_map(Value::as_object_mut) {
            piece.shift_remove("created_by");
        }
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
