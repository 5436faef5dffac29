//! More streams than open files are allowed: the errors are clear, and the client works normally afterwards.

use std::time::Duration;

use actix::prelude::*;
use actorstream::{ChatRequest, OpenAi, RetryPolicy};

use crate::Failure;
use crate::process::{Beside, ensure};

pub(crate) fn run(count: usize) -> Result<(), Failure> {
    System::new().block_on(async {
        let upstream = Beside::start(["upstream"])?;
        let openai = OpenAi::builder().base_url(&upstream.base_url).retry(RetryPolicy::none()).build()?;
        let hold = || ChatRequest::new("hold").user("x");
        let (sender, mut failed) = tokio::sync::mpsc::unbounded_channel();
        let mut handles = Vec::new();
        for _ in 0..count {
            let (begun, beginning) = tokio::sync::oneshot::channel::<()>();
            let mut begun = Some(begun);
            let handle = openai.chat().stream_fn(hold(), move |_| drop(begun.take()));
            // Wait for the first event or the error.
            let _ = beginning.await;
            let stream = handle.stream().clone();
            let sender = sender.clone();
            let waiting = actix::spawn(async move {
                let outcome = handle.await;
                let _ = sender.send(outcome.err());
            });
            handles.push((stream, waiting));
        }
        drop(sender);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut refused = 0;
        while let Ok(error) = failed.try_recv() {
            let error = error.ok_or("a stream that is held has no end")?;
            refused += 1;
            let words = error.to_string();
            ensure(error.kind.name() == "transport" && words.contains("ulimit -n"), || {
                format!("an error that does not help: {words}")
            })?;
        }
        println!("{} streams ran, {refused} failed with advice", count - refused);
        ensure(refused > 0 && refused < count, || format!("{refused} of {count} were refused"))?;

        // The client must recover.
        for (stream, waiting) in handles {
            stream.cancel();
            waiting.await?;
        }
        for _ in 0..count {
            let request = ChatRequest::new("whole").user("x");
            openai
                .chat()
                .stream_fn(request, |_| {})
                .await
                .map_err(|error| format!("no recovery: {error}"))?;
        }
        println!("{count} streams finished afterwards");
        Ok(())
    })
}
