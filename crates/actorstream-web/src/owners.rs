//! `Owners`: counts and limits the resources of each owner, in this process and in those that share its store.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::event::Failure;
use crate::id::GenerationId;
use crate::log::promptly;
use crate::store::{Store, StoreError, StoreFuture, Tally};

/// The validity of a process's report about an owner. A process that dies keeps its share for this long.
const HOLD: Duration = Duration::from_secs(60);
/// The delay before freed resources are reported to the other processes, so that several are reported together.
const SOON: Duration = Duration::from_millis(50);

/// The limits for each owner.
#[derive(Debug, Clone)]
pub(crate) struct OwnerCaps {
    pub(crate) generations: usize,
    pub(crate) viewers: usize,
    pub(crate) bytes: u64,
}

impl Default for OwnerCaps {
    fn default() -> Self {
        Self { generations: 1000, viewers: 2000, bytes: 256 << 20 }
    }
}

/// Counts the resources of each owner.
#[derive(Debug)]
pub(crate) struct Owners {
    caps: OwnerCaps,
    store: Arc<dyn Store>,
    /// The id of this process among those that share the store.
    process: String,
    owned: Mutex<HashMap<Arc<str>, Owned>>,
    /// The owners that use less than the other processes know.
    less: Mutex<HashSet<Arc<str>>>,
}

/// The resources of one owner.
#[derive(Debug, Default)]
struct Owned {
    generations: usize,
    viewers: usize,
    /// The bytes of running and kept generations.
    bytes: u64,
    /// When the bytes of ended generations expire, earliest first.
    kept: VecDeque<(Instant, u64)>,
    /// The bytes in the other processes, by their last report.
    bytes_elsewhere: u64,
    /// The time of the last report to the other processes.
    told: Option<Instant>,
}

impl Owned {
    fn expire(&mut self, now: Instant) {
        while let Some((until, bytes)) = self.kept.front()
            && *until <= now
        {
            self.bytes -= bytes;
            self.kept.pop_front();
        }
    }

    fn tally(&self) -> Tally {
        Tally { generations: self.generations as u64, viewers: self.viewers as u64, bytes: self.bytes }
    }

    fn is_empty(&self) -> bool {
        self.generations == 0 && self.viewers == 0 && self.kept.is_empty()
    }
}

impl Owners {
    pub(crate) fn new(caps: OwnerCaps, store: Arc<dyn Store>) -> Arc<Self> {
        let process = GenerationId::random().to_string();
        Arc::new(Self { caps, store, process, owned: Mutex::default(), less: Mutex::default() })
    }

    fn owned(&self) -> MutexGuard<'_, HashMap<Arc<str>, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, owner: &Arc<str>, change: impl FnOnce(&mut Owned) -> T) -> T {
        let mut owned = self.owned();
        let of_one = owned.entry(Arc::clone(owner)).or_default();
        of_one.expire(Instant::now());
        let changed = change(of_one);
        if of_one.is_empty() {
            owned.remove(owner);
        }
        changed
    }

    /// Removes expired entries.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.owned().retain(|_, owned| {
            owned.expire(now);
            !owned.is_empty()
        });
    }

    /// Acquires a permit to run a generation.
    ///
    /// # Errors
    /// If the owner has too many generations, or too many bytes, in all processes together; if the store is unavailable.
    pub(crate) async fn run(self: &Arc<Self>, owner: &str) -> Result<GenerationPermit, Failure> {
        let (permit, here) = self.admitted(owner);
        let others = self.others(&permit.owner).await?;
        if here.generations + others.generations > self.caps.generations as u64 {
            return Err(too_many("too_many_generations", "you have too many responses in progress"));
        }
        if here.bytes + others.bytes > self.caps.bytes {
            return Err(too_many("too_many_bytes", "the stored responses of this owner are too large"));
        }
        Ok(permit)
    }

    /// Acquires a permit without a limit, for a generation that another process has already admitted.
    pub(crate) fn admit(self: &Arc<Self>, owner: &str) -> GenerationPermit {
        self.admitted(owner).0
    }

    fn admitted(self: &Arc<Self>, owner: &str) -> (GenerationPermit, Tally) {
        let owner: Arc<str> = owner.into();
        let here = self.change(&owner, |owned| {
            owned.generations += 1;
            owned.tally()
        });
        (GenerationPermit { owners: Arc::clone(self), owner, bytes: 0 }, here)
    }

    /// Acquires a permit to watch.
    ///
    /// # Errors
    /// If the owner has too many viewers in all processes together; if the store is unavailable.
    pub(crate) async fn watch(self: &Arc<Self>, owner: &str) -> Result<OwnerViewerPermit, Failure> {
        let owner: Arc<str> = owner.into();
        let here = self.change(&owner, |owned| {
            owned.viewers += 1;
            owned.tally()
        });
        let permit = OwnerViewerPermit { owners: Arc::clone(self), owner };
        let others = self.others(&permit.owner).await?;
        if here.viewers + others.viewers > self.caps.viewers as u64 {
            return Err(too_many("too_many_viewers", "you have too many concurrent viewers"));
        }
        Ok(permit)
    }

    /// Reports the owner's resources in this process to the others, and returns those in the other processes.
    async fn others(&self, owner: &Arc<str>) -> Result<Tally, StoreError> {
        if !self.store.is_shared() {
            return Ok(Tally::default());
        }
        match promptly(|| self.tell(owner)).await {
            Ok(others) => {
                self.change(owner, |owned| {
                    owned.told = Some(Instant::now());
                    owned.bytes_elsewhere = others.bytes;
                });
                Ok(others)
            }
            Err(StoreError::Invalid(what)) => {
                tracing::warn!("what an owner has in other processes is not known: {what}");
                Ok(Tally::default())
            }
            Err(error) => Err(error),
        }
    }

    fn tell<'a>(&'a self, owner: &'a Arc<str>) -> StoreFuture<'a, Tally> {
        let here = self.change(owner, |owned| owned.tally());
        self.store.tally(owner, &self.process, here, HOLD)
    }

    /// Reports to the other processes where a report is about to expire, or is too high.
    pub(crate) async fn tell_others(&self) {
        if !self.store.is_shared() {
            return;
        }
        let mut owners = std::mem::take(&mut *self.less());
        let now = Instant::now();
        let is_due = |owned: &Owned| owned.told.is_none_or(|told| now - told > HOLD / 3);
        owners.extend(
            self.owned().iter().filter(|(_, owned)| is_due(owned)).map(|(owner, _)| Arc::clone(owner)),
        );
        let mut owners = owners.into_iter();
        while let Some(owner) = owners.next() {
            if let Err(error) = self.others(&owner).await {
                tracing::debug!("an owner's resources could not be reported to other processes: {error}");
                // The next report would wait as long. All of them are made the next time.
                self.less().extend([owner].into_iter().chain(owners));
                return;
            }
        }
    }

    fn less(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.less.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that an owner uses less than before.
    fn has_less(self: &Arc<Self>, owner: &Arc<str>) {
        if !self.store.is_shared() {
            return;
        }
        let mut less = self.less();
        let is_first = less.is_empty();
        less.insert(Arc::clone(owner));
        // Outside a runtime, it is reported later.
        if let (true, Ok(runtime)) = (is_first, tokio::runtime::Handle::try_current()) {
            let owners = Arc::clone(self);
            runtime.spawn(async move {
                sleep(SOON).await;
                owners.tell_others().await;
            });
        }
    }
}

fn too_many(code: &str, what: &str) -> Failure {
    Failure::new(429, "rate_limit_error", format!("{what}; try again later")).with_code(code)
}

/// Counts a running generation for its owner, and its bytes for as long as they are kept.
#[derive(Debug)]
pub(crate) struct GenerationPermit {
    owners: Arc<Owners>,
    owner: Arc<str>,
    bytes: u64,
}

impl GenerationPermit {
    /// Counts written bytes. Returns `false` if the owner then has too many.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        let all = self.owners.change(&self.owner, |owned| {
            owned.bytes += bytes;
            owned.bytes + owned.bytes_elsewhere
        });
        all <= self.owners.caps.bytes
    }
}

impl Drop for GenerationPermit {
    fn drop(&mut self) {
        let until = Instant::now() + self.owners.store.limits().ttl;
        let bytes = self.bytes;
        self.owners.change(&self.owner, |owned| {
            owned.generations -= 1;
            if bytes > 0 {
                owned.kept.push_back((until, bytes));
            }
        });
        self.owners.has_less(&self.owner);
    }
}

/// Counts a viewer for its owner.
#[derive(Debug)]
pub(crate) struct OwnerViewerPermit {
    owners: Arc<Owners>,
    owner: Arc<str>,
}

impl Drop for OwnerViewerPermit {
    fn drop(&mut self) {
        self.owners.change(&self.owner, |owned| owned.viewers -= 1);
        self.owners.has_less(&self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, StoreLimits};

    #[tokio::test(start_paused = true)]
    async fn each_owner_has_caps_and_what_has_expired_counts_no_more() {
        let caps = OwnerCaps { generations: 2, viewers: 1, bytes: 100 };
        let store = MemoryStore::new(StoreLimits { ttl: Duration::from_secs(60), ..StoreLimits::default() });
        let owners = Owners::new(caps, Arc::new(store));
        let (mut one, two) = (owners.run("a").await.unwrap(), owners.run("a").await.unwrap());
        let refused = owners.run("a").await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_deref()), (429, Some("too_many_generations")));
        owners.run("b").await.unwrap();
        assert!(one.grow(100));
        drop((one, two));
        assert!(!owners.run("a").await.unwrap().grow(1));
        assert_eq!(owners.run("a").await.unwrap_err().code.as_deref(), Some("too_many_bytes"));
        tokio::time::advance(Duration::from_secs(61)).await;
        owners.run("a").await.unwrap();
        let viewer = owners.watch("a").await.unwrap();
        owners.watch("a").await.unwrap_err();
        owners.watch("b").await.unwrap();
        drop(viewer);
        owners.watch("a").await.unwrap();
        owners.expire();
        assert!(owners.owned().is_empty());
    }
}
