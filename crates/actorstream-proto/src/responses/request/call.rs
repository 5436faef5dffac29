//! Calls of the application's tools, and their results.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::InputContent;
use super::item::ItemStatus;
use crate::chat::request::body::setters;

/// A function call the model made, given back to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionCall {
    /// What the result refers to.
    pub call_id: String,
    /// The name of the function.
    pub name: String,
    /// JSON text as the model wrote it, which need not be valid.
    pub arguments: String,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The namespace the function is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How far the call got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// What made the call, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Value>,
}

impl FunctionCall {
    /// A call of the function `name`; `arguments` is JSON text.
    pub fn new(call_id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), name: name.into(), arguments: arguments.into(), ..Self::default() }
    }

    setters! {
        value {}
        into {
            /// Sets the identifier of the item.
            id: String,
            /// Sets the namespace the function is in.
            namespace: String,
            /// Sets how far the call got.
            status: ItemStatus,
            /// Sets what made the call, as it came.
            caller: Value,
        }
    }
}

/// The result of a function call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionOutput {
    /// The call that is answered.
    pub call_id: String,
    /// The result: text, which may be JSON, or parts with text, images and files.
    pub output: InputContent,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace the function is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How far the function got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// What made the call, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Value>,
}

impl FunctionOutput {
    /// The result of the call `call_id`.
    pub fn new(call_id: impl Into<String>, output: impl Into<InputContent>) -> Self {
        Self { call_id: call_id.into(), output: output.into(), ..Self::default() }
    }

    setters! {
        value {}
        into {
            /// Sets the identifier of the item.
            id: String,
            /// Sets the name of the function.
            name: String,
            /// Sets the namespace the function is in.
            namespace: String,
            /// Sets how far the function got.
            status: ItemStatus,
            /// Sets what made the call, as it came.
            caller: Value,
        }
    }
}

/// A call of a custom tool the model made, given back to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomToolCall {
    /// What the result refers to.
    pub call_id: String,
    /// The name of the tool.
    pub name: String,
    /// The input, in the format the tool asked for.
    pub input: String,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The namespace the tool is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What made the call, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Value>,
}

impl CustomToolCall {
    /// A call of the custom tool `name` with `input`.
    pub fn new(call_id: impl Into<String>, name: impl Into<String>, input: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), name: name.into(), input: input.into(), ..Self::default() }
    }
}

/// The result of a call of a custom tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomToolOutput {
    /// The call that is answered.
    pub call_id: String,
    /// The result: text, or parts with text, images and files.
    pub output: InputContent,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What made the call, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Value>,
}

impl CustomToolOutput {
    /// The result of the call `call_id`.
    pub fn new(call_id: impl Into<String>, output: impl Into<InputContent>) -> Self {
        Self { call_id: call_id.into(), output: output.into(), ..Self::default() }
    }
}
