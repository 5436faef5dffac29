//! `Generation`: the actor between the upstream stream and the log.

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Completion, CompletionChunk, Finish, ResponseEvent, StreamError,
    StreamRef, StreamingClient, proto, streaming_client,
};

use crate::event::End;
use crate::log::{Log, Recorded};

/// Writes the events of one stream and its end to a log.
///
/// It implements [`StreamingClient`] for every endpoint whose events a log can hold. While the store lags behind, it
/// waits, and nothing is read from upstream. It stops when the log is closed.
///
/// A custom actor that observes or changes events owns the [`Log`] instead, and does the same:
///
/// ```
/// use actix::prelude::*;
/// use actorstream::{
///     ChatCompletion, ChatCompletionChunk, Finish, StreamError, StreamRef, StreamingClient, streaming_client,
/// };
/// use actorstream_web::generation::wait_for_room;
/// use actorstream_web::{Log, event::End};
///
/// struct Counting {
///     log: Log,
///     chunks: usize,
/// }
///
/// impl Actor for Counting {
///     type Context = Context<Self>;
/// }
///
/// #[streaming_client]
/// impl StreamingClient<ChatCompletionChunk> for Counting {
///     fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, ctx: &mut Self::Context) {
///         self.chunks += 1;
///         self.log.record(&chunk);
///         wait_for_room(&self.log, ctx);
///     }
///
///     fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
///         self.log.fail(&error);
///         ctx.stop();
///     }
///
///     fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
///         let reason = end.finish_reasons.first().map(ToString::to_string);
///         self.log.end(End::Finish { reason });
///         ctx.stop();
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Generation {
    log: Log,
}

impl Generation {
    /// Creates an actor that writes to this log.
    pub fn new(log: Log) -> Self {
        Self { log }
    }

    fn record<E: Recorded>(&mut self, event: &E, ctx: &mut Context<Self>) {
        self.log.record(event);
        wait_for_room(&self.log, ctx);
    }

    fn fail(&mut self, error: &StreamError, ctx: &mut Context<Self>) {
        self.log.fail(error);
        ctx.stop();
    }

    fn finish(&mut self, reason: Option<String>, ctx: &mut Context<Self>) {
        self.log.end(End::Finish { reason });
        ctx.stop();
    }
}

impl Actor for Generation {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let closed = self.log.closed().into_actor(self);
        ctx.spawn(closed.map(|_, _, ctx| ctx.stop()));
    }
}

/// Makes an actor wait while the log is full. Meanwhile no event reaches it, and nothing is read from upstream.
pub fn wait_for_room<A>(log: &Log, ctx: &mut Context<A>)
where
    A: Actor<Context = Context<A>>,
{
    if log.is_full() {
        ctx.wait(actix::fut::wrap_future(log.room()));
    }
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Generation {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, ctx: &mut Self::Context) {
        self.record(&chunk, ctx);
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.fail(&error, ctx);
    }

    fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
        self.finish(first_reason(&end), ctx);
    }
}

#[streaming_client]
impl StreamingClient<CompletionChunk> for Generation {
    fn handle_data(&mut self, chunk: CompletionChunk, _: &StreamRef, ctx: &mut Self::Context) {
        self.record(&chunk, ctx);
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.fail(&error, ctx);
    }

    fn handle_finish(&mut self, end: Finish<Completion>, _: &StreamRef, ctx: &mut Self::Context) {
        self.finish(first_reason(&end), ctx);
    }
}

#[streaming_client]
impl StreamingClient<ResponseEvent> for Generation {
    fn handle_data(&mut self, event: ResponseEvent, _: &StreamRef, ctx: &mut Self::Context) {
        self.record(&event, ctx);
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.fail(&error, ctx);
    }

    fn handle_finish(
        &mut self,
        end: Finish<proto::api::responses::Response>,
        _: &StreamRef,
        ctx: &mut Self::Context,
    ) {
        self.finish(Some(end.status.as_str().to_owned()), ctx);
    }
}

fn first_reason<R>(end: &Finish<R>) -> Option<String> {
    end.finish_reasons.first().map(ToString::to_string)
}
