//! Many streams at once, each into an actor of its own, all on one thread.

use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{
    Budgets, ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef,
    StreamingClient, streaming_client,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::Failure;
use crate::process::{Beside, Holds, ensure};
use crate::upstream::now;

/// So many are started before others get to run.
const AT_ONCE: usize = 100;

/// No stream is behind by more than so many times what half of them are behind, and one period.
const STARVES: u64 = 20;

/// What a stream was like.
struct Report {
    /// How long its events were on their way, in microseconds.
    delays: Vec<u64>,
    outcome: Result<(), String>,
}

/// Takes the events of one stream, and the time.
struct Timing {
    delays: Vec<u64>,
    first: bool,
    began: UnboundedSender<()>,
    ended: UnboundedSender<Report>,
}

impl Timing {
    fn end(&mut self, outcome: Result<(), String>, ctx: &mut Context<Self>) {
        let _ = self.ended.send(Report { delays: std::mem::take(&mut self.delays), outcome });
        ctx.stop();
    }
}

impl Actor for Timing {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Timing {
    fn handle_data(&mut self, data: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
        if let Some(sent) = data.content().and_then(|content| content.parse::<u64>().ok()) {
            self.delays.push(now().saturating_sub(sent) / 1000);
        }
        if std::mem::take(&mut self.first) {
            let _ = self.began.send(());
        }
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, ctx: &mut Self::Context) {
        self.end(Err(error.to_string()), ctx);
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Self::Context) {
        self.end(Ok(()), ctx);
    }
}

pub(crate) fn run(count: usize, events: usize, period: u64) -> Result<(), Failure> {
    System::new().block_on(async {
        let upstream = Beside::start()?;
        let openai = OpenAi::builder()
            .base_url(&upstream.base_url)
            .budgets(Budgets::default().first_event(Duration::from_secs(120)))
            .max_streams(count + 1)
            .build()?;
        // What is made once is made before anything is measured; the connection is kept.
        ask(&openai, "whole").await?;
        let before = Holds::now()?;
        println!("before:   {before}");
        let All { during, reports } = all(&openai, count, events, period).await?;
        println!("with all: {during}");

        let wrong: Vec<_> = reports.iter().filter_map(|report| report.outcome.as_ref().err()).collect();
        ensure(wrong.is_empty(), || format!("{} of {count} streams failed: {}", wrong.len(), wrong[0]))?;
        let short = reports.iter().filter(|report| report.delays.len() != events).count();
        ensure(short == 0, || format!("{short} streams did not get all of their {events} events"))?;
        let memory = (during.memory as f64 - before.memory as f64) / count as f64;
        println!("memory:   {memory:.1} KiB for each stream with its actor");

        // What a stream is like is the median of its events.
        let mut medians: Vec<u64> = reports.into_iter().map(|report| median(report.delays)).collect();
        medians.sort_unstable();
        let (half, p99, slowest) = (medians[count / 2], medians[count * 99 / 100], medians[count - 1]);
        println!("delay:    median stream {half} µs, 99 % {p99} µs, slowest {slowest} µs");
        let bound = half * STARVES + period * 1000;
        ensure(slowest <= bound, || format!("a stream starves: {slowest} µs where {bound} are allowed"))?;

        // The upstream ends, and with it what was kept of its connections.
        drop(openai);
        drop(upstream);
        let again = settle(before).await?;
        println!("after:    {again}");
        ensure(again.files <= before.files && again.threads <= before.threads, || {
            format!("there was {before}, and now there is {again}")
        })
    })
}

/// Asks the upstream for something short.
async fn ask(openai: &OpenAi, model: &str) -> Result<(), Failure> {
    openai.chat().stream_fn(ChatRequest::new(model).user("x"), |_| {}).await?;
    Ok(())
}

/// What became of streams that ran all at once.
struct All {
    /// What the process held when all of them had begun and none had ended.
    during: Holds,
    reports: Vec<Report>,
}

async fn all(openai: &OpenAi, count: usize, events: usize, period: u64) -> Result<All, Failure> {
    let (began, mut beginnings) = unbounded_channel();
    let (ended, mut endings) = unbounded_channel();
    let start = Instant::now();
    for number in 0..count {
        let target = Timing { delays: Vec::new(), first: true, began: began.clone(), ended: ended.clone() };
        let request = ChatRequest::new(format!("paced {events} {period}")).user("x");
        drop(openai.chat().keep_response(false).stream(request, target.start()));
        if number % AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    drop((began, ended));
    let mut reports = Vec::new();
    for _ in 0..count {
        tokio::select! {
            Some(()) = beginnings.recv() => {}
            Some(report) = endings.recv() => reports.push(report),
            else => break,
        }
    }
    if let Some(Err(error)) = reports.first().map(|report: &Report| &report.outcome) {
        return Err(format!("{} streams failed before all had begun: {error}", reports.len()).into());
    }
    println!("all of {count} streams had begun after {:.1?}", start.elapsed());
    let during = Holds::now()?;
    // They may go on.
    ask(openai, "go").await?;
    while let Some(report) = endings.recv().await {
        reports.push(report);
    }
    ensure(reports.len() == count, || format!("{} of {count} streams ended", reports.len()))?;
    Ok(All { during, reports })
}

/// Waits until the process holds no more than before; kept connections may take half a minute.
async fn settle(before: Holds) -> Result<Holds, Failure> {
    for _ in 0..60 {
        let now = Holds::now()?;
        if now.files <= before.files && now.threads <= before.threads {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Holds::now()
}

fn median(mut delays: Vec<u64>) -> u64 {
    delays.sort_unstable();
    delays[delays.len() / 2]
}
