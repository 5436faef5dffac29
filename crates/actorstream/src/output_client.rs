//! `OutputClient`: what an actor implements to receive an answer's texts, reasoning and tool calls instead of events.

use actix::{Actor, AsyncContext};
use actorstream_proto::error::StreamError;
use actorstream_proto::finish::Finish;
use actorstream_proto::output::{Call, Change, Place, Tokens, View, Viewable};
use actorstream_proto::partial_json::PartialJsonError;
use serde_json::Value;

use crate::stream_ref::StreamRef;
use crate::streaming_client::StreamMessage;

/// An actor that receives what the events of type `E` make up: texts, refusals, reasoning, tool calls. The methods are
/// the same for every endpoint; those that an actor does not need it leaves out.
///
/// Put [`#[output_client]`](crate::output_client) above the impl, and the actor's `Addr` is a target. The contract is that
/// of [`StreamingClient`](crate::StreamingClient), which an actor implements instead for the bare events; here they are at
/// hand in [`event`](Self::event).
///
/// ```
/// use actix::prelude::*;
/// use actorstream::output::{Call, Place};
/// use actorstream::{ChatCompletion, ChatCompletionChunk, Finish, OutputClient, StreamError, StreamRef, output_client};
///
/// struct Weather;
///
/// impl Actor for Weather {
///     type Context = Context<Self>;
/// }
///
/// #[output_client]
/// impl OutputClient<ChatCompletionChunk> for Weather {
///     fn text_delta(&mut self, _: Place, delta: &str, _so_far: &str, _: &StreamRef, _: &mut Context<Self>) {
///         print!("{delta}");
///     }
///
///     fn arguments_delta(
///         &mut self,
///         call: Call<'_>,
///         _delta: &str,
///         parsed: &serde_json::Value,
///         _: &StreamRef,
///         _: &mut Context<Self>,
///     ) {
///         println!("{} will be asked for {}", call.name, parsed["city"]);
///     }
///
///     fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Context<Self>) {
///         eprintln!("{error}");
///     }
///
///     fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {}
/// }
/// ```
#[allow(unused_variables)]
pub trait OutputClient<E: Viewable>: Actor {
    /// An event has come; what it changes is told next.
    fn event(&mut self, event: &E, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of a text; `snapshot` is the text so far.
    fn text_delta(
        &mut self,
        at: Place,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A text is whole.
    fn text_done(&mut self, at: Place, text: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of a refusal; `snapshot` is the refusal so far.
    fn refusal_delta(
        &mut self,
        at: Place,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A refusal is whole.
    fn refusal_done(&mut self, at: Place, refusal: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of the reasoning, or of its summary; `snapshot` is the reasoning so far.
    fn reasoning_delta(
        &mut self,
        at: Place,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// The reasoning is whole.
    fn reasoning_done(&mut self, at: Place, reasoning: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The model calls a tool.
    fn tool_call_started(&mut self, call: Call<'_>, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of the arguments of a call; `parsed` is what they are so far, as far as it is known.
    fn arguments_delta(
        &mut self,
        call: Call<'_>,
        delta: &str,
        parsed: &Value,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A call is whole: once for each call.
    fn tool_call_done(
        &mut self,
        call: Call<'_>,
        parsed: Result<&Value, &PartialJsonError>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A call that the server ran by itself gave something back, or failed.
    fn tool_output(
        &mut self,
        call: Call<'_>,
        output: Result<&str, &str>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A page that the answer rests on, and its title if the server tells it: once for each address.
    fn source(
        &mut self,
        at: Place,
        url: &str,
        title: Option<&str>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A picture that the model made, in base64, and its format, such as `png`.
    fn image(&mut self, at: Place, data: &str, format: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The probabilities of new tokens, as the endpoint writes them.
    fn logprobs(&mut self, at: Place, tokens: &Value, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The tokens taken so far.
    fn usage(&mut self, tokens: Tokens, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The stream has failed; this is its end.
    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, ctx: &mut Self::Context);

    /// The stream is complete; this is its end.
    fn handle_finish(&mut self, finish: Finish<E::Response>, stream: &StreamRef, ctx: &mut Self::Context);
}

impl<E: Viewable> StreamMessage<E> {
    /// Tells an [`OutputClient`] what the events change and, if it is there, the end.
    pub fn dispatch_output<A>(self, actor: &mut A, ctx: &mut A::Context)
    where
        A: OutputClient<E>,
        A::Context: AsyncContext<A>,
    {
        let mut delivery = self.into_delivery();
        let mut view = delivery.take_view::<E::View>();
        let end = delivery.each(actor, ctx, |actor, event, stream, ctx| {
            actor.event(&event, stream, ctx);
            view.push(&event, &mut |change| tell::<A, E>(actor, ctx, stream, change));
        });
        let stream = delivery.stream();
        match end {
            Some(Ok(finish)) => {
                view.finish(&mut |change| tell::<A, E>(actor, ctx, stream, change));
                actor.handle_finish(finish, stream, ctx);
            }
            Some(Err(error)) => actor.handle_error(error, stream, ctx),
            // What is made of the next answer has nothing to do with this one.
            None if delivery.round_ended() => {
                view.finish(&mut |change| tell::<A, E>(actor, ctx, stream, change));
            }
            None => delivery.keep_view(view),
        }
    }
}

fn tell<A: OutputClient<E>, E: Viewable>(
    actor: &mut A,
    ctx: &mut A::Context,
    stream: &StreamRef,
    change: Change<'_>,
) {
    match change {
        Change::TextDelta { at, delta, snapshot } => actor.text_delta(at, delta, snapshot, stream, ctx),
        Change::TextDone { at, text } => actor.text_done(at, text, stream, ctx),
        Change::RefusalDelta { at, delta, snapshot } => actor.refusal_delta(at, delta, snapshot, stream, ctx),
        Change::RefusalDone { at, refusal } => actor.refusal_done(at, refusal, stream, ctx),
        Change::ReasoningDelta { at, delta, snapshot } => {
            actor.reasoning_delta(at, delta, snapshot, stream, ctx);
        }
        Change::ReasoningDone { at, reasoning } => actor.reasoning_done(at, reasoning, stream, ctx),
        Change::ToolCallStarted { call } => actor.tool_call_started(call, stream, ctx),
        Change::ArgumentsDelta { call, delta, parsed } => {
            actor.arguments_delta(call, delta, parsed, stream, ctx);
        }
        Change::ToolCallDone { call, parsed } => actor.tool_call_done(call, parsed, stream, ctx),
        Change::ToolOutput { call, output } => actor.tool_output(call, output, stream, ctx),
        Change::Source { at, url, title } => actor.source(at, url, title, stream, ctx),
        Change::Image { at, data, format } => actor.image(at, data, format, stream, ctx),
        Change::Logprobs { at, tokens } => actor.logprobs(at, tokens, stream, ctx),
        Change::Usage(tokens) => actor.usage(tokens, stream, ctx),
        // What a later version of the core adds.
        _ => {}
    }
}
