//! One actor that receives a hundred streams at once, and cancels one of them.
//!
//! ```sh
//! cargo run -p actorstream-examples --example many_streams
//! ```
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::collections::HashMap;
use std::error::Error;

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, ErrorKind, Finish, StreamError, StreamRef,
    StreamingClient, streaming_client,
};
use futures_util::future::join_all;

const STREAMS: usize = 100;

/// The first stream with this many events is cancelled.
const ENOUGH: usize = 20;

/// What the actor keeps of each stream.
#[derive(Default)]
struct Answer {
    events: usize,
    text: String,
    end: Option<Result<(), StreamError>>,
}

#[derive(Default)]
struct Collector {
    answers: HashMap<StreamRef, Answer>,
    has_cancelled: bool,
}

impl Actor for Collector {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Collector {
    fn handle_data(&mut self, chunk: ChatCompletionChunk, stream: &StreamRef, _: &mut Self::Context) {
        let answer = self.answers.entry(stream.clone()).or_default();
        answer.events += 1;
        answer.text.push_str(chunk.content().unwrap_or_default());
        if answer.events == ENOUGH && !self.has_cancelled {
            self.has_cancelled = true;
            // No further data of this stream arrives, only its end: an error of kind `Cancelled`.
            stream.cancel();
        }
    }

    // A stream may fail before its first event, so both ends create a missing entry.

    fn handle_error(&mut self, error: StreamError, stream: &StreamRef, _: &mut Self::Context) {
        self.answers.entry(stream.clone()).or_default().end = Some(Err(error));
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, stream: &StreamRef, _: &mut Self::Context) {
        self.answers.entry(stream.clone()).or_default().end = Some(Ok(()));
    }
}

#[derive(Message)]
#[rtype(result = "String")]
struct Summarize;

impl Handler<Summarize> for Collector {
    type Result = String;

    fn handle(&mut self, _: Summarize, _: &mut Self::Context) -> String {
        let mut finished = 0;
        let mut lines = Vec::new();
        let mut answers: Vec<_> = self.answers.iter().collect();
        answers.sort_by_key(|(stream, _)| stream.id());
        for (stream, answer) in answers {
            match &answer.end {
                Some(Ok(())) => finished += 1,
                Some(Err(error)) if error.kind == ErrorKind::Cancelled => {
                    lines.push(format!(
                        "stream {} was cancelled after {} events, with this text: {} …",
                        stream.id(),
                        answer.events,
                        answer.text
                    ));
                }
                Some(Err(error)) => lines.push(format!("stream {} failed: {error}", stream.id())),
                None => lines.push(format!("stream {} has not ended", stream.id())),
            }
        }
        let events: usize = self.answers.values().map(|answer| answer.events).sum();
        let characters: usize = self.answers.values().map(|answer| answer.text.chars().count()).sum();
        lines.push(format!("{finished} of {} streams finished", self.answers.len()));
        lines.push(format!("{events} events brought {characters} characters"));
        lines.join("\n")
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let collector = Collector::default().start();

    let handles = (1..=STREAMS).map(|n| {
        let request = ChatRequest::new("gpt-6-luna").user(format!("Tell me something about the number {n}"));
        openai.chat().stream(request, collector.clone())
    });
    let outcomes = join_all(handles).await;

    let first_events = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(finish) => finish.timings.first_event,
        Err(error) => error.timings.first_event,
    });
    if let Some(slowest) = first_events.max() {
        println!("each stream had its first event within {} ms", slowest.as_millis());
    }
    println!("{}", collector.send(Summarize).await?);
    Ok(())
}
