//! `Sink`: the target's side of a connector.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::finish::Outcome;
use actorstream_proto::session::End;
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::oneshot;
use tracing::Span;

use crate::stream::clock::now;
use crate::stream::delivery::link::{Batch, Fate, Link};
use crate::stream::stream_event::StreamEvent;
use crate::stream::stream_ref::StreamRef;
use crate::stream::streaming_client::StreamMessage;
use crate::stream::target::{Target, call};
use crate::telemetry::Telemetry;
use crate::telemetry::observation::Observation;

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// The target has acknowledged it.
    Done,
    /// The target is gone.
    Gone,
}

/// A pending permit of a channel.
type Room<E> = Pin<Box<dyn Future<Output = Result<OwnedPermit<StreamEvent<E>>, SendError<()>>> + Send>>;

/// Delivers to a target, and to the handle.
pub(super) struct Sink<E: Event> {
    target: Target<E>,
    link: Arc<Link<E>>,
    /// The events that the channel had no room for.
    queue: VecDeque<StreamEvent<E>>,
    /// The wait for room in the channel.
    room: Option<Room<E>>,
    /// Whether a target that is not a client actor gets the start of a response, too.
    announces: bool,
    telemetry: Telemetry,
    observation: Observation,
    /// Whether a delivery is in flight.
    outstanding: bool,
    /// The end is queued behind a delivery: nothing may follow it.
    ended: bool,
    /// When the target acknowledged the last delivery.
    done_at: Instant,
    /// An empty batch to reuse.
    recycled: Option<Box<Batch<E>>>,
    /// Boxed, so that a running stream does not reserve room for its outcome.
    outcome: Option<oneshot::Sender<Box<Outcome<E::Response>>>>,
}

impl<E: Event> Sink<E> {
    pub(super) fn new(
        target: Target<E>,
        link: Arc<Link<E>>,
        outcome: oneshot::Sender<Box<Outcome<E::Response>>>,
        announces: bool,
        telemetry: Telemetry,
        observation: Observation,
    ) -> Self {
        Self {
            target,
            link,
            queue: VecDeque::new(),
            room: None,
            announces,
            telemetry,
            observation,
            outstanding: false,
            ended: false,
            done_at: now(),
            recycled: None,
            outcome: Some(outcome),
        }
    }

    /// The target was waited for.
    pub(super) fn waited(&mut self, time: Duration) {
        self.telemetry.waited(time);
    }

    /// The observers of the call.
    #[inline]
    pub(super) fn observation(&self) -> &Observation {
        &self.observation
    }

    /// The span of the call.
    pub(super) fn span(&self) -> Span {
        self.telemetry.span()
    }

    pub(super) fn target(&self) -> &Target<E> {
        &self.target
    }

    pub(super) fn stream(&self) -> &StreamRef {
        self.link.stream()
    }

    pub(super) fn link(&self) -> &Arc<Link<E>> {
        &self.link
    }

    /// Returns whether the handle has its outcome, so that nothing is left to do.
    pub(super) fn is_closed(&self) -> bool {
        self.outcome.is_none()
    }

    /// Returns whether a delivery is in flight.
    pub(super) fn is_outstanding(&self) -> bool {
        self.outstanding
    }

    /// Sends a batch; [`poll_acknowledged`](Self::poll_acknowledged) waits for the target.
    pub(super) fn send(&mut self, mut batch: Box<Batch<E>>) {
        if let Some(head) = &batch.start {
            self.stream().set_head(head.clone());
            if !self.announces && !matches!(self.target, Target::Actor(_)) {
                batch.start = None;
            }
        }
        if batch.is_empty() {
            self.recycled = batch.recycle();
            return;
        }
        self.outstanding = true;
        match &mut self.target {
            Target::Actor(recipient) | Target::Recipient(recipient) => {
                recipient.do_send(StreamMessage::new(self.link.deliver(batch)));
            }
            Target::Channel(_) => {
                self.queue.extend(batch.start.take().map(StreamEvent::Start));
                self.queue.extend(batch.events.drain(..).map(StreamEvent::Data));
                self.queue.extend(batch.end.take().map(|end| StreamEvent::end(*end)));
                self.recycled = batch.recycle();
            }
            Target::Callback(callback) => {
                let stream = self.link.stream();
                let mut alive = true;
                if let Some(head) = batch.start.take().filter(|_| !stream.is_cancelled()) {
                    alive = call(callback, StreamEvent::Start(head));
                }
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
                self.recycled = batch.recycle();
                if !alive {
                    stream.target_is_over(true);
                }
            }
            Target::Nobody => {}
        }
    }

    /// Returns whether the target receives rounds.
    pub(super) fn takes_rounds(&self) -> bool {
        matches!(self.target, Target::Actor(_) | Target::Recipient(_))
    }

    /// When the target acknowledged the last delivery.
    pub(super) fn done_at(&self) -> Instant {
        self.done_at
    }

    /// Ready when the target has acknowledged the last delivery. Events that it hands back because it waits are sent
    /// again.
    pub(super) fn poll_acknowledged(&mut self, cx: &mut Context<'_>) -> Poll<Acknowledged> {
        if !self.outstanding {
            return Poll::Ready(Acknowledged::Done);
        }
        let acknowledged = match &mut self.target {
            Target::Actor(recipient) | Target::Recipient(recipient) => loop {
                let back = ready!(self.link.poll_done());
                match back.fate {
                    Fate::Panicked => break Acknowledged::Gone,
                    Fate::Unhandled if self.link.stream().is_target_over() || !recipient.connected() => {
                        break Acknowledged::Gone;
                    }
                    Fate::Handled | Fate::Unhandled => {}
                }
                match back.batch {
                    // Events left over in a cancelled stream are dropped; the end is delivered. Nothing follows an
                    // end.
                    Some(rest)
                        if !rest.is_empty()
                            && !self.ended
                            && (rest.end.is_some() || !self.link.stream().is_cancelled()) =>
                    {
                        recipient.do_send(StreamMessage::new(self.link.deliver(rest)));
                    }
                    batch => {
                        self.recycled = batch.and_then(Batch::recycle);
                        self.done_at = back.done_at;
                        break Acknowledged::Done;
                    }
                }
            },
            Target::Channel(sender) => loop {
                if self.link.stream().is_cancelled() {
                    self.queue.retain(StreamEvent::is_end);
                }
                if self.queue.is_empty() {
                    self.done_at = now();
                    break Acknowledged::Done;
                }
                let room = self.room.get_or_insert_with(|| Box::pin(sender.clone().reserve_owned()));
                let permit = ready!(room.as_mut().poll(cx));
                self.room = None;
                let Ok(permit) = permit else { break Acknowledged::Gone };
                let event = match self.queue.pop_front() {
                    Some(event @ (StreamEvent::Start(_) | StreamEvent::Data(_))) => event,
                    Some(StreamEvent::Finish(finish)) => StreamEvent::end(self.link.decide(Ok(finish))),
                    Some(StreamEvent::Error(error)) => StreamEvent::end(self.link.decide(Err(error))),
                    None => continue,
                };
                permit.send(event);
            },
            Target::Callback(_) if self.link.stream().has_target_panicked() => Acknowledged::Gone,
            Target::Callback(_) | Target::Nobody => {
                self.done_at = now();
                Acknowledged::Done
            }
        };
        self.room = None;
        self.outstanding = false;
        Poll::Ready(acknowledged)
    }

    /// Returns an empty batch, reusing the last one if it came back.
    pub(super) fn batch(&mut self) -> Box<Batch<E>> {
        self.recycled.take().unwrap_or_default()
    }

    /// Queues an end behind a delivery that the target may never acknowledge.
    pub(super) fn send_behind(&mut self, end: End<E>) {
        self.ended = true;
        if matches!(self.target, Target::Channel(_)) {
            // The end is delivered; the events that had no room are dropped.
            self.queue.clear();
        }
        self.send(Batch::of_end(end));
    }

    /// Passes the outcome to the handle.
    pub(super) fn close(&mut self, outcome: Outcome<E::Response>) {
        if let Some(handle) = self.outcome.take() {
            let outcome = self.link.decide(outcome);
            let stream = self.link.stream().id();
            self.observation.end::<E>(&outcome);
            self.telemetry.end::<E>(&outcome);
            match &outcome {
                Ok(finish) => tracing::debug!(stream, status = finish.status.as_str(), "stream finished"),
                Err(error) => tracing::debug!(stream, kind = error.kind.name(), "stream failed: {error}"),
            }
            // The handle may have been dropped.
            let _ = handle.send(Box::new(outcome));
        }
    }

    /// The target is gone, so only the handle receives the outcome. `error` is how the session ended, with the
    /// partial response.
    pub(super) fn gone_kind(&self) -> ErrorKind {
        if self.stream().has_target_panicked() { ErrorKind::TargetPanicked } else { ErrorKind::TargetStopped }
    }

    /// Ends a stream whose thread is ending.
    pub(super) fn abort(&mut self, error: StreamError) {
        if self.is_closed() {
            return;
        }
        match &mut self.target {
            Target::Channel(sender) => {
                // No task is left to wait for room.
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
