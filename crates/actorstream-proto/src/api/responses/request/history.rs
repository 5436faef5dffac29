//! What a response put out, as items of the next request.

use serde_json::{Map, Value};

use super::{Input, InputItem};
use crate::api::responses::{OutputItem, Response};

impl From<&OutputItem> for InputItem {
    /// The item as it is given back to the model: without what only an output has (`created_by`, and the `status` of a
    /// custom tool's output). A field that did not come is not there.
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
    /// All that the response put out.
    fn from(response: &Response) -> Self {
        Self::Items(response.output.iter().map(InputItem::from).collect())
    }
}

/// Takes out of an item what an input must not have.
fn keep_input(fields: &mut Map<String, Value>) {
    fields.shift_remove("created_by");
    if fields.get("type").is_some_and(|kind| kind == "custom_tool_call_output") {
        fields.shift_remove("status");
    }
    // An empty one is one that did not come.
    for name in ["id", "role", "status"] {
        if fields.get(name).is_some_and(|value| value == "") {
            fields.shift_remove(name);
        }
    }
    // The pieces of a shell's output say who made them, too.
    if let Some(Value::Array(pieces)) = fields.get_mut("output") {
        for piece in pieces.iter_mut().filter_map(Value::as_object_mut) {
            piece.shift_remove("created_by");
        }
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
