//! The tools of the application: functions and custom tools.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::request::GrammarSyntax;
use crate::chat::request::body::{FieldWriter, Fields, null_as_default, serialize_fields, setters};
use crate::string_enum::string_enum;

string_enum! {
    /// What may call a tool.
    pub enum ToolCaller {
        /// The model.
        Direct = "direct",
        /// A program the model writes.
        Programmatic = "programmatic",
    }
}

/// A function the model may call with JSON arguments.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct FunctionTool {
    /// The name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the function does, for the model to decide when to call it.
    #[serde(default)]
    pub description: Option<String>,
    /// The arguments as a JSON Schema object. No arguments if absent.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema exactly, which allows only part of JSON Schema. If absent, they
    /// must where the schema allows it.
    #[serde(default)]
    pub strict: Option<bool>,
    /// What may call the function. The model alone if empty.
    #[serde(default, deserialize_with = "null_as_default")]
    pub allowed_callers: Vec<ToolCaller>,
    /// Whether the function is not loaded until a search finds it. `false` if absent.
    #[serde(default)]
    pub defer_loading: Option<bool>,
    /// The JSON Schema of the result, if that is JSON.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FunctionTool {
    /// A function called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds something that may call the function.
    #[must_use]
    pub fn allow_caller(mut self, caller: impl Into<ToolCaller>) -> Self {
        self.allowed_callers.push(caller.into());
        self
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {
            /// Sets whether arguments must follow the schema exactly.
            strict: bool,
            /// Sets whether the function is not loaded until a search finds it.
            defer_loading: bool,
        }
        into {
            /// Sets what the function does.
            description: String,
            /// Sets the JSON Schema of the arguments.
            parameters: Value,
            /// Sets the JSON Schema of the result.
            output_schema: Value,
        }
    }
}

impl Fields for FunctionTool {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("name", &self.name)?;
        out.optional("description", &self.description)?;
        out.optional("parameters", &self.parameters)?;
        out.optional("strict", &self.strict)?;
        out.non_empty("allowed_callers", &self.allowed_callers)?;
        out.optional("defer_loading", &self.defer_loading)?;
        out.optional("output_schema", &self.output_schema)
    }
}

serialize_fields!(FunctionTool);

/// A tool the model may call with text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomTool {
    /// The name calls refer to.
    pub name: String,
    /// What the tool does, for the model to decide when to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the input must look like. Any text if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<CustomToolFormat>,
    /// What may call the tool. The model alone if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub allowed_callers: Vec<ToolCaller>,
    /// Whether the tool is not loaded until a search finds it. `false` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defer_loading: Option<bool>,
}

impl CustomTool {
    /// A custom tool called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds something that may call the tool.
    #[must_use]
    pub fn allow_caller(mut self, caller: impl Into<ToolCaller>) -> Self {
        self.allowed_callers.push(caller.into());
        self
    }

    setters! {
        value {
            /// Sets what the input must look like.
            format: CustomToolFormat,
            /// Sets whether the tool is not loaded until a search finds it.
            defer_loading: bool,
        }
        into {
            /// Sets what the tool does.
            description: String,
        }
    }
}

/// What the input of a [`CustomTool`] must look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CustomToolFormat {
    /// Any text.
    Text {},
    /// Text of a grammar.
    Grammar {
        /// The language the grammar is written in.
        syntax: GrammarSyntax,
        /// The grammar itself.
        definition: String,
    },
    /// Another format, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl CustomToolFormat {
    /// Any text.
    #[must_use]
    pub fn text() -> Self {
        Self::Text {}
    }

    /// Text of a grammar written for Lark.
    pub fn lark(definition: impl Into<String>) -> Self {
        Self::Grammar { syntax: GrammarSyntax::Lark, definition: definition.into() }
    }

    /// Text that matches a regular expression.
    pub fn regex(definition: impl Into<String>) -> Self {
        Self::Grammar { syntax: GrammarSyntax::Regex, definition: definition.into() }
    }
}
