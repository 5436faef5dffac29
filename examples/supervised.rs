//! A supervised actor that restarts in the middle of a response and resumes it where it broke off.
//!
//! ```sh
//! cargo run -p actorstream-examples --example supervised
//! ```
//!
//! With `OPENAI_API_KEY` set it calls OpenAI, with `OPENAI_BASE_URL` another server, and with neither a scripted
//! upstream on this machine.

use std::error::Error;

use actix::prelude::*;
use actorstream::{
    Finish, OpenAi, ResponseEvent, ResponseRequest, ResponseStreamEvent, StreamError, StreamHandle,
    StreamRef, StreamingClient, streaming_client,
};
use tokio::sync::oneshot;

/// The actor fails for the first time after this many events.
const FAILS_AFTER: usize = 8;

/// What has arrived of the response. A supervisor restarts the actor with unchanged fields.
struct Reader {
    openai: OpenAi,
    id: Option<String>,
    last: Option<u64>,
    events: usize,
    restarts: usize,
    text: String,
    done: Option<oneshot::Sender<Result<String, StreamError>>>,
}

impl Actor for Reader {
    type Context = Context<Self>;
}

impl Supervised for Reader {
    /// The stream of the previous incarnation has ended, and this one receives none of its events: it requests the
    /// rest itself.
    fn restarting(&mut self, ctx: &mut Context<Self>) {
        self.restarts += 1;
        if let Some(id) = self.id.clone() {
            println!("\n(restarted: going on after event {})", self.last.unwrap_or_default());
            self.openai.responses().resume(id, self.last).stream((), ctx.address());
        }
    }
}

#[streaming_client]
impl StreamingClient<ResponseEvent> for Reader {
    fn handle_data(&mut self, event: ResponseEvent, _: &StreamRef, ctx: &mut Context<Self>) {
        if let ResponseStreamEvent::Created(created) = &event.event {
            self.id = Some(created.response.id.clone());
        }
        self.last = event.sequence_number().or(self.last);
        let text = event.text().unwrap_or_default();
        print!("{text}");
        self.text.push_str(text);
        self.events += 1;
        if self.events == FAILS_AFTER {
            // Under a supervisor the actor does not stop, but restarts.
            ctx.stop();
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        if let Some(done) = self.done.take() {
            let _ = done.send(Err(error));
        }
    }

    fn handle_finish(
        &mut self,
        _: Finish<actorstream::proto::api::responses::Response>,
        _: &StreamRef,
        _: &mut Context<Self>,
    ) {
        if let Some(done) = self.done.take() {
            let _ = done.send(Ok(format!("{} events, {} restart", self.events, self.restarts)));
        }
    }
}

#[derive(Message)]
#[rtype(result = "StreamHandle<actorstream::proto::api::responses::Response>")]
struct Ask(&'static str);

impl Handler<Ask> for Reader {
    type Result = MessageResult<Ask>;

    fn handle(&mut self, Ask(question): Ask, ctx: &mut Context<Self>) -> Self::Result {
        // In background mode, the server generates the response whether or not a client is connected.
        let request = ResponseRequest::new("gpt-6-luna").user(question).background(true);
        MessageResult(self.openai.responses().stream(request, ctx.address()))
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, _upstream) = actorstream_examples::client()?;
    let (sender, done) = oneshot::channel();
    let reader = Supervisor::start(move |_| Reader {
        openai,
        id: None,
        last: None,
        events: 0,
        restarts: 0,
        text: String::new(),
        done: Some(sender),
    });
    let first = reader.send(Ask("Tell me a story")).await?;
    // The end of the first stream is delivered only to its handle.
    if let Err(error) = first.await {
        println!("the first stream: {error}");
    }
    println!("\n{}", done.await??);
    Ok(())
}
