//! `StreamingClient`: the trait of an actor that receives streams, and the message that carries their events.

use actix::{Actor, Addr, AsyncContext, Message, Recipient};
use actorstream_proto::answer::tools::Round;
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::finish::{Finish, Outcome};
use actorstream_proto::outcome::response_head::ResponseHead;

use crate::stream::delivery::link::{Batch, Delivery};
use crate::stream::stream_event::StreamEvent;
use crate::stream::stream_ref::StreamRef;

/// An actor that receives streams of events `E`.
///
/// Put [`#[streaming_client]`](crate::streaming_client) above the impl to make the actor's `Addr` a target.
/// One actor may implement this for several event types and receive many streams at once; `stream` identifies them.
///
/// # The contract
///
/// For each stream, in order of arrival: `handle_start`, `handle_data` any number of times, then exactly one of
/// `handle_finish` and `handle_error`, then nothing.
///
/// * `handle_data` is called once for each event. While the actor waits (`ctx.wait`), it is not called; while the
///   actor lags behind, nothing is read from the server.
/// * While the actor lives, the end is never missing and never comes twice. When the actor stops or panics, its
///   streams are cancelled.
/// * After `stream.cancel()` no data follows, and the end is `Cancelled`.
///
/// `docs/runtime-semantics.md` has the complete contract.
///
/// # Without the attribute
///
/// The attribute generates this code:
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
    /// A response has begun: its first event has arrived, or its end if it has no events. `head` has the request id,
    /// the rate limits and all headers. Called once for each response, before its first event; not for a response
    /// that failed before that, whose error has the head. The default does nothing.
    #[allow(unused_variables)]
    fn handle_start(&mut self, head: &ResponseHead, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// An event has arrived.
    fn handle_data(&mut self, data: E, stream: &StreamRef, ctx: &mut Self::Context);

    /// A response that called [`Tools`](crate::Tools) is over: its tools have run, and the following events belong to
    /// the next response. Called after the last event of each response except the last. The default does nothing.
    #[allow(unused_variables)]
    fn handle_round(&mut self, round: Round<E::Response>, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The stream has failed; this is its end.
    /// [`error.partial()`](actorstream_proto::outcome::error::StreamError::partial) has the partial response.
    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, ctx: &mut Self::Context);

    /// The stream is complete; this is its end.
    fn handle_finish(&mut self, finish: Finish<E::Response>, stream: &StreamRef, ctx: &mut Self::Context);
}

/// The marker trait that [`#[streaming_client]`](crate::streaming_client) implements for an actor. See
/// [`StreamingClient`] for how to implement it without the attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not receive streams of `{E}`",
    label = "this actor is no target for a stream of `{E}`",
    note = "add `#[streaming_client]` above `impl StreamingClient<{E}> for {Self}`"
)]
pub trait ReceiveStream<E: Event>: Actor {
    /// Converts the actor's address into a recipient of a stream's messages.
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

/// The message that a connector sends to an actor: the events of one read, and finally the end.
///
/// The connector sends the next message when this one is dropped. [`dispatch`](Self::dispatch) calls a
/// [`StreamingClient`]; a handler of your own can use [`into_events`](Self::into_events). The first message of a
/// stream to an `Addr` may have no events: it lets the actor signal its end while the server is silent.
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

    /// The stream that the message belongs to.
    pub fn stream(&self) -> &StreamRef {
        self.delivery.stream()
    }

    /// Calls `handle_start` if a response begins, `handle_data` for each event and, if the end is present,
    /// `handle_finish` or `handle_error`.
    ///
    /// If a handler makes the actor wait, the remaining events go back to the connector, which sends them again. If a
    /// handler stops the actor or cancels the stream, the remaining events are dropped.
    pub fn dispatch<A>(mut self, actor: &mut A, ctx: &mut A::Context)
    where
        A: StreamingClient<E>,
        A::Context: AsyncContext<A>,
    {
        self.delivery.bind::<A>(ctx);
        if let Some(head) = self.delivery.take_start() {
            actor.handle_start(&head, self.stream(), ctx);
        }
        let end = self.delivery.each(actor, ctx, A::handle_data);
        if let Some(round) = self.delivery.take_round() {
            actor.handle_round(round, self.stream(), ctx);
        }
        match end {
            Some(Ok(finish)) => actor.handle_finish(finish, self.stream(), ctx),
            Some(Err(error)) => actor.handle_error(error, self.stream(), ctx),
            None => {}
        }
    }

    /// The delivery, for other kinds of clients.
    pub(crate) fn into_delivery(self) -> Delivery<E> {
        self.delivery
    }

    /// Returns the events and the end, if present, for a handler that is not a [`StreamingClient`]. The connector
    /// sends the next message when the iterator is dropped.
    pub fn into_events(mut self) -> IntoEvents<E> {
        let Batch { start, events, end, .. } = self.delivery.take();
        IntoEvents { start, events: events.into_iter(), end: end.map(|end| *end), delivery: self.delivery }
    }
}

/// The events of a message, and its end.
#[derive(Debug)]
pub struct IntoEvents<E: Event> {
    start: Option<ResponseHead>,
    events: std::vec::IntoIter<E>,
    end: Option<Outcome<E::Response>>,
    /// Dropping it is the acknowledgement.
    delivery: Delivery<E>,
}

impl<E: Event> Iterator for IntoEvents<E> {
    type Item = StreamEvent<E>;

    fn next(&mut self) -> Option<StreamEvent<E>> {
        if let Some(head) = self.start.take().filter(|_| !self.delivery.stream().is_cancelled()) {
            return Some(StreamEvent::Start(head));
        }
        if let Some(event) = self.events.next().filter(|_| !self.delivery.stream().is_cancelled()) {
            return Some(StreamEvent::Data(event));
        }
        self.events = Vec::new().into_iter();
        let end = self.end.take()?;
        Some(StreamEvent::end(self.delivery.decide(end)))
    }
}
