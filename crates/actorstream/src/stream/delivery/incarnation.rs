//! `Incarnation`: one life of an actor, from its start to its stop, its panic or its restart by a supervisor. Each
//! stream to the actor belongs to one incarnation and ends with it.
//!
//! An actor's context drops everything spawned on it when it ends or restarts. Each actor that receives streams
//! therefore spawns one [`Life`], however many streams there are: a context polls everything spawned on it whenever
//! it is polled. A context also keeps its actor alive while anything is spawned on it, so a `Life` completes with its
//! last stream.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use actix::fut::ActorFuture;
use actix::{Actor, AsyncContext, Message, Recipient};
use futures_util::task::AtomicWaker;

use crate::stream::stream_ref::StreamRef;

thread_local! {
    /// The incarnations on this thread, by the address of their actors' mailboxes.
    static LIVING: RefCell<HashMap<usize, Arc<Incarnation>>> = RefCell::default();
}

/// One life of an actor, and the streams that belong to it.
#[derive(Debug, Default)]
pub(crate) struct Incarnation {
    streams: Mutex<HashMap<u64, StreamRef>>,
    /// The task of the actor.
    actor: AtomicWaker,
}

impl Incarnation {
    /// The current incarnation of the actor with this context.
    pub(crate) fn of<A>(ctx: &mut A::Context) -> Arc<Self>
    where
        A: Actor,
        A::Context: AsyncContext<A>,
    {
        let mailbox = place(&ctx.address());
        if let Some(known) = LIVING.with_borrow(|living| living.get(&mailbox).cloned()) {
            return known;
        }
        let new = Arc::<Self>::default();
        LIVING.with_borrow_mut(|living| living.insert(mailbox, Arc::clone(&new)));
        ctx.spawn(Life { mailbox, incarnation: Arc::clone(&new) });
        new
    }

    /// The current incarnation of the actor behind an address, if it lives on this thread and already receives
    /// streams.
    pub(crate) fn find<M>(recipient: &Recipient<M>) -> Option<Arc<Self>>
    where
        M: Message + Send,
        M::Result: Send,
    {
        LIVING.with_borrow(|living| living.get(&place(recipient)).cloned())
    }

    /// Adds a stream, until it is [removed](Self::remove).
    pub(crate) fn add(&self, stream: &StreamRef) {
        self.streams().insert(stream.id(), stream.clone());
    }

    /// Removes a stream that has ended and has nothing left to deliver.
    pub(crate) fn remove(&self, stream: &StreamRef) {
        let mut streams = self.streams();
        streams.remove(&stream.id());
        let last = streams.is_empty();
        drop(streams);
        if last {
            self.actor.wake();
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u64, StreamRef>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by an actor's context: dropped with the context, or when the last stream has ended.
struct Life {
    mailbox: usize,
    incarnation: Arc<Incarnation>,
}

impl<A: Actor> ActorFuture<A> for Life {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut A, _: &mut A::Context, task: &mut Context<'_>) -> Poll<()> {
        // Registered before the check, so that no end is missed.
        self.incarnation.actor.register(task.waker());
        if self.incarnation.streams().is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // The thread may be ending.
        let _ = LIVING.try_with(|living| {
            if let Ok(mut living) = living.try_borrow_mut() {
                living.remove(&self.mailbox);
            }
        });
        let streams = std::mem::take(&mut *self.incarnation.streams());
        for stream in streams.values() {
            stream.target_is_over(thread::panicking());
        }
    }
}

/// Returns the memory address of a mailbox, which is unique while the mailbox exists.
fn place(address: &impl Hash) -> usize {
    let mut place = Place(0);
    address.hash(&mut place);
    place.0
}

/// A hasher that extracts the memory address of a mailbox from the hash of an `Addr`.
struct Place(usize);

impl Hasher for Place {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ usize::from(*byte);
        }
    }

    fn write_usize(&mut self, place: usize) {
        self.0 = place;
    }

    fn finish(&self) -> u64 {
        self.0 as u64
    }
}

#[cfg(test)]
mod tests {
    use actix::{Context, Handler, Message};

    use super::*;

    struct Nothing;

    impl Actor for Nothing {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Ping;

    impl Handler<Ping> for Nothing {
        type Result = ();

        fn handle(&mut self, _: Ping, _: &mut Context<Self>) {}
    }

    #[actix_rt::test]
    async fn an_address_its_clones_and_its_recipients_have_one_place() {
        let (one, other) = (Nothing.start(), Nothing.start());
        assert_eq!(place(&one), place(&one.clone()));
        assert_eq!(place(&one), place(&one.clone().recipient::<Ping>()));
        assert_ne!(place(&one), place(&other));
    }
}
