//! The form and the length of the text.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::request::body::{FieldWriter, Fields, serialize_fields, setters};
use crate::chat::request::{JsonSchema, Verbosity};

/// The form and the length of the text.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TextConfig {
    /// The form the text must have. Default any.
    #[serde(default)]
    pub format: Option<TextFormat>,
    /// How much the model writes. Default [`Verbosity::Medium`].
    #[serde(default)]
    pub verbosity: Option<Verbosity>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl TextConfig {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {}
        into {
            /// Sets the form the text must have.
            format: TextFormat,
            /// Sets how much the model writes.
            verbosity: Verbosity,
        }
    }
}

impl Fields for TextConfig {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("format", &self.format)?;
        out.optional("verbosity", &self.verbosity)
    }
}

serialize_fields!(TextConfig);

/// The form the text must have. A [`JsonSchema`] converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TextFormat {
    /// Text of any form, the default.
    Text {},
    /// Some JSON object; the input must also ask the model for JSON.
    JsonObject {},
    /// JSON of a given shape.
    JsonSchema(JsonSchema),
    /// Another format, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl TextFormat {
    /// Text of any form.
    #[must_use]
    pub fn text() -> Self {
        Self::Text {}
    }

    /// Some JSON object.
    #[must_use]
    pub fn json_object() -> Self {
        Self::JsonObject {}
    }

    /// JSON that follows `schema`. The name takes letters, digits, `_` and `-`, at most 64.
    pub fn json_schema(name: impl Into<String>, schema: impl Into<Value>) -> JsonSchema {
        JsonSchema::new(name).schema(schema)
    }
}

impl From<JsonSchema> for TextFormat {
    fn from(schema: JsonSchema) -> Self {
        Self::JsonSchema(schema)
    }
}

impl From<Value> for TextFormat {
    fn from(format: Value) -> Self {
        Self::Other(format)
    }
}
