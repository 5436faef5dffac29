//! Stores, which keep the logs of generations.
//!
//! [`MemoryStore`] keeps them in this process. A custom store implements [`Store`] and must pass the tests of
//! `store::contract` (feature `store-contract`).

#[cfg(feature = "store-contract")]
pub mod contract;
mod error;
mod limits;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod types;

use std::fmt;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

pub use error::{StoreError, StoreLimit};
pub use limits::StoreLimits;
pub use memory::MemoryStore;
#[cfg(feature = "redis")]
pub use redis::{RedisConnectError, RedisOptions, RedisStore};
pub use types::{
    Append, Appended, Bound, ChatKey, Claim, Generation, NewGeneration, Page, Progress, Renewed, Tally, Turn,
    UpstreamPosition,
};

use crate::id::GenerationId;

/// The result of a store operation.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Keeps the logs of generations, for all workers of a server, or for all its instances.
///
/// A log is written by one producer at a time and may be read by anyone. The entries are numbered from 1 without gaps
/// and never change. The last one is [`Event::End`](crate::event::Event::End); it closes the log.
///
/// * **Fencing.** A producer holds an *epoch*. [`claim`](Self::claim) assigns the next one; from then on, any
///   operation with an older epoch fails with [`StoreError::Fenced`].
/// * **Lease.** A producer counts as alive as long as it renews its lease, with [`renew`](Self::renew) and each
///   [`append`](Self::append). A generation without an end whose lease has expired can be claimed.
/// * **Idempotency.** Any operation may be repeated if its reply was lost. An append that is already in the log
///   succeeds without being appended again.
/// * **Limits.** An operation that would exceed the [`limits`](Self::limits) fails with [`StoreError::Full`]; a log
///   is never trimmed. An append of only the end is always accepted.
/// * **Expiry.** An ended log is kept for [`StoreLimits::ttl`]; one that never ended, for that long after its
///   [`StoreLimits::max_age`]. After that, operations fail with [`StoreError::NotFound`]. The id is not reused.
///
/// An operation takes effect completely or not at all. If its future is dropped, the operation may or may not take
/// effect. An operation that is impossible at the moment fails with [`StoreError::Unavailable`]; the caller repeats
/// it.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The limits.
    fn limits(&self) -> &StoreLimits;

    /// Returns whether other processes share the logs, so that a generation can be handed over to them.
    fn is_shared(&self) -> bool;

    /// Creates an empty log, with epoch 1 and a lease.
    ///
    /// # Errors
    /// `Full`, if there are too many generations or no memory for another one. `Exists`, if the id belongs to
    /// another generation. Repeating the same creation is not an error as long as nothing was appended.
    fn create<'a>(&'a self, new: &'a NewGeneration) -> StoreFuture<'a, ()>;

    /// Appends entries, all or none, and renews the lease. If the last of them is an end, it closes the log.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`, `Full`; `Gap` if [`Append::first`] is not the number after the tail and the
    /// entries are not in the log already; `Invalid` if there are no entries, or an end is not the last one.
    fn append<'a>(&'a self, id: &'a GenerationId, append: &'a Append) -> StoreFuture<'a, Appended>;

    /// Returns the entries after the number `after`, in order, up to about `max_bytes`, but at least one if there is
    /// one. A store that is [shared](Self::is_shared) may omit entries that another process has just appended, but none
    /// that a reply or a notification has shown to this one.
    ///
    /// # Errors
    /// `NotFound`.
    fn read<'a>(&'a self, id: &'a GenerationId, after: u64, max_bytes: usize) -> StoreFuture<'a, Page>;

    /// Watches for changes of a generation. A change of the progress is only a notification and may be spurious;
    /// [`read`](Self::read) (or, for a producer, [`renew`](Self::renew)) then returns the state. A store whose
    /// notifications can be lost polls the watched generations about once a second. The sender is dropped when the
    /// log is gone.
    fn watch(&self, id: &GenerationId) -> watch::Receiver<Progress>;

    /// Returns the state of a generation, without its entries.
    ///
    /// # Errors
    /// `NotFound`.
    fn generation<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, Generation>;

    /// Renews the lease of the producer with this epoch.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`.
    fn renew<'a>(
        &'a self,
        id: &'a GenerationId,
        epoch: u64,
        lease: std::time::Duration,
    ) -> StoreFuture<'a, Renewed>;

    /// Takes over a generation without an end whose lease has expired: assigns the next epoch and a lease, and counts
    /// the takeover.
    ///
    /// # Errors
    /// `NotFound`.
    fn claim<'a>(&'a self, id: &'a GenerationId, lease: std::time::Duration) -> StoreFuture<'a, Claim>;

    /// Ends the lease of the producer with this epoch, so that another one can claim the generation at once.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`.
    fn release<'a>(&'a self, id: &'a GenerationId, epoch: u64) -> StoreFuture<'a, ()>;

    /// Asks the producer, wherever it is, to stop. It is notified by its watch, its renewals and its appends. Only
    /// the first reason is kept. Has no effect on an ended generation.
    ///
    /// # Errors
    /// `NotFound`.
    fn request_stop<'a>(&'a self, id: &'a GenerationId, reason: &'a str) -> StoreFuture<'a, ()>;

    /// Announces that the generation has viewers, for the duration `hold`.
    ///
    /// # Errors
    /// `NotFound`.
    fn attend<'a>(&'a self, id: &'a GenerationId, hold: std::time::Duration) -> StoreFuture<'a, ()>;

    /// Makes a generation, which must exist, the current one of a chat, unless the current one is already of the same
    /// turn. The binding expires after the longest time that a log can be kept. A repeated call succeeds, but need
    /// not return the previous generation again.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn bind<'a>(&'a self, chat: &'a ChatKey, turn: &'a Turn, id: &'a GenerationId) -> StoreFuture<'a, Bound>;

    /// Returns the current generation of a chat. Its log may have expired.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn current<'a>(&'a self, chat: &'a ChatKey) -> StoreFuture<'a, Option<GenerationId>>;

    /// Deletes a generation that was never started.
    ///
    /// # Errors
    /// Only `Unavailable`; deleting a missing generation is not an error.
    fn remove<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, ()>;

    /// Reports the resources of an owner that a process holds. Returns those that all other processes hold together,
    /// by their last reports. A report is valid for `hold`; of two processes that report at once, at least one sees
    /// the other's report. A store that is not [shared](Self::is_shared) returns zero.
    ///
    /// # Errors
    /// Only `Unavailable` and `Invalid`.
    fn tally<'a>(
        &'a self,
        owner: &'a str,
        process: &'a str,
        here: Tally,
        hold: std::time::Duration,
    ) -> StoreFuture<'a, Tally> {
        let _ = (owner, process, here, hold);
        Box::pin(std::future::ready(Ok(Tally::default())))
    }

    /// Returns at most `most` generations without an end whose lease has probably expired: [`claim`](Self::claim)
    /// decides.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn orphans(&self, most: usize) -> StoreFuture<'_, Vec<GenerationId>>;
}
