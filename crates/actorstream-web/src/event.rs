//! What the log of a generation holds: neutral events, which each viewer's protocol encodes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The endpoint whose events a generation is made of.
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
    /// An event of upstream: its JSON, as it came.
    Upstream(Arc<RawValue>),
    /// What the service itself adds for its viewers.
    Part(Part),
    /// What was shown so far of the answer is void: it is generated again from the start.
    Reset,
    /// The end. Nothing follows it.
    End(End),
}

impl Event {
    /// An event of upstream, or one that takes the place of one.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn upstream<T: Serialize + ?Sized>(event: &T) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(event).map(|json| Self::Upstream(json.into()))
    }

    /// Whether it is the end.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::End(_))
    }

    /// How many bytes it has, as caps count them.
    pub fn size(&self) -> u64 {
        /// What an entry takes beside its text.
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

/// What a service adds to a generation beside the events of upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// What a tool that the service ran gave back.
    ToolOutput {
        /// The id of the call.
        tool_call_id: String,
        /// The result.
        output: serde_json::Value,
    },
    /// A tool that the service ran failed.
    ToolError {
        /// The id of the call.
        tool_call_id: String,
        /// What viewers are told.
        error: String,
    },
    /// A web page that the answer rests on.
    Source {
        /// An id, unique in the generation.
        id: String,
        /// Where it is.
        url: String,
        /// Its title.
        title: Option<String>,
    },
    /// A file that belongs to the answer.
    File {
        /// Where it is; a `data:` URL holds the file itself.
        url: String,
        /// Its media type.
        media_type: String,
    },
    /// Data of the application's own: the AI SDK's `data-<name>`.
    Data {
        /// The name.
        name: String,
        /// With an id, later data of the same name and id replaces it.
        id: Option<String>,
        /// The data.
        data: serde_json::Value,
        /// It is shown to whoever watches now, and is no part of the message.
        #[serde(default)]
        transient: bool,
    },
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum End {
    /// Whole, or as whole as upstream meant it to be.
    Finish {
        /// The finish reason of the first choice, or the status of a response, as upstream said it.
        reason: Option<String>,
    },
    /// With an error.
    Error(Failure),
    /// Stopped, by a viewer or by the service. What came until then is kept.
    Abort {
        /// Why.
        reason: String,
    },
}

/// What viewers are told of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A sentence for people.
    pub message: String,
    /// The kind of error, such as `server_error`.
    pub kind: String,
    /// A code for programs.
    pub code: Option<String>,
    /// The HTTP status that an unstreamed or not yet begun answer should have.
    pub status: u16,
}

/// An entry with its number in the log, from 1 on and without gaps.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The number.
    pub seq: u64,
    /// The entry.
    pub event: Event,
}
