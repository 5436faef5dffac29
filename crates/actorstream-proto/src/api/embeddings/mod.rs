//! `POST /embeddings`: converts texts to vectors.

mod generated;
#[cfg(test)]
mod tests;
mod vector;

use std::borrow::Cow;

pub use generated::{
    Embedding, EmbeddingFormat, EmbeddingInput, EmbeddingInputItem, EmbeddingRequest, EmbeddingResponse,
    EmbeddingUsage, EmbeddingVector,
};

use crate::endpoint::Endpoint;
use crate::endpoint::answer::{Answer, WholeAnswer};
use crate::json::whole::Field;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /embeddings`. It does not stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embeddings;

impl Endpoint for Embeddings {
    type Event = Answer<EmbeddingResponse>;

    fn operation(&self) -> &'static str {
        "embeddings"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/embeddings")
    }

    fn prepare(&self, _: &mut RequestBody, _: bool) {}
}

impl WholeAnswer for EmbeddingResponse {
    const NAME: &'static str = "list of embeddings";
    const FIELD: Field = Field::List("data");
}

impl EmbeddingRequest {
    /// Creates a request for the embeddings of `input` by `model`.
    pub fn new(model: impl Into<String>, input: impl Into<EmbeddingInput>) -> Self {
        Self { model: model.into(), input: input.into(), ..Self::default() }
    }
}
