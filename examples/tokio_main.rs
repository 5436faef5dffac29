//! Streams in a program without actix: plain tokio, on several threads.
//!
//! ```sh
//! cargo run -p actorstream-examples --example tokio_main
//! ```
//!
//! If the caller's thread has no actix arbiter, the client runs its streams on its own thread. Handles and
//! `EventStream`s can be awaited on any thread and moved between them.
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::error::Error;
use std::io::{self, Write};

use actorstream::{ChatRequest, OpenAi, StreamError, StreamEvent};
use futures_util::StreamExt;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    awaited(openai.clone()).await?;
    // In its own task, on any free thread.
    tokio::spawn(pulled(openai)).await??;
    Ok(())
}

/// The events go to a closure; the handle returns the end, with the accumulated response.
async fn awaited(openai: OpenAi) -> Result<(), StreamError> {
    let request = ChatRequest::new("gpt-6-luna").user("What is a lighthouse for?").include_usage();
    let handle = openai.chat().stream_fn(request, |event| {
        if let StreamEvent::Data(chunk) = event {
            show(chunk.content());
        }
    });
    let finish = handle.await?;
    let characters = finish.response.content().unwrap_or_default().chars().count();
    println!("\n\nAwaited: {characters} characters in {} ms.\n", finish.timings.total.as_millis());
    Ok(())
}

/// The events are polled in a loop. Leaving the loop early would cancel the request, since that drops the stream.
async fn pulled(openai: OpenAi) -> Result<(), StreamError> {
    let request = ChatRequest::new("gpt-6-luna").user("And who keeps it?");
    let mut events = openai.chat().events(request);
    while let Some(event) = events.next().await {
        match event {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(chunk) => show(chunk.content()),
            StreamEvent::Error(error) => return Err(error),
            StreamEvent::Finish(finish) => println!("\n\nPulled: {} events.", finish.timings.events),
        }
    }
    Ok(())
}

fn show(text: Option<&str>) {
    print!("{}", text.unwrap_or_default());
    let _ = io::stdout().flush();
}
