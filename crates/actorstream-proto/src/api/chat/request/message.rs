//! Messages of each role, and the calls in them.

use super::{AudioReference, Content, CustomToolCall, FunctionCall, Message, Role, ToolCall, ToolType};

impl Message {
    /// Creates a message of `role` without content, for example one of the model that only calls tools.
    pub fn new(role: impl Into<Role>) -> Self {
        Self { role: role.into(), ..Self::default() }
    }

    /// Creates instructions from the application, for newer models.
    pub fn developer(content: impl Into<Content>) -> Self {
        Self::new(Role::Developer).content(content)
    }

    /// Creates instructions from the application.
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System).content(content)
    }

    /// Creates a message of the user.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User).content(content)
    }

    /// Creates a message of the model.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant).content(content)
    }

    /// Creates the result of the tool call `tool_call_id`.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Role::Tool).tool_call_id(tool_call_id).content(content)
    }

    /// Creates the result of the function `name`. Deprecated in favour of [`tool`](Self::tool).
    pub fn function(name: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Role::Function).name(name).content(content)
    }

    /// Adds a tool call of the model.
    #[must_use]
    pub fn tool_call(self, call: impl Into<ToolCall>) -> Self {
        self.tool_calls([call])
    }
}

impl ToolCall {
    /// Creates a call of the function `name`; `arguments` is JSON text.
    pub fn function(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let function = Some(FunctionCall::new(name, arguments));
        Self { id: Some(id.into()), r#type: Some(ToolType::Function), function, ..Self::default() }
    }

    /// Creates a call of the custom tool `name` with `input`.
    pub fn custom(id: impl Into<String>, name: impl Into<String>, input: impl Into<String>) -> Self {
        let custom = Some(CustomToolCall::new(name, input));
        Self { id: Some(id.into()), r#type: Some(ToolType::Custom), custom, ..Self::default() }
    }

    /// Returns the name of the tool, if the call is of a known kind.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match (&self.function, &self.custom) {
            (Some(function), _) => Some(&function.name),
            (None, Some(custom)) => Some(&custom.name),
            (None, None) => None,
        }
    }
}

impl From<&str> for AudioReference {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for AudioReference {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}
