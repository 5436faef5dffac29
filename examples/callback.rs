//! A text completion streamed into a closure.
//!
//! ```sh
//! cargo run -p actorstream-examples --example callback
//! ```
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::io::{self, Write};
use std::process::ExitCode;

use actorstream::{CompletionRequest, StreamError, StreamEvent};

#[actix::main]
async fn main() -> Result<ExitCode, StreamError> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let request =
        CompletionRequest::new("gpt-3.5-turbo-instruct", "Tell me a story about a robot").max_tokens(300);

    // The closure runs on the thread that runs the stream, which other streams may share, so it should not block
    // for long. For longer work, stream to an actor.
    let handle = openai.completions().stream_fn(request, |event| match event {
        StreamEvent::Start(_) => {}
        StreamEvent::Data(chunk) => {
            print!("{}", chunk.text().unwrap_or_default());
            let _ = io::stdout().flush();
        }
        StreamEvent::Error(error) => eprintln!("\nError: {error}"),
        StreamEvent::Finish(end) => {
            let reason = end.finish_reasons.first().map_or("unknown", |reason| reason.as_str());
            println!("\n\nStream finished after {} events; reason: {reason}.", end.timings.events);
        }
    });

    // The stream runs by itself; this only keeps the program alive until it ends.
    Ok(if handle.await.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
