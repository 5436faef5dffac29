//! The record of an upstream, and waiting for changes to it.

use tokio::sync::Notify;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::request::Request;

/// The record of an upstream, written by its connections and read by the test.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    changed: Notify,
    written: AtomicU64,
    records_requests: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) requests: Vec<Request>,
    pub(crate) arrived: usize,
    /// For each connection accepted, whether the client closed it.
    pub(crate) peer_closed: Vec<bool>,
    /// For each connection accepted, whether it is closed, by whichever side.
    pub(crate) closed: Vec<bool>,
    pub(crate) open: usize,
}

impl Journal {
    pub(crate) fn new(records_requests: bool) -> Self {
        Self {
            entries: Mutex::default(),
            changed: Notify::new(),
            written: AtomicU64::new(0),
            records_requests,
        }
    }

    /// Records a new connection, which is open until the returned value is dropped.
    pub(crate) fn accepted(self: &Arc<Self>) -> OpenConnection {
        let number = self.change(|entries| {
            entries.peer_closed.push(false);
            entries.closed.push(false);
            entries.open += 1;
            entries.peer_closed.len() - 1
        });
        OpenConnection { journal: Arc::clone(self), number }
    }

    /// Numbers and records a request that has fully arrived.
    pub(crate) fn arrived(&self, request: &mut Request) {
        self.change(|entries| {
            request.index = entries.arrived;
            entries.arrived += 1;
            if self.records_requests {
                entries.requests.push(request.clone());
            }
        });
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> T {
        look(&self.lock())
    }

    /// Waits until `look` returns a value.
    pub(crate) async fn wait_for<T>(&self, look: impl Fn(&Entries) -> Option<T>) -> T {
        loop {
            // Created before the check: it is woken by every change from here on.
            let changed = self.changed.notified();
            if let Some(found) = self.read(&look) {
                return found;
            }
            changed.await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_waiters();
        result
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recorded connection; dropping it records that it is closed.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    journal: Arc<Journal>,
    number: usize,
}

impl OpenConnection {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Records that the client closed it.
    pub(crate) fn peer_closed(&self) {
        self.journal.change(|entries| entries.peer_closed[self.number] = true);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.journal.change(|entries| {
            entries.open -= 1;
            entries.closed[self.number] = true;
        });
    }
}
