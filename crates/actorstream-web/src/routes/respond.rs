//! What the routes have in common: bodies, cursors, answers.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Event, Failure, Logged};
use crate::id::{Cursor, GenerationId};
use crate::log::again;
use crate::protocol::{Protocol, whole};
use crate::relay::Relay;
use crate::store::{Generation, Hint, StoreError};

/// About how many bytes of a log are read at once.
const PAGE: usize = 256 << 10;

/// How a viewer wants to be answered.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    after: Option<String>,
    protocol: Option<String>,
}

impl View {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let query = web::Query::<Self>::from_query(request.query_string());
        query.map(web::Query::into_inner).map_err(|error| Failure::invalid(format!("the query: {error}")))
    }

    /// The protocol that is asked for.
    pub(super) fn protocol(&self, otherwise: Protocol) -> Result<Protocol, Failure> {
        match self.protocol.as_deref() {
            None => Ok(otherwise),
            Some("ui") => Ok(Protocol::UiMessage),
            Some("openai") => Ok(Protocol::OpenAi),
            Some("text") => Ok(Protocol::Text),
            Some(_) => Err(Failure::invalid("`protocol` is one of ui, openai, text")),
        }
    }

    /// What the viewer has: `Last-Event-ID`, or else `?after=`, as a cursor or as the number of an entry. What cannot be
    /// read counts for nothing, so that the viewer gets all.
    pub(super) fn cursor(&self, headers: &HeaderMap, generation: &GenerationId) -> Seen {
        let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::trim);
        let Some(text) = header.filter(|id| !id.is_empty()).or(self.after.as_deref()) else {
            return Seen::Nothing;
        };
        let entry = |seq| Cursor { generation: generation.clone(), seq, frames: None };
        match text.parse().ok().map(entry).or_else(|| text.parse().ok()) {
            Some(cursor) if cursor.generation == *generation => Seen::UpTo(cursor),
            _ => Seen::Other,
        }
    }
}

/// What a viewer has.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing: it comes for the first time.
    Nothing,
    /// This generation, up to there.
    UpTo(Cursor),
    /// Something else, which has expired or is another's.
    Other,
}

impl Seen {
    pub(super) fn into_cursor(self) -> Option<Cursor> {
        match self {
            Self::UpTo(cursor) => Some(cursor),
            Self::Nothing | Self::Other => None,
        }
    }

    /// Whether that is all there is of an ended generation.
    pub(super) fn is_all_of(&self, generation: &Generation) -> bool {
        match self {
            Self::UpTo(Cursor { seq, frames: None, .. }) => *seq == generation.tail,
            Self::UpTo(_) | Self::Nothing | Self::Other => false,
        }
    }
}

/// The body of a request.
pub(super) async fn body(relay: &Relay, payload: web::Payload) -> actix_web::Result<Bytes> {
    let most = relay.0.settings.max_body;
    payload.to_bytes_limited(most).await.unwrap_or_else(|_| {
        let message = format!("the request is larger than the {most} bytes that it may have");
        Err(Failure::new(413, "invalid_request_error", message).into())
    })
}

/// Waits, for a while, for the first entry of a log; an error that it is comes as an error. So an answer that fails before
/// it has begun has a status of its own.
pub(super) async fn first_entry(relay: &Relay, id: &GenerationId) -> Result<(), Failure> {
    let first = async {
        let first = until(relay, id, |hint| hint.tail > 0).await;
        first.map(|entries| entries.into_iter().next().map(|entry| entry.event))
    };
    match tokio::time::timeout(relay.0.settings.ping_every, first).await {
        Ok(Ok(Some(Event::End(crate::event::End::Error(failure))))) => Err(failure),
        Ok(Err(failure)) => Err(failure),
        // Silence is no error; from now on it is kept alive.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// A response as far as it has come: the whole one if it has ended, else the last word of upstream on it.
pub(super) async fn response_so_far(relay: &Relay, generation: &Generation) -> Result<HttpResponse, Failure> {
    let entries = until(relay, &generation.id, |hint| hint.tail >= generation.tail.max(1)).await?;
    let last = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Upstream(event) => serde_json::from_str::<HasResponse<'_>>(event.get()).ok()?.response,
        Event::Part(_) | Event::Reset | Event::End(_) => None,
    });
    match last {
        Some(response) if !entries.iter().any(|entry| entry.event.is_end()) => {
            Ok(HttpResponse::Ok().insert_header(("x-generation-id", generation.id.as_str())).json(response))
        }
        _ => whole_answer(relay, generation).await,
    }
}

/// An event that holds the response that it is of.
#[derive(Deserialize)]
struct HasResponse<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

/// The whole answer, when it has ended.
pub(super) async fn whole_answer(relay: &Relay, generation: &Generation) -> Result<HttpResponse, Failure> {
    let entries = ended(relay, &generation.id).await?;
    let answer = whole(generation.api, &entries)?;
    Ok(HttpResponse::Ok().insert_header(("x-generation-id", generation.id.as_str())).json(answer))
}

/// All entries of a log, when it has ended.
async fn ended(relay: &Relay, id: &GenerationId) -> Result<Vec<Logged>, Failure> {
    // Whoever waits for the whole answer watches.
    let (_seat, is_first) = relay.0.viewers.seat(id)?;
    if is_first {
        relay.mind(id.clone());
    }
    until(relay, id, |hint| hint.ended).await
}

/// The entries of a log, at least the first of them, when so much has happened.
async fn until(
    relay: &Relay,
    id: &GenerationId,
    enough: impl Fn(&Hint) -> bool,
) -> Result<Vec<Logged>, Failure> {
    let store = &relay.0.store;
    let mut hint = store.watch(id);
    let mut entries: Vec<Logged> = Vec::new();
    loop {
        hint.borrow_and_update();
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = again(|| store.read(id, after, PAGE)).await?;
        let idle = page.entries.is_empty();
        entries.extend(page.entries);
        let tail = entries.last().map_or(0, |entry| entry.seq);
        let ended = page.ended && tail == page.tail;
        if ended || enough(&Hint { tail, ended, ..Hint::default() }) {
            return Ok(entries);
        }
        if idle && hint.changed().await.is_err() {
            return Err(StoreError::NotFound.into());
        }
    }
}
