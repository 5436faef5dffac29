//! Chat completions deserialized into the caller's types.

use serde::de::DeserializeOwned;

use crate::answer::structured::{End, Schema, Unstructured, read};
use crate::api::chat::ChatCompletion;
use crate::api::chat::request::JsonSchema;
use crate::outcome::ending::Ending;

impl ChatCompletion {
    /// Deserializes the text of the first choice into the type that was requested with
    /// [`JsonSchema::of`](crate::api::chat::request::JsonSchema::of).
    ///
    /// # Errors
    /// If that is impossible: see [`Unstructured`].
    pub fn structured<T>(&self) -> Result<T, Unstructured>
    where
        T: DeserializeOwned + schemars::JsonSchema,
    {
        let choice = self.choices.first().ok_or(Unstructured::Empty)?;
        let message = &choice.message;
        let text = message.content.as_deref().unwrap_or_default();
        let end = match choice.finish_reason.as_ref().map(|reason| Ending::of(reason.as_str())) {
            Some(Ending::Length) => End::Length,
            Some(Ending::ContentFilter) => End::ContentFilter,
            _ => End::Whole,
        };
        let calls = !self.tool_calls().is_empty() || message.function_call.is_some();
        read(text, end, message.refusal.as_deref(), calls)
    }
}

impl JsonSchema {
    /// Creates the schema of a type, with its name and doc comment; strict if the type allows it (see [`Schema`]).
    pub fn of<T: schemars::JsonSchema + ?Sized>() -> Self {
        let Schema { name, description, schema, strict } = Schema::of::<T>();
        Self { name, description, schema: Some(schema), strict: Some(strict), ..Self::default() }
    }
}
