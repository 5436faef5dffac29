//! `OutputClient`: the trait of an actor that receives texts, reasoning and tool calls instead of events.

use actix::{Actor, AsyncContext};
use actorstream_proto::answer::output::{Call, CallKind, Change, Position, Tokens, View, Viewable};
use actorstream_proto::answer::tools::{Round, ToolResult};
use actorstream_proto::json::partial_json::{JsonInText, PartialJsonError};
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::finish::Finish;
use actorstream_proto::outcome::response_head::ResponseHead;
use serde_json::Value;

use crate::stream::stream_ref::StreamRef;
use crate::stream::streaming_client::StreamMessage;

/// An actor that receives the content of events of type `E`: texts, refusals, reasoning, tool calls. The methods are
/// the same for every endpoint; all but the ends have a default and can be omitted.
///
/// Put [`#[output_client]`](crate::output_client) above the impl to make the actor's `Addr` a target. The
/// contract is that of [`StreamingClient`](crate::StreamingClient), which an actor implements to receive the bare
/// events; here, [`event`](Self::event) receives them.
///
/// ```
/// use actix::prelude::*;
/// use actorstream::output::{Call, Position};
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
///     fn text_delta(&mut self, _: Position, delta: &str, _so_far: &str, _: &StreamRef, _: &mut Context<Self>) {
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
    /// A response has begun; see [`StreamingClient::handle_start`](crate::StreamingClient::handle_start).
    fn handle_start(&mut self, head: &ResponseHead, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// An event has arrived. The calls for the content that it changes follow.
    fn event(&mut self, event: &E, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of a text; `snapshot` is the text so far.
    fn text_delta(
        &mut self,
        at: Position,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// More of the JSON in a text, such as a structured answer; `value` is the JSON so far. Called after
    /// [`text_delta`](Self::text_delta). [`JsonInText`] describes what the text may contain besides the JSON.
    fn value_delta(&mut self, at: Position, value: &Value, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// A text is complete.
    fn text_done(&mut self, at: Position, text: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of a refusal; `snapshot` is the refusal so far.
    fn refusal_delta(
        &mut self,
        at: Position,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A refusal is complete.
    fn refusal_done(&mut self, at: Position, refusal: &str, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of the reasoning, or of its summary; `snapshot` is the reasoning so far.
    fn reasoning_delta(
        &mut self,
        at: Position,
        delta: &str,
        snapshot: &str,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// The reasoning is complete.
    fn reasoning_done(&mut self, at: Position, reasoning: &str, stream: &StreamRef, ctx: &mut Self::Context) {
    }

    /// The model calls a tool.
    fn tool_call_started(&mut self, call: Call<'_>, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// More of the arguments of a call; `parsed` is the parsed value so far.
    fn arguments_delta(
        &mut self,
        call: Call<'_>,
        delta: &str,
        parsed: &Value,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A call is complete. Called once for each call.
    fn tool_call_done(
        &mut self,
        call: Call<'_>,
        parsed: Result<&Value, &PartialJsonError>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A call returned output or failed: either a call that the server ran itself, or one of [`Tools`](crate::Tools),
    /// reported when all tools of the response are done. In the second case the index is among the calls of these
    /// tools.
    fn tool_output(
        &mut self,
        call: Call<'_>,
        output: Result<&str, &str>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// A page that the answer cites, and its title if the server sends one. Called once for each URL.
    fn source(
        &mut self,
        at: Position,
        url: &str,
        title: Option<&str>,
        stream: &StreamRef,
        ctx: &mut Self::Context,
    ) {
    }

    /// An image that the model generated, in base64, and its format, such as `png`.
    fn image(&mut self, at: Position, data: &str, format: &str, stream: &StreamRef, ctx: &mut Self::Context) {
    }

    /// The probabilities of new tokens, in the endpoint's format.
    fn logprobs(&mut self, at: Position, tokens: &Value, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The token usage so far.
    fn usage(&mut self, tokens: Tokens, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// A response that called [`Tools`](crate::Tools) is over, and its results were reported; what follows belongs to
    /// the next response.
    fn handle_round(&mut self, round: Round<E::Response>, stream: &StreamRef, ctx: &mut Self::Context) {}

    /// The stream has failed; this is its end.
    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, ctx: &mut Self::Context);

    /// The stream is complete; this is its end.
    fn handle_finish(&mut self, finish: Finish<E::Response>, stream: &StreamRef, ctx: &mut Self::Context);
}

impl<E: Viewable> StreamMessage<E> {
    /// Calls an [`OutputClient`] with the content that the events change and with the end, if present.
    pub fn dispatch_output<A>(self, actor: &mut A, ctx: &mut A::Context)
    where
        A: OutputClient<E>,
        A::Context: AsyncContext<A>,
    {
        let mut delivery = self.into_delivery();
        delivery.bind::<A>(ctx);
        if delivery.is_greeting() {
            return;
        }
        if let Some(head) = delivery.take_start() {
            actor.handle_start(&head, delivery.stream(), ctx);
        }
        let mut kept = delivery.take_view::<Kept<E::View>>();
        let Kept { view, values } = &mut *kept;
        let end = delivery.each(actor, ctx, |actor, event, stream, ctx| {
            actor.event(&event, stream, ctx);
            view.push(&event, &mut |change| tell::<A, E>(actor, values, ctx, stream, change));
        });
        let round = delivery.take_round();
        let stream = delivery.stream();
        if let Some(round) = round {
            tell_results::<A, E>(actor, &round.results, stream, ctx);
            actor.handle_round(round, stream, ctx);
        }
        match end {
            Some(Ok(finish)) => {
                view.finish(&mut |change| tell::<A, E>(actor, values, ctx, stream, change));
                tell_results::<A, E>(actor, &finish.results, stream, ctx);
                actor.handle_finish(finish, stream, ctx);
            }
            Some(Err(error)) => actor.handle_error(error, stream, ctx),
            // The content of the next response is independent of this one.
            None if delivery.round_ended() => {
                view.finish(&mut |change| tell::<A, E>(actor, values, ctx, stream, change));
            }
            None => delivery.keep_view(kept),
        }
    }
}

/// Reports the results of the calls of `Tools`.
fn tell_results<A: OutputClient<E>, E: Viewable>(
    actor: &mut A,
    results: &[ToolResult],
    stream: &StreamRef,
    ctx: &mut A::Context,
) {
    for (index, ToolResult { call, output, is_error }) in results.iter().enumerate() {
        let kind = if call.is_function { CallKind::Function } else { CallKind::Custom };
        let call = Call {
            kind,
            output: call.output,
            index,
            id: &call.id,
            name: &call.name,
            arguments: &call.arguments,
        };
        let output = if *is_error { Err(output.as_str()) } else { Ok(output.as_str()) };
        actor.tool_output(call, output, stream, ctx);
    }
}

/// What is kept of a stream between two messages.
#[derive(Default)]
struct Kept<V> {
    view: V,
    values: Values,
}

/// The JSON in each text.
#[derive(Default)]
struct Values(Vec<(Position, JsonInText)>);

impl Values {
    /// Appends to a text. Returns its JSON, if that may have changed.
    fn push(&mut self, at: Position, delta: &str) -> Option<&Value> {
        // Nearly always the last one.
        let index = self.0.iter().rposition(|(place, _)| *place == at).unwrap_or_else(|| {
            self.0.push((at, JsonInText::new()));
            self.0.len() - 1
        });
        let (_, json) = &mut self.0[index];
        json.push(delta).then(|| json.value())
    }

    /// Ends a text. Returns whether any of it had arrived.
    fn end(&mut self, at: Position) -> bool {
        let before = self.0.len();
        self.0.retain(|(place, _)| *place != at);
        self.0.len() < before
    }
}

fn tell<A: OutputClient<E>, E: Viewable>(
    actor: &mut A,
    values: &mut Values,
    ctx: &mut A::Context,
    stream: &StreamRef,
    change: Change<'_>,
) {
    match change {
        Change::TextDelta { at, delta, snapshot } => {
            actor.text_delta(at, delta, snapshot, stream, ctx);
            if let Some(value) = values.push(at, delta) {
                actor.value_delta(at, value, stream, ctx);
            }
        }
        Change::TextDone { at, text } => {
            // If a text has no deltas, its whole is the first part to arrive.
            if !values.end(at)
                && let Some(value) = values.push(at, text)
            {
                actor.value_delta(at, value, stream, ctx);
                values.end(at);
            }
            actor.text_done(at, text, stream, ctx);
        }
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
        // A later version of the core may add variants.
        _ => {}
    }
}
