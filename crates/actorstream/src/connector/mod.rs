//! The connector: one actor for each stream, which runs the request and feeds the target.
//!
//! [`pump`] is the way of the data: request, body, session, sink. [`sink`] is the target's side of it, [`guard`] what
//! interrupts any of its waits, and [`watch`] how a target is noticed that is gone.

mod guard;
mod pump;
mod sink;
mod watch;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use actorstream_proto::error::{ErrorKind, StreamError};
use actorstream_proto::event::Event;
use tokio::sync::{Notify, oneshot};

use crate::call::Prepared;
use crate::client::Inner;
use crate::handle::StreamHandle;
use crate::link::Link;
use crate::options::Options;
use crate::stream_ref::StreamRef;
use crate::streams::Entry;
use crate::target::Target;
use sink::Sink;

/// The time, on the runtime's clock, which tests can stop.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// All that a connector needs.
#[derive(Debug)]
struct Job<E: Event> {
    client: Arc<Inner>,
    options: Arc<Options>,
    request: Result<Prepared<E::Response>, StreamError>,
    sink: Sink<E>,
    started: Instant,
    /// Its entry among the streams that run, unless the client is shut down.
    entry: Option<Entry>,
}

/// Starts a stream, on a thread that [`placement`](crate::placement) chooses.
pub(crate) fn start<E: Event>(
    client: &Arc<Inner>,
    options: Arc<Options>,
    request: Result<Prepared<E::Response>, StreamError>,
    target: Target<E>,
) -> StreamHandle<E::Response> {
    let stream = StreamRef::new();
    let (sender, outcome) = oneshot::channel();
    let sink = Sink::new(target, Link::new(stream.clone()), sender);
    let entry = client.streams.start(&stream);
    let request = if entry.is_some() { request } else { Err(StreamError::new(ErrorKind::ShutDown)) };
    let job = Job { client: Arc::clone(client), options, request, sink, started: now(), entry };
    let job = Some(Box::new(job));
    client.pool.run(move || drop(Connector { job, _live: Live::new() }.start()));
    StreamHandle::new(stream, outcome)
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
                        let stream = Box::new(pump::Start { client, options, request, sink, started, entry });
                        ctx.wait(pump::run(stream).into_actor(self).map(|(), _, ctx| ctx.stop()));
                    }
                    Err(error) => {
                        ctx.wait(
                            pump::refuse(sink, error, entry).into_actor(self).map(|(), _, ctx| ctx.stop()),
                        );
                    }
                }
            }
            None => ctx.stop(),
        }
    }
}

impl<E: Event> Unpin for Connector<E> {}

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static ENDED: Rc<Notify> = Rc::new(Notify::new());
}

/// Counts the connectors of this thread.
#[derive(Debug)]
struct Live;

impl Live {
    fn new() -> Self {
        LIVE.set(LIVE.get() + 1);
        Self
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = LIVE.try_with(|live| {
            live.set(live.get() - 1);
            if live.get() == 0 {
                let _ = ENDED.try_with(|ended| ended.notify_one());
            }
        });
    }
}

/// Waits until no connector is left on this thread.
pub(crate) async fn all_ended() {
    let ended = ENDED.with(Rc::clone);
    while LIVE.get() > 0 {
        ended.notified().await;
    }
}
