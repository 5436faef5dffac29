//! The parts that the routes share: bodies, cursors, responses.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{End, Event, Failure, Logged};
use crate::id::{Cursor, GenerationId};
use crate::log::{again, promptly};
use crate::protocol::{Protocol, failed};
use crate::relay::Relay;
use crate::store::{Generation, Progress, StoreError};
use crate::viewers::ViewerPermit;

/// The approximate number of bytes of a log read at once.
const PAGE: usize = 256 << 10;
/// The approximate maximum size in bytes of the first events of a log, which contain the response as it begins.
const FIRST: usize = 16 << 10;

/// The query parameters of a viewer.
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

    /// Returns the requested protocol.
    pub(super) fn protocol(&self, otherwise: Protocol) -> Result<Protocol, Failure> {
        match self.protocol.as_deref() {
            None => Ok(otherwise),
            Some("ui") => Ok(Protocol::UiMessage),
            Some("openai") => Ok(Protocol::OpenAi),
            Some("text") => Ok(Protocol::Text),
            Some(_) => Err(Failure::invalid("`protocol` is one of ui, openai, text")),
        }
    }

    /// Returns the viewer's position: `Last-Event-ID`, or else `?after=`, as a cursor or as the number of an entry.
    /// An invalid value is ignored, so that the viewer receives everything.
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

/// The position of a viewer.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing: it connects for the first time.
    Nothing,
    /// This generation, up to this cursor.
    UpTo(Cursor),
    /// Another generation, which has expired or belongs to another owner.
    Other,
}

impl Seen {
    pub(super) fn into_cursor(self) -> Option<Cursor> {
        match self {
            Self::UpTo(cursor) => Some(cursor),
            Self::Nothing | Self::Other => None,
        }
    }

    /// Returns whether this is all of an ended generation.
    pub(super) fn is_all_of(&self, generation: &Generation) -> bool {
        match self {
            Self::UpTo(Cursor { seq, frames: None, .. }) => *seq == generation.tail,
            Self::UpTo(_) | Self::Nothing | Self::Other => false,
        }
    }
}

/// The start of a log.
#[derive(Debug)]
pub(super) enum First {
    /// Silence, for as long as a connection may be silent.
    Silence,
    /// An entry of the response.
    Entry,
    /// An error, so that a response that fails before it starts has its own status.
    Error(Failure),
}

/// Waits for the first entry of a log, for a limited time.
pub(super) async fn first_entry(relay: &Relay, id: &GenerationId) -> Result<First, Failure> {
    let first = async {
        let first = until(relay, id, FIRST, |progress| progress.tail > 0).await;
        first.map(|entries| entries.into_iter().next().map(|entry| entry.event))
    };
    match tokio::time::timeout(relay.0.settings.ping_every, first).await {
        Ok(Ok(Some(Event::End(End::Error(failure))))) => Ok(First::Error(failure)),
        Ok(Ok(_)) => Ok(First::Entry),
        Ok(Err(failure)) => Err(failure),
        // Silence is not an error; keep-alives follow from here.
        Err(_) => Ok(First::Silence),
    }
}

/// Returns the response so far, for the holder of a permit: upstream's latest version of it. That is in the first
/// events and in the last one, so a running response need not be read completely. Without such a version, the events
/// are accumulated.
pub(super) async fn response_so_far(
    relay: &Relay,
    generation: &Generation,
    _seat: &ViewerPermit,
) -> Result<HttpResponse, Failure> {
    let id = &generation.id;
    // A generation that was taken over may have started again within its log.
    if generation.takeovers == 0 {
        let first = until(relay, id, FIRST, |progress| progress.tail > 0).await?;
        let tail = promptly(|| relay.0.store.generation(id)).await?.tail;
        let last = match first.last() {
            Some(entry) if entry.seq < tail => last_entries(relay, id, tail).await?,
            _ => first.clone(),
        };
        let ended = last.last().is_some_and(|entry| entry.event.is_end());
        let finished = last.last().is_some_and(|entry| matches!(entry.event, Event::End(End::Finish { .. })));
        let found = if ended { last_word(&last) } else { last_word(&last).or_else(|| last_word(&first)) };
        let found = found.filter(|response| !ended || has_output(response));
        if let (Some(response), true) = (found, finished || !ended) {
            return Ok(whole_response(id, &response));
        }
    }
    let entries =
        until(relay, id, PAGE, |progress| progress.ended || progress.tail >= generation.tail.max(1)).await?;
    if !entries.iter().any(|entry| entry.event.is_end())
        && let Some(response) = last_word(&entries)
    {
        return Ok(whole_response(id, &response));
    }
    Ok(json_response(id, &failed(&entries)?))
}

/// Returns the last entries of a log: its end, and the entry before it.
async fn last_entries(relay: &Relay, id: &GenerationId, tail: u64) -> Result<Vec<Logged>, Failure> {
    let (store, mut entries) = (&relay.0.store, Vec::<Logged>::new());
    let mut after = tail.saturating_sub(2);
    while after < tail {
        let page = promptly(|| store.read(id, after, FIRST)).await?;
        let Some(last) = page.entries.last() else { break };
        after = last.seq;
        entries.extend(page.entries);
    }
    Ok(entries)
}

/// Returns the response in the last event that contains one.
fn last_word(entries: &[Logged]) -> Option<Box<RawValue>> {
    entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Upstream(event) => {
            serde_json::from_str::<HasResponse<'_>>(event.get()).ok()?.response.map(ToOwned::to_owned)
        }
        Event::Part(_) | Event::Reset | Event::End(_) => None,
    })
}

/// An event that contains its response.
#[derive(Deserialize)]
struct HasResponse<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

/// Returns whether a response contains its output. Some servers omit the output from the last event, because it was
/// streamed.
fn has_output(response: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct HasOutput {
        output: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<HasOutput>(response.get()).is_ok_and(|response| !response.output.is_empty())
}

/// Responds with a response as upstream wrote it.
fn whole_response(id: &GenerationId, response: &RawValue) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("x-generation-id", id.as_str())).content_type("application/json");
    answer.body(response.get().to_owned())
}

fn json_response(id: &GenerationId, response: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok().insert_header(("x-generation-id", id.as_str())).json(response)
}

/// Returns the response when it has ended, for the holder of a permit.
pub(super) async fn ended_response(
    relay: &Relay,
    generation: &Generation,
    permit: &ViewerPermit,
) -> Result<HttpResponse, Failure> {
    let (store, id) = (&relay.0.store, &generation.id);
    let mut progress = store.watch(id);
    loop {
        progress.borrow_and_update();
        let generation = again(|| store.generation(id)).await?;
        if generation.ended {
            return response_so_far(relay, &generation, permit).await;
        }
        if progress.changed().await.is_err() {
            return Err(StoreError::NotFound.into());
        }
    }
}

/// Reads the entries of a log from its beginning, and waits until `enough` is true for the progress read.
async fn until(
    relay: &Relay,
    id: &GenerationId,
    bytes: usize,
    enough: impl Fn(&Progress) -> bool,
) -> Result<Vec<Logged>, Failure> {
    let store = &relay.0.store;
    let mut progress = store.watch(id);
    let mut entries: Vec<Logged> = Vec::new();
    loop {
        progress.borrow_and_update();
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = again(|| store.read(id, after, bytes)).await?;
        let idle = page.entries.is_empty();
        entries.extend(page.entries);
        let tail = entries.last().map_or(0, |entry| entry.seq);
        let ended = page.ended && tail == page.tail;
        if ended || enough(&Progress { tail, ended, ..Progress::default() }) {
            return Ok(entries);
        }
        if idle && progress.changed().await.is_err() {
            return Err(StoreError::NotFound.into());
        }
    }
}
