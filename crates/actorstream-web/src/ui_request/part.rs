//! The parts of a message.

use super::json::Json;

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MessagePart {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// The model's reasoning.
    Reasoning {
        /// The text.
        text: String,
    },
    /// A file.
    File(FilePart),
    /// A call of a tool: `tool-<name>` and `dynamic-tool`.
    Tool(ToolPart),
    /// Application data: `data-<name>`.
    Data {
        /// The name.
        name: String,
        /// The id.
        id: Option<String>,
        /// The data.
        data: Json,
    },
    /// A page that the response cites.
    SourceUrl {
        /// The id of the source.
        source_id: String,
        /// The URL.
        url: String,
        /// The title.
        title: Option<String>,
    },
    /// A document that the response cites.
    SourceDocument {
        /// The id of the source.
        source_id: String,
        /// The media type.
        media_type: String,
        /// The title.
        title: String,
        /// The name of the file.
        filename: Option<String>,
    },
    /// A step of the response begins: a separate request to the model.
    StepStart,
    /// Input that the user added while the response was generated: text and files.
    Steering {
        /// Its parts.
        parts: Vec<MessagePart>,
    },
    /// A part of a kind that only the client knows, verbatim.
    Other(Json),
}

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilePart {
    /// Its URL: `http:`, `https:`, or `data:`, which contains the file itself.
    pub url: String,
    /// The media type, such as `image/png`, or the first part of one.
    pub media_type: String,
    /// The name.
    pub filename: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ToolPart {
    /// The id of the call.
    pub tool_call_id: String,
    /// The name of the tool.
    pub tool_name: String,
    /// Its state.
    pub state: ToolState,
    /// The input. For a failed call, it may be the text that the model wrote.
    pub input: Json,
    /// Whether the provider ran the tool.
    pub provider_executed: bool,
}

/// The state of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolState {
    /// The input is incomplete.
    InputStreaming,
    /// The input is complete.
    InputAvailable,
    /// The user is asked whether the tool may run.
    ApprovalRequested {
        /// The id of the question.
        id: String,
    },
    /// The user has answered.
    ApprovalResponded {
        /// The id of the question.
        id: String,
        /// Whether the tool may run.
        approved: bool,
        /// The reason.
        reason: Option<String>,
    },
    /// The tool returned output.
    OutputAvailable {
        /// The output.
        output: Json,
        /// More output follows.
        preliminary: bool,
    },
    /// The tool, or the call of it, failed.
    OutputError {
        /// The error message.
        error_text: String,
    },
    /// The user did not approve the call.
    OutputDenied {
        /// The reason.
        reason: Option<String>,
    },
}

impl ToolPart {
    /// Returns the outcome for the model; `None` if there is none.
    pub(super) fn outcome(&self) -> Option<String> {
        const DENIED: &str = "Tool call execution denied.";
        match &self.state {
            ToolState::OutputAvailable { preliminary: true, .. } => None,
            ToolState::OutputAvailable { output, .. } => {
                Some(output.string().unwrap_or_else(|| output.get().to_owned()))
            }
            ToolState::OutputError { error_text } => Some(error_text.clone()),
            ToolState::OutputDenied { reason }
            | ToolState::ApprovalResponded { approved: false, reason, .. } => {
                Some(reason.clone().unwrap_or_else(|| DENIED.to_owned()))
            }
            _ => None,
        }
    }

    /// Returns the input as the model wrote it, if it is the free text of a custom tool.
    pub(super) fn free_text(&self) -> Option<String> {
        // A text as the input of a failed call was most likely meant to be JSON.
        if matches!(self.state, ToolState::OutputError { .. }) { None } else { self.input.string() }
    }

    /// Returns the arguments of a function as JSON text.
    pub(super) fn arguments(&self) -> String {
        match self.input.string() {
            Some(text) => text,
            None if self.input.is_null() => "{}".to_owned(),
            None => self.input.get().to_owned(),
        }
    }
}
