//! `StreamHandle`: a stream as the one who started it sees it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::finish::Outcome;
use tokio::sync::oneshot;

use crate::stream_ref::StreamRef;

/// A running stream: it can be cancelled, and awaited for its [`Outcome`].
///
/// The outcome is there when the target has been given the end, so that what the target does at the end is done.
/// (Where the end comes from a cancellation or a timeout, a target that does not keep up is not waited for.) Dropping
/// the handle changes nothing: the stream goes on.
pub struct StreamHandle<R> {
    stream: StreamRef,
    outcome: oneshot::Receiver<Outcome<R>>,
}

impl<R> StreamHandle<R> {
    pub(crate) fn new(stream: StreamRef, outcome: oneshot::Receiver<Outcome<R>>) -> Self {
        Self { stream, outcome }
    }

    /// The stream's number, as the target's [`StreamRef`] has it.
    pub fn id(&self) -> u64 {
        self.stream.id()
    }

    /// Which stream it is, as the target sees it.
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
        Poll::Ready(outcome.unwrap_or_else(|_| Err(StreamError::new(ErrorKind::Aborted))))
    }
}

impl<R> fmt::Debug for StreamHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamHandle").field(&self.stream.id()).finish()
    }
}

/// The answer to an unstreamed call, to be awaited. Dropping it cancels the request.
#[must_use = "dropping it cancels the request"]
pub struct Response<R> {
    handle: StreamHandle<R>,
}

impl<R> Response<R> {
    pub(crate) fn new(handle: StreamHandle<R>) -> Self {
        Self { handle }
    }
}

impl<R> Future for Response<R> {
    type Output = Outcome<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<R>> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<R> Drop for Response<R> {
    fn drop(&mut self) {
        self.handle.cancel();
    }
}

impl<R> fmt::Debug for Response<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Response").field(&self.handle.id()).finish()
    }
}
