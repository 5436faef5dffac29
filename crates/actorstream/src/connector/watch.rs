//! `Watch`: notices the end of an actor that does not signal it.
//!
//! An actor that handles streams with [`dispatch`](crate::StreamMessage::dispatch) signals its end from its first
//! message on: see [`incarnation`](crate::stream::delivery::incarnation). Before that, and if a custom handler takes
//! the messages, its address is polled: one task per thread polls all of them every [`POLL_INTERVAL`].

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use actix_rt::time::sleep;
use actorstream_proto::endpoint::event::Event;

use crate::stream::delivery::link::Link;
use crate::stream::stream_ref::StreamRef;
use crate::stream::streaming_client::StreamMessage;

/// How often the targets are polled; the contract allows 250 ms.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

thread_local! {
    static WATCHED: RefCell<Vec<Weak<Watched>>> = const { RefCell::new(Vec::new()) };
    /// The runtime of the polling task; a thread may run several runtimes one after another.
    static SWEEPER: Cell<Option<tokio::runtime::Id>> = const { Cell::new(None) };
}

struct Watched {
    stream: StreamRef,
    ask: Box<dyn Fn() -> Answer>,
}

/// What is known about a target.
enum Answer {
    Alive,
    /// It signals its end itself.
    TellsItself,
    Gone,
}

/// A target that is polled as long as this lives.
pub(super) struct Watch {
    _watched: Rc<Watched>,
}

impl Watch {
    pub(super) fn new<E: Event>(link: &Arc<Link<E>>, target: Recipient<StreamMessage<E>>) -> Self {
        let stream = link.stream().clone();
        let link = Arc::clone(link);
        let ask = move || match () {
            () if link.belongs_to_an_incarnation() => Answer::TellsItself,
            () if target.connected() => Answer::Alive,
            () => Answer::Gone,
        };
        let watched = Rc::new(Watched { stream, ask: Box::new(ask) });
        if is_to_be_asked_again(&watched) {
            WATCHED.with_borrow_mut(|all| all.push(Rc::downgrade(&watched)));
            let runtime = tokio::runtime::Handle::current().id();
            if SWEEPER.replace(Some(runtime)) != Some(runtime) {
                actix_rt::spawn(sweep(Sweeper(runtime)));
            }
        }
        Self { _watched: watched }
    }
}

/// Polls a target and ends its stream if it is gone.
fn is_to_be_asked_again(watched: &Watched) -> bool {
    match (watched.ask)() {
        Answer::Alive => true,
        Answer::TellsItself => false,
        Answer::Gone => {
            watched.stream.target_is_over(false);
            false
        }
    }
}

/// Polls until no target is left.
async fn sweep(_sweeper: Sweeper) {
    loop {
        sleep(POLL_INTERVAL).await;
        let left = WATCHED.with_borrow_mut(|all| {
            all.retain(|watched| watched.upgrade().is_some_and(|watched| is_to_be_asked_again(&watched)));
            if all.is_empty() {
                all.shrink_to_fit();
            }
            all.len()
        });
        if left == 0 {
            return;
        }
    }
}

/// Clears the entry when the task ends, even if its runtime ends.
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
