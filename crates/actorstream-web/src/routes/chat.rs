//! The routes that `useChat` talks to.

use actix_web::{HttpRequest, HttpResponse, web};

use super::respond::{Seen, View, body};
use crate::event::{Api, Failure};
use crate::id::GenerationId;
use crate::log::again;
use crate::protocol::Protocol;
use crate::relay::{Relay, UpstreamRequest};
use crate::store::{ChatKey, Turn};
use crate::ui_request::UiRequest;

/// `POST`: begins an answer, unless the last user message is being answered already, and sends it from its beginning.
pub(super) async fn begin(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let protocol = View::of(&request)?.protocol(Protocol::UiMessage)?;
    let ui = UiRequest::parse(&body(&relay, payload).await?)?;
    let turn = match ui.last_user_message_key() {
        Some(key) => Turn { key: key.to_owned(), again: false },
        None => Turn { key: GenerationId::random().to_string(), again: true },
    };
    let settings = &relay.0.settings;
    let upstream = match settings.chat_api {
        Api::Responses => UpstreamRequest::new(Api::Responses, &ui.to_responses(&settings.model))?,
        Api::Chat | Api::Completions => UpstreamRequest::new(Api::Chat, &ui.to_chat(&settings.model))?,
    };
    let id = relay.begin_in_chat(&owner, &ui.id, turn, upstream).await?;
    let generation = relay.generation(&owner, &id).await?;
    Ok(relay.viewer(&id, generation.api, protocol, None)?.into_response())
}

/// `GET /{chat}/stream`: the answer that runs, after what the viewer has.
pub(super) async fn stream(
    relay: web::Data<Relay>,
    request: HttpRequest,
    chat: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let view = View::of(&request)?;
    let protocol = view.protocol(Protocol::UiMessage)?;
    let Some(generation) = current(&relay, &owner, &chat).await? else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let seen = view.cursor(request.headers(), &generation.id);
    if generation.ended && (matches!(seen, Seen::Nothing) || seen.is_all_of(&generation)) {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(relay.viewer(&generation.id, generation.api, protocol, seen.into_cursor())?.into_response())
}

/// `POST /{chat}/stop`: stops the answer that runs.
pub(super) async fn stop(
    relay: web::Data<Relay>,
    request: HttpRequest,
    chat: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let generation = current(&relay, &owner, &chat).await?.ok_or_else(Failure::not_found)?;
    relay.stop(&generation.id, "stopped by the user").await?;
    Ok(HttpResponse::Accepted().finish())
}

async fn current(
    relay: &Relay,
    owner: &str,
    chat: &str,
) -> Result<Option<crate::store::Generation>, Failure> {
    let key = ChatKey::chat(owner, chat);
    let store = &relay.0.store;
    let Some(id) = again(|| store.current(&key)).await? else { return Ok(None) };
    match relay.generation(owner, &id).await {
        Ok(generation) => Ok(Some(generation)),
        Err(failure) if failure.status == 404 => Ok(None),
        Err(failure) => Err(failure),
    }
}
