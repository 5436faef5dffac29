//! `Shared`: the entries that were written but are not in the store yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actorstream::StreamRef;
use tokio::sync::{Notify, watch};

use super::{Closed, Reply, advance};
use crate::event::{Api, End, Event};
use crate::id::GenerationId;
use crate::store::UpstreamPosition;

/// The number of pending bytes from which a writer should wait.
const FULL: u64 = 256 << 10;

/// The state shared by writers and the appending task.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) id: GenerationId,
    pub(crate) api: Api,
    pub(crate) reply: Arc<Reply>,
    state: Mutex<State>,
    /// Notified when there is something to append or to do.
    work: Notify,
    /// Notified when there is room.
    room: Notify,
    closed: watch::Sender<Option<Closed>>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Event>,
    bytes: u64,
    upstream: Option<UpstreamPosition>,
    advanced: bool,
    end: Option<End>,
    hand_over: bool,
    closed: bool,
    streams: Vec<StreamRef>,
}

/// Entries to append.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    pub(super) upstream: Option<UpstreamPosition>,
    pub(super) end: Option<End>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.end.is_none()
    }
}

impl Shared {
    pub(crate) fn new(id: GenerationId, api: Api, upstream: Option<UpstreamPosition>) -> Arc<Self> {
        Arc::new(Self {
            id,
            api,
            reply: Arc::default(),
            state: Mutex::new(State { upstream, ..State::default() }),
            work: Notify::new(),
            room: Notify::new(),
            closed: watch::Sender::new(None),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, event: Event, response: Option<String>, sequence_number: Option<u64>) -> bool {
        let mut state = self.state();
        if state.end.is_some() || state.hand_over || state.closed {
            return false;
        }
        state.bytes += event.size();
        state.pending.push(event);
        state.advanced |= advance(&mut state.upstream, response, sequence_number);
        drop(state);
        self.work.notify_one();
        true
    }

    /// Sets the end, unless there is one.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state();
        if !state.closed {
            state.end.get_or_insert(end);
            drop(state);
            self.work.notify_one();
        }
    }

    /// Hands the generation over to another producer.
    pub(crate) fn hand_over(&self) {
        self.state().hand_over = true;
        self.work.notify_one();
    }

    pub(super) fn is_handed_over(&self) -> bool {
        self.state().hand_over
    }

    pub(super) fn is_full(&self) -> bool {
        let state = self.state();
        state.bytes >= FULL && !state.closed
    }

    pub(super) async fn room(&self) {
        loop {
            let room = self.room.notified();
            if !self.is_full() {
                return;
            }
            room.await;
        }
    }

    pub(super) fn attach(&self, stream: &StreamRef) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            // Keep the response at upstream for the producer that resumes it.
            match *self.closed.borrow() {
                Some(Closed::Ended) | None => stream.cancel(),
                Some(_) => stream.leave(),
            }
        } else {
            state.streams.push(stream.clone());
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<Closed>> {
        self.closed.subscribe()
    }

    /// Waits until there is something to take.
    pub(super) async fn work(&self) {
        self.work.notified().await;
    }

    /// Takes the entries to append.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.state();
        state.bytes = 0;
        let upstream = if std::mem::take(&mut state.advanced) { state.upstream.clone() } else { None };
        let batch = Batch { events: std::mem::take(&mut state.pending), upstream, end: state.end.take() };
        if batch.end.is_some() {
            // Nothing follows the end.
            state.hand_over = true;
        }
        drop(state);
        self.room.notify_waiters();
        batch
    }

    /// Closes the log.
    pub(super) fn close(&self, closed: Closed) {
        let mut state = self.state();
        state.closed = true;
        state.pending = Vec::new();
        state.bytes = 0;
        let streams = std::mem::take(&mut state.streams);
        drop(state);
        if closed != Closed::Ended {
            self.reply.is_lost();
        }
        for stream in streams {
            // Cancelling a stream that has ended has no effect.
            match closed {
                Closed::Ended => stream.cancel(),
                // Another producer may resume the response.
                Closed::TakenOver | Closed::HandedOver | Closed::Lost(_) => stream.leave(),
            }
        }
        self.closed.send_replace(Some(closed));
        self.room.notify_waiters();
    }
}
