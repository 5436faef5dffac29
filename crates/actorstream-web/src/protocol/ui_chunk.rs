//! The chunks of the AI SDK's UI message stream, as in `uiMessageChunkSchema` of npm `ai` 7.0.173.

use actorstream::output::Tokens;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// A chunk.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum Chunk<'a> {
    Start {
        message_id: &'a str,
    },
    StartStep,
    TextStart {
        id: &'a str,
    },
    TextDelta {
        id: &'a str,
        delta: &'a str,
    },
    TextEnd {
        id: &'a str,
    },
    ReasoningStart {
        id: &'a str,
    },
    ReasoningDelta {
        id: &'a str,
        delta: &'a str,
    },
    ReasoningEnd {
        id: &'a str,
    },
    ToolInputStart {
        tool_call_id: &'a str,
        tool_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input_encoding: Option<&'static str>,
        #[serde(flatten)]
        runs: Runs,
    },
    ToolInputDelta {
        tool_call_id: &'a str,
        input_text_delta: &'a str,
    },
    ToolInputAvailable {
        tool_call_id: &'a str,
        tool_name: &'a str,
        input: &'a Value,
        #[serde(flatten)]
        runs: Runs,
    },
    ToolInputError {
        tool_call_id: &'a str,
        tool_name: &'a str,
        input: &'a Value,
        #[serde(flatten)]
        runs: Runs,
        error_text: &'a str,
    },
    ToolOutputAvailable {
        tool_call_id: &'a str,
        output: &'a Value,
        #[serde(flatten)]
        runs: Runs,
    },
    ToolOutputError {
        tool_call_id: &'a str,
        error_text: &'a str,
        #[serde(flatten)]
        runs: Runs,
    },
    SourceUrl {
        source_id: &'a str,
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    File {
        url: &'a str,
        media_type: &'a str,
    },
    FinishStep,
    ResetStep,
    MessageMetadata {
        message_metadata: Metadata,
    },
    Finish {
        finish_reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_metadata: Option<Metadata>,
    },
    Error {
        error_text: &'a str,
    },
    Abort {
        reason: &'a str,
    },
}

/// The executor of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// The application: its client, or the service. The client knows these tools by name.
    Application,
    /// The provider. The client does not know such a tool.
    Provider,
    /// Unknown: no client can know the type of the tool.
    Unknown,
}

impl Serialize for Runs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if *self == Self::Provider {
            map.serialize_entry("providerExecuted", &true)?;
        }
        if *self != Self::Application {
            map.serialize_entry("dynamic", &true)?;
        }
        map.end()
    }
}

/// A chunk with application data, whose name is part of the chunk type.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    pub(super) r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) data: &'a Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) transient: bool,
}

/// The metadata of the message: `metadata.usage`, in the shape of the AI SDK's `LanguageModelUsage`.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Metadata {
    usage: Usage,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    input_tokens: u64,
    input_token_details: InputDetails,
    output_tokens: u64,
    output_token_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct InputDetails {
    no_cache_tokens: u64,
    cache_read_tokens: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputDetails {
    text_tokens: u64,
    reasoning_tokens: u64,
}

impl From<Tokens> for Metadata {
    fn from(tokens: Tokens) -> Self {
        Self {
            usage: Usage {
                input_tokens: tokens.input,
                input_token_details: InputDetails {
                    no_cache_tokens: tokens.input.saturating_sub(tokens.cached),
                    cache_read_tokens: tokens.cached,
                },
                output_tokens: tokens.output,
                output_token_details: OutputDetails {
                    text_tokens: tokens.output.saturating_sub(tokens.reasoning),
                    reasoning_tokens: tokens.reasoning,
                },
                total_tokens: tokens.total,
            },
        }
    }
}
