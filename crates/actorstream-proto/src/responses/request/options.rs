//! Options of a request that are more than a number or a string.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::InputPart;
use crate::chat::request::body::{FieldWriter, Fields, null_as_default, serialize_fields, setters};
use crate::string_enum::string_enum;

string_enum! {
    /// Something that a response can have beyond what it has anyway.
    pub enum Include {
        /// What a file search found.
        FileSearchResults = "file_search_call.results",
        /// What a web search found.
        WebSearchResults = "web_search_call.results",
        /// The pages a web search looked at.
        WebSearchSources = "web_search_call.action.sources",
        /// The addresses of the images of the input.
        InputImageUrl = "message.input_image.image_url",
        /// The addresses of the screenshots of the input.
        ComputerOutputImageUrl = "computer_call_output.output.image_url",
        /// What code put out that the model ran.
        CodeInterpreterOutputs = "code_interpreter_call.outputs",
        /// What the model thought, in a form only the server can read: to be given back when nothing is stored.
        ReasoningEncryptedContent = "reasoning.encrypted_content",
        /// The log probability of each token of the text.
        OutputTextLogprobs = "message.output_text.logprobs",
    }
}

string_enum! {
    /// What happens when the input is too long for the model.
    #[derive(Default)]
    pub enum Truncation {
        /// Its oldest items are left out.
        Auto = "auto",
        /// The request fails. The default.
        #[default]
        Disabled = "disabled",
    }
}

/// A stored conversation, by its identifier. A string converts into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Conversation {
    /// The identifier alone.
    Id(String),
    /// The identifier in an object.
    Object {
        /// The identifier.
        id: String,
    },
}

impl From<&str> for Conversation {
    fn from(id: &str) -> Self {
        Self::Id(id.to_owned())
    }
}

impl From<String> for Conversation {
    fn from(id: String) -> Self {
        Self::Id(id)
    }
}

/// A way in which a conversation that grows too long is made shorter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ContextManagement {
    /// The kind; the API has `compaction`.
    #[serde(rename = "type")]
    pub kind: String,
    /// From how many tokens on it is done.
    #[serde(default)]
    pub compact_threshold: Option<u32>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ContextManagement {
    /// What was said becomes a summary that only the model can read.
    #[must_use]
    pub fn compaction() -> Self {
        Self { kind: "compaction".into(), compact_threshold: None, extra: Map::new() }
    }

    setters! {
        value {
            /// Sets from how many tokens on it is done.
            compact_threshold: u32,
        }
        into {}
    }
}

impl Fields for ContextManagement {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("type", &self.kind)?;
        out.optional("compact_threshold", &self.compact_threshold)
    }
}

/// A stored prompt template. A string, its identifier, converts into it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct PromptTemplate {
    /// The identifier.
    pub id: String,
    /// The version. The newest if absent.
    #[serde(default)]
    pub version: Option<String>,
    /// What stands for the variables.
    #[serde(default, deserialize_with = "null_as_default")]
    pub variables: BTreeMap<String, PromptVariable>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl PromptTemplate {
    /// The template called `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Sets what stands for a variable: text or a part of any kind.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<PromptVariable>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    setters! {
        value {}
        into {
            /// Sets the version.
            version: String,
        }
    }
}

impl Fields for PromptTemplate {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("id", &self.id)?;
        out.optional("version", &self.version)?;
        out.non_empty("variables", &self.variables)
    }
}

impl From<&str> for PromptTemplate {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for PromptTemplate {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

/// What stands for a variable of a [`PromptTemplate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PromptVariable {
    /// Text.
    Text(String),
    /// A part with text, an image or a file.
    Part(InputPart),
}

impl From<&str> for PromptVariable {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for PromptVariable {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<InputPart> for PromptVariable {
    fn from(part: InputPart) -> Self {
        Self::Part(part)
    }
}

/// Options of a streamed response.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct StreamOptions {
    /// Whether events carry random padding that hides their length from observers. `true` if absent.
    #[serde(default)]
    pub include_obfuscation: Option<bool>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl StreamOptions {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {
            /// Sets whether events carry random padding.
            include_obfuscation: bool,
        }
        into {}
    }
}

impl Fields for StreamOptions {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("include_obfuscation", &self.include_obfuscation)
    }
}

serialize_fields!(ContextManagement, PromptTemplate, StreamOptions);
