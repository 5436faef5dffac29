//! What is said to the model: text or a list of items.

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::call::{CustomToolCall, CustomToolOutput, FunctionCall, FunctionOutput};
use super::item::{ComputerOutput, ItemReference, McpApproval, ReasoningItem};
use super::message::InputMessage;

/// What is said to the model.
///
/// A string converts into it, and so does a list of [`InputItem`]s or of what converts into one.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// Text, the user's only message.
    Text(String),
    /// Messages and other items, in order.
    Items(Vec<InputItem>),
}

impl Input {
    /// Adds an item. Text becomes the user's message before it.
    pub fn push(&mut self, item: InputItem) {
        match self {
            Self::Items(items) => items.push(item),
            Self::Text(text) => {
                let text = std::mem::take(text);
                *self = Self::Items(vec![InputMessage::user(text).into(), item]);
            }
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Input {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<I: Into<InputItem>> From<Vec<I>> for Input {
    fn from(items: Vec<I>) -> Self {
        Self::Items(items.into_iter().map(Into::into).collect())
    }
}

impl<I: Into<InputItem>, const N: usize> From<[I; N]> for Input {
    fn from(items: [I; N]) -> Self {
        Self::Items(items.into_iter().map(Into::into).collect())
    }
}

/// One item of an input.
///
/// What an earlier response put out can be given back as the JSON it came as.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(remote = "Self", tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InputItem {
    /// A message.
    Message(InputMessage),
    /// A function call the model made.
    FunctionCall(FunctionCall),
    /// The result of a function call.
    FunctionCallOutput(FunctionOutput),
    /// A call of a custom tool the model made.
    CustomToolCall(CustomToolCall),
    /// The result of a call of a custom tool.
    CustomToolCallOutput(CustomToolOutput),
    /// What the computer shows after the model used it.
    ComputerCallOutput(ComputerOutput),
    /// Whether a call of a remote tool may go ahead.
    McpApprovalResponse(McpApproval),
    /// What the model thought.
    Reasoning(ReasoningItem),
    /// An item stored before, by its identifier.
    ItemReference(ItemReference),
    /// An item of another type or with further fields, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl Serialize for InputItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The derived function of this name: `remote` makes it no method of the trait.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for InputItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut item = Value::deserialize(deserializer)?;
        // The API lets messages and references go without their type.
        if let Value::Object(fields) = &mut item
            && !fields.contains_key("type")
        {
            if fields.contains_key("role") {
                fields.insert("type".into(), "message".into());
            } else if fields.len() == 1 && fields.contains_key("id") {
                fields.insert("type".into(), "item_reference".into());
            }
        }
        Self::deserialize(item).map_err(serde::de::Error::custom)
    }
}

/// Makes each of the types an [`InputItem`].
macro_rules! items {
    ($($variant:ident($item:ty),)+) => {$(
        impl From<$item> for InputItem {
            fn from(item: $item) -> Self {
                Self::$variant(item)
            }
        }
    )+};
}

items! {
    Message(InputMessage),
    FunctionCall(FunctionCall),
    FunctionCallOutput(FunctionOutput),
    CustomToolCall(CustomToolCall),
    CustomToolCallOutput(CustomToolOutput),
    ComputerCallOutput(ComputerOutput),
    McpApprovalResponse(McpApproval),
    Reasoning(ReasoningItem),
    ItemReference(ItemReference),
    Other(Value),
}
