//! `Shared`: what is written and not yet in the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actorstream::StreamRef;
use tokio::sync::{Notify, watch};

use super::{Closed, advance};
use crate::event::{Api, End, Event};
use crate::id::GenerationId;
use crate::store::UpstreamPosition;

/// How many bytes may wait for the store before whoever writes should wait.
const FULL: u64 = 256 << 10;

/// What those who write and the task that appends have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) id: GenerationId,
    pub(crate) api: Api,
    state: Mutex<State>,
    /// There is something to append, or to do.
    work: Notify,
    /// There is room.
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

/// What is to be appended.
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

    /// The first end holds.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state();
        if !state.closed {
            state.end.get_or_insert(end);
            drop(state);
            self.work.notify_one();
        }
    }

    /// Leaves the generation to another producer.
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
            // Whoever goes on with the response is not to lose it.
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

    /// Takes what is to be appended.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.state();
        state.bytes = 0;
        let upstream = if std::mem::take(&mut state.advanced) { state.upstream.clone() } else { None };
        let batch = Batch { events: std::mem::take(&mut state.pending), upstream, end: state.end.take() };
        if batch.end.is_some() {
            // Nothing follows it.
            state.hand_over = true;
        }
        drop(state);
        self.room.notify_waiters();
        batch
    }

    /// The log takes nothing more.
    pub(super) fn close(&self, closed: Closed) {
        let mut state = self.state();
        state.closed = true;
        state.pending = Vec::new();
        state.bytes = 0;
        let streams = std::mem::take(&mut state.streams);
        drop(state);
        for stream in streams {
            // A stream that has ended stays as it ended.
            match closed {
                Closed::Ended => stream.cancel(),
                // Another producer may go on with the response.
                Closed::TakenOver | Closed::HandedOver | Closed::Lost(_) => stream.leave(),
            }
        }
        self.closed.send_replace(Some(closed));
        self.room.notify_waiters();
    }
}
