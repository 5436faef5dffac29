//! Which tools the model may or must call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool::Tool;
use crate::string_enum::string_enum;

/// Which tools the model may or must call.
///
/// [`ToolChoiceMode`] converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToolChoice {
    /// This function must be called.
    Function {
        /// The function.
        function: ToolName,
    },
    /// This custom tool must be called.
    Custom {
        /// The tool.
        custom: ToolName,
    },
    /// Only some of the tools count.
    AllowedTools {
        /// Those that do.
        allowed_tools: AllowedTools,
    },
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
        Self::Function { function: ToolName { name: name.into() } }
    }

    /// The custom tool `name` is called.
    pub fn custom(name: impl Into<String>) -> Self {
        Self::Custom { custom: ToolName { name: name.into() } }
    }

    /// Only `tools` count, of which names are enough; `mode` says whether the
    /// model may or must call one.
    pub fn allowed_tools<T: Into<Tool>>(
        mode: impl Into<AllowedToolsMode>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::AllowedTools {
            allowed_tools: AllowedTools {
                mode: mode.into(),
                tools: tools.into_iter().map(Into::into).collect(),
            },
        }
    }
}

impl From<ToolChoiceMode> for ToolChoice {
    fn from(mode: ToolChoiceMode) -> Self {
        Self::Mode(mode)
    }
}

string_enum! {
    /// A rule for all tools of a request.
    pub enum ToolChoiceMode {
        /// No tool is called. The default without tools.
        None = "none",
        /// The model decides. The default with tools.
        Auto = "auto",
        /// At least one tool is called.
        Required = "required",
    }
}

/// A tool by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolName {
    /// The name.
    pub name: String,
}

/// The tools of a request that count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedTools {
    /// Whether the model may or must call one of them.
    pub mode: AllowedToolsMode,
    /// The tools; type and name are enough.
    pub tools: Vec<Tool>,
}

string_enum! {
    /// Whether one of the [`AllowedTools`] must be called.
    pub enum AllowedToolsMode {
        /// The model decides.
        Auto = "auto",
        /// At least one is called.
        Required = "required",
    }
}

/// Which function the model calls; the older form of [`ToolChoice`].
///
/// [`FunctionCallMode`] converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FunctionCallChoice {
    /// A rule for all functions.
    Mode(FunctionCallMode),
    /// This function must be called.
    Function(ToolName),
    /// Another choice, sent as it is.
    Other(Value),
}

impl FunctionCallChoice {
    /// The function `name` is called.
    pub fn function(name: impl Into<String>) -> Self {
        Self::Function(ToolName { name: name.into() })
    }
}

impl From<FunctionCallMode> for FunctionCallChoice {
    fn from(mode: FunctionCallMode) -> Self {
        Self::Mode(mode)
    }
}

string_enum! {
    /// A rule for all functions of a request.
    pub enum FunctionCallMode {
        /// No function is called. The default without functions.
        None = "none",
        /// The model decides. The default with functions.
        Auto = "auto",
    }
}
