//! `Sink`: the target's side of a connector.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::event::Event;
use actorstream_proto::finish::Outcome;
use actorstream_proto::session::End;
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::oneshot;

use super::now;
use crate::link::{Batch, Link};
use crate::stream_event::StreamEvent;
use crate::stream_ref::StreamRef;
use crate::streaming_client::StreamMessage;
use crate::target::{Target, call};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The target is done with it.
    Done,
    /// The target is gone.
    Gone,
}

/// A place in a channel that is waited for.
type Room<E> = Pin<Box<dyn Future<Output = Result<OwnedPermit<StreamEvent<E>>, SendError<()>>> + Send>>;

/// Delivers to a target, and to the handle.
pub(super) struct Sink<E: Event> {
    target: Target<E>,
    link: Arc<Link<E>>,
    /// What the channel had no room for.
    queue: VecDeque<StreamEvent<E>>,
    /// The wait for room in the channel.
    room: Option<Room<E>>,
    /// A delivery is with the target.
    outstanding: bool,
    /// The end waits behind a delivery: nothing may follow it.
    ended: bool,
    /// When the target was done with what was sent last.
    done_at: Instant,
    /// A batch that came back empty.
    spare: Option<Box<Batch<E>>>,
    outcome: Option<oneshot::Sender<Outcome<E::Response>>>,
}

impl<E: Event> Sink<E> {
    pub(super) fn new(
        target: Target<E>,
        link: Arc<Link<E>>,
        outcome: oneshot::Sender<Outcome<E::Response>>,
    ) -> Self {
        Self {
            target,
            link,
            queue: VecDeque::new(),
            room: None,
            outstanding: false,
            ended: false,
            done_at: now(),
            spare: None,
            outcome: Some(outcome),
        }
    }

    pub(super) fn target(&self) -> &Target<E> {
        &self.target
    }

    pub(super) fn stream(&self) -> &StreamRef {
        self.link.stream()
    }

    /// Whether the handle has its outcome, so that nothing is left to do.
    pub(super) fn is_closed(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether a delivery is with the target.
    pub(super) fn is_outstanding(&self) -> bool {
        self.outstanding
    }

    /// Sends a batch on its way; [`poll_settled`](Self::poll_settled) waits for the target.
    pub(super) fn send(&mut self, mut batch: Box<Batch<E>>) {
        if batch.is_empty() {
            self.spare = batch.spare();
            return;
        }
        self.outstanding = true;
        match &mut self.target {
            Target::Actor(recipient) => recipient.do_send(StreamMessage::new(self.link.deliver(batch))),
            Target::Channel(_) => {
                self.queue.extend(batch.events.drain(..).map(StreamEvent::Data));
                self.queue.extend(batch.end.take().map(|end| StreamEvent::end(*end)));
                self.spare = batch.spare();
            }
            Target::Callback(callback) => {
                let stream = self.link.stream();
                let mut alive = true;
                for event in batch.events.drain(..) {
                    if !alive || stream.is_cancelled() {
                        break;
                    }
                    alive = call(callback, StreamEvent::Data(event));
                }
                if let Some(end) = batch.end.take().filter(|_| alive) {
                    let end = self.link.decide(*end);
                    alive = call(callback, StreamEvent::end(end));
                }
                self.spare = batch.spare();
                if !alive {
                    self.link.set_panicked();
                }
            }
            Target::Nobody => {}
        }
    }

    /// When the target was done with what was sent last.
    pub(super) fn done_at(&self) -> Instant {
        self.done_at
    }

    /// Whether a delivery is in an actor's mailbox, where it is the actor's turn.
    pub(super) fn is_in_mailbox(&self) -> bool {
        self.outstanding && matches!(self.target, Target::Actor(_))
    }

    /// Ready when the target is done with what was sent. What it hands back because it waits is sent again.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Settled> {
        let settled = match &mut self.target {
            Target::Actor(recipient) => loop {
                let back = ready!(self.link.poll_done(cx));
                if self.link.has_panicked() || (self.link.was_untaken() && !recipient.connected()) {
                    break Settled::Gone;
                }
                match back.batch {
                    // What a cancelled stream has left is not delivered; its end is. Behind an end comes nothing.
                    Some(rest)
                        if !rest.is_empty()
                            && !self.ended
                            && (rest.end.is_some() || !self.link.stream().is_cancelled()) =>
                    {
                        recipient.do_send(StreamMessage::new(self.link.deliver(rest)));
                    }
                    batch => {
                        self.spare = batch.and_then(Batch::spare);
                        self.done_at = back.done_at;
                        break Settled::Done;
                    }
                }
            },
            Target::Channel(sender) => loop {
                if self.link.stream().is_cancelled() {
                    self.queue.retain(StreamEvent::is_end);
                }
                if self.queue.is_empty() {
                    self.done_at = now();
                    break Settled::Done;
                }
                let room = self.room.get_or_insert_with(|| Box::pin(sender.clone().reserve_owned()));
                let permit = ready!(room.as_mut().poll(cx));
                self.room = None;
                let Ok(permit) = permit else { break Settled::Gone };
                let event = match self.queue.pop_front() {
                    Some(StreamEvent::Data(event)) => StreamEvent::Data(event),
                    Some(StreamEvent::Finish(finish)) => StreamEvent::end(self.link.decide(Ok(finish))),
                    Some(StreamEvent::Error(error)) => StreamEvent::end(self.link.decide(Err(error))),
                    None => continue,
                };
                permit.send(event);
            },
            Target::Callback(_) if self.link.has_panicked() => Settled::Gone,
            Target::Callback(_) | Target::Nobody => {
                self.done_at = now();
                Settled::Done
            }
        };
        self.room = None;
        self.outstanding = false;
        Poll::Ready(settled)
    }

    /// An empty batch: the one that was sent last, if it came back.
    pub(super) fn batch(&mut self) -> Box<Batch<E>> {
        self.spare.take().unwrap_or_default()
    }

    /// Queues an end behind a delivery that the target may never be done with.
    pub(super) fn send_behind(&mut self, end: End<E>) {
        self.ended = true;
        if matches!(self.target, Target::Channel(_)) {
            // The end counts; the data that there was no room for does not.
            self.queue.clear();
        }
        self.send(Batch::of_end(end));
    }

    /// Gives the handle its outcome.
    pub(super) fn close(&mut self, outcome: Outcome<E::Response>) {
        if let Some(handle) = self.outcome.take() {
            let outcome = self.link.decide(outcome);
            let stream = self.link.stream().id();
            match &outcome {
                Ok(finish) => tracing::debug!(stream, status = finish.status.as_str(), "stream finished"),
                Err(error) => tracing::debug!(stream, kind = error.kind.name(), "stream failed: {error}"),
            }
            // Nobody need hold the handle.
            let _ = handle.send(outcome);
        }
    }

    /// The target is gone: only the handle is left to be told. `error` is how the session ended, with what arrived.
    pub(super) fn gone_kind(&self) -> ErrorKind {
        if self.link.has_panicked() { ErrorKind::TargetPanicked } else { ErrorKind::TargetStopped }
    }

    /// Ends a stream whose thread ends under it.
    pub(super) fn abort(&mut self, error: StreamError) {
        if self.is_closed() {
            return;
        }
        match &mut self.target {
            Target::Channel(sender) => {
                // Nobody is left to wait for room.
                let _ = sender.try_send(StreamEvent::Error(error.clone()));
            }
            _ => self.send_behind(Err(error.clone())),
        }
        self.close(Err(error));
    }
}

impl<E: Event> fmt::Debug for Sink<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<E: Event> Drop for Sink<E> {
    fn drop(&mut self) {
        self.abort(StreamError::new(ErrorKind::Aborted));
    }
}
