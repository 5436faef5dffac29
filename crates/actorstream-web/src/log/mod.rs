//! `Log`: the write side of a generation's log.

mod reply;
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

pub(crate) use reply::Reply;
pub(crate) use shared::Shared;
pub(crate) use writer::{Writer, WriterOptions, again, promptly};

/// The write side of a generation's log.
///
/// Entries go to the store in the order of writing. One append is in progress at a time, and entries written
/// meanwhile form the next one. [`room`](Self::room) applies backpressure to a writer that is faster than the store.
///
/// This is a handle; clones write to the same log. If the last clone is dropped without [`end`](Self::end), the log
/// ends with an error. It therefore ends however the actor that owns it ends.
#[derive(Clone)]
pub struct Log(Arc<Held>);

/// The state shared by all clones.
struct Held {
    shared: Arc<Shared>,
    tells_upstreams_words: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.end(End::Error(Failure::aborted()));
    }
}

/// The reason why a log accepts nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The log has ended.
    Ended,
    /// Another producer has taken over the generation.
    TakenOver,
    /// The generation was handed over to another producer, because this process is shutting down.
    HandedOver,
    /// The store has lost the log, or is unavailable.
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

    /// Writes an upstream event verbatim. Returns `false` if the log accepts nothing more.
    pub fn record<E: Recorded>(&self, event: &E) -> bool {
        let Some(json) = one_line(event.payload().text().as_ref()) else {
            // The core delivers only valid JSON, except for invalid UTF-8 in places that it skips.
            let message = "the model's server sent a response that cannot be read";
            self.end(End::Error(
                Failure::new(502, "upstream_error", message).with_code("upstream_malformed"),
            ));
            return false;
        };
        let id = event.response_id().map(str::to_owned);
        self.0.shared.push(Event::Upstream(json), id, event.sequence_number())
    }

    /// Writes an entry. Returns `false` if the log accepts nothing more. An end is handled like [`end`](Self::end).
    pub fn write(&self, event: Event) -> bool {
        match event {
            Event::End(end) => {
                self.end(end);
                false
            }
            event => self.0.shared.push(event, None, None),
        }
    }

    /// Writes a part that the service adds.
    pub fn part(&self, part: Part) -> bool {
        self.write(Event::Part(part))
    }

    /// Ends the log. Only the first end has an effect.
    pub fn end(&self, end: End) {
        self.0.shared.end(end);
    }

    /// Ends the log with an upstream error; a cancelled stream becomes an [`End::Abort`].
    pub fn fail(&self, error: &StreamError) {
        self.end(match &error.kind {
            proto::outcome::error::ErrorKind::Cancelled => End::Abort { reason: "cancelled".to_owned() },
            _ => End::Error(Failure::of_stream(error, self.0.tells_upstreams_words)),
        });
    }

    /// Returns upstream's reply, except its events.
    pub(crate) fn reply(&self) -> Arc<Reply> {
        Arc::clone(&self.0.shared.reply)
    }

    /// Returns whether the store lags behind: the writer should wait for [`room`](Self::room).
    pub fn is_full(&self) -> bool {
        self.0.shared.is_full()
    }

    /// Waits until the log is not full, or accepts nothing more.
    pub fn room(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0.shared);
        async move { shared.room().await }
    }

    /// Cancels a stream when the log accepts nothing more: because a viewer pressed stop, the log is full, or another
    /// producer has taken over.
    pub fn attach(&self, stream: &StreamRef) {
        self.0.shared.attach(stream);
    }

    /// Waits until the log accepts nothing more and the store has everything it accepted.
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

/// Puts JSON on one line: a line break can occur only between two tokens, where a space is equivalent.
fn one_line(json: &str) -> Option<Arc<RawValue>> {
    let text = if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() };
    RawValue::from_string(text).ok().map(Arc::from)
}

/// Upstream events that a log can record.
pub trait Recorded: proto::endpoint::event::Event {
    /// Upstream's id of the response, if the event has it and the response can be retrieved by it.
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

/// Advances the position after an event, if its response is known.
pub(crate) fn advance(position: &mut Option<UpstreamPosition>, id: Option<String>, seq: Option<u64>) -> bool {
    match (position, id) {
        (position @ None, Some(id)) => *position = Some(UpstreamPosition { id, seq }),
        (Some(position), _) if seq > position.seq => position.seq = seq,
        _ => return false,
    }
    true
}
