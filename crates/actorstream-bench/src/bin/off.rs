//! `off` counts the instructions that an event and a stream take over a socket, with everything off and with each thing on,
//! and prints a section of Markdown. `off run SETTING URL STREAMS` is what is counted: streams one after another.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use actix::System;
use actorstream::{
    Backend, BeforeFuture, Denied, ObservedCall, ObservedRequest, Observer, OpenAi, OpenAiBuilder, Payload,
    Quota, Recording,
};
use actorstream_bench::callgrind;
use actorstream_bench::client::run_each;
use actorstream_bench::corpus::BLOCK;
use actorstream_bench::plan::Plan;
use actorstream_bench::process::Server;
use actorstream_bench::{Error, thousands};

/// Events of a stream that are counted, once and twice.
const EVENTS: usize = 4 * BLOCK;
/// Streams of one event that are counted, once and twice.
const STREAMS: usize = 400;
/// How often each is counted. The median counts: how many events come at once depends on the scheduler.
const RUNS: usize = 5;
/// Longer than any run.
const NEVER: Duration = Duration::from_secs(86_400);

/// What is on, and what the row says of it.
const SETTINGS: [(&str, &str); 7] = [
    ("off", "everything off"),
    ("observer", "an observer without events"),
    ("events", "an observer with events"),
    ("quota", "a quota that never waits"),
    ("backend", "a second backend that is never asked"),
    ("hedge", "the same, and `hedge_after` that never fires"),
    ("record", "recording"),
];

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => measure(),
        ["run", setting, url, streams] => run(setting, url, streams.parse()?),
        _ => Err("usage: off [run SETTING URL STREAMS]".into()),
    }
}

fn measure() -> Result<(), Error> {
    println!(
        "\n## What is off, and what is on\n\nInstructions over a socket, of the client's process with all its threads: an event \
         of a long stream, saturated, with one event per HTTP chunk; and a stream of one event on a connection that is kept. \
         The median of {RUNS} runs, and in brackets by how much they differ. Made by `crates/actorstream-bench/off.sh`.\n\n\
         | what is on | an event | | a stream | |\n|---|--:|--:|--:|--:|"
    );
    let server = Server::start()?;
    let mut off = None;
    for (setting, title) in SETTINGS {
        let arguments = |url: String, streams: usize| {
            ["run", setting, &url, &streams.to_string()].map(str::to_owned).to_vec()
        };
        let event = median(EVENTS, |events| arguments(server.url(Plan::saturated(events, 1)), 1))?;
        let stream = median(STREAMS, |streams| arguments(server.url(Plan::saturated(0, 1)), streams))?;
        let (event_off, stream_off) = *off.get_or_insert((event.count, stream.count));
        println!("| {title} | {} | {} |", event.cells(event_off), stream.cells(stream_off));
    }
    Ok(())
}

/// The median of several counts.
struct Median {
    count: f64,
    /// By how much they differ, as a part of it.
    spread: f64,
}

/// Counts the instructions of one of so many.
fn median(times: usize, arguments: impl Fn(usize) -> Vec<String>) -> Result<Median, Error> {
    let counts = (0..RUNS).map(|_| callgrind::per_event("off", times, &arguments));
    let mut counts = counts.map(|counts| Ok(counts?.instructions)).collect::<Result<Vec<f64>, Error>>()?;
    counts.sort_by(f64::total_cmp);
    let count = counts[RUNS / 2];
    Ok(Median { count, spread: (counts[RUNS - 1] - counts[0]) / count })
}

impl Median {
    /// Two cells of the table: the count, and how it compares with what it is where everything is off.
    fn cells(&self, off: f64) -> String {
        let (more, spread) = ((self.count / off - 1.0) * 100.0, self.spread * 100.0);
        format!("{} ({spread:.1} %) | {more:+.1} %", thousands(self.count))
    }
}

fn run(setting: &str, url: &str, streams: usize) -> Result<(), Error> {
    let own = || OpenAi::builder().api_key("key").base_url(url);
    let folder = Folder::new();
    let recording = Recording::new(&folder.0).max_bytes(usize::MAX);
    let with_backend = || Ok::<_, Error>(own().backend(Backend::new(&own().build()?)));
    let builder: OpenAiBuilder = match setting {
        "off" => own(),
        "observer" => own().observer(Silent { wants_events: false }),
        "events" => own().observer(Silent { wants_events: true }),
        "quota" => own().quota(Quota::new().requests(u64::MAX).tokens(u64::MAX)),
        "backend" => with_backend()?,
        "hedge" => with_backend()?.hedge_after(NEVER),
        "record" => own().record(recording.clone()),
        _ => return Err(format!("no setting {setting}").into()),
    };
    System::new().block_on(async {
        let seen = run_each(&builder.build()?, streams).await?;
        if setting == "record" {
            recording.flush().await?;
        }
        println!("events {} bytes {}", seen.events, seen.bytes);
        Ok(())
    })
}

/// An observer that does nothing.
struct Silent {
    wants_events: bool,
}

impl Observer for Silent {
    fn before<'a>(&'a self, _: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn wants_events(&self) -> bool {
        self.wants_events
    }

    fn event(&self, _: &ObservedCall, _: &Payload) -> Result<(), Denied> {
        Ok(())
    }
}

/// A folder for a recording, which is removed.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("actorstream-bench-{}.recording", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
