//! `RelayedStream`: a generation that is begun and watched in a handler of one's own.

use actix_web::{HttpRequest, HttpResponse};

use super::{GenerationRequest, Relay, UpstreamRequest};
use crate::event::Failure;
use crate::protocol::Protocol;
use crate::store::Turn;

/// A generation that is to be begun, and its answer in a handler's protocol.
#[derive(Debug)]
#[must_use = "nothing is begun before `respond_to`"]
pub struct RelayedStream {
    relay: Relay,
    request: Result<UpstreamRequest, Failure>,
    protocol: Protocol,
    chat: Option<(String, Turn)>,
}

impl Relay {
    /// A generation for a handler of your own: the request is a builder of one of the endpoints. For JSON of your own see
    /// [`stream_raw`](Self::stream_raw).
    ///
    /// ```no_run
    /// use actix_web::{HttpRequest, HttpResponse, get, web};
    /// use actorstream::ChatRequest;
    /// use actorstream_web::Relay;
    ///
    /// #[get("/story")]
    /// async fn story(relay: web::Data<Relay>, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    ///     let story = ChatRequest::new("gpt-4o").user("Tell me a story about a robot");
    ///     relay.stream(story).respond_to(&request).await
    /// }
    /// ```
    pub fn stream<R: GenerationRequest>(&self, request: R) -> RelayedStream {
        self.relayed(UpstreamRequest::new(R::API, &request))
    }

    /// A generation for a handler of your own, of any request.
    pub fn stream_raw(&self, request: UpstreamRequest) -> RelayedStream {
        self.relayed(Ok(request))
    }

    fn relayed(&self, request: Result<UpstreamRequest, Failure>) -> RelayedStream {
        RelayedStream { relay: self.clone(), request, protocol: Protocol::UiMessage, chat: None }
    }
}

impl RelayedStream {
    /// The protocol of the answer. Default: the UI message stream of the AI SDK.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Makes it the current generation of a chat, which the relay's routes then find by the chat's id. `turn` says what is
    /// answered: asked twice for the same turn, the chat has one answer.
    pub fn in_chat(mut self, id: impl Into<String>, turn: Turn) -> Self {
        self.chat = Some((id.into(), turn));
        self
    }

    /// Begins the generation, and answers as a viewer from its beginning on.
    ///
    /// # Errors
    /// That of `authorize`; a [`Failure`] when the generation cannot be begun, or too many watch.
    pub async fn respond_to(self, request: &HttpRequest) -> actix_web::Result<HttpResponse> {
        let Self { relay, request: upstream, protocol, chat } = self;
        let owner = relay.owner(request).await?;
        let upstream = upstream?;
        let id = match chat {
            Some((chat, turn)) => relay.begin_in_chat(&owner, &chat, turn, upstream).await?,
            None => relay.begin(&owner, upstream).await?,
        };
        // The generation of a turn that was answered before may be one of another endpoint.
        let api = relay.generation(&owner, &id).await?.api;
        Ok(relay.viewer(&id, api, protocol, None)?.into_response())
    }
}
