//! Calls the model made, as they are given back to it.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::{FieldWriter, Fields, serialize_fields};
use crate::string_enum::string_enum;

string_enum! {
    /// What kind of tool a call is for.
    #[derive(Default)]
    pub enum ToolType {
        /// A function, called with JSON arguments.
        #[default]
        Function = "function",
        /// A custom tool, called with free text.
        Custom = "custom",
    }
}

/// A call of a tool by the model.
///
/// The result goes back as a message made by
/// [`Message::tool`](super::Message::tool) with this call's `id`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ToolCall {
    /// What the result refers to.
    #[serde(default)]
    pub id: String,
    /// Which of the fields below is set.
    #[serde(default, rename = "type")]
    pub kind: ToolType,
    /// The function and its arguments.
    #[serde(default)]
    pub function: Option<FunctionCall>,
    /// The custom tool and its input.
    #[serde(default)]
    pub custom: Option<CustomToolCall>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ToolCall {
    /// A call of the function `name`; `arguments` is JSON text.
    pub fn function(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: ToolType::Function,
            function: Some(FunctionCall::new(name, arguments)),
            ..Self::default()
        }
    }

    /// A call of the custom tool `name` with `input`.
    pub fn custom(id: impl Into<String>, name: impl Into<String>, input: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: ToolType::Custom,
            custom: Some(CustomToolCall { name: name.into(), input: input.into() }),
            ..Self::default()
        }
    }

    /// The name of the tool, if the call is of a known kind.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match (&self.function, &self.custom) {
            (Some(function), _) => Some(&function.name),
            (None, Some(custom)) => Some(&custom.name),
            (None, None) => None,
        }
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl Fields for ToolCall {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("id", &self.id)?;
        out.required("type", &self.kind)?;
        out.optional("function", &self.function)?;
        out.optional("custom", &self.custom)
    }
}

serialize_fields!(ToolCall);

/// A function and the arguments the model chose for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The name of the function.
    pub name: String,
    /// JSON text as the model wrote it, which need not be valid.
    pub arguments: String,
}

impl FunctionCall {
    /// A call of `name`; `arguments` is JSON text.
    pub fn new(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: arguments.into() }
    }
}

/// A custom tool and the input the model wrote for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomToolCall {
    /// The name of the tool.
    pub name: String,
    /// The input, in the format the tool asked for.
    pub input: String,
}
