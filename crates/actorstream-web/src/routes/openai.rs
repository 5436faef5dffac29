//! The routes that any client of the OpenAI API talks to.

use actix_web::{HttpRequest, HttpResponse, web};
use actorstream::Custom;
use actorstream::proto::body::Body;
use serde::Deserialize;

use super::respond::{View, body, first_entry, response_so_far, whole_answer};
use crate::event::{Api, Failure};
use crate::log::again;
use crate::protocol::{Protocol, encoder_starting_after};
use crate::relay::{Relay, UpstreamRequest};
use crate::store::{ChatKey, Generation};

/// `POST /chat/completions`.
pub(super) async fn chat_completions(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    answer(&relay, &request, payload, Api::Chat).await
}

/// `POST /completions`.
pub(super) async fn completions(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    answer(&relay, &request, payload, Api::Completions).await
}

/// `POST /responses`.
pub(super) async fn responses(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    answer(&relay, &request, payload, Api::Responses).await
}

async fn answer(
    relay: &Relay,
    request: &HttpRequest,
    payload: web::Payload,
    api: Api,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(request).await?;
    let json = body(relay, payload).await?;
    let mut fields: Body = serde_json::from_slice(&json)
        .map_err(|error| Failure::invalid(format!("the request must be a JSON object: {error}")))?;
    let streamed = fields.get::<bool>("stream").unwrap_or(false);
    let in_background = api == Api::Responses && fields.get::<bool>("background").unwrap_or(false);
    if !streamed && api != Api::Responses {
        // The unstreamed answer has the usage, and the log it is made of must have it.
        fields.set("stream_options", &serde_json::json!({"include_usage": true}));
    }
    let id = relay.begin(&owner, UpstreamRequest { api, body: fields }).await?;
    if streamed {
        let viewer = relay.viewer(&id, api, Protocol::OpenAi, None)?;
        first_entry(relay, &id).await?;
        return Ok(viewer.into_response());
    }
    let generation = relay.generation(&owner, &id).await?;
    if in_background {
        return Ok(response_so_far(relay, &generation).await?);
    }
    Ok(whole_answer(relay, &generation).await?)
}

#[derive(Debug, Deserialize)]
struct Retrieve {
    #[serde(default)]
    stream: bool,
    starting_after: Option<u64>,
}

/// `GET /responses/{id}`.
pub(super) async fn response(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let query = web::Query::<Retrieve>::from_query(request.query_string());
    let Retrieve { stream, starting_after } =
        query.map_err(|error| Failure::invalid(format!("the query: {error}")))?.into_inner();
    let generation = find_response(&relay, &owner, &id).await?;
    if !stream {
        return Ok(response_so_far(&relay, &generation).await?);
    }
    let viewer = match starting_after {
        Some(after) => {
            relay.viewer_with(&generation.id, encoder_starting_after(generation.id.as_str(), after))?
        }
        None => relay.viewer(&generation.id, generation.api, Protocol::OpenAi, None)?,
    };
    Ok(viewer.into_response())
}

/// `POST /responses/{id}/cancel`.
pub(super) async fn cancel_response(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let generation = find_response(&relay, &owner, &id).await?;
    relay.stop(&generation.id, "cancelled by the client").await?;
    Ok(whole_answer(&relay, &generation).await?)
}

/// A response by upstream's id of it, or by that of its generation.
async fn find_response(relay: &Relay, owner: &str, id: &str) -> Result<Generation, Failure> {
    let key = ChatKey::response(owner, id);
    let store = &relay.0.store;
    let id = match again(|| store.current(&key)).await? {
        Some(id) => id,
        None => id.parse().map_err(|_| Failure::not_found())?,
    };
    let generation = relay.generation(owner, &id).await?;
    if generation.api == Api::Responses { Ok(generation) } else { Err(Failure::not_found()) }
}

/// `GET /generations/{id}/stream`.
pub(super) async fn stream(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let view = View::of(&request)?;
    let protocol = view.protocol(Protocol::OpenAi)?;
    let generation = find(&relay, &owner, &id).await?;
    let seen = view.cursor(request.headers(), &generation.id);
    if generation.ended && seen.is_all_of(&generation) {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(relay.viewer(&generation.id, generation.api, protocol, seen.into_cursor())?.into_response())
}

/// `POST /generations/{id}/stop`.
pub(super) async fn stop(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let generation = find(&relay, &owner, &id).await?;
    relay.stop(&generation.id, "stopped by the user").await?;
    Ok(HttpResponse::Accepted().finish())
}

async fn find(relay: &Relay, owner: &str, id: &str) -> Result<Generation, Failure> {
    let id = id.parse().map_err(|_| Failure::not_found())?;
    relay.generation(owner, &id).await
}

/// `GET /models`.
pub(super) async fn models(relay: web::Data<Relay>, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    relay.owner(&request).await?;
    let models = relay.openai().endpoint(Custom::get("/models")).create(()).await;
    match models {
        Ok(models) => Ok(HttpResponse::Ok().json(&*models.response)),
        Err(error) => Err(Failure::of_stream(&error, relay.0.settings.tells_upstreams_words).into()),
    }
}
