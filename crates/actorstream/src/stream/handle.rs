//! `StreamHandle`: a running stream, for the code that started it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use actorstream_proto::outcome::finish::Outcome;
use tokio::sync::oneshot;

use crate::stream::stream_ref::StreamRef;

/// A running stream. It can be cancelled, and awaiting it returns its [`Outcome`].
///
/// The outcome is available after the end was delivered to the target, so the target has processed the end by then.
/// (If a cancellation or a timeout ends the stream, a target that lags behind is not waited for.) Dropping the handle
/// has no effect; the stream continues.
pub struct StreamHandle<R> {
    stream: StreamRef,
    outcome: oneshot::Receiver<Box<Outcome<R>>>,
}

impl<R> StreamHandle<R> {
    pub(crate) fn new(stream: StreamRef, outcome: oneshot::Receiver<Box<Outcome<R>>>) -> Self {
        Self { stream, outcome }
    }

    /// The stream's number, equal to that of the target's [`StreamRef`].
    pub fn id(&self) -> u64 {
        self.stream.id()
    }

    /// The stream's reference, equal to the target's.
    pub fn stream(&self) -> &StreamRef {
        &self.stream
    }

    /// Cancels the stream; see [`StreamRef::cancel`].
    pub fn cancel(&self) {
        self.stream.cancel();
    }
}

impl<R> Future for StreamHandle<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<R>> {
        let outcome = ready!(Pin::new(&mut self.outcome).poll(cx));
        Poll::Ready(outcome.map_or_else(|_| Err(StreamError::new(ErrorKind::Aborted)), |outcome| *outcome))
    }
}

impl<R> fmt::Debug for StreamHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamHandle").field(&self.stream.id()).finish()
    }
}

/// A future for the response to an unstreamed call. Dropping it cancels the request.
#[must_use = "dropping it cancels the request"]
pub struct ResponseFuture<R> {
    handle: StreamHandle<R>,
}

impl<R> ResponseFuture<R> {
    pub(crate) fn new(handle: StreamHandle<R>) -> Self {
        Self { handle }
    }
}

impl<R> Future for ResponseFuture<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<R>> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<R> Drop for ResponseFuture<R> {
    fn drop(&mut self) {
        self.handle.cancel();
    }
}

impl<R> fmt::Debug for ResponseFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseFuture").field(&self.handle.id()).finish()
    }
}
