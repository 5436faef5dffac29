//! `Streams`: the running streams of a client, so that they can be ended together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::stream::stream_ref::StreamRef;

/// How many streams to keep capacity for when none is running.
const KEPT: usize = 64;

/// The running streams of a client, on all threads.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    state: Mutex<State>,
    /// Notified when the last stream has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By number.
    running: HashMap<u64, StreamRef>,
    closed: bool,
}

impl Streams {
    /// Registers a running stream. Returns `None` after [`close`](Self::close).
    pub(crate) fn start(self: &Arc<Self>, stream: &StreamRef) -> Option<Entry> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        state.running.insert(stream.id(), stream.clone());
        Some(Entry { streams: Arc::clone(self), id: stream.id() })
    }

    /// Cancels all streams and prevents new ones from starting.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let running: Vec<_> = state.running.values().cloned().collect();
        drop(state);
        for stream in running {
            stream.cancel();
        }
    }

    /// Returns whether new streams are prevented from starting.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The number of running streams.
    pub(crate) fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Waits until no stream is running.
    pub(crate) async fn ended(&self) {
        loop {
            // Registered before the check, so that no end is missed in between.
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

/// A stream's registration, until this is dropped.
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
