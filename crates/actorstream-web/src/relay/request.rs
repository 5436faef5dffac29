//! `UpstreamRequest`: a request to upstream.

use std::fmt;

use actorstream::proto::request::body::Body;
use actorstream::{Call, ChatRequest, CompletionRequest, Endpoint, ResponseRequest};
use serde::Serialize;

use crate::event::{Api, Failure};

/// A request to upstream: an endpoint, and the fields of the request.
#[derive(Debug, Clone)]
pub struct UpstreamRequest {
    pub(crate) api: Api,
    pub(crate) body: Body,
    pub(crate) passed_on: PassedOn,
    pub(super) continues: Option<String>,
}

/// The parts of a client's request that the relay forwards in addition to the body. They are client data, so the
/// `Debug` output contains no values.
#[derive(Clone, Default)]
pub(crate) struct PassedOn {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    /// The query, verbatim.
    pub(crate) raw_query: String,
}

impl PassedOn {
    /// Returns a path with the verbatim query, including repeated names.
    pub(crate) fn path(&self, path: String) -> String {
        if self.raw_query.is_empty() { path } else { format!("{path}?{}", self.raw_query) }
    }

    /// Adds the headers to a call.
    pub(crate) fn apply_headers<P: Endpoint>(&self, mut call: Call<P>) -> Call<P> {
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        call
    }

    /// Adds the headers and the query to a call.
    pub(crate) fn apply<P: Endpoint>(&self, call: Call<P>) -> Call<P> {
        let mut call = self.apply_headers(call);
        for (name, value) in &self.query {
            call = call.query(name, value);
        }
        call
    }
}

impl fmt::Debug for PassedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.iter().chain(&self.query).map(|(name, _)| name)).finish()
    }
}

impl UpstreamRequest {
    /// Creates a request to an endpoint from anything that serializes to a JSON object.
    ///
    /// # Errors
    /// If it does not serialize to a JSON object.
    pub fn new<R: Serialize + ?Sized>(api: Api, request: &R) -> Result<Self, Failure> {
        let body = Body::new(request).map_err(|error| Failure::invalid(error.kind.to_string()))?;
        Ok(Self::of(api, body, PassedOn::default()))
    }

    pub(crate) fn of(api: Api, body: Body, passed_on: PassedOn) -> Self {
        Self { api, body, passed_on, continues: None }
    }

    /// Makes the response continue the message with this id, which the client of `useChat` has:
    /// [`UiRequest::continued_message`](crate::ui_request::UiRequest::continued_message). Otherwise the response is a
    /// new message.
    #[must_use]
    pub fn continues(mut self, message: Option<&str>) -> Self {
        self.continues = message.map(str::to_owned);
        self
    }
}

/// Request types that belong to one endpoint.
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
