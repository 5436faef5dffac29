//! `StreamRef`: which stream it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use futures_util::task::AtomicWaker;

/// Tells one stream of an actor from another, and can cancel it.
///
/// It is equal to itself and its clones alone, and can be the key of a map.
#[derive(Clone)]
pub struct StreamRef(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: u64,
    cancelled: AtomicBool,
    /// The response is left to the server.
    left: AtomicBool,
    connector: AtomicWaker,
    /// How often it was woken, which takes the waker away.
    wakes: AtomicU32,
}

impl StreamRef {
    pub(crate) fn new() -> Self {
        static STREAMS: AtomicU64 = AtomicU64::new(1);
        let id = STREAMS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Shared {
            id,
            cancelled: AtomicBool::new(false),
            left: AtomicBool::new(false),
            connector: AtomicWaker::new(),
            wakes: AtomicU32::new(0),
        }))
    }

    /// The stream's number, unique in this process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Cancels the stream: no further data comes, the connection is closed at once, and the end is `Cancelled` with
    /// what has arrived. A response in background mode is stopped at the server too. A stream that has ended stays as it
    /// ended.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.wake();
    }

    /// Cancels the stream, as [`cancel`](Self::cancel) does, but leaves a response in background mode to the server, so
    /// that somebody else can go on with it ([`resume`](crate::Call::resume)). It counts as cancelled.
    pub fn leave(&self) {
        self.0.left.store(true, Ordering::Release);
        self.cancel();
    }

    /// Whether the response is left to the server.
    pub(crate) fn is_left(&self) -> bool {
        self.0.left.load(Ordering::Acquire)
    }

    /// Whether the stream has been cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Wakes the connector.
    pub(crate) fn wake(&self) {
        self.0.wakes.fetch_add(1, Ordering::AcqRel);
        self.0.connector.wake();
    }

    /// How often the connector was woken: after that it has to [register](Self::register) anew.
    #[inline]
    pub(crate) fn wakes(&self) -> u32 {
        self.0.wakes.load(Ordering::Acquire)
    }

    /// Has the connector woken, once, when the stream is cancelled, or something is amiss with the target.
    pub(crate) fn register(&self, connector: &std::task::Waker) {
        self.0.connector.register(connector);
    }
}

impl PartialEq for StreamRef {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for StreamRef {}

impl Hash for StreamRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamRef").field(&self.id()).finish()
    }
}
