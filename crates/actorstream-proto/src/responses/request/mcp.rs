//! The tools of remote servers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::function::ToolCaller;
use crate::chat::request::body::{null_as_default, setters};
use crate::string_enum::string_enum;

/// The tools of a remote server that speaks the Model Context Protocol.
///
/// It is found by one of [`server_url`](field@Self::server_url), [`connector_id`](field@Self::connector_id) and
/// [`tunnel_id`](field@Self::tunnel_id). `Debug` hides what gives access to it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpTool {
    /// What names the server in calls.
    pub server_label: String,
    /// Where the server is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// The service that the API connects to by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector_id: Option<Connector>,
    /// The tunnel to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_id: Option<String>,
    /// An OAuth token for the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// Headers of the requests to the server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_default")]
    pub headers: BTreeMap<String, String>,
    /// What the server is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_description: Option<String>,
    /// The tools the model may call. All if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<McpAllowedTools>,
    /// The tools that wait for an approval. All if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<McpRequireApproval>,
    /// What may call the tools. The model alone if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub allowed_callers: Vec<ToolCaller>,
    /// Whether the tools are not loaded until a search finds them. `false` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defer_loading: Option<bool>,
}

impl McpTool {
    /// The tools of a server, called `server_label`, whose place is yet to be set.
    pub fn new(server_label: impl Into<String>) -> Self {
        Self { server_label: server_label.into(), ..Self::default() }
    }

    /// Sets a header of the requests to the server.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Adds something that may call the tools.
    #[must_use]
    pub fn allow_caller(mut self, caller: impl Into<ToolCaller>) -> Self {
        self.allowed_callers.push(caller.into());
        self
    }

    setters! {
        value {
            /// Sets whether the tools are not loaded until a search finds them.
            defer_loading: bool,
        }
        into {
            /// Sets where the server is.
            server_url: String,
            /// Sets the service that the API connects to by itself.
            connector_id: Connector,
            /// Sets the tunnel to the server.
            tunnel_id: String,
            /// Sets an OAuth token for the server.
            authorization: String,
            /// Sets what the server is for.
            server_description: String,
            /// Sets the tools the model may call.
            allowed_tools: McpAllowedTools,
            /// Sets the tools that wait for an approval.
            require_approval: McpRequireApproval,
        }
    }
}

impl fmt::Debug for McpTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpTool")
            .field("server_label", &self.server_label)
            .field("server_url", &self.server_url)
            .field("connector_id", &self.connector_id)
            .field("tunnel_id", &self.tunnel_id)
            .field("authorization", &self.authorization.as_ref().map(|_| "hidden"))
            .field("headers", &self.headers.keys())
            .field("server_description", &self.server_description)
            .field("allowed_tools", &self.allowed_tools)
            .field("require_approval", &self.require_approval)
            .field("allowed_callers", &self.allowed_callers)
            .field("defer_loading", &self.defer_loading)
            .finish()
    }
}

string_enum! {
    /// A service that the API connects to by itself.
    pub enum Connector {
        /// Dropbox.
        Dropbox = "connector_dropbox",
        /// Gmail.
        Gmail = "connector_gmail",
        /// Google Calendar.
        GoogleCalendar = "connector_googlecalendar",
        /// Google Drive.
        GoogleDrive = "connector_googledrive",
        /// Microsoft Teams.
        MicrosoftTeams = "connector_microsoftteams",
        /// The calendar of Outlook.
        OutlookCalendar = "connector_outlookcalendar",
        /// The mail of Outlook.
        OutlookEmail = "connector_outlookemail",
        /// SharePoint.
        SharePoint = "connector_sharepoint",
    }
}

/// Tools of a remote server. Lists of names convert into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum McpAllowedTools {
    /// Those with these names.
    Names(Vec<String>),
    /// Those that pass the filter.
    Filter(McpToolFilter),
    /// Another rule, sent as it is.
    Other(Value),
}

impl<S: Into<String>> From<Vec<S>> for McpAllowedTools {
    fn from(names: Vec<S>) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for McpAllowedTools {
    fn from(names: [S; N]) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl From<McpToolFilter> for McpAllowedTools {
    fn from(filter: McpToolFilter) -> Self {
        Self::Filter(filter)
    }
}

/// Tools of a remote server by what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpToolFilter {
    /// Whether they only read, as the server says. Either if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Their names. Any if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub tool_names: Vec<String>,
}

impl McpToolFilter {
    /// Those with these names.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { read_only: None, tool_names: names.into_iter().map(Into::into).collect() }
    }

    /// Those that only read, as the server says.
    #[must_use]
    pub fn only_reading() -> Self {
        Self { read_only: Some(true), tool_names: Vec::new() }
    }

    setters! {
        value {
            /// Sets whether they only read, as the server says.
            read_only: bool,
        }
        into {}
    }
}

/// Which tools of a remote server wait for an approval. A string converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum McpRequireApproval {
    /// A rule for all.
    All(Approval),
    /// Some do and some do not.
    Some(McpApprovalFilter),
    /// Another rule, sent as it is.
    Other(Value),
}

impl From<Approval> for McpRequireApproval {
    fn from(approval: Approval) -> Self {
        Self::All(approval)
    }
}

impl From<&str> for McpRequireApproval {
    fn from(approval: &str) -> Self {
        Self::All(approval.into())
    }
}

impl From<McpApprovalFilter> for McpRequireApproval {
    fn from(filter: McpApprovalFilter) -> Self {
        Self::Some(filter)
    }
}

string_enum! {
    /// Whether calls wait for an approval.
    #[derive(Default)]
    pub enum Approval {
        /// Every call does. The default.
        #[default]
        Always = "always",
        /// No call does.
        Never = "never",
    }
}

/// Which tools of a remote server wait for an approval, and which do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpApprovalFilter {
    /// Those that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<McpToolFilter>,
    /// Those that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<McpToolFilter>,
}

impl McpApprovalFilter {
    /// No exceptions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {
            /// Sets those that wait.
            always: McpToolFilter,
            /// Sets those that do not.
            never: McpToolFilter,
        }
        into {}
    }
}
