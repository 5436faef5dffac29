//! Tools that the model may call, and the choice among them.

use super::{
    AllowedToolChoice, AllowedTools, AllowedToolsMode, CustomTool, CustomToolFormat, CustomToolFormatGrammar,
    CustomToolFormatText, CustomToolParam, FunctionCallChoice, FunctionDefinition, FunctionToolParam,
    Grammar, GrammarSyntax, NamedToolChoice, NamedToolChoiceCustom, Tool, ToolChoice, ToolChoiceMode,
    ToolName,
};

impl Tool {
    /// Creates a function called `name`, which consists of at most 64 letters, digits, `_` and `-`.
    pub fn function(name: impl Into<String>) -> FunctionDefinition {
        FunctionDefinition::new(name)
    }

    /// Creates a custom tool called `name`.
    pub fn custom(name: impl Into<String>) -> CustomTool {
        CustomTool::new(name)
    }
}

impl From<FunctionDefinition> for Tool {
    fn from(function: FunctionDefinition) -> Self {
        FunctionToolParam::new(function).into()
    }
}

impl From<CustomTool> for Tool {
    fn from(custom: CustomTool) -> Self {
        CustomToolParam::new(custom).into()
    }
}

impl CustomToolFormat {
    /// Any text.
    #[must_use]
    pub fn text() -> Self {
        CustomToolFormatText::new().into()
    }

    /// Text that follows a Lark grammar.
    pub fn lark(definition: impl Into<String>) -> Self {
        Self::grammar(GrammarSyntax::Lark, definition)
    }

    /// Text that matches a regular expression.
    pub fn regex(definition: impl Into<String>) -> Self {
        Self::grammar(GrammarSyntax::Regex, definition)
    }

    /// Text that follows a grammar in `syntax`.
    pub fn grammar(syntax: impl Into<GrammarSyntax>, definition: impl Into<String>) -> Self {
        CustomToolFormatGrammar::new(Grammar::new(definition, syntax)).into()
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
        NamedToolChoice::new(ToolName::new(name)).into()
    }

    /// The model calls the custom tool `name`.
    pub fn custom(name: impl Into<String>) -> Self {
        NamedToolChoiceCustom::new(ToolName::new(name)).into()
    }

    /// The model calls only `tools`, which need only their names; `mode` sets whether it may or must call one.
    pub fn allowed_tools<T: Into<Tool>>(
        mode: impl Into<AllowedToolsMode>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        AllowedToolChoice::new(AllowedTools::new(mode, tools)).into()
    }
}

impl FunctionCallChoice {
    /// The model calls the function `name`.
    pub fn function(name: impl Into<String>) -> Self {
        ToolName::new(name).into()
    }
}
