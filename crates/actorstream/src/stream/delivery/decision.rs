//! `Decision`: how a stream ended, decided once for its target and its handle.

use super::sync::{AtomicU8, Ordering};

/// Neither the target nor the handle has received the end.
const OPEN: u8 = 0;
/// The first of them received the end unchanged.
const AS_IT_CAME: u8 = 1;
/// A cancellation came before the first of them received the end.
const CANCELLED: u8 = 2;

/// Whether a cancellation came before the end. The first recipient of the end decides.
#[derive(Debug)]
pub(crate) struct Decision(AtomicU8);

impl Decision {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(OPEN))
    }

    /// Decides, unless decided before. Returns whether the stream ends as cancelled.
    pub(crate) fn is_cancelled(&self, cancelled: bool) -> bool {
        let choice = if cancelled { CANCELLED } else { AS_IT_CAME };
        match self.0.compare_exchange(OPEN, choice, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => cancelled,
            Err(decided) => decided == CANCELLED,
        }
    }
}
