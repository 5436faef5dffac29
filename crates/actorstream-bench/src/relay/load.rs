//! The load: streams through a gateway, and viewers of what is silent.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::{Processes, Used, Watched, watch};
use crate::Error;
use crate::stamp::per_mille;

/// For how long all streams run before anything is measured.
const WARM: Duration = Duration::from_secs(3);
/// How long the streams may take to begin.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is asked of a gateway.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where it listens: `host:port`.
    pub authority: String,
    /// Further header lines of its requests.
    pub headers: Vec<String>,
    /// How many streams, each with a viewer.
    pub streams: usize,
    /// How many viewers more each stream has.
    pub viewers: usize,
    /// For how long is measured.
    pub time: Duration,
}

/// Runs a load, and gives a line of `name value` pairs.
///
/// # Errors
/// When a stream ends, or the processes are gone.
pub fn load(load: &Load, processes: &Processes) -> Result<String, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(run(load.clone(), processes)))
}

async fn run(load: Load, processes: &Processes) -> Result<String, Error> {
    let watched = Rc::new(Watched::default());
    let start = processes.used()?;
    let mut of_viewers = start;
    for stream in 0..load.streams {
        open(&load, post(&load, stream), &watched);
        if load.viewers == 0 {
            // So that not all events come at once.
            sleep(Duration::from_millis(5)).await;
            continue;
        }
        let begun = stream * (load.viewers + 1) + 1;
        until(&watched, begun).await?;
        if stream == 0 {
            of_viewers = processes.used()?;
        }
        let id = watched.generation.take().ok_or("the gateway names no generation")?;
        for _ in 0..load.viewers {
            open(&load, get(&load, stream, &id), &watched);
        }
        until(&watched, begun + load.viewers).await?;
    }
    until(&watched, load.streams * (load.viewers + 1)).await?;
    sleep(WARM).await;
    watched.delays.take();
    let (before, events) = (processes.used()?, watched.events.get());
    sleep(load.time).await;
    let after = processes.used()?;
    let (events, mut delays) = (watched.events.get() - events, watched.delays.take());
    if watched.ended.get() > 0 {
        return Err(format!("{} streams have ended", watched.ended.get()).into());
    }
    let cpu = after.cpu - before.cpu;
    let Used { resident, .. } = after;
    Ok(format!(
        "events {events} cpu_us {} p50_us {} p99_us {} resident_kib {resident} grown_kib {} seconds {}",
        cpu.as_micros(),
        per_mille(&mut delays, 500),
        per_mille(&mut delays, 990),
        resident.saturating_sub(of_viewers.resident),
        load.time.as_secs(),
    ))
}

/// Waits until so many viewers have had an event.
async fn until(watched: &Watched, began: usize) -> Result<(), Error> {
    let waiting = async {
        while watched.began.get() < began {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = timeout(PATIENCE, waiting).await;
    waited.map_err(|_| format!("{} of {began} streams have begun", watched.began.get()).into())
}

fn open(load: &Load, request: String, watched: &Rc<Watched>) {
    let (authority, watched) = (load.authority.clone(), Rc::clone(watched));
    // Viewers of what is silent need little.
    let buffer = if load.viewers > 0 { 2 << 10 } else { 64 << 10 };
    spawn_local(async move {
        if let Err(error) = watch(&authority, &request, buffer, &watched).await {
            eprintln!("{error}");
            watched.ended.set(watched.ended.get() + 1);
        }
    });
}

/// Users have caps: there are as many as are needed.
fn user(stream: usize) -> usize {
    stream % 20
}

fn post(load: &Load, stream: usize) -> String {
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Tell me a story"}]}"#;
    let Load { authority, headers, .. } = load;
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {authority}\r\nx-user: u{}\r\ncontent-type: application/json\r\n\
         authorization: Bearer sk-bench\r\n{}content-length: {}\r\n\r\n{body}",
        user(stream),
        headers.iter().map(|header| format!("{header}\r\n")).collect::<String>(),
        body.len()
    )
}

fn get(load: &Load, stream: usize, id: &str) -> String {
    let Load { authority, .. } = load;
    format!(
        "GET /v1/generations/{id}/stream HTTP/1.1\r\nhost: {authority}\r\nx-user: u{}\r\n\r\n",
        user(stream)
    )
}
