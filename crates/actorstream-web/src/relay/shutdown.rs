//! Going down: every stream gets its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::Relay;
use crate::event::{End, Failure};
use crate::log::{Shared, closed};
use crate::viewers::Doors;

impl Relay {
    /// Ends what runs in this process, and waits until its viewers have been told, for so long at most. Nothing new begins
    /// from here on. Call it before the server is stopped: a graceful stop waits for every answer that is still written.
    ///
    /// Where other instances share the store, generations are handed over to them at once, and the answers to viewers are
    /// cut off, so that they come back and find the rest there. Otherwise generations end with an error, and viewers get
    /// that end.
    ///
    /// `true`: all was done in time.
    pub async fn shutdown(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let viewers = &self.0.viewers;
        viewers.set_doors(Doors::Closing);
        let running: Vec<_> = self.0.running().values().cloned().collect();
        let ends = running.iter().map(|shared| {
            self.close(shared);
            closed(shared.watch())
        });
        let ended = timeout_at(deadline, join_all(ends)).await.is_ok();
        if self.0.store.is_shared() {
            viewers.set_doors(Doors::Shut);
        }
        let told = timeout_at(deadline, viewers.are_gone()).await.is_ok();
        viewers.set_doors(Doors::Shut);
        ended && told
    }

    /// Ends a generation because the process goes down.
    pub(super) fn close(&self, shared: &Arc<Shared>) {
        if self.0.store.is_shared() {
            shared.hand_over();
        } else {
            shared.end(End::Error(Failure::shutdown()));
        }
    }
}
