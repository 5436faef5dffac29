//! `Log`: a generation's log, as the one who writes it sees it.

mod shared;
mod writer;

use std::fmt;
use std::sync::Arc;

use actorstream::{StreamError, StreamRef, proto};
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::event::{Api, End, Event, Failure, Part};
use crate::id::GenerationId;
use crate::store::{StoreError, UpstreamPosition};

pub(crate) use shared::Shared;
pub(crate) use writer::{Writer, WriterOptions, again};

/// A generation's log, as the one who writes it sees it.
///
/// What is written goes to the store in the order of writing: one append is under way at a time, and what is written
/// meanwhile is the next one. [`room`](Self::room) is the brake for who writes faster than the store.
///
/// It is a handle; clones write to the same log. When the last one is dropped without [`end`](Self::end), the log ends
/// with an error: so it does not matter how an actor that holds one comes to its own end.
#[derive(Clone)]
pub struct Log(Arc<Held>);

/// All the clones together.
struct Held {
    shared: Arc<Shared>,
    tells_upstreams_words: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.end(End::Error(Failure::aborted()));
    }
}

/// Why a log takes nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// It has its end.
    Ended,
    /// Another producer has taken the generation over.
    TakenOver,
    /// It was left to another producer, since this process is going down.
    HandedOver,
    /// The store has lost it, or cannot be reached.
    Lost(StoreError),
}

impl Log {
    pub(crate) fn new(shared: Arc<Shared>, tells_upstreams_words: bool) -> Self {
        Self(Arc::new(Held { shared, tells_upstreams_words }))
    }

    /// The generation.
    pub fn id(&self) -> &GenerationId {
        &self.0.shared.id
    }

    /// The endpoint.
    pub fn api(&self) -> Api {
        self.0.shared.api
    }

    /// Writes an event of upstream, as it came. `false`: the log takes nothing more.
    pub fn record<E: Recorded>(&self, event: &E) -> bool {
        let Some(json) = one_line(event.payload().text().as_ref()) else {
            // The core reads nothing that is no JSON, but for bytes that are no UTF-8 in a place that it passes over.
            let message = "the model's server answered what cannot be read";
            self.end(End::Error(
                Failure::new(502, "upstream_error", message).with_code("upstream_malformed"),
            ));
            return false;
        };
        let id = event.response_id().map(str::to_owned);
        self.0.shared.push(Event::Upstream(json), id, event.sequence_number())
    }

    /// Writes an entry. `false`: the log takes nothing more. An end goes the way of [`end`](Self::end).
    pub fn write(&self, event: Event) -> bool {
        match event {
            Event::End(end) => {
                self.end(end);
                false
            }
            event => self.0.shared.push(event, None, None),
        }
    }

    /// Writes something that the service adds.
    pub fn part(&self, part: Part) -> bool {
        self.write(Event::Part(part))
    }

    /// Ends the log. The first end holds.
    pub fn end(&self, end: End) {
        self.0.shared.end(end);
    }

    /// Ends the log with an error of upstream; a cancelled stream is an [`End::Abort`].
    pub fn fail(&self, error: &StreamError) {
        self.end(match &error.kind {
            proto::error::ErrorKind::Cancelled => End::Abort { reason: "cancelled".to_owned() },
            _ => End::Error(Failure::of_stream(error, self.0.tells_upstreams_words)),
        });
    }

    /// Whether more is written than the store has taken: whoever writes should wait for [`room`](Self::room).
    pub fn is_full(&self) -> bool {
        self.0.shared.is_full()
    }

    /// Waits until the log is not full, or takes nothing more.
    pub fn room(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0.shared);
        async move { shared.room().await }
    }

    /// Has a stream cancelled when the log takes nothing more: because a viewer pressed stop, because the log is full, or
    /// because another producer has taken over.
    pub fn attach(&self, stream: &StreamRef) {
        self.0.shared.attach(stream);
    }

    /// Waits until the log takes nothing more, and the store has what it took.
    pub fn closed(&self) -> impl Future<Output = Closed> + Send + use<> {
        closed(self.0.shared.watch())
    }
}

pub(crate) async fn closed(mut watch: watch::Receiver<Option<Closed>>) -> Closed {
    let closed = watch.wait_for(Option::is_some).await.ok().and_then(|closed| closed.clone());
    closed.unwrap_or(Closed::Ended)
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(self.id()).finish()
    }
}

/// JSON on one line: a line break can only stand between two tokens, where a space does as well.
fn one_line(json: &str) -> Option<Arc<RawValue>> {
    let text = if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() };
    RawValue::from_string(text).ok().map(Arc::from)
}

/// Events that a log can hold as upstream's.
pub trait Recorded: proto::event::Event {
    /// Upstream's id of the response, where the event says it and upstream can be asked for the response by it.
    fn response_id(&self) -> Option<&str>;
}

impl Recorded for actorstream::ChatCompletionChunk {
    fn response_id(&self) -> Option<&str> {
        None
    }
}

impl Recorded for actorstream::CompletionChunk {
    fn response_id(&self) -> Option<&str> {
        None
    }
}

impl Recorded for actorstream::ResponseEvent {
    fn response_id(&self) -> Option<&str> {
        match &self.event {
            actorstream::ResponseStreamEvent::Created(event) => Some(&event.response.id),
            actorstream::ResponseStreamEvent::Queued(event) => Some(&event.response.id),
            actorstream::ResponseStreamEvent::InProgress(event) => Some(&event.response.id),
            _ => None,
        }
        .map(AsRef::as_ref)
        .filter(|id: &&str| !id.is_empty())
    }
}

/// The position after an event, if its response is known.
pub(crate) fn advance(position: &mut Option<UpstreamPosition>, id: Option<String>, seq: Option<u64>) -> bool {
    match (position, id) {
        (position @ None, Some(id)) => *position = Some(UpstreamPosition { id, seq }),
        (Some(position), _) if seq > position.seq => position.seq = seq,
        _ => return false,
    }
    true
}
