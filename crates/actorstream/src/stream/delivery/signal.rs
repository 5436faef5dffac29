//! `Signal`: flags that other threads raise for a connector.
//!
//! Flags are set and never cleared, and there is one waker: that of the connector's task. In each poll that may
//! return `Pending`, the connector registers its waker first and reads the flags afterwards. The other side sets the
//! flag first and wakes afterwards. So the connector either sees the flag or is woken. `tests/loom` checks all
//! interleavings.

use super::sync::{AtomicU8, AtomicWaker, Ordering};
use std::task::Waker;

/// The stream was cancelled.
pub(crate) const CANCELLED: u8 = 1 << 0;
/// Its response is left running at the server.
pub(crate) const LEFT: u8 = 1 << 1;
/// The target has stopped, or an actor has restarted.
pub(crate) const TARGET_STOPPED: u8 = 1 << 2;
/// The target has panicked.
pub(crate) const TARGET_PANICKED: u8 = 1 << 3;

/// Flags that wake a connector when they are raised.
#[derive(Debug)]
pub(crate) struct Signal {
    flags: AtomicU8,
    connector: AtomicWaker,
}

impl Signal {
    pub(crate) fn new() -> Self {
        Self { flags: AtomicU8::new(0), connector: AtomicWaker::new() }
    }

    /// Raises flags, and wakes the connector.
    pub(crate) fn raise(&self, flags: u8) {
        self.flags.fetch_or(flags, Ordering::AcqRel);
        self.connector.wake();
    }

    /// Returns whether any of these flags is raised.
    #[inline]
    pub(crate) fn is_raised(&self, flags: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flags != 0
    }

    /// Wakes the connector.
    pub(crate) fn wake(&self) {
        self.connector.wake();
    }

    /// Registers the connector's waker for one wake-up. The flags are read after this.
    #[inline]
    pub(crate) fn register(&self, connector: &Waker) {
        self.connector.register(connector);
    }
}
