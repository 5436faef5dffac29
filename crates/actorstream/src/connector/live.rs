//! The live connectors of a thread, so that the thread can wait for the last of them.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static ENDED: Rc<Notify> = Rc::new(Notify::new());
}

/// Counts the connectors of this thread.
#[derive(Debug)]
pub(super) struct Live;

impl Live {
    pub(super) fn new() -> Self {
        LIVE.set(LIVE.get() + 1);
        Self
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = LIVE.try_with(|live| {
            live.set(live.get() - 1);
            if live.get() == 0 {
                let _ = ENDED.try_with(|ended| ended.notify_one());
            }
        });
    }
}

/// Waits until no connector is left on this thread.
pub(crate) async fn all_ended() {
    let ended = ENDED.with(Rc::clone);
    while LIVE.get() > 0 {
        ended.notified().await;
    }
}
