//! The items of an input that are neither messages nor calls.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::request::body::{null_as_default, setters};
use crate::string_enum::string_enum;

string_enum! {
    /// How far an item got.
    pub enum ItemStatus {
        /// It is being made.
        InProgress = "in_progress",
        /// It is complete.
        Completed = "completed",
        /// It was cut short.
        Incomplete = "incomplete",
    }
}

/// What the computer shows after the model used it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputerOutput {
    /// The call that is answered.
    pub call_id: String,
    /// The picture on the screen.
    pub output: Screenshot,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The warnings of the call that have been seen, as they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub acknowledged_safety_checks: Vec<Value>,
    /// How far the item got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
}

impl ComputerOutput {
    /// The picture at `image_url`, which may be a `data:` URL, after the call `call_id`.
    pub fn new(call_id: impl Into<String>, image_url: impl Into<String>) -> Self {
        Self {
            call_id: call_id.into(),
            output: Screenshot::ComputerScreenshot { image_url: Some(image_url.into()), file_id: None },
            id: None,
            acknowledged_safety_checks: Vec::new(),
            status: None,
        }
    }

    /// Says that warnings of the call have been seen; each is given back as it came.
    #[must_use]
    pub fn acknowledge(mut self, checks: impl IntoIterator<Item = Value>) -> Self {
        self.acknowledged_safety_checks.extend(checks);
        self
    }
}

/// A picture of a screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Screenshot {
    /// The picture of a computer's screen.
    ComputerScreenshot {
        /// A web address or a `data:` URL.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image_url: Option<String>,
        /// The identifier of an uploaded file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_id: Option<String>,
    },
}

/// Whether a call of a remote tool may go ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpApproval {
    /// The request that is answered.
    pub approval_request_id: String,
    /// Whether the call may go ahead.
    pub approve: bool,
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl McpApproval {
    /// An answer to `approval_request_id`.
    pub fn new(approval_request_id: impl Into<String>, approve: bool) -> Self {
        Self { approval_request_id: approval_request_id.into(), approve, id: None, reason: None }
    }

    setters! {
        value {}
        into {
            /// Sets why.
            reason: String,
        }
    }
}

/// What the model thought, given back to it as it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasoningItem {
    /// The identifier of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A summary of the thoughts.
    #[serde(default, deserialize_with = "null_as_default")]
    pub summary: Vec<ReasoningText>,
    /// The thoughts themselves, from models that tell them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub content: Vec<ReasoningText>,
    /// The thoughts in a form only the server can read, for when it stores nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// How far the item got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
}

impl ReasoningItem {
    /// The thoughts with this identifier.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    setters! {
        value {}
        into {
            /// Sets the thoughts in the form only the server can read.
            encrypted_content: String,
        }
    }
}

/// A piece of what the model thought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReasoningText {
    /// A piece of the summary.
    SummaryText {
        /// The text.
        text: String,
    },
    /// A piece of the thoughts themselves.
    ReasoningText {
        /// The text.
        text: String,
    },
    /// A piece of another type, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

/// An item stored before, by its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemReference {
    /// The identifier.
    pub id: String,
}

impl ItemReference {
    /// The item called `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}
