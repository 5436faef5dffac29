//! `RelayedStream`: a generation that an application's own handler starts and watches.

use actix_web::{HttpRequest, HttpResponse};

use super::{Begun, GenerationRequest, Relay, UpstreamRequest, encoder_of};
use crate::event::Failure;
use crate::protocol::Protocol;
use crate::store::Turn;

/// A generation to start, and its response in a protocol.
#[derive(Debug)]
#[must_use = "nothing starts before `respond_to`"]
pub struct RelayedStream {
    relay: Relay,
    request: Result<UpstreamRequest, Failure>,
    protocol: Protocol,
    chat: Option<(String, Turn)>,
}

impl Relay {
    /// Creates a generation for an application's own handler, from a request builder of one of the endpoints. For
    /// raw JSON, see [`stream_raw`](Self::stream_raw).
    ///
    /// ```no_run
    /// use actix_web::{HttpRequest, HttpResponse, get, web};
    /// use actorstream::ChatRequest;
    /// use actorstream_web::Relay;
    ///
    /// #[get("/story")]
    /// async fn story(relay: web::Data<Relay>, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    ///     let story = ChatRequest::new("gpt-6-luna").user("Tell me a story about a robot");
    ///     relay.stream(story).respond_to(&request).await
    /// }
    /// ```
    pub fn stream<R: GenerationRequest>(&self, request: R) -> RelayedStream {
        self.relayed(UpstreamRequest::new(R::API, &request))
    }

    /// Creates a generation for an application's own handler, from any request.
    pub fn stream_raw(&self, request: UpstreamRequest) -> RelayedStream {
        self.relayed(Ok(request))
    }

    fn relayed(&self, request: Result<UpstreamRequest, Failure>) -> RelayedStream {
        RelayedStream { relay: self.clone(), request, protocol: Protocol::UiMessage, chat: None }
    }
}

impl RelayedStream {
    /// Sets the protocol of the response. Default: the UI message stream of the AI SDK.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Makes it the current generation of a chat, which the relay's routes then find by the chat's id. `turn`
    /// identifies the turn that it answers: two requests for the same turn share one generation.
    pub fn in_chat(mut self, id: impl Into<String>, turn: Turn) -> Self {
        self.chat = Some((id.into(), turn));
        self
    }

    /// Makes the response continue the message with this id, which the client has; see
    /// [`UpstreamRequest::continues`].
    pub fn continues(mut self, message: Option<&str>) -> Self {
        self.request = self.request.map(|request| request.continues(message));
        self
    }

    /// Starts the generation and responds with its events from the beginning.
    ///
    /// # Errors
    /// The error of `authorize`; a [`Failure`] if the generation cannot be started, or there are too many viewers.
    pub async fn respond_to(self, request: &HttpRequest) -> actix_web::Result<HttpResponse> {
        let Self { relay, request: upstream, protocol, chat } = self;
        let owner = relay.owner(request).await?;
        let upstream = upstream?;
        let Begun { generation, permit, .. } = relay.begin_watched(&owner, chat, upstream).await?;
        // An existing generation for this turn may be of another endpoint.
        let encoder = encoder_of(protocol, &generation);
        Ok(relay.seated(permit, &generation.id, encoder).respond_to(request))
    }
}
