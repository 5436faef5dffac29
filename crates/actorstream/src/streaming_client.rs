//! `StreamingClient`: what an actor implements to receive streams, and the message that brings them.

use actix::{Actor, Addr, AsyncContext, Message, Recipient};
use actorstream_proto::error::StreamError;
use actorstream_proto::event::Event;
use actorstream_proto::finish::{Finish, Outcome};

use crate::link::{Batch, Delivery};
use crate::stream_event::StreamEvent;
use crate::stream_ref::StreamRef;

/// An actor that receives streams of events `E`.
///
/// Put [`#[streaming_client]`](crate::streaming_client) above the impl, and the actor's `Addr` is a target. One actor
/// may implement this for several types of event and receive many streams at once; `stream` tells them apart.
///
/// # The contract
///
/// For each stream, in the order of arrival: `handle_data` any number of times, then exactly one of `handle_finish`
/// and `handle_error`, then nothing.
///
/// * `handle_data` is called once for each event. While the actor waits (`ctx.wait`) none is; while it does not keep
///   up nothing is read from the server.
/// * The end never goes missing while the actor lives, and never comes twice. When the actor stops or panics, its
///   streams are cancelled.
/// * After `stream.cancel()` no data follows, and the end is `Cancelled`.
///
/// The whole table is in `docs/runtime-semantics.md`.
///
/// # Without the attribute
///
/// What it adds can be written by hand:
///
/// ```
/// use actix::{Actor, Addr, Context, Handler, Recipient};
/// use actorstream::{ChatCompletion, ChatCompletionChunk, Finish, ReceiveStream, StreamError, StreamMessage};
/// use actorstream::{StreamRef, StreamingClient};
///
/// struct Mine;
/// impl Actor for Mine {
///     type Context = Context<Self>;
/// }
/// impl StreamingClient<ChatCompletionChunk> for Mine {
///     fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {}
///     fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Self::Context) {}
///     fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
/// }
///
/// impl Handler<StreamMessage<ChatCompletionChunk>> for Mine {
///     type Result = ();
///     fn handle(&mut self, message: StreamMessage<ChatCompletionChunk>, context: &mut Self::Context) {
///         message.dispatch(self, context);
///     }
/// }
/// impl ReceiveStream<ChatCompletionChunk> for Mine {
///     fn recipient(address: Addr<Self>) -> Recipient<StreamMessage<ChatCompletionChunk>> {
///         address.recipient()
///     }
/// }
/// ```
pub trait StreamingClient<E: Event>: Actor {
    /// An event has come.
    fn handle_data(&mut self, data: E, stream: &StreamRef, ctx: &mut Self::Context);

    /// The stream has failed; this is its end. What had arrived is in
    /// [`error.partial()`](actorstream_proto::error::StreamError::partial).
    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, ctx: &mut Self::Context);

    /// The stream is complete; this is its end.
    fn handle_finish(&mut self, finish: Finish<E::Response>, stream: &StreamRef, ctx: &mut Self::Context);
}

/// The mark that [`#[streaming_client]`](crate::streaming_client) puts on an actor. See [`StreamingClient`] for how to
/// do without the attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not receive streams of `{E}`",
    label = "this actor is no target for a stream of `{E}`",
    note = "add `#[streaming_client]` above `impl StreamingClient<{E}> for {Self}`"
)]
pub trait ReceiveStream<E: Event>: Actor {
    /// The actor's address, as one that takes a stream's messages.
    fn recipient(address: Addr<Self>) -> Recipient<StreamMessage<E>>;
}

/// Does what [`#[streaming_client]`](crate::streaming_client) does, without a procedural macro:
/// `receive_stream!(MyActor: ChatCompletionChunk);`
#[macro_export]
macro_rules! receive_stream {
    ($actor:ty : $event:ty) => {
        impl $crate::actix::Handler<$crate::StreamMessage<$event>> for $actor {
            type Result = ();

            fn handle(&mut self, message: $crate::StreamMessage<$event>, context: &mut Self::Context) {
                message.dispatch(self, context);
            }
        }

        impl $crate::ReceiveStream<$event> for $actor {
            fn recipient(
                address: $crate::actix::Addr<Self>,
            ) -> $crate::actix::Recipient<$crate::StreamMessage<$event>> {
                address.recipient()
            }
        }
    };
}

/// What a connector sends to an actor: the events of one read, and at last the end.
///
/// The connector sends the next one when this one is dropped. [`dispatch`](Self::dispatch) calls a
/// [`StreamingClient`]; a handler of your own can take it apart with [`into_events`](Self::into_events).
#[derive(Debug)]
pub struct StreamMessage<E: Event> {
    delivery: Delivery<E>,
}

impl<E: Event> Message for StreamMessage<E> {
    type Result = ();
}

impl<E: Event> StreamMessage<E> {
    pub(crate) fn new(delivery: Delivery<E>) -> Self {
        Self { delivery }
    }

    /// The stream that the message is of.
    pub fn stream(&self) -> &StreamRef {
        self.delivery.stream()
    }

    /// Calls `handle_data` for each event and, if the end is there, `handle_finish` or `handle_error`.
    ///
    /// When a handler lets the actor wait, what is left goes back to the connector, which sends it again; when it stops
    /// the actor or cancels the stream, what is left is dropped.
    pub fn dispatch<A>(mut self, actor: &mut A, ctx: &mut A::Context)
    where
        A: StreamingClient<E>,
        A::Context: AsyncContext<A>,
    {
        match self.delivery.each(actor, ctx, A::handle_data) {
            Some(Ok(finish)) => actor.handle_finish(finish, self.stream(), ctx),
            Some(Err(error)) => actor.handle_error(error, self.stream(), ctx),
            None => {}
        }
    }

    /// The delivery, for other kinds of clients.
    pub(crate) fn into_delivery(self) -> Delivery<E> {
        self.delivery
    }

    /// The events and, if it is there, the end, for a handler that is no [`StreamingClient`]. The connector sends the
    /// next message when the iterator is dropped.
    pub fn into_events(mut self) -> IntoEvents<E> {
        let Batch { events, end, .. } = self.delivery.take();
        IntoEvents { events: events.into_iter(), end: end.map(|end| *end), delivery: self.delivery }
    }
}

/// The events of a message, and its end.
#[derive(Debug)]
pub struct IntoEvents<E: Event> {
    events: std::vec::IntoIter<E>,
    end: Option<Outcome<E::Response>>,
    /// Its drop is the acknowledgement.
    delivery: Delivery<E>,
}

impl<E: Event> Iterator for IntoEvents<E> {
    type Item = StreamEvent<E>;

    fn next(&mut self) -> Option<StreamEvent<E>> {
        if let Some(event) = self.events.next().filter(|_| !self.delivery.stream().is_cancelled()) {
            return Some(StreamEvent::Data(event));
        }
        self.events = Vec::new().into_iter();
        let end = self.end.take()?;
        Some(StreamEvent::end(self.delivery.decide(end)))
    }
}
