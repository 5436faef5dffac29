//! `UpstreamRequest`: what upstream is asked.

use actorstream::proto::body::Body;
use actorstream::{ChatRequest, CompletionRequest, ResponseRequest};
use serde::Serialize;

use crate::event::{Api, Failure};

/// What upstream is asked: an endpoint, and the fields of the request.
#[derive(Debug, Clone)]
pub struct UpstreamRequest {
    pub(crate) api: Api,
    pub(crate) body: Body,
}

impl UpstreamRequest {
    /// A request to an endpoint: anything that serializes to a JSON object.
    ///
    /// # Errors
    /// When it does not.
    pub fn new<R: Serialize + ?Sized>(api: Api, request: &R) -> Result<Self, Failure> {
        let body = Body::new(request).map_err(|error| Failure::invalid(error.kind.to_string()))?;
        Ok(Self { api, body })
    }
}

/// Requests whose type says which endpoint they are for.
pub trait GenerationRequest: Serialize {
    /// The endpoint.
    const API: Api;
}

impl GenerationRequest for ChatRequest {
    const API: Api = Api::Chat;
}

impl GenerationRequest for CompletionRequest {
    const API: Api = Api::Completions;
}

impl GenerationRequest for ResponseRequest {
    const API: Api = Api::Responses;
}
