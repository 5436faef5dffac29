//! `FunctionDefinition`: a function that the model may call.

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use crate::json::from_json::FromJson;
use crate::json::reader::{Reader, Wrong};
use crate::request::fields::{FieldWriter, Fields, serialize_fields, setters};

/// A function the model may call with JSON arguments.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct FunctionDefinition {
    /// The name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What the function does, which helps the model to decide when to call it.
    #[serde(default)]
    pub description: Option<String>,
    /// The arguments as a JSON Schema object. No arguments if absent.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema exactly, which allows only
    /// part of JSON Schema. `false` if absent.
    #[serde(default)]
    pub strict: Option<bool>,
    /// Additional fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FunctionDefinition {
    /// Creates a function called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    setters! {
        value {
            /// Sets whether the arguments must follow the schema exactly.
            strict: bool,
        }
        into {
            /// Sets the description.
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

impl FromJson for FunctionDefinition {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = serde_json::from_slice(reader.any()?).map_err(serde::de::Error::custom)?;
        Ok(())
    }
}
