//! `Link`: the state that a connector shares with its messages.

use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Instant;

use actix::{Actor, AsyncContext};
use actorstream_proto::answer::tools::Round;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::response_head::ResponseHead;
use actorstream_proto::session::End;

use crate::stream::clock::now;
use crate::stream::delivery::decision::Decision;
use crate::stream::delivery::handoff::Handoff;
use crate::stream::delivery::incarnation::Incarnation;
use crate::stream::stream_ref::StreamRef;

/// The largest capacity of a batch that is reused: a stream keeps it while it waits, and a smaller one is reallocated
/// more often.
const MOST_ROOM: usize = 4;

/// What is sent to the target in one message.
#[derive(Debug)]
pub(crate) struct Batch<E: Event> {
    /// The head of a response, before its first event.
    pub(crate) start: Option<ResponseHead>,
    pub(crate) events: Vec<E>,
    /// Boxed, since nearly every batch has none.
    pub(crate) end: Option<Box<End<E>>>,
    /// These events end a response that is not the last: tools run, and another response follows.
    pub(crate) round_ends: bool,
    /// A completed round; boxed, like the end.
    pub(crate) round: Option<Box<Round<E::Response>>>,
}

impl<E: Event> Default for Batch<E> {
    fn default() -> Self {
        Self { start: None, events: Vec::new(), end: None, round_ends: false, round: None }
    }
}

impl<E: Event> Batch<E> {
    /// A batch with the end alone.
    pub(crate) fn of_end(end: End<E>) -> Box<Self> {
        Box::new(Self { end: Some(Box::new(end)), ..Self::default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start.is_none()
            && self.events.is_empty()
            && self.end.is_none()
            && !self.round_ends
            && self.round.is_none()
    }

    /// Returns the batch, if it may be reused.
    pub(crate) fn recycle(self: Box<Self>) -> Option<Box<Self>> {
        Some(self).filter(|batch| batch.is_empty() && batch.events.capacity() <= MOST_ROOM)
    }
}

/// The state that a connector shares with its messages. At most one delivery is in flight, and the next one waits for
/// its return: this is the backpressure.
#[derive(Debug)]
pub(crate) struct Link<E: Event> {
    stream: StreamRef,
    handoff: Handoff<Back<E>>,
    /// What the target keeps of the stream between two messages.
    view: Mutex<Option<Box<dyn Any + Send>>>,
    decision: Decision,
    /// The incarnation that the stream belongs to, once it is known.
    incarnation: OnceLock<Arc<Incarnation>>,
}

/// What the target returns.
#[derive(Debug)]
pub(crate) struct Back<E: Event> {
    /// The events that the target handed back because it waits, or the last batch for reuse.
    pub(crate) batch: Option<Box<Batch<E>>>,
    /// When the target acknowledged it.
    pub(crate) done_at: Instant,
    pub(crate) fate: Fate,
}

/// How a delivery came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The target handled it.
    Handled,
    /// It was not handled, as when a mailbox closes.
    Unhandled,
    /// The target panicked while handling it, or with it in its mailbox.
    Panicked,
}

impl<E: Event> Link<E> {
    pub(crate) fn new(stream: StreamRef) -> Arc<Self> {
        Arc::new(Self {
            stream,
            handoff: Handoff::new(),
            view: Mutex::new(None),
            decision: Decision::new(),
            incarnation: OnceLock::new(),
        })
    }

    pub(crate) fn stream(&self) -> &StreamRef {
        &self.stream
    }

    /// Wraps a batch in a delivery.
    pub(crate) fn deliver(self: &Arc<Self>, batch: Box<Batch<E>>) -> Delivery<E> {
        self.handoff.hand_out();
        Delivery {
            batch: Some(batch),
            back: None,
            started: false,
            round_ended: false,
            round: None,
            greets: false,
            link: Arc::clone(self),
        }
    }

    /// A message without events, which announces the stream to an actor before its first event.
    pub(crate) fn greet(self: &Arc<Self>) -> Delivery<E> {
        Delivery {
            batch: None,
            back: None,
            started: false,
            round_ended: false,
            round: None,
            greets: true,
            link: Arc::clone(self),
        }
    }

    /// Binds the stream to this incarnation, unless it is bound already.
    pub(crate) fn belong_to(&self, incarnation: &Arc<Incarnation>) {
        if self.incarnation.set(Arc::clone(incarnation)).is_ok() {
            incarnation.add(&self.stream);
        }
    }

    /// Returns whether the target signals its end and need not be polled.
    pub(crate) fn belongs_to_an_incarnation(&self) -> bool {
        self.incarnation.get().is_some()
    }

    /// Ready when the target has acknowledged the delivery; otherwise the acknowledgement wakes the connector, which
    /// must have [registered](StreamRef::register) in this poll.
    pub(crate) fn poll_done(&self) -> Poll<Back<E>> {
        self.handoff.take_back().map_or(Poll::Pending, Poll::Ready)
    }

    /// The end for the target or the handle. The first call decides for both whether a cancellation came before the
    /// end.
    pub(crate) fn decide(&self, end: End<E>) -> End<E> {
        let cancelled = self.decision.is_cancelled(self.stream.is_cancelled());
        if cancelled { Err(replace_kind::<E>(ErrorKind::Cancelled, end)) } else { end }
    }
}

impl<E: Event> Drop for Link<E> {
    fn drop(&mut self) {
        if let Some(incarnation) = self.incarnation.get() {
            incarnation.remove(&self.stream);
        }
    }
}

/// Replaces an end that something else preceded; its response becomes the partial response.
pub(crate) fn replace_kind<E: Event>(kind: ErrorKind, end: End<E>) -> StreamError {
    match end {
        Ok(mut finish) => {
            if !finish.results.is_empty() {
                let (response, results) = (Arc::clone(&finish.response), finish.results);
                let usage = E::tokens(&response);
                finish.rounds.push(Round { response, results, unfinished: Vec::new(), usage });
            }
            let mut error = StreamError::new(kind).with_partial(finish.response);
            error.request_id = finish.request_id;
            error.head = finish.head;
            error.tried = finish.tried;
            error.timings = finish.timings;
            error.attempts = finish.attempts;
            if !finish.rounds.is_empty() {
                error.add_rounds(finish.rounds);
            }
            error
        }
        Err(mut error) => {
            error.kind = kind;
            error
        }
    }
}

/// A batch in flight. Dropping it, wherever that happens, is the acknowledgement.
#[derive(Debug)]
pub(crate) struct Delivery<E: Event> {
    /// Boxed, since it is moved often. `None` once it was taken.
    batch: Option<Box<Batch<E>>>,
    /// Events for the connector to send again, or the batch for reuse.
    back: Option<Box<Batch<E>>>,
    /// The target has handled the start of a response in this delivery.
    started: bool,
    round_ended: bool,
    round: Option<Box<Round<E::Response>>>,
    /// It carries no events and needs no acknowledgement.
    greets: bool,
    link: Arc<Link<E>>,
}

impl<E: Event> Delivery<E> {
    pub(crate) fn stream(&self) -> &StreamRef {
        &self.link.stream
    }

    pub(crate) fn take(&mut self) -> Batch<E> {
        self.take_batch().map(|batch| *batch).unwrap_or_default()
    }

    /// Takes the batch, if it is for this incarnation. A message that waited in the mailbox during a restart belongs
    /// to the previous one.
    fn take_batch(&mut self) -> Option<Box<Batch<E>>> {
        self.batch.take().filter(|_| !self.link.stream.is_target_over())
    }

    /// Takes the head of a response that begins with this delivery.
    pub(crate) fn take_start(&mut self) -> Option<ResponseHead> {
        let batch = self.batch.as_mut().filter(|_| !self.link.stream.is_target_over())?;
        let head = batch.start.take().filter(|_| !self.link.stream.is_cancelled())?;
        self.started = true;
        Some(head)
    }

    /// Returns whether it only announces a stream.
    pub(crate) fn is_greeting(&self) -> bool {
        self.greets
    }

    /// Binds the stream to the actor's incarnation, whose end ends it.
    #[inline]
    pub(crate) fn bind<A>(&self, ctx: &mut A::Context)
    where
        A: Actor,
        A::Context: AsyncContext<A>,
    {
        if !self.link.belongs_to_an_incarnation() && !self.link.stream.is_target_over() {
            self.link.belong_to(&Incarnation::of::<A>(ctx));
        }
    }

    /// The end for the target.
    pub(crate) fn decide(&self, end: End<E>) -> End<E> {
        self.link.decide(end)
    }

    /// Passes the events to an actor one by one and returns the end if its turn has come. If the actor waits, the
    /// remaining events are handed back; if it cancels the stream, they are dropped.
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
        let mut batch = self.take_batch()?;
        let more = batch.end.is_some() || batch.round_ends || batch.round.is_some();
        if self.started && ctx.waiting() && (more || !batch.events.is_empty()) {
            self.back = Some(batch);
            return None;
        }
        let mut events = batch.events.drain(..);
        while let Some(event) = events.next() {
            if self.link.stream.is_cancelled() {
                break;
            }
            handle(actor, event, &self.link.stream, ctx);
            // A stopping context counts as waiting; if the actor declines to stop, nothing is lost.
            if ctx.waiting() && (more || events.len() > 0) {
                let left = events.collect();
                batch.events = left;
                self.back = Some(batch);
                return None;
            }
        }
        drop(events);
        self.round_ended = std::mem::take(&mut batch.round_ends);
        self.round = batch.round.take().filter(|_| !self.link.stream.is_cancelled());
        let end = batch.end.take();
        self.back = batch.recycle();
        end.map(|end| self.decide(*end))
    }

    /// Returns whether the delivered events ended a response that is not the last.
    pub(crate) fn round_ended(&self) -> bool {
        self.round_ended
    }

    /// Takes a completed round for the target.
    pub(crate) fn take_round(&mut self) -> Option<Round<E::Response>> {
        self.round.take().map(|round| *round)
    }

    /// Takes what the target keeps of the stream; the default, the first time.
    pub(crate) fn take_view<V: Default + Send + 'static>(&self) -> Box<V> {
        let kept = self.link.view.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.and_then(|view| view.downcast().ok()).unwrap_or_default()
    }

    /// Stores it for the next message.
    pub(crate) fn keep_view<V: Send + 'static>(&self, view: Box<V>) {
        *self.link.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
    }
}

impl<E: Event> Drop for Delivery<E> {
    fn drop(&mut self) {
        let link = &self.link;
        let panicking = thread::panicking();
        if panicking {
            link.stream.target_is_over(true);
        }
        if self.greets {
            return;
        }
        let fate = match (panicking, &self.batch) {
            (true, _) => Fate::Panicked,
            (false, Some(_)) => Fate::Unhandled,
            (false, None) => Fate::Handled,
        };
        let handed_back = self.back.as_ref().is_some_and(|batch| !batch.is_empty());
        let awaited = link.handoff.give_back(Back { batch: self.back.take(), done_at: now(), fate });
        // A connector that waits only for the server has to handle these.
        if awaited || fate != Fate::Handled || handed_back {
            link.stream.wake();
        }
    }
}
