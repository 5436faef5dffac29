//! `StreamRef`: identifies a stream.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use actorstream_proto::outcome::response_head::ResponseHead;

use crate::stream::delivery::signal::{CANCELLED, LEFT, Signal, TARGET_PANICKED, TARGET_STOPPED};

/// Identifies a stream of an actor, and can cancel it.
///
/// It equals only itself and its clones, and can be the key of a map.
#[derive(Clone)]
pub struct StreamRef(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: u64,
    signal: Signal,
    /// The head of the response.
    head: Mutex<Option<ResponseHead>>,
}

impl StreamRef {
    pub(crate) fn new() -> Self {
        static STREAMS: AtomicU64 = AtomicU64::new(1);
        let id = STREAMS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Shared { id, signal: Signal::new(), head: Mutex::default() }))
    }

    /// The stream's number, unique in this process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Returns the head of the response: its request id, rate limits and headers. `None` before its first event. With tools, it is
    /// that of the last response that has begun.
    pub fn head(&self) -> Option<ResponseHead> {
        self.0.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_head(&self, head: ResponseHead) {
        *self.0.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// Cancels the stream: no further data arrives, the connection is closed at once, and the end is `Cancelled` with
    /// the partial response. A response in background mode is also cancelled at the server. Cancelling a stream that
    /// has ended has no effect.
    pub fn cancel(&self) {
        self.0.signal.raise(CANCELLED);
    }

    /// Cancels the stream like [`cancel`](Self::cancel), but leaves a response in background mode running at the
    /// server, so that it can be resumed ([`resume`](crate::Call::resume)). The end is `Cancelled`.
    pub fn leave(&self) {
        self.0.signal.raise(LEFT | CANCELLED);
    }

    /// Returns whether the response is left running at the server.
    pub(crate) fn is_left(&self) -> bool {
        self.0.signal.is_raised(LEFT)
    }

    /// Returns whether the stream has been cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.signal.is_raised(CANCELLED)
    }

    /// The target has stopped, or panicked.
    pub(crate) fn target_is_over(&self, panicked: bool) {
        self.0.signal.raise(if panicked { TARGET_PANICKED } else { TARGET_STOPPED });
    }

    /// Returns whether the target is known to have stopped or panicked.
    #[inline]
    pub(crate) fn is_target_over(&self) -> bool {
        self.0.signal.is_raised(TARGET_STOPPED | TARGET_PANICKED)
    }

    /// Returns whether the target is known to have panicked.
    pub(crate) fn has_target_panicked(&self) -> bool {
        self.0.signal.is_raised(TARGET_PANICKED)
    }

    /// Wakes the connector.
    pub(crate) fn wake(&self) {
        self.0.signal.wake();
    }

    /// Registers the connector's waker for one wake-up by any of the above. The connector reads the flags after this.
    #[inline]
    pub(crate) fn register(&self, connector: &Waker) {
        self.0.signal.register(connector);
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
