//! The tools a model may call.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::{FieldWriter, Fields, serialize_fields, setters};
use crate::string_enum::string_enum;

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tool {
    /// A function that takes JSON arguments.
    Function {
        /// The function.
        function: FunctionDefinition,
    },
    /// A tool that takes text, free or bound by a grammar.
    Custom {
        /// The tool.
        custom: CustomTool,
    },
    /// A tool of another type or with further fields, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl Tool {
    /// A function called `name`: letters, digits, `_` and `-`, at most 64.
    pub fn function(name: impl Into<String>) -> FunctionDefinition {
        FunctionDefinition::new(name)
    }

    /// A custom tool called `name`.
    pub fn custom(name: impl Into<String>) -> CustomTool {
        CustomTool::new(name)
    }
}

impl From<FunctionDefinition> for Tool {
    fn from(function: FunctionDefinition) -> Self {
        Self::Function { function }
    }
}

impl From<CustomTool> for Tool {
    fn from(custom: CustomTool) -> Self {
        Self::Custom { custom }
    }
}

impl From<Value> for Tool {
    fn from(tool: Value) -> Self {
        Self::Other(tool)
    }
}

/// A function the model may call with JSON arguments.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct FunctionDefinition {
    /// The name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the function does, for the model to decide when to call it.
    #[serde(default)]
    pub description: Option<String>,
    /// The arguments as a JSON Schema object. No arguments if absent.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema exactly, which allows only
    /// part of JSON Schema. `false` if absent.
    #[serde(default)]
    pub strict: Option<bool>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FunctionDefinition {
    /// A function called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    setters! {
        value {
            /// Sets whether arguments must follow the schema exactly.
            strict: bool,
        }
        into {
            /// Sets what the function does.
            description: String,
            /// Sets the JSON Schema of the arguments.
            parameters: Value,
        }
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl Fields for FunctionDefinition {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("name", &self.name)?;
        out.optional("description", &self.description)?;
        out.optional("parameters", &self.parameters)?;
        out.optional("strict", &self.strict)
    }
}

serialize_fields!(FunctionDefinition);

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
}

impl CustomTool {
    /// A custom tool called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    setters! {
        value {
            /// Sets what the input must look like.
            format: CustomToolFormat,
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
    Text,
    /// Text of a grammar.
    Grammar {
        /// The grammar.
        grammar: Grammar,
    },
    /// Another format, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl CustomToolFormat {
    /// Text of a grammar written for Lark.
    pub fn lark(definition: impl Into<String>) -> Self {
        Self::grammar(GrammarSyntax::Lark, definition)
    }

    /// Text that matches a regular expression.
    pub fn regex(definition: impl Into<String>) -> Self {
        Self::grammar(GrammarSyntax::Regex, definition)
    }

    /// Text of a grammar in `syntax`.
    pub fn grammar(syntax: impl Into<GrammarSyntax>, definition: impl Into<String>) -> Self {
        Self::Grammar { grammar: Grammar { definition: definition.into(), syntax: syntax.into() } }
    }
}

/// A grammar and the language it is written in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    /// The grammar itself.
    pub definition: String,
    /// The language it is written in.
    pub syntax: GrammarSyntax,
}

string_enum! {
    /// The language of a [`Grammar`].
    pub enum GrammarSyntax {
        /// A Lark grammar.
        Lark = "lark",
        /// A regular expression.
        Regex = "regex",
    }
}
