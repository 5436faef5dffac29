//! A store with faults that a test selects.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actorstream_test::Gate;
use actorstream_web::GenerationId;
use actorstream_web::event::Event;
use actorstream_web::store::{
    Append, Appended, Bound, ChatKey, Claim, Generation, MemoryStore, NewGeneration, Page, Progress, Renewed,
    Store, StoreError, StoreFuture, StoreLimits, Turn,
};
use tokio::sync::{Notify, watch};

/// Clones share the faults.
#[derive(Clone, Default)]
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    pub(crate) faults: Arc<Faults>,
}

#[derive(Default)]
pub(crate) struct Faults {
    /// The gate at which appends wait, if set.
    pub(crate) gate: Mutex<Option<Gate>>,
    /// Notified when an append arrives at the gate.
    pub(crate) waits: Notify,
    /// The number of replies to appends that will be lost.
    pub(crate) lost_answers: AtomicUsize,
    /// Whether every operation fails.
    pub(crate) down: AtomicBool,
    /// Whether binding fails.
    pub(crate) bind_down: AtomicBool,
    /// Whether the next log is removed just before it is read, as if by another request.
    pub(crate) removed_first: AtomicBool,
    /// Whether removal fails.
    pub(crate) remove_down: AtomicBool,
    /// The number of claims, successful or not.
    pub(crate) claims: AtomicUsize,
    /// The number of bytes read from logs.
    pub(crate) bytes_read: AtomicUsize,
    /// Whether the store counts as shared with other instances.
    pub(crate) shared: AtomicBool,
    /// The number of entries and bytes of each append.
    pub(crate) appends: Mutex<Vec<(usize, u64)>>,
}

impl FaultyStore {
    pub(crate) fn gated() -> (Self, Gate) {
        let (store, gate) = (Self::default(), Gate::new());
        *store.faults.gate.lock().unwrap() = Some(gate.clone());
        (store, gate)
    }

    fn up<'a, T: Send + 'a>(&'a self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            if self.faults.down.load(Ordering::Relaxed) {
                return Err(StoreError::unavailable("redis://user:password@host is down"));
            }
            answer.await
        })
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl Store for FaultyStore {
    fn limits(&self) -> &StoreLimits {
        self.inner.limits()
    }

    fn is_shared(&self) -> bool {
        self.faults.shared.load(Ordering::Relaxed)
    }

    fn create<'a>(&'a self, new: &'a NewGeneration) -> StoreFuture<'a, ()> {
        self.up(self.inner.create(new))
    }

    fn append<'a>(&'a self, id: &'a GenerationId, append: &'a Append) -> StoreFuture<'a, Appended> {
        Box::pin(async move {
            let gate = self.faults.gate.lock().unwrap().clone();
            if let Some(gate) = gate {
                self.faults.waits.notify_one();
                gate.wait().await;
            }
            if self.faults.down.load(Ordering::Relaxed) {
                return Err(StoreError::unavailable("down"));
            }
            let bytes = append.events.iter().map(Event::size).sum();
            self.faults.appends.lock().unwrap().push((append.events.len(), bytes));
            let appended = self.inner.append(id, append).await;
            let lost = &self.faults.lost_answers;
            if lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |lost| lost.checked_sub(1)).is_ok() {
                return Err(StoreError::unavailable("the answer was lost"));
            }
            appended
        })
    }

    fn read<'a>(&'a self, id: &'a GenerationId, after: u64, max_bytes: usize) -> StoreFuture<'a, Page> {
        self.up(Box::pin(async move {
            if self.faults.removed_first.swap(false, Ordering::Relaxed) {
                self.inner.remove(id).await?;
            }
            let page = self.inner.read(id, after, max_bytes).await?;
            let bytes = page.entries.iter().map(|entry| entry.event.size() as usize).sum();
            self.faults.bytes_read.fetch_add(bytes, Ordering::Relaxed);
            Ok(page)
        }))
    }

    fn watch(&self, id: &GenerationId) -> watch::Receiver<Progress> {
        self.inner.watch(id)
    }

    fn generation<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, Generation> {
        self.up(self.inner.generation(id))
    }

    fn renew<'a>(&'a self, id: &'a GenerationId, epoch: u64, lease: Duration) -> StoreFuture<'a, Renewed> {
        self.up(self.inner.renew(id, epoch, lease))
    }

    fn claim<'a>(&'a self, id: &'a GenerationId, lease: Duration) -> StoreFuture<'a, Claim> {
        self.faults.claims.fetch_add(1, Ordering::Relaxed);
        self.up(self.inner.claim(id, lease))
    }

    fn release<'a>(&'a self, id: &'a GenerationId, epoch: u64) -> StoreFuture<'a, ()> {
        self.up(self.inner.release(id, epoch))
    }

    fn request_stop<'a>(&'a self, id: &'a GenerationId, reason: &'a str) -> StoreFuture<'a, ()> {
        self.up(self.inner.request_stop(id, reason))
    }

    fn attend<'a>(&'a self, id: &'a GenerationId, hold: Duration) -> StoreFuture<'a, ()> {
        self.up(self.inner.attend(id, hold))
    }

    fn bind<'a>(&'a self, chat: &'a ChatKey, turn: &'a Turn, id: &'a GenerationId) -> StoreFuture<'a, Bound> {
        if self.faults.bind_down.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::unavailable("the link broke")) });
        }
        self.up(self.inner.bind(chat, turn, id))
    }

    fn current<'a>(&'a self, chat: &'a ChatKey) -> StoreFuture<'a, Option<GenerationId>> {
        self.up(self.inner.current(chat))
    }

    fn remove<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, ()> {
        if self.faults.remove_down.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::unavailable("the link broke")) });
        }
        self.up(self.inner.remove(id))
    }

    fn orphans(&self, most: usize) -> StoreFuture<'_, Vec<GenerationId>> {
        self.up(self.inner.orphans(most))
    }
}
