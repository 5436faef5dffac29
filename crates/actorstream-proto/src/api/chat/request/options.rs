//! Request options that are objects.

use serde_json::Value;

use super::{
    ApproximateLocation, JsonSchema, Moderation, ModerationMode, ModerationPolicy, ModerationRule,
    Prediction, PredictionContent, ResponseFormat, ResponseFormatJsonSchema, StreamOptions, UserLocation,
};
use crate::api::responses::{PlainText, TextFormatJsonObject};

impl StreamOptions {
    /// Creates the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Moderation {
    /// Sets what happens to flagged input.
    #[must_use]
    pub fn input(mut self, mode: impl Into<ModerationMode>) -> Self {
        self.policy.get_or_insert_with(ModerationPolicy::new).input = Some(ModerationRule::new(mode));
        self
    }

    /// Sets what happens to flagged output.
    #[must_use]
    pub fn output(mut self, mode: impl Into<ModerationMode>) -> Self {
        self.policy.get_or_insert_with(ModerationPolicy::new).output = Some(ModerationRule::new(mode));
        self
    }
}

impl ResponseFormat {
    /// Any text; the default.
    #[must_use]
    pub fn text() -> Self {
        PlainText::new().into()
    }

    /// Any JSON object; a message must also ask the model for JSON.
    #[must_use]
    pub fn json_object() -> Self {
        TextFormatJsonObject::new().into()
    }

    /// JSON that follows `schema`. The name consists of at most 64 letters, digits, `_` and `-`.
    pub fn json_schema(name: impl Into<String>, schema: impl Into<Value>) -> JsonSchema {
        JsonSchema::new(name).schema(schema)
    }
}

impl From<JsonSchema> for ResponseFormat {
    fn from(schema: JsonSchema) -> Self {
        ResponseFormatJsonSchema::new(schema).into()
    }
}

impl<C: Into<PredictionContent>> From<C> for Prediction {
    fn from(content: C) -> Self {
        Self::new(content)
    }
}

impl From<ApproximateLocation> for UserLocation {
    fn from(approximate: ApproximateLocation) -> Self {
        Self::new(approximate)
    }
}
