//! Many concurrent streams, each with its own actor, which measures the times of its events.

use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef,
    StreamingClient, streaming_client,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Failure;
use crate::process::ensure;
use crate::upstream::{FIRST, now};

/// The number of streams started before other tasks run.
const AT_ONCE: usize = 100;

/// The times of one event, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// When upstream wrote it.
    pub(crate) written: u64,
    /// When the relay wrote it to its log; without a relay, the same as `written`.
    pub(crate) logged: u64,
    /// When the target received it.
    pub(crate) taken: u64,
}

/// The report of a stream.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) number: usize,
    /// The number of events, including those without a time.
    pub(crate) events: usize,
    pub(crate) times: Vec<Times>,
    pub(crate) outcome: Result<(), String>,
}

/// Receives the events of one stream, with their times.
pub(crate) struct Timing {
    report: Report,
    began: UnboundedSender<()>,
    ended: UnboundedSender<Report>,
}

impl Timing {
    fn end(&mut self, outcome: Result<(), String>, ctx: &mut Context<Self>) {
        let Report { number, events, ref mut times, .. } = self.report;
        let _ = self.ended.send(Report { number, events, times: std::mem::take(times), outcome });
        ctx.stop();
    }
}

impl Actor for Timing {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Timing {
    fn handle_data(&mut self, data: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        let taken = now();
        self.report.events += 1;
        let content = data.content().unwrap_or_default();
        if content == FIRST {
            let _ = self.began.send(());
        }
        let mut stamps = content.split_whitespace().map_while(|word| word.parse().ok());
        if let Some(written) = stamps.next() {
            let logged = stamps.next().unwrap_or(written);
            self.report.times.push(Times { written, logged, taken });
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.end(Err(error.to_string()), ctx);
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
        self.end(Ok(()), ctx);
    }
}

/// A set of streams that have all begun.
pub(crate) struct Crowd {
    count: usize,
    endings: UnboundedReceiver<Report>,
}

impl Crowd {
    /// Starts this many streams, and waits until each has reached the point where upstream waits for all.
    pub(crate) async fn start(count: usize, start: impl Fn(usize, Addr<Timing>)) -> Result<Self, Failure> {
        let (began, mut beginnings) = unbounded_channel();
        let (ended, mut endings) = unbounded_channel();
        let since = Instant::now();
        for number in 0..count {
            let report = Report { number, events: 0, times: Vec::new(), outcome: Ok(()) };
            start(number, Timing { report, began: began.clone(), ended: ended.clone() }.start());
            if number % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop((began, ended));
        for begun in 0..count {
            tokio::select! {
                Some(()) = beginnings.recv() => {}
                Some(Report { outcome, .. }) = endings.recv() => {
                    let outcome = outcome.err().unwrap_or_else(|| "it finished".to_owned());
                    return Err(format!("a stream ended when {begun} had begun: {outcome}").into());
                }
                else => break,
            }
        }
        println!("all of {count} streams had begun after {:.1?}", since.elapsed());
        Ok(Self { count, endings })
    }

    /// Waits until all have ended. Fails unless all have finished with this many timed events.
    pub(crate) async fn reports(mut self, events: usize) -> Result<Vec<Report>, Failure> {
        let mut reports = Vec::new();
        while let Some(report) = self.endings.recv().await {
            reports.push(report);
        }
        let count = self.count;
        ensure(reports.len() == count, || format!("{} of {count} streams ended", reports.len()))?;
        let wrong: Vec<_> = reports.iter().filter_map(|report| report.outcome.as_ref().err()).collect();
        ensure(wrong.is_empty(), || format!("{} of {count} streams failed: {}", wrong.len(), wrong[0]))?;
        let short = reports.iter().filter(|report| report.times.len() != events).count();
        ensure(short == 0, || {
            format!("{short} of {count} streams did not get all of their {events} events")
        })?;
        Ok(reports)
    }
}

/// Returns a client for this many concurrent streams, which may wait for one another.
pub(crate) fn client(base_url: &str, count: usize) -> Result<OpenAi, Failure> {
    let timeouts = actorstream::Timeouts::default().first_event(Duration::from_secs(120));
    Ok(OpenAi::builder().base_url(base_url).timeouts(timeouts).max_streams(count + 1).build()?)
}

/// Requests a short response from the upstream.
pub(crate) async fn ask(openai: &OpenAi, model: &str) -> Result<(), Failure> {
    openai.chat().stream_fn(ChatRequest::new(model).user("x"), |_| {}).await?;
    Ok(())
}
