//! A point in a script that waits until the test opens it.

use tokio::sync::watch;

use std::sync::Arc;

/// A point in a script that waits until the test opens it.
///
/// A [`Reply`](crate::Reply) waits at its gates, so a test controls *when* something happens without measuring time.
/// Clones share one gate; once open, a gate stays open.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use actorstream_test::Gate;
///
/// let gate = Gate::new();
/// assert!(!gate.is_open());
/// gate.open();
/// gate.wait().await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    open: bool,
    arrivals: usize,
}

impl Gate {
    /// Creates a closed gate.
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Opens the gate for every script that waits at it or arrives later.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Returns whether the gate was opened.
    pub fn is_open(&self) -> bool {
        self.state.borrow().open
    }

    /// Returns how many times a script has arrived at the gate, open or not.
    pub fn arrivals(&self) -> usize {
        self.state.borrow().arrivals
    }

    /// Waits until the gate is open.
    pub async fn wait(&self) {
        self.until(|state| state.open).await;
    }

    /// Waits until a script has arrived at the gate.
    ///
    /// Everything that the script wrote before its gate has then been passed to the kernel.
    pub async fn reached(&self) {
        self.reached_times(1).await;
    }

    /// Waits until scripts have arrived at the gate `times` times, whether it is open or not: the n-th of several
    /// connections, or a script that passes the gate again.
    pub async fn reached_times(&self, times: usize) {
        self.until(|state| state.arrivals >= times).await;
    }

    /// Announces a script's arrival, then waits.
    pub(crate) async fn pass(&self) {
        self.state.send_modify(|state| state.arrivals += 1);
        self.wait().await;
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        // It fails only when the sender is gone, and the sender is `self.state`.
        let _ = self.state.subscribe().wait_for(condition).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
