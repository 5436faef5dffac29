//! The form the answer must have.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::setters;

/// The form the answer must have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ResponseFormat {
    /// Text of any form, the default.
    Text,
    /// Some JSON object; a message must also ask the model for JSON.
    JsonObject,
    /// JSON of a given shape.
    JsonSchema {
        /// The shape.
        json_schema: JsonSchema,
    },
    /// Another format, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl ResponseFormat {
    /// JSON that follows `schema`. The name takes letters, digits, `_` and
    /// `-`, at most 64.
    pub fn json_schema(name: impl Into<String>, schema: impl Into<Value>) -> JsonSchema {
        JsonSchema::new(name).schema(schema)
    }
}

impl From<JsonSchema> for ResponseFormat {
    fn from(json_schema: JsonSchema) -> Self {
        Self::JsonSchema { json_schema }
    }
}

impl From<Value> for ResponseFormat {
    fn from(format: Value) -> Self {
        Self::Other(format)
    }
}

/// A shape of JSON by name and schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonSchema {
    /// The name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the format is for, as a hint to the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether the answer must follow the schema exactly, which allows only
    /// part of JSON Schema. `false` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl JsonSchema {
    /// A shape called `name`, without a schema yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    setters! {
        value {
            /// Sets whether the answer must follow the schema exactly.
            strict: bool,
        }
        into {
            /// Sets what the format is for.
            description: String,
            /// Sets the JSON Schema object.
            schema: Value,
        }
    }
}
