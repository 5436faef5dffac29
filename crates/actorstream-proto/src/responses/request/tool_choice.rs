//! Which tools the model may or must call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::request::{AllowedToolsMode, ToolChoiceMode};
use crate::string_enum::string_enum;

/// Which tools the model may or must call.
///
/// [`ToolChoiceMode`] and [`HostedToolType`] convert into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToolChoice {
    /// This function must be called.
    Function {
        /// Its name.
        name: String,
    },
    /// This custom tool must be called.
    Custom {
        /// Its name.
        name: String,
    },
    /// A tool of this remote server must be called.
    Mcp {
        /// The label of the server.
        server_label: String,
        /// The name of the tool. Any if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Only some of the tools count.
    AllowedTools {
        /// Whether the model may or must call one of them.
        mode: AllowedToolsMode,
        /// Those that do, each as one would choose it alone.
        tools: Vec<ToolChoice>,
    },
    /// This hosted tool must be called.
    #[serde(untagged)]
    Hosted(HostedTool),
    /// A rule for all tools.
    #[serde(untagged)]
    Mode(ToolChoiceMode),
    /// Another choice, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl ToolChoice {
    /// No tool is called.
    #[must_use]
    pub fn none() -> Self {
        ToolChoiceMode::None.into()
    }

    /// The model decides.
    #[must_use]
    pub fn auto() -> Self {
        ToolChoiceMode::Auto.into()
    }

    /// At least one tool is called.
    #[must_use]
    pub fn required() -> Self {
        ToolChoiceMode::Required.into()
    }

    /// The function `name` is called.
    pub fn function(name: impl Into<String>) -> Self {
        Self::Function { name: name.into() }
    }

    /// The custom tool `name` is called.
    pub fn custom(name: impl Into<String>) -> Self {
        Self::Custom { name: name.into() }
    }

    /// A tool of the remote server `server_label` is called.
    pub fn mcp(server_label: impl Into<String>) -> Self {
        Self::Mcp { server_label: server_label.into(), name: None }
    }

    /// The tool `name` of the remote server `server_label` is called.
    pub fn mcp_tool(server_label: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Mcp { server_label: server_label.into(), name: Some(name.into()) }
    }

    /// The hosted tool of this type is called.
    pub fn hosted(kind: impl Into<HostedToolType>) -> Self {
        Self::Hosted(HostedTool { kind: kind.into() })
    }

    /// Only `tools` count, each as one would choose it alone; `mode` says whether the model may or must call one.
    pub fn allowed_tools(
        mode: impl Into<AllowedToolsMode>,
        tools: impl IntoIterator<Item = ToolChoice>,
    ) -> Self {
        Self::AllowedTools { mode: mode.into(), tools: tools.into_iter().collect() }
    }
}

impl From<ToolChoiceMode> for ToolChoice {
    fn from(mode: ToolChoiceMode) -> Self {
        Self::Mode(mode)
    }
}

impl From<HostedToolType> for ToolChoice {
    fn from(kind: HostedToolType) -> Self {
        Self::hosted(kind)
    }
}

impl From<Value> for ToolChoice {
    fn from(choice: Value) -> Self {
        Self::Other(choice)
    }
}

/// A hosted tool by its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostedTool {
    /// The type.
    #[serde(rename = "type")]
    pub kind: HostedToolType,
}

string_enum! {
    /// The type of a tool that a choice can name without more.
    pub enum HostedToolType {
        /// Search in uploaded files.
        FileSearch = "file_search",
        /// Search on the web.
        WebSearch = "web_search",
        /// Search on the web, in the older form.
        WebSearchPreview = "web_search_preview",
        /// Search on the web, in the older form of that day.
        WebSearchPreview20250311 = "web_search_preview_2025_03_11",
        /// Use of a computer.
        Computer = "computer",
        /// Use of a computer, in the older form.
        ComputerUsePreview = "computer_use_preview",
        /// Use of a computer, by another name.
        ComputerUse = "computer_use",
        /// Drawing.
        ImageGeneration = "image_generation",
        /// Running code.
        CodeInterpreter = "code_interpreter",
        /// Running commands.
        Shell = "shell",
        /// Changing files.
        ApplyPatch = "apply_patch",
        /// Calling tools by a program.
        ProgrammaticToolCalling = "programmatic_tool_calling",
    }
}
