//! The parts of a message.

use serde_json::Value;

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MessagePart {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// What the model thought.
    Reasoning {
        /// The text.
        text: String,
    },
    /// A file.
    File(FilePart),
    /// A call of a tool: `tool-<name>` and `dynamic-tool`.
    Tool(ToolPart),
    /// Data of the application's: `data-<name>`.
    Data {
        /// The name.
        name: String,
        /// The id.
        id: Option<String>,
        /// The data.
        data: Value,
    },
    /// A page that the answer rests on.
    SourceUrl {
        /// The id of the source.
        source_id: String,
        /// The address.
        url: String,
        /// The title.
        title: Option<String>,
    },
    /// A document that the answer rests on.
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
    /// A step of the answer begins: a request of its own to the model.
    StepStart,
    /// What the user said while the answer was made: text and files.
    Steering {
        /// Its parts.
        parts: Vec<MessagePart>,
    },
    /// A part of a kind that only the client knows, as it came.
    Other(Value),
}

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilePart {
    /// Where it is: `http:`, `https:`, or `data:`, which holds the file itself.
    pub url: String,
    /// The media type, such as `image/png`, or the first half of one.
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
    /// How far it is.
    pub state: ToolState,
    /// The input; for a call that failed it may be the text that the model wrote.
    pub input: Value,
    /// Whether the provider ran the tool.
    pub provider_executed: bool,
}

/// How far the call of a tool is.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolState {
    /// The input is not whole.
    InputStreaming,
    /// The input is whole.
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
        /// Why.
        reason: Option<String>,
    },
    /// The tool gave something back.
    OutputAvailable {
        /// What it gave back.
        output: Value,
        /// More is to come.
        preliminary: bool,
    },
    /// The tool, or the call of it, failed.
    OutputError {
        /// What went wrong.
        error_text: String,
    },
    /// The user did not let the tool run.
    OutputDenied {
        /// Why.
        reason: Option<String>,
    },
}

impl ToolPart {
    /// What the model is told of the outcome; `None` if there is none.
    pub(super) fn outcome(&self) -> Option<String> {
        const DENIED: &str = "Tool call execution denied.";
        match &self.state {
            ToolState::OutputAvailable { preliminary: true, .. } => None,
            ToolState::OutputAvailable { output: Value::String(text), .. } => Some(text.clone()),
            ToolState::OutputAvailable { output, .. } => Some(output.to_string()),
            ToolState::OutputError { error_text } => Some(error_text.clone()),
            ToolState::OutputDenied { reason }
            | ToolState::ApprovalResponded { approved: false, reason, .. } => {
                Some(reason.clone().unwrap_or_else(|| DENIED.to_owned()))
            }
            _ => None,
        }
    }

    /// The input as the model wrote it, where it is the free text of a custom tool.
    pub(super) fn free_text(&self) -> Option<&str> {
        // A text as the input of a call that failed is most likely one that was meant to be JSON.
        if matches!(self.state, ToolState::OutputError { .. }) { None } else { self.input.as_str() }
    }

    /// The arguments of a function as JSON text.
    pub(super) fn arguments(&self) -> String {
        match &self.input {
            Value::Null => "{}".to_owned(),
            Value::String(text) => text.clone(),
            input => input.to_string(),
        }
    }
}
