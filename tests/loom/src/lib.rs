//! Checks the state that a connector shares, with loom, in all interleavings (for three threads, those with at most
//! two preemptions). The files are those of `actorstream`, compiled with loom's atomics instead of the standard
//! library's.
//!
//! ```sh
//! cargo test --release --manifest-path tests/loom/Cargo.toml
//! ```
#![cfg(test)]

#[path = "../../../crates/actorstream/src/stream/delivery/decision.rs"]
mod decision;
#[path = "../../../crates/actorstream/src/stream/delivery/handoff.rs"]
mod handoff;
#[path = "../../../crates/actorstream/src/stream/delivery/signal.rs"]
mod signal;

/// The synchronization primitives of those files.
mod sync {
    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicU8, Ordering};

    /// loom's `AtomicWaker`, with the signature of that of `futures`.
    #[derive(Debug, Default)]
    pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn register(&self, waker: &std::task::Waker) {
            self.0.register_by_ref(waker);
        }

        pub(crate) fn wake(&self) {
            self.0.wake();
        }
    }
}

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use decision::Decision;
use handoff::Handoff;
use signal::{CANCELLED, LEFT, Signal, TARGET_PANICKED, TARGET_STOPPED};

/// The state that a connector and its messages share, composed like `Link` and `StreamRef`.
struct Shared {
    signal: Signal,
    handoff: Handoff<u32>,
    decision: Decision,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { signal: Signal::new(), handoff: Handoff::new(), decision: Decision::new() })
    }

    /// Acknowledges a delivery, as a target does.
    fn acknowledge(&self, back: u32) {
        if self.handoff.give_back(back) {
            self.signal.wake();
        }
    }

    /// Waits for the return of a delivery, as a connector does. loom fails if this sleeps forever.
    fn settled(&self) -> u32 {
        block_on(poll_fn(|cx| {
            self.signal.register(cx.waker());
            self.handoff.take_back().map_or(Poll::Pending, Poll::Ready)
        }))
    }

    /// Waits for the return of a delivery, a cancellation, or the end of the target.
    fn settled_or(&self, flags: u8) -> Option<u32> {
        block_on(poll_fn(|cx| {
            self.signal.register(cx.waker());
            if self.signal.is_raised(flags) {
                return Poll::Ready(None);
            }
            self.handoff.take_back().map_or(Poll::Pending, |back| Poll::Ready(Some(back)))
        }))
    }
}

#[test]
fn an_acknowledgement_is_never_missed() {
    loom::model(|| {
        let shared = Shared::new();
        for delivery in 1..=2 {
            shared.handoff.hand_out();
            let target = Arc::clone(&shared);
            let target = thread::spawn(move || target.acknowledge(delivery));
            assert_eq!(shared.settled(), delivery);
            target.join().unwrap();
        }
    });
}

#[test]
fn an_acknowledgement_and_a_cancellation_are_each_seen() {
    // All interleavings of three threads take minutes.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let shared = Shared::new();
        shared.handoff.hand_out();
        let (target, handle) = (Arc::clone(&shared), Arc::clone(&shared));
        let target = thread::spawn(move || target.acknowledge(7));
        let handle = thread::spawn(move || handle.signal.raise(LEFT | CANCELLED));
        // Whichever is seen first, the other one is not lost.
        if shared.settled_or(CANCELLED).is_some() {
            assert_eq!(shared.settled_or(CANCELLED), None);
            assert!(shared.signal.is_raised(LEFT));
        } else {
            assert_eq!(shared.settled(), 7);
        }
        target.join().unwrap();
        handle.join().unwrap();
    });
}

#[test]
fn the_end_of_a_target_is_seen_with_or_without_its_delivery() {
    loom::model(|| {
        let shared = Shared::new();
        shared.handoff.hand_out();
        let target = Arc::clone(&shared);
        // The target panics: its spawned future, and then the message, are dropped.
        let target = thread::spawn(move || {
            target.signal.raise(TARGET_PANICKED);
            target.acknowledge(7);
        });
        let gone = TARGET_STOPPED | TARGET_PANICKED;
        if shared.settled_or(gone).is_some() {
            // It arrived between the two checks; the next check sees the end that preceded it.
            assert_eq!(shared.settled_or(gone), None);
        } else {
            assert_eq!(shared.settled(), 7);
        }
        target.join().unwrap();
    });
}

#[test]
fn target_and_handle_agree_on_the_end() {
    loom::model(|| {
        let shared = Shared::new();
        let (target, handle) = (Arc::clone(&shared), Arc::clone(&shared));
        let target = thread::spawn(move || target.decision.is_cancelled(target.signal.is_raised(CANCELLED)));
        let handle = thread::spawn(move || handle.signal.raise(CANCELLED));
        let one = shared.decision.is_cancelled(shared.signal.is_raised(CANCELLED));
        assert_eq!(target.join().unwrap(), one);
        handle.join().unwrap();
        assert_eq!(shared.decision.is_cancelled(true), one);
    });
}
