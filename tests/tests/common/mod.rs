//! Helpers of the tests: an actor that records everything it receives.
#![allow(dead_code)]

pub(crate) mod capture;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actorstream::proto::endpoint::event::Event;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, RawEvent, RetryPolicy, StreamError,
    StreamEvent, StreamRef, StreamingClient, streaming_client,
};

/// The received events, with the ids of their streams.
pub(crate) type Log<E> = Arc<Mutex<Vec<(u64, StreamEvent<E>)>>>;

/// The action of the actor on each event.
pub(crate) type OnData = Box<dyn FnMut(usize, &StreamRef, &mut Context<Noting>) + Send>;

/// An actor that records everything it receives.
pub(crate) struct Noting {
    pub(crate) chat: Log<ChatCompletionChunk>,
    pub(crate) raw: Log<RawEvent>,
    pub(crate) on_data: OnData,
}

impl Default for Noting {
    fn default() -> Self {
        Self { chat: Log::default(), raw: Log::default(), on_data: Box::new(|_, _, _| {}) }
    }
}

impl Noting {
    pub(crate) fn with(on_data: impl FnMut(usize, &StreamRef, &mut Context<Self>) + Send + 'static) -> Self {
        Self { on_data: Box::new(on_data), ..Self::default() }
    }

    fn note<E: Event>(log: &Log<E>, stream: &StreamRef, event: StreamEvent<E>) -> usize {
        let mut log = log.lock().unwrap();
        log.push((stream.id(), event));
        log.len()
    }
}

impl Actor for Noting {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Noting {
    fn handle_data(&mut self, data: ChatCompletionChunk, stream: &StreamRef, ctx: &mut Self::Context) {
        let count = Self::note(&self.chat, stream, StreamEvent::Data(data));
        (self.on_data)(count, stream, ctx);
    }

    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, _: &mut Self::Context) {
        Self::note(&self.chat, stream, StreamEvent::Error(error));
    }

    fn handle_finish(&mut self, finish: Finish<ChatCompletion>, stream: &StreamRef, _: &mut Self::Context) {
        Self::note(&self.chat, stream, StreamEvent::Finish(finish));
    }
}

#[streaming_client]
impl StreamingClient<RawEvent> for Noting {
    fn handle_data(&mut self, data: RawEvent, stream: &StreamRef, _: &mut Self::Context) {
        Self::note(&self.raw, stream, StreamEvent::Data(data));
    }

    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, _: &mut Self::Context) {
        Self::note(&self.raw, stream, StreamEvent::Error(error));
    }

    fn handle_finish(
        &mut self,
        finish: Finish<serde_json::Value>,
        stream: &StreamRef,
        _: &mut Self::Context,
    ) {
        Self::note(&self.raw, stream, StreamEvent::Finish(finish));
    }
}

/// Returns the events of one stream: the number of data events, their text, and the end. Fails unless there is
/// exactly one end, and it is last.
#[track_caller]
pub(crate) fn one_stream(
    log: &Log<ChatCompletionChunk>,
    id: u64,
) -> (usize, String, StreamEvent<ChatCompletionChunk>) {
    let log = log.lock().unwrap();
    let mut events: Vec<_> =
        log.iter().filter(|(stream, _)| *stream == id).map(|(_, event)| event.clone()).collect();
    let end = events.pop().expect("nothing was received");
    assert!(end.is_end(), "no end: {end:?}");
    let mut text = String::new();
    for event in &events {
        let StreamEvent::Data(chunk) = event else { panic!("an end before the end: {event:?}") };
        text.push_str(chunk.content().unwrap_or_default());
    }
    (events.len(), text, end)
}

/// Returns a client without retries.
pub(crate) fn client(base_url: &str) -> OpenAi {
    OpenAi::builder().base_url(base_url).api_key("sk-test").retry(RetryPolicy::none()).build().unwrap()
}

pub(crate) fn hello() -> ChatRequest {
    ChatRequest::new("gpt-4o").user("Hello")
}

/// Returns an event of a chat stream.
pub(crate) fn chunk(content: &str) -> String {
    serde_json::json!({"id": "c", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}]})
        .to_string()
}

pub(crate) fn stop() -> String {
    serde_json::json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        .to_string()
}

/// A timeout that prevents a test from hanging; it measures nothing.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the test hangs")
}
