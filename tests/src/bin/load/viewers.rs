//! Many viewers of the generations of a relay, and some that never read.

use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{ChatCompletionChunk, Custom, OpenAi};
use clap::Args;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::Failure;
use crate::crowd::{Crowd, Report, Times, ask, client};
use crate::percentiles::Percentiles;
use crate::process::{Beside, ensure, settle};
use crate::relay::Counts;
use crate::upstream::HISTORY;

/// The allowed growth of the relay's memory in KiB while viewers watch: for each viewer, for each KiB of the logs,
/// and in addition.
const OF_A_VIEWER: u64 = 256;
const OF_THE_LOG: u64 = 2;
const ELSE: u64 = 8 << 10;

/// Many viewers of the generations of a relay.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The number of concurrent generations.
    #[arg(long, default_value_t = 1)]
    generations: usize,
    /// The number of viewers of each generation.
    #[arg(long, default_value_t = 1000)]
    viewers: usize,
    /// The number of additional viewers of the first generation that never read.
    #[arg(long, default_value_t = 10)]
    stalled: usize,
    /// The number of events of each generation before its last one.
    #[arg(long, default_value_t = 50)]
    events: usize,
    /// The time between two events of a generation, in milliseconds.
    #[arg(long, default_value_t = 200)]
    period: u64,
    /// The size of each generation's earlier text, in KiB: more than the sockets hold, so that viewers that do not
    /// read stall.
    #[arg(long, default_value_t = 1024)]
    history: usize,
}

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    let &Plan { generations, viewers, stalled, events, period, history } = plan;
    let count = generations * viewers;
    let pieces = history * 1024 / HISTORY;
    System::new().block_on(async {
        let upstream = Beside::start(["upstream"])?;
        let relay = Beside::start(["relay", &upstream.base_url, "--stamps"])?;
        let openai = client(&relay.base_url, count)?;
        // Allocations that are made only once happen before the measurement; the connections are pooled.
        ask(&openai, "whole").await?;
        counted(&openai, |counts| counts == Counts { viewers: 0, running: 0 }).await?;
        let before = relay.holds()?;
        println!("before:   {before}");

        let mut ids = Vec::new();
        for _ in 0..generations {
            let model = format!("paced {events} {period} {pieces}");
            let begun = openai.endpoint(Custom::post("/load/begin")).create(json!({"model": model})).await?;
            ids.push(begun.response["id"].as_str().ok_or("no id")?.to_owned());
        }
        let path = |id: &str| format!("/generations/{id}/stream");
        let mut silent = Vec::new();
        for _ in 0..stalled {
            silent.push(never_read(&relay.base_url, &path(&ids[0])).await?);
        }
        let crowd = Crowd::start(count, |number, target| {
            let endpoint = Custom::get(path(&ids[number % generations])).events::<ChatCompletionChunk>();
            drop(openai.endpoint(endpoint).keep_response(false).stream((), target));
        });
        let crowd = crowd.await?;
        let all = Counts { viewers: count + stalled, running: generations };
        counted(&openai, |counts| counts == all).await?;
        let during = relay.holds()?;
        println!("with all: {during}");
        let for_each = (during.memory as f64 - before.memory as f64) / (count + stalled) as f64;
        println!("memory:   {for_each:.1} KiB more for each viewer, the logs included");

        ask(&client(&upstream.base_url, 1)?, "go").await?;
        let reports = crowd.reports(events).await?;
        check(&reports, generations, pieces + events + 2)?;
        // The viewers that read have finished, while those that do not are still connected.
        let left = Counts { viewers: stalled, running: 0 };
        counted(&openai, |counts| counts == left).await?;
        let stalling = relay.holds()?;
        println!("at the end, with {stalled} that never read: {stalling}");
        let logs = (generations * (history + events)) as u64;
        let most = before.memory + OF_A_VIEWER * (count + stalled) as u64 + OF_THE_LOG * logs + ELSE;
        let memory = during.memory.max(stalling.memory);
        ensure(memory <= most, || format!("{memory} KiB where {most} are allowed"))?;

        let of = |delay: fn(&Times) -> u64| -> Percentiles {
            reports.iter().flat_map(|report| &report.times).map(delay).collect()
        };
        println!("delay from log to viewer:      {}", of(|times| times.taken.saturating_sub(times.logged)));
        println!("delay from upstream to viewer: {}", of(|times| times.taken.saturating_sub(times.written)));

        drop(silent);
        counted(&openai, |counts| counts.viewers == 0).await?;
        // The other processes exit, which closes their pooled connections.
        drop(openai);
        drop(upstream);
        println!("after:    {}", settle(before, || relay.holds()).await?);
        Ok(())
    })
}

/// Checks that each viewer received every event once and in order: upstream's times increase, and are the same for
/// all viewers of a generation.
fn check(reports: &[Report], generations: usize, events: usize) -> Result<(), Failure> {
    let mut seen: Vec<Option<Vec<u64>>> = vec![None; generations];
    for Report { number, events: got, times, .. } in reports {
        ensure(*got == events, || format!("viewer {number} got {got} events, and not {events}"))?;
        let written: Vec<u64> = times.iter().map(|times| times.written).collect();
        ensure(written.is_sorted_by(|one, next| one < next), || {
            format!("viewer {number} got an event twice, or late")
        })?;
        let others = seen[number % generations].get_or_insert_with(|| written.clone());
        ensure(*others == written, || format!("viewer {number} saw something else than the others"))?;
    }
    Ok(())
}

/// Waits until the numbers of viewers and running generations are as expected.
async fn counted(openai: &OpenAi, is: impl Fn(Counts) -> bool) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        let answer = openai.endpoint(Custom::get("/load/counts")).create(()).await?;
        let counts: Counts = serde_json::from_value((*answer.response).clone())?;
        if is(counts) {
            return Ok(());
        }
        ensure(start.elapsed() < Duration::from_secs(60), || format!("it stays at {counts:?}"))?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Connects a viewer that sends its request and never reads.
async fn never_read(base_url: &str, path: &str) -> Result<TcpStream, Failure> {
    let address = base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4 << 10)?;
    let mut socket = socket.connect(address.parse()?).await?;
    socket.write_all(format!("GET /v1{path} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await?;
    Ok(socket)
}
