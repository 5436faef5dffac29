//! Options of a request that are more than a number or a string.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::{FieldWriter, Fields, serialize_fields, setters};
use super::content::Content;
use crate::string_enum::string_enum;

string_enum! {
    /// How much a reasoning model thinks before it answers.
    ///
    /// Not every model takes every value.
    pub enum ReasoningEffort {
        /// Not at all.
        None = "none",
        /// As little as it can.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// A middling amount, the default of most models.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More than much.
        XHigh = "xhigh",
        /// As much as it can.
        Max = "max",
    }
}

string_enum! {
    /// The class of service a request is processed in.
    ///
    /// A response names the class that was used.
    pub enum ServiceTier {
        /// What the project is set to. The default.
        Auto = "auto",
        /// Standard price and speed.
        Default = "default",
        /// Cheaper and slower.
        Flex = "flex",
        /// Capacity bought in advance.
        Scale = "scale",
        /// Dearer and faster.
        Priority = "priority",
        /// The fast class.
        Fast = "fast",
    }
}

string_enum! {
    /// How much the model writes.
    #[derive(Default)]
    pub enum Verbosity {
        /// Short answers.
        Low = "low",
        /// The default.
        #[default]
        Medium = "medium",
        /// Long answers.
        High = "high",
    }
}

string_enum! {
    /// A kind of output.
    #[derive(Default)]
    pub enum Modality {
        /// Written text, the default.
        #[default]
        Text = "text",
        /// Speech; [`AudioOutput`](super::AudioOutput) says how it sounds.
        Audio = "audio",
    }
}

string_enum! {
    /// How long a cached prompt prefix may be kept.
    pub enum PromptCacheRetention {
        /// In memory only.
        InMemory = "in_memory",
        /// For up to 24 hours.
        Hours24 = "24h",
    }
}

string_enum! {
    /// Who places cache breakpoints in the prompt.
    #[derive(Default)]
    pub enum PromptCacheMode {
        /// The server places one beside those of the request. The default.
        #[default]
        Implicit = "implicit",
        /// Only the request does.
        Explicit = "explicit",
    }
}

string_enum! {
    /// How long a cached prompt prefix is kept at least.
    #[derive(Default)]
    pub enum PromptCacheTtl {
        /// 30 minutes, the default.
        #[default]
        Minutes30 = "30m",
    }
}

/// How the prompt is cached for later requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptCacheOptions {
    /// Who places breakpoints. `implicit` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<PromptCacheMode>,
    /// How long a prefix is kept at least. `30m` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<PromptCacheTtl>,
}

impl PromptCacheOptions {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {}
        into {
            /// Sets who places breakpoints.
            mode: PromptCacheMode,
            /// Sets how long a prefix is kept at least.
            ttl: PromptCacheTtl,
        }
    }
}

/// Where the answer stops; the sequence itself is not part of the answer.
///
/// A string converts into it, and so does a list of strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    /// One sequence.
    One(String),
    /// Any of several; the API takes up to four.
    Any(Vec<String>),
}

impl From<&str> for Stop {
    fn from(sequence: &str) -> Self {
        Self::One(sequence.to_owned())
    }
}

impl From<String> for Stop {
    fn from(sequence: String) -> Self {
        Self::One(sequence)
    }
}

impl<S: Into<String>> From<Vec<S>> for Stop {
    fn from(sequences: Vec<S>) -> Self {
        Self::Any(sequences.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Stop {
    fn from(sequences: [S; N]) -> Self {
        Self::Any(sequences.into_iter().map(Into::into).collect())
    }
}

/// Options of a streamed response.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct StreamOptions {
    /// Whether a last chunk without choices carries the token counts of the
    /// request. `false` if absent.
    #[serde(default)]
    pub include_usage: Option<bool>,
    /// Whether chunks carry random padding that hides their length from
    /// observers. `true` if absent.
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
            /// Sets whether a last chunk carries the token counts.
            include_usage: bool,
            /// Sets whether chunks carry random padding.
            include_obfuscation: bool,
        }
        into {}
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl Fields for StreamOptions {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("include_usage", &self.include_usage)?;
        out.optional("include_obfuscation", &self.include_obfuscation)
    }
}

serialize_fields!(StreamOptions);

/// Text the answer will mostly repeat, which lets it come faster.
///
/// Anything that converts into [`Content`] converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Prediction {
    /// The expected text.
    Content {
        /// The text, as such or in text parts.
        content: Content,
    },
}

impl<C: Into<Content>> From<C> for Prediction {
    fn from(content: C) -> Self {
        Self::Content { content: content.into() }
    }
}
