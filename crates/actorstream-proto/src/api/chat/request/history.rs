//! Converts the model's messages to messages of the next request.
//!
//! A message is sent back as it was received, in the fields that a request has. Citations and log probabilities are
//! dropped; undocumented fields, such as Gemini's `extra_content` of a call, are kept.

use serde_json::{Map, Value};

use super::{AudioReference, Content, CustomToolCall, FunctionCall, Message, Role, ToolCall, ToolType};
use crate::api::chat::completion::{self, ChatCompletion, ChatMessage};
use crate::json::extra::Extra;
use crate::outcome::finish::Finish;

impl From<&completion::FunctionCall> for FunctionCall {
    /// The call as it is given back to the model.
    fn from(call: &completion::FunctionCall) -> Self {
        Self::new(call.name.as_str(), call.arguments.as_str())
    }
}

impl From<completion::FunctionCall> for FunctionCall {
    fn from(call: completion::FunctionCall) -> Self {
        Self::from(&call)
    }
}

impl From<&completion::ToolCall> for ToolCall {
    /// Converts a call to one of the next request, including its undocumented fields.
    fn from(call: &completion::ToolCall) -> Self {
        let mut extra = further(&call.extra);
        // The function or custom tool of a call may also have undocumented fields.
        if let Some(function) = call.function.as_ref().filter(|function| !function.extra.is_empty()) {
            extra.insert("function".into(), serde_json::to_value(function).unwrap_or_default());
        }
        if let Some(custom) = call.custom.as_ref().filter(|custom| !custom.extra.is_empty()) {
            extra.insert("custom".into(), serde_json::to_value(custom).unwrap_or_default());
        }
        let r#type = match call.r#type.as_str() {
            "" if call.custom.is_some() => ToolType::Custom,
            "" => ToolType::Function,
            kind => kind.into(),
        };
        let custom = call.custom.as_ref();
        Self {
            id: Some(call.id.clone()).filter(|id| !id.is_empty()),
            r#type: Some(r#type),
            function: call.function.as_ref().map(FunctionCall::from),
            custom: custom.map(|call| CustomToolCall::new(call.name.as_str(), call.input.as_str())),
            extra,
        }
    }
}

impl From<completion::ToolCall> for ToolCall {
    fn from(call: completion::ToolCall) -> Self {
        Self::from(&call)
    }
}

impl From<&ChatMessage> for Message {
    /// Converts the model's message to a message of the next request. Citations are dropped, audio is reduced to its
    /// id, and reasoning is kept only if the message calls tools: servers expect it back only while they wait for
    /// results.
    fn from(said: &ChatMessage) -> Self {
        let role = if said.role.is_empty() { Role::Assistant } else { said.role.as_str().into() };
        let mut message = Self::new(role);
        message.content = said.content.as_deref().map(Content::from);
        message.refusal = said.refusal.clone().filter(|refusal| !refusal.is_empty());
        message.tool_calls = said.tool_calls.iter().flatten().map(ToolCall::from).collect();
        message.function_call = said.function_call.as_ref().map(FunctionCall::from);
        message.audio = said
            .audio
            .as_ref()
            .filter(|audio| !audio.id.is_empty())
            .map(|audio| AudioReference::new(audio.id.as_str()));
        message.extra = further(&said.extra);
        // Annotations that arrived in deltas are in `extra`.
        message.extra.shift_remove("annotations");
        let calls = !message.tool_calls.is_empty() || message.function_call.is_some();
        if calls {
            for (name, text) in
                [("reasoning_content", &said.reasoning_content), ("reasoning", &said.reasoning)]
            {
                if let Some(text) = text {
                    message.extra.insert(name.into(), text.as_str().into());
                }
            }
        } else if message.content.is_none() && message.refusal.is_none() && message.audio.is_none() {
            // Servers do not accept an empty message without the field.
            message.content = Some(Content::from(""));
        }
        message
    }
}

impl From<ChatMessage> for Message {
    fn from(said: ChatMessage) -> Self {
        Self::from(&said)
    }
}

impl From<&ChatCompletion> for Message {
    /// Converts the message of the first choice; without a choice, creates an empty assistant message.
    fn from(completion: &ChatCompletion) -> Self {
        match completion.choices.first() {
            Some(choice) => Self::from(&choice.message),
            None => Self::assistant(""),
        }
    }
}

impl From<ChatCompletion> for Message {
    fn from(completion: ChatCompletion) -> Self {
        Self::from(&completion)
    }
}

impl From<&Finish<ChatCompletion>> for Message {
    /// Converts the message of the first choice.
    fn from(end: &Finish<ChatCompletion>) -> Self {
        Self::from(&*end.response)
    }
}

impl From<Finish<ChatCompletion>> for Message {
    fn from(end: Finish<ChatCompletion>) -> Self {
        Self::from(&end)
    }
}

/// Returns the undocumented fields that are not null.
fn further(extra: &Extra) -> Map<String, Value> {
    let fields = extra.iter().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
