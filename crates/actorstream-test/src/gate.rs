//! A door in a script that the test opens when it is ready.

use tokio::sync::watch;

use std::sync::Arc;

/// A door in a script that the test opens when it is ready.
///
/// A [`Reply`](crate::Reply) waits at its gates, so a test says *when* something happens without
/// measuring time. Clones share one gate; once open, a gate stays open.
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
    /// A gate that is shut.
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Lets everyone through who waits at the gate or will arrive at it.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Whether the gate was opened.
    pub fn is_open(&self) -> bool {
        self.state.borrow().open
    }

    /// How many times a script arrived at the gate, open or not.
    pub fn arrivals(&self) -> usize {
        self.state.borrow().arrivals
    }

    /// Waits until the gate is open.
    pub async fn wait(&self) {
        self.until(|state| state.open).await;
    }

    /// Waits until a script arrived at the gate.
    ///
    /// Everything the script wrote before its gate is then in the hands of the kernel.
    pub async fn reached(&self) {
        self.until(|state| state.arrivals > 0).await;
    }

    /// What a script does at the gate: says that it is there, then waits.
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
