//! Shutdown: every stream gets its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::Relay;
use crate::event::{End, Failure};
use crate::log::{Shared, closed};
use crate::viewers::Admission;

impl Relay {
    /// Ends the generations in this process, and waits until their viewers have received the ends, for at most
    /// `within`. Nothing new starts from here on. Call it before stopping the server: a graceful stop waits for every
    /// response that is still being written.
    ///
    /// With a shared store, generations are handed over to other instances at once, and the viewers' connections are
    /// closed so that they reconnect and find the rest there. Otherwise generations end with an error, which viewers
    /// receive.
    ///
    /// Returns whether everything was done in time.
    pub async fn shutdown(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let viewers = &self.0.viewers;
        viewers.set_doors(Admission::Closing);
        let running: Vec<_> = self.0.running().values().cloned().collect();
        let ends = running.iter().map(|shared| {
            self.close(shared);
            closed(shared.watch())
        });
        let ended = timeout_at(deadline, join_all(ends)).await.is_ok();
        if self.0.store.is_shared() {
            viewers.set_doors(Admission::Shut);
        }
        let told = timeout_at(deadline, viewers.are_gone()).await.is_ok();
        viewers.set_doors(Admission::Shut);
        ended && told
    }

    /// Ends a generation because the process shuts down.
    pub(super) fn close(&self, shared: &Arc<Shared>) {
        if self.0.store.is_shared() {
            shared.hand_over();
        } else {
            shared.end(End::Error(Failure::shutdown()));
        }
    }
}
