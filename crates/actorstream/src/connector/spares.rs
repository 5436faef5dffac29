//! `Spares`: batches that came back empty from their targets, to be filled again by whichever stream of the thread is next.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use actorstream_proto::event::Event;

use crate::link::Batch;

/// How many are kept, of each type of event: more are on their way at once only while targets do not keep up.
const MOST: usize = 16;

/// How many events a batch may have room for that is kept: what a read of 32 KiB holds of the usual events, of some 300
/// bytes each.
const MOST_ROOM: usize = 128;

thread_local! {
    static SPARES: RefCell<HashMap<TypeId, Rc<dyn Any>>> = RefCell::default();
}

/// The batches of one type of event, in the boxes in which they go from hand to hand.
#[allow(clippy::vec_box)]
pub(super) struct Spares<E: Event>(RefCell<Vec<Box<Batch<E>>>>);

impl<E: Event> Spares<E> {
    /// Those of this thread.
    pub(super) fn of_thread() -> Rc<Self> {
        let new = || Rc::new(Self(RefCell::default()));
        let kept = SPARES.with_borrow_mut(|all| {
            Rc::clone(all.entry(TypeId::of::<E>()).or_insert_with(|| new() as Rc<dyn Any>))
        });
        kept.downcast().unwrap_or_else(|_| new())
    }

    /// An empty batch with room for so many events.
    pub(super) fn take(&self, room: usize) -> Box<Batch<E>> {
        let mut batch = self.0.borrow_mut().pop().unwrap_or_default();
        batch.events.reserve_exact(room);
        batch
    }

    /// Keeps a batch, which is empty.
    pub(super) fn put(&self, batch: Box<Batch<E>>) {
        debug_assert!(batch.is_empty(), "something is lost");
        let mut kept = self.0.borrow_mut();
        if kept.len() < MOST && batch.events.capacity() <= MOST_ROOM {
            kept.push(batch);
        }
    }
}
