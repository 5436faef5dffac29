//! Tools that the model may call, and the choice among them.

use serde_json::{Map, Value, json};

use super::{
    ApplyPatchTool, CodeInterpreterContainerAuto, CodeInterpreterTool, ComparisonFilter,
    ComparisonFilterType, CompoundFilter, CompoundFilterType, ComputerTool, ContainerAuto,
    ContainerNetworkPolicy, ContainerNetworkPolicyAllowlist, ContainerNetworkPolicyDisabled,
    ContainerReference, CustomTool, CustomToolFormat, CustomToolGrammar, FileSearchTool, Filters,
    FunctionShellTool, FunctionTool, GrammarSyntax, ImageGenTool, LocalEnvironment, LocalShellTool, McpTool,
    McpToolFilter, PlainText, ProgrammaticToolCalling, ShellToolEnvironment, Tool, ToolChoice,
    ToolChoiceAllowed, ToolChoiceAllowedMode, ToolChoiceCustom, ToolChoiceFunction, ToolChoiceMcp,
    ToolChoiceMode, WebSearchTool, WebSearchToolFilters, WebSearchToolType,
};

impl Tool {
    /// Creates a function called `name`, which consists of at most 64 letters, digits, `_` and `-`.
    pub fn function(name: impl Into<String>) -> FunctionTool {
        FunctionTool::new(name)
    }

    /// Creates a custom tool called `name`.
    pub fn custom(name: impl Into<String>) -> CustomTool {
        CustomTool::new(name)
    }

    /// Creates a search in the vector stores with these ids.
    pub fn file_search<S: Into<String>>(vector_store_ids: impl IntoIterator<Item = S>) -> FileSearchTool {
        FileSearchTool::new(vector_store_ids)
    }

    /// Creates a search on the web.
    #[must_use]
    pub fn web_search() -> WebSearchTool {
        WebSearchTool::new(WebSearchToolType::WebSearch)
    }

    /// Creates the tools of the MCP server at `server_url`; calls refer to it by `server_label`.
    pub fn mcp(server_label: impl Into<String>, server_url: impl Into<String>) -> McpTool {
        McpTool::new(server_label).server_url(server_url)
    }

    /// Creates a Python interpreter in a container that the server creates.
    #[must_use]
    pub fn code_interpreter() -> CodeInterpreterTool {
        CodeInterpreterTool::new(CodeInterpreterContainerAuto::new())
    }

    /// Creates a generator of images.
    #[must_use]
    pub fn image_generation() -> ImageGenTool {
        ImageGenTool::new()
    }

    /// Creates a computer.
    #[must_use]
    pub fn computer() -> Self {
        ComputerTool::new().into()
    }

    /// Creates a shell whose commands the application runs. Deprecated in favour of [`shell`](Self::shell).
    #[must_use]
    pub fn local_shell() -> Self {
        LocalShellTool::new().into()
    }

    /// Creates a shell.
    #[must_use]
    pub fn shell() -> FunctionShellTool {
        FunctionShellTool::new()
    }

    /// Creates a tool for patches, which the application applies.
    #[must_use]
    pub fn apply_patch() -> Self {
        ApplyPatchTool::new().into()
    }

    /// Creates the tool that calls other tools from a program.
    #[must_use]
    pub fn programmatic_tool_calling() -> Self {
        ProgrammaticToolCalling::new().into()
    }
}

impl CustomToolFormat {
    /// Any text.
    #[must_use]
    pub fn text() -> Self {
        PlainText::new().into()
    }

    /// Text that follows a Lark grammar.
    pub fn lark(definition: impl Into<String>) -> Self {
        CustomToolGrammar::new(definition, GrammarSyntax::Lark).into()
    }

    /// Text that matches a regular expression.
    pub fn regex(definition: impl Into<String>) -> Self {
        CustomToolGrammar::new(definition, GrammarSyntax::Regex).into()
    }
}

impl WebSearchTool {
    /// Searches only these domains and their subdomains.
    #[must_use]
    pub fn allowed_domains<S: Into<String>>(self, domains: impl IntoIterator<Item = S>) -> Self {
        self.filters(WebSearchToolFilters::new().allowed_domains(domains))
    }
}

impl Filters {
    /// Compares the attribute `key` of a file with `value`.
    pub fn compare(
        comparison: impl Into<ComparisonFilterType>,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        ComparisonFilter::new(key, comparison, value.into()).into()
    }

    /// Files whose attribute `key` is `value`.
    pub fn equal(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::compare(ComparisonFilterType::Eq, key, value)
    }

    /// Files that match all filters.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        CompoundFilter::new(CompoundFilterType::And, filters).into()
    }

    /// Files that match any of the filters.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        CompoundFilter::new(CompoundFilterType::Or, filters).into()
    }
}

impl McpToolFilter {
    /// The tools with these names.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::new().tool_names(names)
    }

    /// The read-only tools.
    #[must_use]
    pub fn only_reading() -> Self {
        Self::new().read_only(true)
    }
}

impl ShellToolEnvironment {
    /// A container that the server creates.
    #[must_use]
    pub fn container() -> Self {
        ContainerAuto::new().into()
    }

    /// The container with this id.
    pub fn container_reference(container_id: impl Into<String>) -> Self {
        ContainerReference::new(container_id).into()
    }

    /// The computer of the application, which runs the commands.
    #[must_use]
    pub fn local() -> Self {
        LocalEnvironment::new().into()
    }
}

impl ContainerNetworkPolicy {
    /// No access.
    #[must_use]
    pub fn disabled() -> Self {
        ContainerNetworkPolicyDisabled::new().into()
    }

    /// Access to these domains.
    pub fn allow<S: Into<String>>(domains: impl IntoIterator<Item = S>) -> Self {
        ContainerNetworkPolicyAllowlist::new(domains).into()
    }
}

impl ToolChoice {
    /// The model calls no tool.
    #[must_use]
    pub fn none() -> Self {
        ToolChoiceMode::None.into()
    }

    /// The model decides.
    #[must_use]
    pub fn auto() -> Self {
        ToolChoiceMode::Auto.into()
    }

    /// The model calls at least one tool.
    #[must_use]
    pub fn required() -> Self {
        ToolChoiceMode::Required.into()
    }

    /// The model calls the function `name`.
    pub fn function(name: impl Into<String>) -> Self {
        ToolChoiceFunction::new(name).into()
    }

    /// The model calls the custom tool `name`.
    pub fn custom(name: impl Into<String>) -> Self {
        ToolChoiceCustom::new(name).into()
    }

    /// The model calls a tool of the MCP server `server_label`.
    pub fn mcp(server_label: impl Into<String>) -> Self {
        ToolChoiceMcp::new(server_label).into()
    }

    /// The model calls the tool `name` of the MCP server `server_label`.
    pub fn mcp_tool(server_label: impl Into<String>, name: impl Into<String>) -> Self {
        ToolChoiceMcp::new(server_label).name(name).into()
    }

    /// The model calls the tool of this type, such as `web_search_preview`.
    pub fn hosted(r#type: impl Into<String>) -> Self {
        json!({ "type": r#type.into() }).into()
    }

    /// The model calls only `tools`, each given as for choosing a single tool; `mode` sets whether it may or must
    /// call one.
    pub fn allowed_tools(
        mode: impl Into<ToolChoiceAllowedMode>,
        tools: impl IntoIterator<Item = Self>,
    ) -> Self {
        let fields = |tool: Self| match serde_json::to_value(tool) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        ToolChoiceAllowed::new(mode, tools.into_iter().map(fields)).into()
    }
}
