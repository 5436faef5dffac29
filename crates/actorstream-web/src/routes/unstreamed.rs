//! Upstream responses that are passed on verbatim.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use actorstream::proto::request::body::Body;
use actorstream::proto::sse::SseDecoder;
use actorstream::{ApiError, ErrorKind, Method, StreamError, Verbatim};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Api, End, Event, Failure, Logged};
use crate::failure::Refusal;
use crate::id::GenerationId;
use crate::log::{Reply, promptly};
use crate::protocol::whole;
use crate::relay::{PassedOn, Relay, UpstreamRequest};
use crate::store::{Append, ChatKey, NewGeneration, StoreError, Turn, UpstreamPosition};

/// Returns the parts of a client's request that are forwarded in addition to its body, if the application allows it.
pub(super) fn passed_on(relay: &Relay, request: &HttpRequest) -> PassedOn {
    let settings = &relay.0.settings;
    let header = |name: &String| {
        let name: HeaderName = name.parse().ok()?;
        Some((name.to_string(), request.headers().get(name)?.to_str().ok()?.to_owned()))
    };
    let raw_query = if settings.passes_queries_on { request.query_string() } else { "" };
    let query = web::Query::<Vec<(String, String)>>::from_query(raw_query).map(web::Query::into_inner);
    PassedOn {
        headers: settings.passed_on_headers.iter().filter_map(header).collect(),
        query: query.unwrap_or_default(),
        raw_query: raw_query.to_owned(),
    }
}

/// Requests an unstreamed response and passes it on. The request is cancelled when the client disconnects.
pub(super) async fn ask(
    relay: &Relay,
    owner: &str,
    mut upstream: UpstreamRequest,
) -> Result<HttpResponse, Refusal> {
    let mut permit = relay.0.owners.run(owner).await?;
    relay.prepare(owner, &mut upstream)?;
    let path = match upstream.api {
        Api::Chat => "/chat/completions",
        Api::Completions => "/completions",
        Api::Responses => "/responses",
    };
    let Answered { body, reply } =
        call(relay, Method::Post, path.to_owned(), Some(&upstream.body), &upstream.passed_on).await?;
    let body = match is_stream(&reply, &body) {
        false => body,
        // Some servers stream even if this was not requested.
        true => put_together(relay, upstream.api, &body).map_err(|failure| Refusal::of(failure, &reply))?,
    };
    if upstream.api == Api::Responses {
        permit.grow(body.len() as u64);
        if let Err(error) = keep(relay, owner, &upstream.body, &body).await {
            tracing::warn!("a response could not be stored: {error}");
        }
    }
    Ok(answer(&reply, body))
}

/// Forwards a request, and passes on its response.
pub(super) async fn pass(
    relay: &Relay,
    request: &HttpRequest,
    method: Method,
    path: String,
    body: Option<Body>,
) -> Result<HttpResponse, Refusal> {
    let Answered { body, reply } =
        call(relay, method, path, body.as_ref(), &passed_on(relay, request)).await?;
    Ok(answer(&reply, body))
}

/// Upstream's response.
struct Answered {
    body: Bytes,
    reply: Arc<Reply>,
}

async fn call(
    relay: &Relay,
    method: Method,
    path: String,
    body: Option<&Body>,
    passed_on: &PassedOn,
) -> Result<Answered, Refusal> {
    let reply = Arc::new(Reply::default());
    let observer = Arc::clone(&reply);
    // The client retries a refused request by itself.
    let call = relay.0.openai.endpoint(Verbatim::new(method, passed_on.path(path))).max_retries(0);
    let call = passed_on.apply_headers(call.on_head(move |head| observer.read(head)));
    let asked = call.create(body.cloned().unwrap_or_default());
    let answered = tokio::select! {
        answered = asked => answered,
        () = relay.0.viewers.closing() => return Err(Failure::shutdown().into()),
    };
    match answered {
        Ok(finish) => Ok(Answered { body: (*finish.response).clone(), reply }),
        Err(error) => {
            let told = relay.0.settings.tells_upstreams_words;
            Err(Refusal::of(Failure::of_stream(&error, told), &reply))
        }
    }
}

fn answer(reply: &Reply, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    reply.write(&mut response);
    let content_type =
        reply.content_type().filter(|content_type| !content_type.starts_with("text/event-stream"));
    response.insert_header((CONTENT_TYPE, content_type.unwrap_or_else(|| "application/json".to_owned())));
    response.body(body)
}

/// Returns whether a response is a stream, although none was requested.
fn is_stream(reply: &Reply, body: &[u8]) -> bool {
    reply.content_type().is_some_and(|content_type| content_type.starts_with("text/event-stream"))
        || ["data:", "event:", ":"].iter().any(|start| body.starts_with(start.as_bytes()))
}

/// Accumulates a stream into the unstreamed response.
fn put_together(relay: &Relay, api: Api, body: &Bytes) -> Result<Bytes, Failure> {
    let told = relay.0.settings.tells_upstreams_words;
    let mut decoder = SseDecoder::new(body.len() + 1);
    decoder.feed(body.clone());
    let (mut entries, mut ended) = (Vec::new(), false);
    while let Ok(Some(frame)) = decoder.next_frame() {
        if frame.data == "[DONE]" {
            ended = true;
            break;
        }
        let Ok(event) = serde_json::from_slice::<Box<RawValue>>(&frame.data) else { continue };
        if api == Api::Responses {
            let event: Last<'_> = serde_json::from_str(event.get()).unwrap_or_default();
            if let (Some("response.completed" | "response.incomplete" | "response.failed"), Some(response)) =
                (event.r#type, event.response)
            {
                return Ok(Bytes::copy_from_slice(response.get().as_bytes()));
            }
        }
        let reported = serde_json::from_str(event.get()).ok().as_ref().and_then(ApiError::from_json);
        if let Some(error) = reported {
            let error = StreamError::new(ErrorKind::Provider(Arc::new(error)));
            return Err(Failure::of_stream(&error, told));
        }
        ended |= event.get().contains("\"finish_reason\":\"");
        entries.push(Logged { seq: entries.len() as u64 + 1, event: Event::Upstream(event.into()) });
    }
    if !ended {
        let error = StreamError::new(ErrorKind::truncated("the stream ended before the answer did"));
        return Err(Failure::of_stream(&error, told));
    }
    entries.push(Logged { seq: entries.len() as u64 + 1, event: Event::End(End::Finish { reason: None }) });
    Ok(whole(api, &entries)?.to_string().into())
}

/// The required fields of the last event of a response.
#[derive(Deserialize, Default)]
struct Last<'a> {
    #[serde(default)]
    r#type: Option<&'a str>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// The fields of a response that are required to keep it.
#[derive(Deserialize)]
struct Kept<'a> {
    id: &'a str,
    #[serde(default)]
    status: Option<&'a str>,
}

/// Stores a response, so that it can be retrieved by its id, as with the API.
async fn keep(relay: &Relay, owner: &str, request: &Body, response: &[u8]) -> Result<(), StoreError> {
    let Ok(response) = std::str::from_utf8(response) else { return Ok(()) };
    let (Ok(kept), Ok(raw)) =
        (serde_json::from_str::<Kept<'_>>(response), serde_json::from_str::<&RawValue>(response))
    else {
        return Ok(());
    };
    if request.get::<bool>("store") == Some(false) {
        return Ok(());
    }
    let status =
        kept.status.filter(|status| ["failed", "incomplete"].contains(status)).unwrap_or("completed");
    let event = format!(r#"{{"type":"response.{status}","sequence_number":0,"response":{}}}"#, raw.get());
    let event = event.replace(['\n', '\r'], " ");
    let Ok(event) = RawValue::from_string(event) else { return Ok(()) };
    let lease = relay.0.settings.lease;
    let id = GenerationId::random();
    let new = NewGeneration {
        id: id.clone(),
        owner: owner.to_owned(),
        api: Api::Responses,
        request: request.to_bytes(),
        lease,
        attended: lease,
    };
    let append = Append {
        epoch: 1,
        first: 1,
        events: vec![
            Event::Upstream(event.into()),
            Event::End(End::Finish { reason: Some(status.to_owned()) }),
        ],
        upstream: Some(UpstreamPosition { id: kept.id.to_owned(), seq: None }),
        lease,
    };
    let (key, turn) = (ChatKey::response(owner, kept.id), Turn { key: id.to_string(), again: true });
    let store = &relay.0.store;
    promptly(|| store.create(&new)).await?;
    promptly(|| store.append(&id, &append)).await?;
    promptly(|| store.bind(&key, &turn, &id)).await.map(drop)
}
