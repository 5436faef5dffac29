//! `EventStream`: the events of a stream as a `futures` stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use futures_core::Stream;
use tokio::sync::mpsc::{Receiver, channel};

use crate::stream::handle::StreamHandle;
use crate::stream::stream_event::StreamEvent;
use crate::stream::stream_ref::StreamRef;
use crate::stream::target::Target;

/// How many events are buffered before reading stops.
const CAPACITY: usize = 32;

/// A `futures` stream of [`StreamEvent`]s. It yields any number of `Data`, then exactly one end, then `None`. While
/// it is not polled, nothing is read from the server. Dropping it cancels the request.
pub struct EventStream<E: Event> {
    events: Receiver<StreamEvent<E>>,
    stream: StreamRef,
    ended: bool,
}

impl<E: Event> EventStream<E> {
    pub(crate) fn start(start: impl FnOnce(Target<E>) -> StreamHandle<E::Response>) -> Self {
        let (sender, events) = channel(CAPACITY);
        let handle = start(Target::Channel(sender));
        Self { events, stream: handle.stream().clone(), ended: false }
    }

    /// The stream's reference, with which it can be cancelled.
    pub fn stream(&self) -> &StreamRef {
        &self.stream
    }
}

impl<E: Event> Stream for EventStream<E> {
    type Item = StreamEvent<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamEvent<E>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // A connector that ends without an end had no room for it: its thread ended.
        let event = ready!(self.events.poll_recv(cx))
            .unwrap_or_else(|| StreamEvent::Error(StreamError::new(ErrorKind::Aborted)));
        self.ended = event.is_end();
        Poll::Ready(Some(event))
    }
}

impl<E: Event> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("stream", &self.stream).finish_non_exhaustive()
    }
}
