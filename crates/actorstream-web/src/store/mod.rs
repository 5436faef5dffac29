//! Stores: where the logs of generations are kept.
//!
//! [`MemoryStore`] keeps them in this process. A store of another kind implements [`Store`] and passes the tests of
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
    Append, Appended, Bound, ChatKey, Claim, Generation, Hint, NewGeneration, Page, Renewed, Turn,
    UpstreamPosition,
};

use crate::id::GenerationId;

/// What an operation of a store gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Keeps the logs of generations, for all workers of a server, or for all its instances.
///
/// A log is written by one producer at a time, and read by anybody. The entries are numbered from 1 on, without gaps, and
/// never change. The last one is [`Event::End`](crate::event::Event::End); it closes the log.
///
/// * **Fencing.** A producer holds an *epoch*. [`claim`](Self::claim) gives out the next one, and from then on whoever has
///   an older one is refused with [`StoreError::Fenced`], whatever it asks for.
/// * **Lease.** A producer lives as long as it renews its lease, with [`renew`](Self::renew) and each
///   [`append`](Self::append). A generation without end whose lease is over can be claimed.
/// * **Repetition.** Any operation may be asked for again when its answer was lost. An append that is in the log already
///   succeeds without being appended again.
/// * **Limits.** What would go past the caps of [`limits`](Self::limits) is refused with [`StoreError::Full`]; a log is
///   never trimmed. An append of nothing but the end is always taken.
/// * **Expiry.** An ended log is kept for [`StoreLimits::ttl`]; one that never ended, for that long after its
///   [`StoreLimits::max_age`]. From then on it is [`StoreError::NotFound`]. The id is not used again.
///
/// An operation takes effect wholly or not at all. Futures may be dropped; the operation has then taken effect or not.
/// An operation that cannot be done now fails with [`StoreError::Unavailable`]; the caller repeats it.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The caps.
    fn limits(&self) -> &StoreLimits;

    /// Whether other processes see the same logs, so that a generation can be handed over to them.
    fn is_shared(&self) -> bool;

    /// Creates an empty log, with epoch 1 and a lease.
    ///
    /// # Errors
    /// `Full`: there are too many generations, or no memory for another one. `Exists`: the id is taken by another generation (the same one, created
    /// again, is no error as long as nothing was appended to it).
    fn create<'a>(&'a self, new: &'a NewGeneration) -> StoreFuture<'a, ()>;

    /// Appends entries, all or none, and renews the lease. If the last of them is an end, that closes the log.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`, `Full`; `Gap` when [`Append::first`] is not the number after the tail and the
    /// entries are not in the log already; `Invalid` when there is none, or an end is not the last one.
    fn append<'a>(&'a self, id: &'a GenerationId, append: &'a Append) -> StoreFuture<'a, Appended>;

    /// The entries after the number `after`, in order, as many as there are but at most about `max_bytes`; at least one
    /// if there is one.
    ///
    /// # Errors
    /// `NotFound`.
    fn read<'a>(&'a self, id: &'a GenerationId, after: u64, max_bytes: usize) -> StoreFuture<'a, Page>;

    /// Tells that something has happened to a generation: a hint, after which [`read`](Self::read) (or, for a producer,
    /// [`renew`](Self::renew)) tells what is true. It may hint at nothing. A store whose messages can be lost looks by
    /// itself about once a second for the generations that are watched. The sender is gone when the log is.
    fn watch(&self, id: &GenerationId) -> watch::Receiver<Hint>;

    /// What is known of a generation beside its entries.
    ///
    /// # Errors
    /// `NotFound`.
    fn generation<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, Generation>;

    /// Renews the lease of the producer of this epoch.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`.
    fn renew<'a>(
        &'a self,
        id: &'a GenerationId,
        epoch: u64,
        lease: std::time::Duration,
    ) -> StoreFuture<'a, Renewed>;

    /// Takes over a generation without end whose lease is over: the next epoch, a lease, and one more take-over counted.
    ///
    /// # Errors
    /// `NotFound`.
    fn claim<'a>(&'a self, id: &'a GenerationId, lease: std::time::Duration) -> StoreFuture<'a, Claim>;

    /// Ends the lease of the producer of this epoch, so that another one can claim the generation at once.
    ///
    /// # Errors
    /// `Fenced`, `NotFound`, `Closed`.
    fn release<'a>(&'a self, id: &'a GenerationId, epoch: u64) -> StoreFuture<'a, ()>;

    /// Asks the producer, wherever it is, to stop; it is told by its watch, its renewals and its appends. The first
    /// reason holds. An ended generation stays as it ended.
    ///
    /// # Errors
    /// `NotFound`.
    fn request_stop<'a>(&'a self, id: &'a GenerationId, reason: &'a str) -> StoreFuture<'a, ()>;

    /// Says that somebody watches the generation, for so long.
    ///
    /// # Errors
    /// `NotFound`.
    fn attend<'a>(&'a self, id: &'a GenerationId, hold: std::time::Duration) -> StoreFuture<'a, ()>;

    /// Makes a generation, which has been created, the current one of a chat, unless the current one is of the same turn
    /// already. What is bound is forgotten after the longest time that a log can be kept. Asked again, it succeeds, but
    /// need not tell again what the previous generation was.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn bind<'a>(&'a self, chat: &'a ChatKey, turn: &'a Turn, id: &'a GenerationId) -> StoreFuture<'a, Bound>;

    /// The current generation of a chat. Its log may have expired.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn current<'a>(&'a self, chat: &'a ChatKey) -> StoreFuture<'a, Option<GenerationId>>;

    /// Deletes a generation that came to nothing.
    ///
    /// # Errors
    /// Only `Unavailable`; what is not there need not be deleted.
    fn remove<'a>(&'a self, id: &'a GenerationId) -> StoreFuture<'a, ()>;

    /// At most `most` generations without end whose lease is over, as far as is known: [`claim`](Self::claim) decides.
    ///
    /// # Errors
    /// Only `Unavailable`.
    fn orphans(&self, most: usize) -> StoreFuture<'_, Vec<GenerationId>>;
}
