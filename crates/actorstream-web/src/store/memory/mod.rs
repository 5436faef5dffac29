//! `MemoryStore`: logs in the memory of this process.

mod index;
mod log;

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{
    Append, Appended, Bound, ChatKey, Claim, Generation, NewGeneration, Page, Progress, Renewed, Store,
    StoreError, StoreFuture, StoreLimits, Turn,
};
use crate::id::GenerationId;
use index::Index;
use log::Log;

/// Keeps logs in the memory of this process. It needs no setup, and the logs are lost when the process ends.
///
/// This is a handle: clones share the logs.
#[derive(Clone)]
pub struct MemoryStore {
    limits: Arc<StoreLimits>,
    index: Arc<Mutex<Index>>,
}

impl MemoryStore {
    /// Creates an empty store with these limits.
    pub fn new(limits: StoreLimits) -> Self {
        Self { limits: Arc::new(limits), index: Arc::default() }
    }

    /// The number of logs, including ended ones.
    pub fn len(&self) -> usize {
        let mut index = self.index();
        index.expire(Instant::now());
        index.len()
    }

    /// Returns whether it has no logs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The total size of the entries of all logs, in bytes.
    pub fn bytes(&self) -> u64 {
        let mut index = self.index();
        index.expire(Instant::now());
        index.bytes()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `act` with a log that has not expired.
    fn with<T>(
        &self,
        id: &GenerationId,
        act: impl FnOnce(&mut Log, Instant) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let now = Instant::now();
        let log = self.index().get(id, now).ok_or(StoreError::NotFound)?;
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut log, now)
    }

    fn append_now(&self, id: &GenerationId, append: &Append) -> Result<Appended, StoreError> {
        let room = self.index().room(&self.limits);
        let added = self.with(id, |log, now| log.append(append, now, &self.limits, room))?;
        let mut index = self.index();
        index.grown(id, added.bytes);
        if added.ended {
            index.keep_until(id, Instant::now() + self.limits.ttl);
        }
        index.make_room(&self.limits);
        Ok(added.appended)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(StoreLimits::default())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (logs, bytes) = (self.len(), self.bytes());
        f.debug_struct("MemoryStore").field("logs", &logs).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn limits(&self) -> &StoreLimits {
        &self.limits
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, new: &'a NewGeneration) -> StoreFuture<'a, ()> {
        let created = self.index().create(new, Instant::now(), &self.limits);
        Box::pin(ready(created))
    }

    fn append<'a>(&'a self, id: &'a GenerationId, append: &'a Append) -> StoreFuture<'a, Appended> {
        Box::pin(ready(self.append_now(id, append)))
    }

    fn read<'a>(&'a self, id: &'a GenerationId, after: u64, max_bytes: usize) -> StoreFuture<'a, Page> {
        Box::pin(ready(self.with(id, |log, _| Ok(log.read(after, max_bytes)))))
    }

    fn watch(&self, id: &GenerationId) -> watch::Receiver<Progress> {
        // For a missing log, returns a watch whose sender is dropped.
        self.with(id, |log, _| Ok(log.watch())).unwrap_or_else(|_| watch::channel(Progress::default()).1)
    }

    fn generation<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, Generation> {
        Box::pin(ready(self.with(id, |log, now| Ok(log.generation(now)))))
    }

    fn renew<'a>(&'a self, id: &'a GenerationId, epoch: u64, lease: Duration) -> StoreFuture<'a, Renewed> {
        Box::pin(ready(self.with(id, |log, now| log.renew(epoch, lease, now))))
    }

    fn claim<'a>(&'a self, id: &'a GenerationId, lease: Duration) -> StoreFuture<'a, Claim> {
        Box::pin(ready(self.with(id, |log, now| Ok(log.claim(lease, now)))))
    }

    fn release<'a>(&'a self, id: &'a GenerationId, epoch: u64) -> StoreFuture<'a, ()> {
        Box::pin(ready(self.with(id, |log, _| log.release(epoch))))
    }

    fn request_stop<'a>(&'a self, id: &'a GenerationId, reason: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(ready(self.with(id, |log, _| {
            log.request_stop(reason);
            Ok(())
        })))
    }

    fn attend<'a>(&'a self, id: &'a GenerationId, hold: Duration) -> StoreFuture<'a, ()> {
        Box::pin(ready(self.with(id, |log, now| {
            log.attend(now + hold);
            Ok(())
        })))
    }

    fn bind<'a>(&'a self, chat: &'a ChatKey, turn: &'a Turn, id: &'a GenerationId) -> StoreFuture<'a, Bound> {
        let bound = self.index().bind(chat, turn, id, Instant::now());
        Box::pin(ready(Ok(bound)))
    }

    fn current<'a>(&'a self, chat: &'a ChatKey) -> StoreFuture<'a, Option<GenerationId>> {
        let current = self.index().current(chat);
        Box::pin(ready(Ok(current)))
    }

    fn remove<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, ()> {
        self.index().remove(id);
        Box::pin(ready(Ok(())))
    }

    fn orphans(&self, most: usize) -> StoreFuture<'_, Vec<GenerationId>> {
        let now = Instant::now();
        let logs = {
            let mut index = self.index();
            index.expire(now);
            index.all()
        };
        let is_orphan = |log: &Mutex<Log>| log.lock().unwrap_or_else(PoisonError::into_inner).is_orphan(now);
        let orphans = logs.into_iter().filter(|(_, log)| is_orphan(log)).map(|(id, _)| id).take(most);
        Box::pin(ready(Ok(orphans.collect())))
    }
}
