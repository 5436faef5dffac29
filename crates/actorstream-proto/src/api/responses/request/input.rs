//! The input of a request: text or a list of items.

use serde_json::{Value, json};

use super::{
    ContextManagement, FunctionCallOutput, Input, InputItem, InputMessage, InputMessageContent, InputRole,
    JsonSchema, Prompt, TextFormat, TextFormatJsonObject, TextFormatJsonSchema, ToolOutput,
};
use crate::api::responses::PlainText;

impl Input {
    /// Adds an item. Input that is plain text becomes a message of the user before it.
    pub fn push(&mut self, item: InputItem) {
        self.items().push(item);
    }

    /// Adds instructions before everything except other instructions.
    pub(super) fn instruct(&mut self, instructions: InputMessage) {
        let items = self.items();
        let instructs = |item: &InputItem| match item {
            InputItem::Message(message) => matches!(message.role, InputRole::System | InputRole::Developer),
            _ => false,
        };
        let place = items.iter().take_while(|item| instructs(item)).count();
        items.insert(place, instructions.into());
    }

    /// Returns the items. Input that is not a list becomes one.
    fn items(&mut self) -> &mut Vec<InputItem> {
        let items = match std::mem::take(self) {
            Self::Items(items) => items,
            Self::Text(text) => vec![InputMessage::user(text).into()],
            Self::Unknown(Value::Null) => Vec::new(),
            Self::Unknown(value) => vec![value.into()],
        };
        *self = Self::Items(items);
        match self {
            Self::Items(items) => items,
            _ => unreachable!("it has become a list"),
        }
    }
}

impl InputMessage {
    /// Creates a message of the user.
    pub fn user(content: impl Into<InputMessageContent>) -> Self {
        Self::new(InputRole::User, content)
    }

    /// Creates a message of the model.
    pub fn assistant(content: impl Into<InputMessageContent>) -> Self {
        Self::new(InputRole::Assistant, content)
    }

    /// Creates instructions from the application.
    pub fn system(content: impl Into<InputMessageContent>) -> Self {
        Self::new(InputRole::System, content)
    }

    /// Creates instructions from the application, for newer models.
    pub fn developer(content: impl Into<InputMessageContent>) -> Self {
        Self::new(InputRole::Developer, content)
    }
}

impl FunctionCallOutput {
    /// Creates the result of the call `call_id`.
    pub fn of(call_id: impl Into<String>, output: impl Into<ToolOutput>) -> Self {
        Self::new(output).call_id(call_id)
    }
}

impl ContextManagement {
    /// Compacts a conversation that becomes too long into a summary that only the model can read.
    #[must_use]
    pub fn compaction() -> Self {
        Self::new("compaction")
    }
}

impl From<&str> for Prompt {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for Prompt {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

impl TextFormat {
    /// Any text.
    #[must_use]
    pub fn text() -> Self {
        PlainText::new().into()
    }

    /// Any JSON object.
    #[must_use]
    pub fn json_object() -> Self {
        TextFormatJsonObject::new().into()
    }

    /// JSON that follows `schema`. The name consists of at most 64 letters, digits, `_` and `-`.
    pub fn json_schema(name: impl Into<String>, schema: impl Into<Value>) -> TextFormatJsonSchema {
        TextFormatJsonSchema::new(name, schema)
    }
}

impl From<JsonSchema> for TextFormat {
    fn from(schema: JsonSchema) -> Self {
        let mut format = json!({ "type": "json_schema" });
        if let (Value::Object(format), Ok(Value::Object(schema))) =
            (&mut format, serde_json::to_value(schema))
        {
            format.extend(schema);
        }
        format.into()
    }
}
