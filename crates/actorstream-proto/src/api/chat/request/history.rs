//! What the model said, as messages of the next request.
//!
//! What goes back is what came, in the fields that a request has: a citation or a log probability stays behind, a field
//! that is not documented (such as Gemini's `extra_content` of a call) goes along.

use serde_json::{Map, Value};

use super::{AudioReference, Content, CustomToolCall, FunctionCall, Message, Role, ToolCall, ToolType};
use crate::api::chat::completion::{self, ChatCompletion, ChatMessage};
use crate::json::object::Extra;
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
    /// The call as it is given back to the model, its undocumented fields included.
    fn from(call: &completion::ToolCall) -> Self {
        let mut extra = further(&call.extra);
        // What is called may carry undocumented fields, too.
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
    /// What the model said, as a message of the next request. Citations are left out, as is sound but for its id, and
    /// reasoning where the message calls no tools: servers want it back only while they wait for results.
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
        // Where they came in deltas, they are no field of the message.
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
            // A message that says nothing is not accepted without the field.
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
    /// What the model said in the first choice; an assistant message that says nothing if there is none.
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
    /// What the model said in the first choice.
    fn from(end: &Finish<ChatCompletion>) -> Self {
        Self::from(&*end.response)
    }
}

impl From<Finish<ChatCompletion>> for Message {
    fn from(end: Finish<ChatCompletion>) -> Self {
        Self::from(&end)
    }
}

/// The undocumented fields, but for those that hold nothing.
fn further(extra: &Extra) -> Map<String, Value> {
    let fields = extra.iter().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
