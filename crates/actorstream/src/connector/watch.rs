//! `Watch`: notices that an actor is gone, also while nothing is sent to it.
//!
//! An address tells only when it is asked. So one task for each thread asks for all of its streams every
//! [`INTERVAL`]: for 10,000 streams that takes some 50 µs, where a timer for each would wake 100,000 times a second.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;

use actix::Recipient;
use actix_rt::time::sleep;
use actorstream_proto::event::Event;

use crate::streaming_client::StreamMessage;

/// How often the targets are asked; a quarter-second is what the contract allows.
const INTERVAL: Duration = Duration::from_millis(100);

thread_local! {
    static WATCHED: RefCell<Vec<Weak<Watched>>> = const { RefCell::new(Vec::new()) };
    /// The runtime whose task asks; a thread may run one after another.
    static SWEEPER: Cell<Option<tokio::runtime::Id>> = const { Cell::new(None) };
}

struct Watched {
    is_alive: Box<dyn Fn() -> bool>,
    gone: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A target that is watched for as long as this lives.
pub(super) struct Watch(Rc<Watched>);

impl Watch {
    pub(super) fn new<E: Event>(target: Recipient<StreamMessage<E>>) -> Self {
        let watched = Rc::new(Watched {
            is_alive: Box::new(move || target.connected()),
            gone: Cell::new(false),
            waker: RefCell::new(None),
        });
        WATCHED.with_borrow_mut(|all| all.push(Rc::downgrade(&watched)));
        let runtime = tokio::runtime::Handle::current().id();
        if SWEEPER.replace(Some(runtime)) != Some(runtime) {
            actix_rt::spawn(sweep(Sweeper(runtime)));
        }
        Self(watched)
    }

    /// Whether the target is known to be gone.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.0.gone.get()
    }

    /// Has the task woken when the target is gone.
    pub(super) fn register(&self, waker: &Waker) {
        *self.0.waker.borrow_mut() = Some(waker.clone());
    }
}

/// Asks until nobody is left to ask for.
async fn sweep(_sweeper: Sweeper) {
    loop {
        sleep(INTERVAL).await;
        let mut gone = Vec::new();
        let left = WATCHED.with_borrow_mut(|all| {
            all.retain(|watched| {
                let Some(watched) = watched.upgrade() else { return false };
                let alive = (watched.is_alive)();
                if !alive {
                    gone.push(watched);
                }
                alive
            });
            if all.is_empty() {
                all.shrink_to_fit();
            }
            all.len()
        });
        for watched in gone {
            watched.gone.set(true);
            if let Some(waker) = watched.waker.take() {
                waker.wake();
            }
        }
        if left == 0 {
            return;
        }
    }
}

/// Says that nobody asks any more when the task ends, be it with its runtime.
struct Sweeper(tokio::runtime::Id);

impl Drop for Sweeper {
    fn drop(&mut self) {
        let _ = SWEEPER.try_with(|sweeper| {
            if sweeper.get() == Some(self.0) {
                sweeper.set(None);
            }
        });
    }
}
