//! Responses deserialized into the caller's types.

use serde::de::DeserializeOwned;

use crate::answer::structured::{End, Unstructured, read};
use crate::answer::tools::CallsTools as _;
use crate::api::responses::{
    IncompleteReason, MessagePhase, OutputItem, OutputMessageContent, Response, Responses,
};

impl Response {
    /// Deserializes the text of the output into the type that was requested with
    /// [`JsonSchema::of`](crate::api::chat::request::JsonSchema::of).
    ///
    /// # Errors
    /// If that is impossible: see [`Unstructured`].
    pub fn structured<T>(&self) -> Result<T, Unstructured>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        let (mut text, mut refusal) = (String::new(), String::new());
        for item in &self.output {
            match item {
                // Commentary before the final answer does not count.
                OutputItem::Message(message) if message.phase != Some(MessagePhase::Commentary) => {
                    for part in &message.content {
                        match part {
                            OutputMessageContent::Refusal(part) => refusal.push_str(&part.refusal),
                            OutputMessageContent::OutputText(part) => text.push_str(&part.text),
                            OutputMessageContent::Unknown(_) => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let calls = !Responses.tool_calls(self).is_empty() || Responses.asks_caller(self);
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_ref());
        let end = match reason {
            Some(IncompleteReason::MaxOutputTokens) => End::Length,
            Some(IncompleteReason::ContentFilter) => End::ContentFilter,
            _ => End::Whole,
        };
        read(&text, end, Some(&refusal), calls)
    }
}
