//! `IntoTarget`: what a stream can be delivered to.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix::{Addr, Recipient};
use actorstream_proto::event::Event;
use tokio::sync::mpsc::Sender;

use crate::stream_event::StreamEvent;
use crate::streaming_client::{ReceiveStream, StreamMessage};

/// What a stream of events `E` can be delivered to:
///
/// * the `Addr` of an actor that implements [`StreamingClient<E>`](crate::StreamingClient) under
///   [`#[streaming_client]`](crate::streaming_client);
/// * a closure `FnMut(StreamEvent<E>) + Send + 'static`, which runs on the thread that runs the stream;
/// * a `Recipient<StreamMessage<E>>`, for a handler of one's own;
/// * the sender of a bounded `tokio` channel of `StreamEvent<E>`; while the channel is full nothing is read. (Should the
///   thread that runs the stream end while it is full, nobody is left to wait for room, and the channel closes without
///   an end; [`EventStream`](crate::EventStream) tells one all the same.)
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no target for a stream of `{E}`",
    label = "this cannot receive a stream of `{E}`",
    note = "the `Addr` of an actor is a target: add `#[streaming_client]` above `impl StreamingClient<{E}>` for the actor",
    note = "a closure is one too, if it is `FnMut(StreamEvent<{E}>) + Send + 'static`"
)]
pub trait IntoTarget<E: Event> {
    /// The target.
    fn into_target(self) -> Target<E>;
}

/// A closure that takes a stream's events.
type Callback<E> = Box<dyn FnMut(StreamEvent<E>) + Send>;

/// A target of a stream. Made by [`IntoTarget`].
pub enum Target<E: Event> {
    /// An actor.
    Actor(Recipient<StreamMessage<E>>),
    /// A closure.
    Callback(Callback<E>),
    /// A bounded channel.
    Channel(Sender<StreamEvent<E>>),
    /// Nobody but the handle.
    Nobody,
}

impl<E: Event> fmt::Debug for Target<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actor(_) => "Actor",
            Self::Callback(_) => "Callback",
            Self::Channel(_) => "Channel",
            Self::Nobody => "Nobody",
        })
    }
}

impl<A: ReceiveStream<E>, E: Event> IntoTarget<E> for Addr<A> {
    fn into_target(self) -> Target<E> {
        Target::Actor(A::recipient(self))
    }
}

impl<F: FnMut(StreamEvent<E>) + Send + 'static, E: Event> IntoTarget<E> for F {
    fn into_target(self) -> Target<E> {
        Target::Callback(Box::new(self))
    }
}

impl<E: Event> IntoTarget<E> for Recipient<StreamMessage<E>> {
    fn into_target(self) -> Target<E> {
        Target::Actor(self)
    }
}

impl<E: Event> IntoTarget<E> for Sender<StreamEvent<E>> {
    fn into_target(self) -> Target<E> {
        Target::Channel(self)
    }
}

impl<E: Event> IntoTarget<E> for Target<E> {
    fn into_target(self) -> Self {
        self
    }
}

/// Calls a callback; `false` if it panicked.
pub(crate) fn call<E: Event>(callback: &mut Callback<E>, event: StreamEvent<E>) -> bool {
    catch_unwind(AssertUnwindSafe(|| callback(event))).is_ok()
}
