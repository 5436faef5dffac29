//! `POST /responses/input_tokens`: the number of input tokens that a response would take.

use std::borrow::Cow;

use super::request::{Input, InputTokenCountRequest, InputTokenCountResponse};
use crate::endpoint::Endpoint;
use crate::endpoint::answer::{Answer, WholeAnswer};
use crate::json::whole::Field;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /responses/input_tokens`. It does not stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct InputTokens;

impl Endpoint for InputTokens {
    type Event = Answer<InputTokenCountResponse>;

    fn operation(&self) -> &'static str {
        "input_tokens"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/responses/input_tokens")
    }

    fn prepare(&self, _: &mut RequestBody, _: bool) {}
}

impl WholeAnswer for InputTokenCountResponse {
    const NAME: &'static str = "count of input tokens";
    const FIELD: Field = Field::Any("input_tokens");
}

impl InputTokenCountRequest {
    /// Creates a request for the number of tokens that `input` takes for `model`.
    pub fn new(model: impl Into<String>, input: impl Into<Input>) -> Self {
        Self { model: Some(model.into()), input: Some(input.into()), ..Self::default() }
    }
}
