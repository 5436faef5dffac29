//! actorstream: socket → `handle_data` in an actor on the same thread.

use std::time::Duration;

use actix::{Actor, Addr, Context, System};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef,
    StreamingClient, streaming_client,
};

use super::delays::{Delayed, Delays, measure};
use super::{Count, Held, Seen, open_in_waves};
use crate::Error;

/// Counts what comes.
struct Counter(Count);

/// Measures how long what comes was under way.
struct Clock(Delayed);

impl Actor for Clock {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Clock {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        self.0.arrived(|| chunk.content());
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        eprintln!("{error}");
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
}

impl Actor for Counter {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Counter {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        self.0.add(chunk.content().map_or(0, str::len));
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
        eprintln!("{error}");
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
}

pub(super) fn run(base_url: &str, streams: usize) -> Result<Seen, Error> {
    run_keeping(base_url, streams, true)
}

pub(super) fn run_off(base_url: &str, streams: usize) -> Result<Seen, Error> {
    run_keeping(base_url, streams, false)
}

fn run_keeping(base_url: &str, streams: usize, keep: bool) -> Result<Seen, Error> {
    System::new().block_on(async {
        let openai = client(base_url, streams, keep)?;
        let count = Count::default();
        let target = Counter(count.clone()).start();
        let started: Vec<_> = (0..streams).map(|_| openai.chat().stream(request(), target.clone())).collect();
        for stream in started {
            stream.await?;
        }
        Ok(count.seen())
    })
}

/// Runs streams to their ends with a client, one after another.
///
/// # Errors
/// That of the first stream that fails.
pub async fn run_each(openai: &OpenAi, streams: usize) -> Result<Seen, Error> {
    let count = Count::default();
    let target = Counter(count.clone()).start();
    for _ in 0..streams {
        openai.chat().stream(request(), target.clone()).await?;
    }
    Ok(count.seen())
}

pub(super) fn hold(base_url: &str, streams: usize) -> Result<Held, Error> {
    hold_with(base_url, streams, true, |count| Counter(count.clone()).start())
}

pub(super) fn hold_off(base_url: &str, streams: usize) -> Result<Held, Error> {
    hold_with(base_url, streams, false, |count| Counter(count.clone()).start())
}

pub(super) fn hold_one(base_url: &str, streams: usize) -> Result<Held, Error> {
    let mut one = None;
    hold_with(base_url, streams, true, |count| {
        one.get_or_insert_with(|| Counter(count.clone()).start()).clone()
    })
}

/// The connector of a stream holds its target: nothing else need be kept.
fn hold_with(
    base_url: &str,
    streams: usize,
    keep: bool,
    mut target: impl FnMut(&Count) -> Addr<Counter>,
) -> Result<Held, Error> {
    System::new().block_on(async {
        let openai = client(base_url, streams, keep)?;
        let count = Count::default();
        open_in_waves(streams, &count, || drop(openai.chat().stream(request(), target(&count)))).await
    })
}

pub(super) fn delays(base_url: &str, streams: usize, time: Duration) -> Result<Delays, Error> {
    delays_with(base_url, streams, time, |delayed| Clock(delayed.clone()).start())
}

pub(super) fn delays_one(base_url: &str, streams: usize, time: Duration) -> Result<Delays, Error> {
    let mut one = None;
    delays_with(base_url, streams, time, |delayed| {
        one.get_or_insert_with(|| Clock(delayed.clone()).start()).clone()
    })
}

fn delays_with(
    base_url: &str,
    streams: usize,
    time: Duration,
    mut target: impl FnMut(&Delayed) -> Addr<Clock>,
) -> Result<Delays, Error> {
    System::new().block_on(async {
        let openai = client(base_url, streams, true)?;
        let delayed = Delayed::default();
        measure(streams, time, &delayed, || drop(openai.chat().stream(request(), target(&delayed)))).await
    })
}

fn client(base_url: &str, streams: usize, keep: bool) -> Result<OpenAi, StreamError> {
    OpenAi::builder().api_key("key").base_url(base_url).max_streams(streams).keep_response(keep).build()
}

fn request() -> ChatRequest {
    ChatRequest::new("gpt-4o-mini").user("Tell me about quantum computing")
}
