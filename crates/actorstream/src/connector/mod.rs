//! The connector: one actor for each stream, which runs the request and feeds the target.
//!
//! [`pump`] moves the data: request, body, session, sink. [`sink`] is the target's side, [`guard`] interrupts waits,
//! [`timer`] is the deadline, and [`watch`] polls targets that do not signal their end.

mod aim;
mod attempts;
mod authorize;
pub(crate) mod backends;
mod clearance;
mod contestant;
mod ending;
mod guard;
pub(crate) mod live;
pub(crate) mod placement;
pub(crate) mod prepared;
mod pump;
mod race;
mod rest;
mod round;
mod run;
mod running;
pub(crate) mod shared;
mod sink;
mod timer;
mod turn;
mod watch;

use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use actorstream_proto::endpoint::event::Event;
use actorstream_proto::outcome::error::{ErrorKind, StreamError};
use tokio::sync::oneshot;

use crate::connector::prepared::Prepared;
use crate::connector::shared::Shared;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::stream::delivery::incarnation::Incarnation;
use crate::stream::delivery::link::Link;
use crate::stream::handle::StreamHandle;
use crate::stream::registry::Entry;
use crate::stream::stream_ref::StreamRef;
use crate::stream::streaming_client::StreamMessage;
use crate::stream::target::Target;
use crate::telemetry::Telemetry;
use crate::telemetry::observation::Observation;
use live::Live;
use sink::Sink;
use tracing::Instrument as _;

/// Everything that a connector needs.
#[derive(Debug)]
struct Job<E: Event> {
    client: Arc<Shared>,
    options: Arc<Options>,
    request: Result<Prepared<E::Response>, StreamError>,
    sink: Sink<E>,
    started: Instant,
    /// The stream's entry in the registry, unless the client is shut down.
    entry: Option<Entry>,
}

/// Starts a stream on the thread that [`placement`](crate::connector::placement) chooses.
pub(crate) fn start<E: Event>(
    client: &Arc<Shared>,
    options: Arc<Options>,
    request: Result<Prepared<E::Response>, StreamError>,
    target: Target<E>,
    telemetry: Telemetry,
    mut observation: Observation,
) -> StreamHandle<E::Response> {
    let stream = StreamRef::new();
    observation.identify(stream.id());
    let (sender, outcome) = oneshot::channel();
    let link = Link::new(stream.clone());
    introduce(&link, &target);
    let sink = Sink::new(target, link, sender, options.with_start, telemetry, observation);
    let entry = client.streams.start(&stream);
    let request = if entry.is_some() { request } else { Err(StreamError::new(ErrorKind::ShutDown)) };
    let job = Job { client: Arc::clone(client), options, request, sink, started: now(), entry };
    let job = Some(Box::new(job));
    client.pool.run(move || drop(Connector { job, _live: Live::new() }.start()));
    StreamHandle::new(stream, outcome)
}

/// Binds a stream to the current incarnation of its actor: at once if it is known, otherwise when the actor handles
/// the greeting, which is sent before any other message of the stream.
fn introduce<E: Event>(link: &Arc<Link<E>>, target: &Target<E>) {
    let (Target::Actor(recipient) | Target::Recipient(recipient)) = target else { return };
    match (Incarnation::find(recipient), target) {
        (Some(incarnation), _) => link.belong_to(&incarnation),
        (None, Target::Actor(_)) => recipient.do_send(StreamMessage::new(link.greet())),
        // A custom handler need not handle messages without events.
        (None, _) => {}
    }
}

/// The actor that runs one stream.
#[derive(Debug)]
struct Connector<E: Event> {
    job: Option<Box<Job<E>>>,
    _live: Live,
}

impl<E: Event> Actor for Connector<E> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.job.take() {
            Some(job) => {
                let Job { client, options, request, sink, started, entry } = *job;
                match request {
                    Ok(request) => {
                        let stream =
                            Box::new(running::Start { client, options, request, sink, started, entry });
                        // The span ends with the stream, not with the rest of its body.
                        let run = async move {
                            let span = stream.sink.span();
                            let rest = run::run(stream).instrument(span).await;
                            if let Some(rest) = rest {
                                rest::drain(rest).await;
                            }
                        };
                        ctx.wait(run.into_actor(self).map(|(), _, ctx| ctx.stop()));
                    }
                    Err(error) => {
                        ctx.wait(
                            run::refuse(sink, error, entry).into_actor(self).map(|(), _, ctx| ctx.stop()),
                        );
                    }
                }
            }
            None => ctx.stop(),
        }
    }
}

impl<E: Event> Unpin for Connector<E> {}
