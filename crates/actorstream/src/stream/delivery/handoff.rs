//! `Handoff`: backpressure. One item at a time is handed out, and the connector waits for its return.
//!
//! Its whole state is one atomic, which both sides change with read-modify-write operations, so their order is always
//! certain. If the connector starts to wait before the item comes back, the returning side sees that and wakes the
//! connector; otherwise the connector sees that it is back. A connector that waits for something else is not woken by
//! the return. `tests/loom` checks all interleavings.

use super::sync::{AtomicU8, Mutex, Ordering};
use std::sync::PoisonError;

/// Nothing is handed out.
const BACK: u8 = 0;
/// An item is handed out, and nobody waits for it.
const OUT: u8 = 1;
/// An item is handed out, and the connector waits to be woken by its return.
const AWAITED: u8 = 2;

/// An item that is handed out and comes back as `T`.
#[derive(Debug)]
pub(crate) struct Handoff<T> {
    state: AtomicU8,
    back: Mutex<Option<T>>,
}

impl<T> Handoff<T> {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(BACK), back: Mutex::new(None) }
    }

    /// Marks an item as handed out.
    pub(crate) fn hand_out(&self) {
        self.state.store(OUT, Ordering::Release);
    }

    /// Returns the item. Returns whether the connector waits and must be woken.
    #[must_use = "the connector may wait for it"]
    pub(crate) fn give_back(&self, back: T) -> bool {
        *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(back);
        self.state.swap(BACK, Ordering::AcqRel) == AWAITED
    }

    /// Takes the returned item. `None` while it is handed out: the connector, which must register its waker before
    /// this call, is then woken by the return.
    pub(crate) fn take_back(&self) -> Option<T> {
        let awaited = self.state.compare_exchange(OUT, AWAITED, Ordering::AcqRel, Ordering::Acquire);
        match awaited {
            Ok(_) | Err(AWAITED) => None,
            Err(_) => self.back.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }
}
