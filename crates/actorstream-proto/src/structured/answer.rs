//! Reads an answer into a value of one's own type, or says why there is none.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::schema::is_wrapped;
use crate::chat::{ChatCompletion, FinishReason};
use crate::responses::{IncompleteReason, MessagePhase, OutputItem, OutputMessageContent, Response};

/// Why an answer is no value of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unstructured {
    /// The model will not answer, and says why.
    Refusal(String),
    /// The tokens ran out.
    Length {
        /// What came until then.
        text: String,
    },
    /// A filter took content out.
    ContentFilter {
        /// What was left.
        text: String,
    },
    /// The model calls tools before it answers.
    ToolCalls,
    /// There is no answer.
    Empty,
    /// The answer does not fit the type.
    Invalid {
        /// The answer.
        text: String,
        /// Where it does not fit.
        error: String,
    },
}

impl fmt::Display for Unstructured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(reason) => write!(f, "the model refused: {reason}"),
            Self::Length { .. } => {
                f.write_str("the answer is cut off, its tokens ran out; allow for more of them")
            }
            Self::ContentFilter { .. } => f.write_str("a content filter took out of the answer"),
            Self::ToolCalls => f.write_str("the model calls tools, and has not answered yet"),
            Self::Empty => f.write_str("there is no answer"),
            Self::Invalid { error, .. } => write!(f, "the answer does not fit the type: {error}"),
        }
    }
}

impl std::error::Error for Unstructured {}

impl ChatCompletion {
    /// The text of the first choice as a value of the type that the request asked for with
    /// [`JsonSchema::of`](crate::chat::request::JsonSchema::of).
    ///
    /// # Errors
    /// Where the answer is none: see [`Unstructured`].
    pub fn structured<T>(&self) -> Result<T, Unstructured>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        let choice = self.choices.first().ok_or(Unstructured::Empty)?;
        let message = &choice.message;
        let text = message.content.as_deref().unwrap_or_default();
        if let Some(refusal) = message.refusal.as_deref().filter(|refusal| !refusal.is_empty()) {
            return Err(Unstructured::Refusal(refusal.to_owned()));
        }
        match &choice.finish_reason {
            Some(FinishReason::Length) => return Err(Unstructured::Length { text: text.to_owned() }),
            Some(FinishReason::ContentFilter) => {
                return Err(Unstructured::ContentFilter { text: text.to_owned() });
            }
            _ => {}
        }
        read(text, !self.tool_calls().is_empty())
    }
}

impl Response {
    /// The text of the output as a value of the type that the request asked for with
    /// [`JsonSchema::of`](crate::chat::request::JsonSchema::of).
    ///
    /// # Errors
    /// Where the answer is none: see [`Unstructured`].
    pub fn structured<T>(&self) -> Result<T, Unstructured>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        let mut text = String::new();
        let mut calls = false;
        for item in &self.output {
            match item {
                // What is said on the way to an answer is none.
                OutputItem::Message(message) if message.phase != Some(MessagePhase::Commentary) => {
                    for part in &message.content {
                        match part {
                            OutputMessageContent::Refusal(part) => {
                                return Err(Unstructured::Refusal(part.refusal.clone()));
                            }
                            OutputMessageContent::OutputText(part) => text.push_str(&part.text),
                            OutputMessageContent::Unknown(_) => {}
                        }
                    }
                }
                OutputItem::FunctionCall(_) | OutputItem::CustomToolCall(_) => calls = true,
                _ => {}
            }
        }
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_ref());
        match reason {
            Some(IncompleteReason::MaxOutputTokens) => Err(Unstructured::Length { text }),
            Some(IncompleteReason::ContentFilter) => Err(Unstructured::ContentFilter { text }),
            _ => read(&text, calls),
        }
    }
}

/// Reads the text of an answer.
fn read<T>(text: &str, calls: bool) -> Result<T, Unstructured>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    let json = without_fence(text.trim());
    if json.is_empty() {
        return Err(if calls { Unstructured::ToolCalls } else { Unstructured::Empty });
    }
    parse(json).map_err(|error| Unstructured::Invalid { text: text.to_owned(), error: error.to_string() })
}

/// Reads JSON that follows the [`Schema`](super::Schema) of `T`: a value that is no object is in the field `value` of one.
///
/// # Errors
/// When the text is not JSON, or does not fit the type.
pub fn parse<T>(json: &str) -> serde_json::Result<T>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    /// The object around a value; its field is named as [`VALUE`](super::schema::VALUE) says.
    #[derive(Deserialize)]
    struct Wrapped<T> {
        value: T,
    }

    if is_wrapped::<T>() {
        serde_json::from_str::<Wrapped<T>>(json).map(|wrapped| wrapped.value)
    } else {
        serde_json::from_str(json)
    }
}

/// JSON out of the Markdown fence that models put around it where the server does not hold them to the schema.
fn without_fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("```").and_then(|text| text.strip_suffix("```")) else { return text };
    inner.strip_prefix("json").unwrap_or(inner).trim()
}
