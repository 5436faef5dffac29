//! `IntoTarget`: the possible targets of a stream.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix::{Addr, Recipient};
use actorstream_proto::endpoint::event::Event;
use tokio::sync::mpsc::Sender;

use crate::stream::stream_event::StreamEvent;
use crate::stream::streaming_client::{ReceiveStream, StreamMessage};

/// A possible target for a stream of events `E`:
///
/// * the `Addr` of an actor that implements [`StreamingClient<E>`](crate::StreamingClient) under
///   [`#[streaming_client]`](crate::streaming_client);
/// * a closure `FnMut(StreamEvent<E>) + Send + 'static`, which runs on the thread that runs the stream;
/// * a `Recipient<StreamMessage<E>>`, for a message handler of your own;
/// * the sender of a bounded `tokio` channel of `StreamEvent<E>`. While the channel is full, nothing is read. (If the
///   thread that runs the stream ends while the channel is full, the channel closes without an end;
///   [`EventStream`](crate::EventStream) still yields one.)
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no target for a stream of `{E}`",
    label = "this cannot receive a stream of `{E}`",
    note = "the `Addr` of an actor is a target: add `#[streaming_client]` above `impl StreamingClient<{E}>` for the actor",
    note = "a closure is one too, if it is `FnMut(StreamEvent<{E}>) + Send + 'static`"
)]
pub trait IntoTarget<E: Event> {
    /// Converts into the target.
    fn into_target(self) -> Target<E>;
}

/// A closure that takes a stream's events.
type Callback<E> = Box<dyn FnMut(StreamEvent<E>) + Send>;

/// A target of a stream, created by [`IntoTarget`].
pub enum Target<E: Event> {
    /// An actor, through the handler of [`ReceiveStream`]: its end is noticed at once.
    Actor(Recipient<StreamMessage<E>>),
    /// An actor, through a custom handler: it is polled ten times a second.
    Recipient(Recipient<StreamMessage<E>>),
    /// A closure.
    Callback(Callback<E>),
    /// A bounded channel.
    Channel(Sender<StreamEvent<E>>),
    /// Only the handle.
    Nobody,
}

impl<E: Event> fmt::Debug for Target<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actor(_) => "Actor",
            Self::Recipient(_) => "Recipient",
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
        Target::Recipient(self)
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

/// Calls a callback. Returns `false` if it panicked.
pub(crate) fn call<E: Event>(callback: &mut Callback<E>, event: StreamEvent<E>) -> bool {
    catch_unwind(AssertUnwindSafe(|| callback(event))).is_ok()
}
