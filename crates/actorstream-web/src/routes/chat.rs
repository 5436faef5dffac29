//! The routes for `useChat`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{json, none_or_json};
use super::respond::{Seen, View};
use crate::event::{Api, Failure};
use crate::id::GenerationId;
use crate::log::promptly;
use crate::protocol::Protocol;
use crate::relay::{Begun, Relay, UpstreamRequest, encoder_of};
use crate::store::{ChatKey, Turn};
use crate::ui_request::UiRequest;

/// `POST`: starts a response, unless the last user message is already being answered, and streams it from its
/// beginning.
pub(super) async fn begin(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let protocol = View::of(&request)?.protocol(Protocol::UiMessage)?;
    let (body, asked) = (json(&relay, &request, payload).await?, relay.clone());
    let (chat, turn, upstream) = body.read(move |body| asked_for(&asked, body)).await?;
    let Begun { generation, permit, .. } = relay.begin_watched(&owner, Some((chat, turn)), upstream).await?;
    let encoder = encoder_of(protocol, &generation);
    Ok(relay.seated(permit, &generation.id, encoder).respond_to(&request))
}

/// Returns the chat, the turn and the upstream request of a body.
fn asked_for(relay: &Relay, body: &[u8]) -> Result<(String, Turn, UpstreamRequest), Failure> {
    let ui = UiRequest::parse(body)?;
    ui.check_question()?;
    let turn = match ui.last_user_message_key() {
        Some(key) => Turn { key: key.to_owned(), again: false },
        None => Turn { key: GenerationId::random().to_string(), again: true },
    };
    let settings = &relay.0.settings;
    let upstream = match settings.chat_api {
        Api::Responses => UpstreamRequest::new(Api::Responses, &ui.responses_body(&settings.model))?,
        Api::Chat | Api::Completions => UpstreamRequest::new(Api::Chat, &ui.chat_body(&settings.model))?,
    };
    let upstream = upstream.continues(ui.continued_message());
    Ok((ui.id, turn, upstream))
}

/// `GET /{chat}/stream`: the running response, after the viewer's position.
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
    let permit = relay.permit(&owner, &generation.id).await?;
    let encoder = encoder_of(protocol, &generation);
    Ok(relay.seated(permit, &generation.id, encoder).after(seen.into_cursor()).respond_to(&request))
}

/// `POST /{chat}/stop`: stops the running response.
pub(super) async fn stop(
    relay: web::Data<Relay>,
    request: HttpRequest,
    chat: web::Path<String>,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    none_or_json(&relay, &request, payload).await?;
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
    let Some(id) = promptly(|| store.current(&key)).await? else { return Ok(None) };
    match relay.generation(owner, &id).await {
        Ok(generation) => Ok(Some(generation)),
        Err(failure) if failure.status == 404 => Ok(None),
        Err(failure) => Err(failure),
    }
}
