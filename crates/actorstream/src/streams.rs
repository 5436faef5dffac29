//! `Streams`: those of a client that run, so that they can be ended together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::stream_ref::StreamRef;

/// For how many streams room is kept when none runs.
const KEPT: usize = 64;

/// The streams of a client that run, on whatever thread.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    state: Mutex<State>,
    /// The last one has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By number.
    running: HashMap<u64, StreamRef>,
    closed: bool,
}

impl Streams {
    /// Counts a stream among those that run; `None` after [`close`](Self::close).
    pub(crate) fn start(self: &Arc<Self>, stream: &StreamRef) -> Option<Entry> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        state.running.insert(stream.id(), stream.clone());
        Some(Entry { streams: Arc::clone(self), id: stream.id() })
    }

    /// Cancels all, and lets no more start.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let running: Vec<_> = state.running.values().cloned().collect();
        drop(state);
        for stream in running {
            stream.cancel();
        }
    }

    /// Whether no more may start.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// How many run.
    pub(crate) fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Waits until none runs.
    pub(crate) async fn ended(&self) {
        loop {
            // Before the look, so that no end is missed in between.
            let ended = self.ended.notified();
            if self.running() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's entry among those that run, until this is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    streams: Arc<Streams>,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.streams.state();
        state.running.remove(&self.id);
        let last = state.running.is_empty();
        if last {
            state.running.shrink_to(KEPT);
        }
        drop(state);
        if last {
            self.streams.ended.notify_waiters();
        }
    }
}
