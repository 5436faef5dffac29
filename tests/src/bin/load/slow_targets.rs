//! Slow targets of an upstream that sends as fast as it is read: memory stays constant.

use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef,
    StreamingClient, streaming_client,
};

use crate::Failure;
use crate::process::{Beside, Holds, ensure};

/// The allowed growth of memory once all streams have begun, in KiB.
const GROWTH: u64 = 4 << 10;

/// Waits for a while at each event.
struct Slow;

impl Actor for Slow {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Slow {
    fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, ctx: &mut Self::Context) {
        ctx.wait(tokio::time::sleep(Duration::from_millis(10)).into_actor(self));
    }

    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Self::Context) {}

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {}
}

pub(crate) fn run(count: usize, seconds: u64) -> Result<(), Failure> {
    System::new().block_on(async {
        let upstream = Beside::start(["upstream"])?;
        let openai = OpenAi::builder().base_url(&upstream.base_url).build()?;
        let handles: Vec<_> = (0..count)
            .map(|_| {
                let request = ChatRequest::new("flood").user("x");
                openai.chat().keep_response(false).stream(request, Slow.start())
            })
            .collect();
        // By then, each stream has read up to its bound.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (start, first) = (Instant::now(), Holds::now()?);
        println!("{count} slow targets: {first}");
        let mut most = first.memory;
        while start.elapsed() < Duration::from_secs(seconds) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            most = most.max(Holds::now()?.memory);
        }
        println!("at most {most} KiB in {seconds} s after that");
        ensure(most <= first.memory + GROWTH, || format!("memory grew from {} to {most} KiB", first.memory))?;
        for handle in handles {
            handle.cancel();
            let error = handle.await.err().ok_or("a flood has no end")?;
            ensure(error.kind.name() == "cancelled", || format!("a stream failed: {error}"))?;
        }
        Ok(())
    })
}
