//! The tools a model may call.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::container::{CodeInterpreterTool, ShellTool};
use super::function::{CustomTool, FunctionTool, ToolCaller};
use super::hosted::{ComputerUsePreviewTool, ImageGenerationTool};
use super::mcp::McpTool;
use super::search::{FileSearchTool, WebSearchPreviewTool, WebSearchTool};
use crate::chat::request::body::{null_as_default, setters};
use crate::string_enum::string_enum;

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tool {
    /// A function that takes JSON arguments.
    Function(FunctionTool),
    /// A tool that takes text, free or bound by a grammar.
    Custom(CustomTool),
    /// Functions and custom tools under a common name.
    Namespace(NamespaceTool),
    /// Finds tools that are not loaded at first.
    ToolSearch(ToolSearchTool),
    /// Searches uploaded files.
    FileSearch(FileSearchTool),
    /// Searches the web.
    WebSearch(WebSearchTool),
    /// Searches the web; the older form.
    WebSearchPreview(WebSearchPreviewTool),
    /// Uses a computer.
    Computer {},
    /// Uses a computer; the older form.
    ComputerUsePreview(ComputerUsePreviewTool),
    /// The tools of a remote server.
    Mcp(McpTool),
    /// Runs Python.
    CodeInterpreter(CodeInterpreterTool),
    /// Draws.
    ImageGeneration(ImageGenerationTool),
    /// Runs commands that the application carries out; the older form of the shell.
    LocalShell {},
    /// Runs commands.
    Shell(ShellTool),
    /// Changes files by patches that the application carries out.
    ApplyPatch {
        /// What may call the tool. The model alone if empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        allowed_callers: Vec<ToolCaller>,
    },
    /// Calls other tools by a program the model writes.
    ProgrammaticToolCalling {},
    /// A tool of another type or with further fields, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl Tool {
    /// A function called `name`: letters, digits, `_` and `-`, at most 64.
    pub fn function(name: impl Into<String>) -> FunctionTool {
        FunctionTool::new(name)
    }

    /// A custom tool called `name`.
    pub fn custom(name: impl Into<String>) -> CustomTool {
        CustomTool::new(name)
    }

    /// Search in the vector stores with these identifiers.
    pub fn file_search<S: Into<String>>(vector_store_ids: impl IntoIterator<Item = S>) -> FileSearchTool {
        FileSearchTool::new(vector_store_ids)
    }

    /// Search on the web.
    #[must_use]
    pub fn web_search() -> WebSearchTool {
        WebSearchTool::new()
    }

    /// The tools of the remote server at `server_url`; `server_label` names it in calls.
    pub fn mcp(server_label: impl Into<String>, server_url: impl Into<String>) -> McpTool {
        McpTool::new(server_label).server_url(server_url)
    }

    /// Python in a container that the server makes.
    #[must_use]
    pub fn code_interpreter() -> CodeInterpreterTool {
        CodeInterpreterTool::default()
    }

    /// Drawing.
    #[must_use]
    pub fn image_generation() -> ImageGenerationTool {
        ImageGenerationTool::new()
    }

    /// Use of a computer.
    #[must_use]
    pub fn computer() -> Self {
        Self::Computer {}
    }

    /// Commands that the application carries out, in the older form.
    #[must_use]
    pub fn local_shell() -> Self {
        Self::LocalShell {}
    }

    /// Commands, carried out where [`ShellTool::environment`] says.
    #[must_use]
    pub fn shell() -> ShellTool {
        ShellTool::new()
    }

    /// Changes of files that the application carries out.
    #[must_use]
    pub fn apply_patch() -> Self {
        Self::ApplyPatch { allowed_callers: Vec::new() }
    }

    /// Calls of other tools by a program the model writes.
    #[must_use]
    pub fn programmatic_tool_calling() -> Self {
        Self::ProgrammaticToolCalling {}
    }
}

/// Makes each of the types a [`Tool`].
macro_rules! tools {
    ($($variant:ident($tool:ty),)+) => {$(
        impl From<$tool> for Tool {
            fn from(tool: $tool) -> Self {
                Self::$variant(tool)
            }
        }
    )+};
}

tools! {
    Function(FunctionTool),
    Custom(CustomTool),
    Namespace(NamespaceTool),
    ToolSearch(ToolSearchTool),
    FileSearch(FileSearchTool),
    WebSearch(WebSearchTool),
    WebSearchPreview(WebSearchPreviewTool),
    ComputerUsePreview(ComputerUsePreviewTool),
    Mcp(McpTool),
    CodeInterpreter(CodeInterpreterTool),
    ImageGeneration(ImageGenerationTool),
    Shell(ShellTool),
    Other(Value),
}

/// Functions and custom tools under a common name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceTool {
    /// The name.
    pub name: String,
    /// What the tools have in common, for the model.
    pub description: String,
    /// The tools.
    pub tools: Vec<Tool>,
}

impl NamespaceTool {
    /// A namespace without tools yet.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: description.into(), tools: Vec::new() }
    }

    /// Adds a function or a custom tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.push(tool.into());
        self
    }
}

/// Finds tools that are not loaded at first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSearchTool {
    /// Who searches. The server if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ToolSearchExecution>,
    /// What the search of the application does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of the arguments of the application's search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

impl ToolSearchTool {
    /// A search by the server.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {}
        into {
            /// Sets who searches.
            execution: ToolSearchExecution,
            /// Sets what the search of the application does.
            description: String,
            /// Sets the JSON Schema of the arguments of the application's search.
            parameters: Value,
        }
    }
}

string_enum! {
    /// Who searches for tools.
    #[derive(Default)]
    pub enum ToolSearchExecution {
        /// The server, the default.
        #[default]
        Server = "server",
        /// The application.
        Client = "client",
    }
}
