//! `Link`: what a connector and the messages that it has sent share: the brake.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

use actix::{Actor, AsyncContext};
use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::event::Event;
use actorstream_proto::finish::Outcome;
use actorstream_proto::session::End;
use futures_util::task::AtomicWaker;

use crate::connector::now;
use crate::stream_ref::StreamRef;

/// For how many events a batch has room that is filled again: a stream keeps it while it waits, and with few events at once
/// memory for them is taken the more often.
const MOST_ROOM: usize = 4;

/// What goes to the target at once.
#[derive(Debug)]
pub(crate) struct Batch<E: Event> {
    pub(crate) events: Vec<E>,
    /// In a box, since nearly every batch has none.
    pub(crate) end: Option<Box<End<E>>>,
    /// With these events an answer ends that is not the last: tools run, and another answer follows.
    pub(crate) round_ends: bool,
}

impl<E: Event> Default for Batch<E> {
    fn default() -> Self {
        Self { events: Vec::new(), end: None, round_ends: false }
    }
}

impl<E: Event> Batch<E> {
    /// The end alone.
    pub(crate) fn of_end(end: End<E>) -> Box<Self> {
        Box::new(Self { end: Some(Box::new(end)), ..Self::default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.end.is_none() && !self.round_ends
    }

    /// The batch, if it may be filled again.
    pub(crate) fn spare(self: Box<Self>) -> Option<Box<Self>> {
        Some(self).filter(|batch| batch.is_empty() && batch.events.capacity() <= MOST_ROOM)
    }
}

/// No delivery is on its way.
const IDLE: u8 = 0;
/// One is with the target.
const OUT: u8 = 1;
/// The target is done with it.
const DONE: u8 = 2;

/// Neither the target nor the handle has been given the end.
const OPEN: u8 = 0;
/// One of them has been given the end as it came.
const AS_IT_CAME: u8 = 1;
/// The stream was cancelled before the target was given the end.
const CANCELLED: u8 = 2;

/// The brake of one stream: at most one delivery is on its way, and the next one waits for its return.
#[derive(Debug)]
pub(crate) struct Link<E: Event> {
    stream: StreamRef,
    state: AtomicU8,
    /// What the target keeps of the stream between two messages.
    view: Mutex<Option<Box<dyn Any + Send>>>,
    back: Mutex<Back<E>>,
    panicked: AtomicBool,
    /// A delivery was dropped without being looked at.
    untaken: AtomicBool,
    /// Whose word about the end holds: one of the constants below.
    end: AtomicU8,
    connector: AtomicWaker,
}

/// What comes back from the target.
#[derive(Debug)]
pub(crate) struct Back<E: Event> {
    /// What the target handed back because it waits; or the batch of the last delivery, to be filled again.
    pub(crate) batch: Option<Box<Batch<E>>>,
    /// When the target was done with it.
    pub(crate) done_at: Instant,
}

impl<E: Event> Link<E> {
    pub(crate) fn new(stream: StreamRef) -> Arc<Self> {
        Arc::new(Self {
            stream,
            state: AtomicU8::new(IDLE),
            view: Mutex::new(None),
            back: Mutex::new(Back { batch: None, done_at: now() }),
            panicked: AtomicBool::new(false),
            untaken: AtomicBool::new(false),
            end: AtomicU8::new(OPEN),
            connector: AtomicWaker::new(),
        })
    }

    pub(crate) fn stream(&self) -> &StreamRef {
        &self.stream
    }

    /// Packs a batch to be sent.
    pub(crate) fn deliver(self: &Arc<Self>, batch: Box<Batch<E>>) -> Delivery<E> {
        self.state.store(OUT, Ordering::Release);
        Delivery { batch: Some(batch), back: None, round_ended: false, link: Arc::clone(self) }
    }

    fn back(&self) -> MutexGuard<'_, Back<E>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when the target is done with the delivery.
    pub(crate) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<Back<E>> {
        if self.state.load(Ordering::Acquire) == OUT {
            self.connector.register(cx.waker());
            if self.state.load(Ordering::Acquire) == OUT {
                return Poll::Pending;
            }
        }
        self.state.store(IDLE, Ordering::Release);
        let mut back = self.back();
        Poll::Ready(Back { batch: back.batch.take(), done_at: back.done_at })
    }

    /// Whether a handler panicked with a delivery in hand, or the target went down in a panic with one in its mailbox.
    pub(crate) fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Acquire)
    }

    /// Whether a delivery was dropped without being looked at, as a mailbox does that closes.
    pub(crate) fn was_untaken(&self) -> bool {
        self.untaken.load(Ordering::Acquire)
    }

    /// The end as it is to be given to the target, or to the handle: whoever is first decides for both whether a
    /// cancellation came before the end.
    pub(crate) fn decide(&self, end: End<E>) -> End<E> {
        let choice = if self.stream.is_cancelled() { CANCELLED } else { AS_IT_CAME };
        let decided = match self.end.compare_exchange(OPEN, choice, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => choice,
            Err(decided) => decided,
        };
        if decided == CANCELLED { Err(replace_kind(ErrorKind::Cancelled, end)) } else { end }
    }

    pub(crate) fn set_panicked(&self) {
        self.panicked.store(true, Ordering::Release);
    }
}

/// An end that came to nothing, since something else ended the stream: what arrived becomes the partial response.
pub(crate) fn replace_kind<R: Send + Sync + 'static>(kind: ErrorKind, end: Outcome<R>) -> StreamError {
    match end {
        Ok(finish) => {
            let mut error = StreamError::new(kind).with_partial(finish.response);
            error.request_id = finish.request_id;
            error.timings = finish.timings;
            error.attempts = finish.attempts;
            error
        }
        Err(mut error) => {
            error.kind = kind;
            error
        }
    }
}

/// A batch on its way. Dropping it, wherever that happens, is the acknowledgement.
#[derive(Debug)]
pub(crate) struct Delivery<E: Event> {
    /// In a box, since it is moved from hand to hand. `None` once it was looked at.
    batch: Option<Box<Batch<E>>>,
    /// What is for the connector to send again; or the batch, to be filled again.
    back: Option<Box<Batch<E>>>,
    round_ended: bool,
    link: Arc<Link<E>>,
}

impl<E: Event> Delivery<E> {
    pub(crate) fn stream(&self) -> &StreamRef {
        &self.link.stream
    }

    pub(crate) fn take(&mut self) -> Batch<E> {
        self.batch.take().map(|batch| *batch).unwrap_or_default()
    }

    /// The end as it is to be given to the target.
    pub(crate) fn decide(&self, end: End<E>) -> End<E> {
        self.link.decide(end)
    }

    /// Gives an actor the events one by one; the end comes back if it is its turn. When the actor waits, what is left
    /// is handed back; when it cancels the stream, what is left is dropped.
    pub(crate) fn each<A>(
        &mut self,
        actor: &mut A,
        ctx: &mut A::Context,
        mut handle: impl FnMut(&mut A, E, &StreamRef, &mut A::Context),
    ) -> Option<End<E>>
    where
        A: Actor,
        A::Context: AsyncContext<A>,
    {
        let mut batch = self.batch.take()?;
        let more = batch.end.is_some() || batch.round_ends;
        let mut events = batch.events.drain(..);
        while let Some(event) = events.next() {
            if self.link.stream.is_cancelled() {
                break;
            }
            handle(actor, event, &self.link.stream, ctx);
            // A context that stops counts as waiting; should the actor decline to stop, nothing is lost.
            if ctx.waiting() && (more || events.len() > 0) {
                let left = events.collect();
                batch.events = left;
                self.back = Some(batch);
                return None;
            }
        }
        drop(events);
        self.round_ended = std::mem::take(&mut batch.round_ends);
        let end = batch.end.take();
        self.back = batch.spare();
        end.map(|end| self.decide(*end))
    }

    /// Whether an answer that is not the last has ended with the events that were given.
    pub(crate) fn round_ended(&self) -> bool {
        self.round_ended
    }

    /// Takes what the target keeps of the stream; its beginning, the first time.
    pub(crate) fn take_view<V: Default + Send + 'static>(&self) -> Box<V> {
        let kept = self.link.view.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.and_then(|view| view.downcast().ok()).unwrap_or_default()
    }

    /// Keeps it for the next message.
    pub(crate) fn keep_view<V: Send + 'static>(&self, view: Box<V>) {
        *self.link.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
    }
}

impl<E: Event> Drop for Delivery<E> {
    fn drop(&mut self) {
        let link = &self.link;
        let panicking = thread::panicking();
        if panicking {
            link.set_panicked();
        }
        let untaken = self.batch.is_some();
        if untaken {
            link.untaken.store(true, Ordering::Release);
        }
        let handed_back = self.back.as_ref().is_some_and(|batch| !batch.is_empty());
        *link.back() = Back { batch: self.back.take(), done_at: now() };
        link.state.store(DONE, Ordering::Release);
        link.connector.wake();
        if panicking || untaken || handed_back {
            link.stream.wake();
        }
    }
}
