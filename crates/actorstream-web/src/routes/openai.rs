//! The routes for any client of the OpenAI API.

use actix_web::{HttpRequest, HttpResponse, web};
use actorstream::Method;
use actorstream::proto::endpoint::segment;
use actorstream::proto::request::body::Body;
use serde::Deserialize;

use super::body::{json, none_or_json};
use super::respond::{First, View, ended_response, first_entry, response_so_far};
use super::unstreamed::{ask, pass, passed_on};
use crate::event::{Api, Failure};
use crate::failure::Refusal;
use crate::id::GenerationId;
use crate::log::promptly;
use crate::protocol::{Protocol, encoder_starting_after};
use crate::relay::{Begun, PassedOn, Relay, UpstreamRequest, encoder_of};
use crate::store::{ChatKey, Generation};
use crate::strict_json;

/// The maximum number of fields in a request.
const MAX_FIELDS: usize = 1000;

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
    let fields = json(relay, request, payload).await?.read(fields).await?;
    let streamed = fields.get::<bool>("stream").unwrap_or(false);
    let in_background = api == Api::Responses && fields.get::<bool>("background").unwrap_or(false);
    let upstream = UpstreamRequest::of(api, fields, passed_on(relay, request));
    if !streamed && !in_background {
        return Ok(ask(relay, &owner, upstream).await?);
    }
    let Begun { generation, permit, reply } = relay.begin_watched(&owner, None, upstream).await?;
    let first = first_entry(relay, &generation.id).await?;
    // Headers of another upstream request do not belong to this response.
    let reply = match (reply, &first) {
        (Some(reply), First::Silence) => reply.may_be_of_log().then_some(reply),
        (Some(reply), First::Entry | First::Error(_)) => reply.is_of_first_entry().await.then_some(reply),
        (None, _) => None,
    };
    if let First::Error(failure) = first {
        return Err(match &reply {
            Some(reply) => Refusal::of(failure, reply).into(),
            None => failure.into(),
        });
    }
    let mut response = if streamed {
        let encoder = encoder_of(Protocol::OpenAi, &generation);
        relay.seated(permit, &generation.id, encoder).respond_to(request)
    } else {
        response_so_far(relay, &generation, &permit).await?
    };
    if let Some(reply) = &reply {
        reply.add_to(response.headers_mut());
    }
    Ok(response)
}

/// Parses the fields of a request without duplicate keys.
fn fields(body: &[u8]) -> Result<Body, Failure> {
    let fields = Body::read(strict_json::check(body)?, MAX_FIELDS, |_| true);
    fields.map_err(|error| {
        Failure::invalid(format!("the request must be a JSON object: {error}")).with_code("invalid_body")
    })
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
    let permit = relay.permit(&owner, &generation.id).await?;
    if !stream {
        return Ok(response_so_far(&relay, &generation, &permit).await?);
    }
    let name = generation.id.as_str();
    let encoder = match starting_after {
        Some(after) => encoder_starting_after(name, after),
        None => encoder_of(Protocol::OpenAi, &generation),
    };
    Ok(relay.seated(permit, &generation.id, encoder).respond_to(&request))
}

/// `POST /responses/{id}/cancel`.
pub(super) async fn cancel_response(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    none_or_json(&relay, &request, payload).await?;
    let generation = find_response(&relay, &owner, &id).await?;
    let permit = relay.permit(&owner, &generation.id).await?;
    relay.stop(&generation.id, "cancelled by the client").await?;
    Ok(ended_response(&relay, &generation, &permit).await?)
}

/// `DELETE /responses/{id}`: at upstream, and here.
pub(super) async fn delete_response(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let generation = find_response(&relay, &owner, &id).await?;
    if !generation.ended {
        relay.stop(&generation.id, "deleted by the client").await?;
    }
    let path = format!("/responses/{}", segment(upstreams_id(&generation, &id)));
    let answer = pass(&relay, &request, Method::Delete, path, None).await?;
    if answer.status().is_success() {
        promptly(|| relay.store().remove(&generation.id)).await.map_err(Failure::from)?;
    }
    Ok(answer)
}

/// `GET /responses/{id}/input_items`.
pub(super) async fn input_items(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let generation = find_response(&relay, &owner, &id).await?;
    let path = format!("/responses/{}/input_items", segment(upstreams_id(&generation, &id)));
    Ok(pass(&relay, &request, Method::Get, path, None).await?)
}

/// Returns upstream's id of a response.
fn upstreams_id<'a>(generation: &'a Generation, asked: &'a str) -> &'a str {
    generation.upstream.as_ref().map_or(asked, |upstream| &upstream.id)
}

/// `POST /responses/input_tokens`.
pub(super) async fn input_tokens(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let body = json(&relay, &request, payload).await?.read(fields).await?;
    let mut upstream = UpstreamRequest::of(Api::Responses, body, PassedOn::default());
    let _permit = relay.0.owners.run(&owner).await?;
    relay.prepare(&owner, &mut upstream)?;
    let path = "/responses/input_tokens".to_owned();
    Ok(pass(&relay, &request, Method::Post, path, Some(upstream.body)).await?)
}

/// `POST /embeddings`.
pub(super) async fn embeddings(
    relay: web::Data<Relay>,
    request: HttpRequest,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    let mut body = json(&relay, &request, payload).await?.read(fields).await?;
    let _permit = relay.0.owners.run(&owner).await?;
    (relay.0.settings.prepare_embeddings)(&owner, &mut body)?;
    Ok(pass(&relay, &request, Method::Post, "/embeddings".to_owned(), Some(body)).await?)
}

/// Finds a response by upstream's id, or by the id of its generation.
async fn find_response(relay: &Relay, owner: &str, id: &str) -> Result<Generation, Failure> {
    let key = ChatKey::response(owner, id);
    let store = &relay.0.store;
    let id = match promptly(|| store.current(&key)).await? {
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
    let permit = relay.permit(&owner, &generation.id).await?;
    let encoder = encoder_of(protocol, &generation);
    Ok(relay.seated(permit, &generation.id, encoder).after(seen.into_cursor()).respond_to(&request))
}

/// `POST /generations/{id}/stop`.
pub(super) async fn stop(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> actix_web::Result<HttpResponse> {
    let owner = relay.owner(&request).await?;
    none_or_json(&relay, &request, payload).await?;
    let generation = find(&relay, &owner, &id).await?;
    relay.stop(&generation.id, "stopped by the user").await?;
    Ok(HttpResponse::Accepted().finish())
}

async fn find(relay: &Relay, owner: &str, id: &str) -> Result<Generation, Failure> {
    let id: GenerationId = id.parse().map_err(|_| Failure::not_found())?;
    relay.generation(owner, &id).await
}

/// `GET /models`.
pub(super) async fn models(relay: web::Data<Relay>, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    relay.owner(&request).await?;
    Ok(pass(&relay, &request, Method::Get, "/models".to_owned(), None).await?)
}

/// `GET /models/{id}`; the id may contain slashes.
pub(super) async fn model(
    relay: web::Data<Relay>,
    request: HttpRequest,
    id: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    relay.owner(&request).await?;
    let id: Vec<String> = id.split('/').map(segment).collect();
    Ok(pass(&relay, &request, Method::Get, format!("/models/{}", id.join("/")), None).await?)
}
