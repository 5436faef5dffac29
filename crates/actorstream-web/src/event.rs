//! The content of a generation's log: protocol-neutral events, which each viewer's protocol encodes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The endpoint that produces a generation's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /chat/completions`.
    Chat,
    /// `POST /completions`.
    Completions,
    /// `POST /responses`.
    Responses,
}

/// One entry of a generation's log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An upstream event: its JSON, verbatim.
    Upstream(Arc<RawValue>),
    /// A part that the service adds for its viewers.
    Part(Part),
    /// Everything shown so far is void: the response is generated again from the start.
    Reset,
    /// The end. Nothing follows it.
    End(End),
}

impl Event {
    /// Creates an entry for an upstream event, or for one that replaces it.
    ///
    /// # Errors
    /// If the value cannot be serialized as JSON.
    pub fn upstream<T: Serialize + ?Sized>(event: &T) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(event).map(|json| Self::Upstream(json.into()))
    }

    /// Returns whether this is the end.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::End(_))
    }

    /// Returns the size in bytes that counts towards limits.
    pub fn size(&self) -> u64 {
        /// The size of an entry in bytes, besides its text.
        const ENTRY: usize = 32;
        let text = match self {
            Self::Upstream(json) => json.get().len(),
            Self::Part(part) => serde_json::to_vec(part).map_or(0, |json| json.len()),
            Self::Reset => 0,
            Self::End(end) => serde_json::to_vec(end).map_or(0, |json| json.len()),
        };
        (ENTRY + text) as u64
    }
}

/// A part that a service adds to a generation besides the upstream events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// The output of a tool that the service ran.
    ToolOutput {
        /// The id of the call.
        tool_call_id: String,
        /// The result.
        output: serde_json::Value,
    },
    /// A failure of a tool that the service ran.
    ToolError {
        /// The id of the call.
        tool_call_id: String,
        /// The error message for viewers.
        error: String,
    },
    /// A web page that the answer cites.
    Source {
        /// An id, unique in the generation.
        id: String,
        /// Its URL.
        url: String,
        /// Its title.
        title: Option<String>,
    },
    /// A file that belongs to the answer.
    File {
        /// Its URL; a `data:` URL contains the file itself.
        url: String,
        /// Its media type.
        media_type: String,
    },
    /// Application data: the AI SDK's `data-<name>`.
    Data {
        /// The name.
        name: String,
        /// With an id, later data with the same name and id replaces it.
        id: Option<String>,
        /// The data.
        data: serde_json::Value,
        /// Whether it is shown only to current viewers, and is not a part of the message.
        #[serde(default)]
        transient: bool,
    },
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum End {
    /// Complete, or ended by upstream as intended.
    Finish {
        /// The finish reason of the first choice, or the status of a response, as upstream sent it.
        reason: Option<String>,
    },
    /// Failed with an error.
    Error(Failure),
    /// Stopped by a viewer or by the service. The response so far is kept.
    Abort {
        /// The reason.
        reason: String,
    },
}

/// An error as viewers receive it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A message for people.
    pub message: String,
    /// The kind of error, such as `server_error`.
    pub kind: String,
    /// A code for programs.
    pub code: Option<String>,
    /// The request parameter that it concerns, as upstream reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The HTTP status for an unstreamed response, or one that has not started.
    pub status: u16,
}

/// An entry with its number in the log, starting at 1 and without gaps.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The number.
    pub seq: u64,
    /// The entry.
    pub event: Event,
}
