//! The clock of streams: tokio's, which tests can pause.

use std::time::Instant;

/// Returns the time on the runtime's clock, which tests can pause.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
