//! What is measured, with whom, and what is hoped for.

use actorstream_bench::Error;
use actorstream_bench::corpus::BLOCK;
use actorstream_bench::plan::Plan;

use actorstream_bench::callgrind::{self, Counts};
use actorstream_bench::process::{Server, client};

/// Blocks of events that are counted, once and twice.
const BLOCKS: usize = 2;
/// Events that are counted at one per millisecond, once and twice.
const PACED: usize = 1000;
/// Open streams.
pub(crate) const STREAMS: usize = 10_000;
/// Runs of a CPU time; the least of them counts.
const REPEATS: usize = 7;

/// One kind of work, measured with everybody who does it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) work: String,
    /// Who, and how much; ours first.
    pub(crate) results: Vec<(&'static str, f64)>,
    /// The peer that the ratio is with.
    pub(crate) peer: &'static str,
    pub(crate) goals: &'static str,
    /// How many digits after the point mean something.
    pub(crate) digits: usize,
}

impl Row {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.results.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Measures everything.
pub(crate) fn measure(server: &Server) -> Result<Vec<Row>, Error> {
    let mut rows = in_memory()?;
    rows.extend(over_a_socket(server)?);
    rows.extend(cpu_time(server)?);
    rows.extend(memory(server)?);
    Ok(rows)
}

fn in_memory() -> Result<Vec<Row>, Error> {
    let frames = &["actorstream", "eventsource-stream", "sse-stream", "memchr"][..];
    let typed = &[
        "actorstream",
        "actorstream-session",
        "actorstream-session-off",
        "async-openai",
        "serde-json-value",
        "memchr",
    ][..];
    let responses = &["actorstream", "actorstream-session", "async-openai", "serde-json-value", "memchr"][..];
    let kinds = [
        ("SSE decode, 1 event per read: instructions per event", "frames", "event", frames, "≤ 900"),
        ("SSE decode, 16 KiB reads: instructions per event", "frames", "16384", frames, "≤ 600"),
        (
            "decode + typed chat event, 1 event per read: instructions per event",
            "typed",
            "event",
            typed,
            "≤ 1,400",
        ),
        (
            "decode + typed chat event, 16 KiB reads: instructions per event",
            "typed",
            "16384",
            typed,
            "≤ 1,400",
        ),
        (
            "decode + typed delta of a response, 1 event per read: instructions per event",
            "responses",
            "event",
            responses,
            "≤ 1,800",
        ),
    ];
    let mut rows = Vec::new();
    for (work, what, cut, names, goals) in kinds {
        let mut results = Vec::new();
        for name in names {
            eprintln!("{what} {name} {cut}");
            let arguments =
                |events: usize| [what, name, cut, &(events / BLOCK).to_string()].map(str::to_owned).to_vec();
            results.push((*name, callgrind::per_event("decode", BLOCKS * BLOCK, arguments)?.instructions));
        }
        let peer = if what == "frames" { "eventsource-stream" } else { "async-openai" };
        rows.push(Row { work: work.into(), results, peer, goals, digits: 0 });
    }
    Ok(rows)
}

/// A stream of so many events, one or more of them in an HTTP chunk.
type MakePlan = fn(usize) -> Plan;

fn over_a_socket(server: &Server) -> Result<Vec<Row>, Error> {
    const NAMES: [&str; 5] = ["actorstream", "actorstream-off", "async-openai", "reqwest", "bare"];
    let kinds: [(&str, MakePlan, usize, &'static str); 3] = [
        (
            "saturated, 1 event per HTTP chunk",
            |events| Plan::saturated(events, 1),
            BLOCKS * BLOCK,
            "≥ 2× fewer; ≤ 2,200; then ≤ 1,750",
        ),
        (
            "saturated, 32 events per HTTP chunk",
            |events| Plan::saturated(events, 32),
            BLOCKS * BLOCK,
            "≥ 2× fewer",
        ),
        ("paced, 1 event per ms", Plan::paced, PACED, "≤ 6,000; then ≤ 4,400"),
    ];
    let mut rows = Vec::new();
    for (how, plan, events, goals) in kinds {
        let mut counts: Vec<(&'static str, Counts)> = Vec::new();
        for name in NAMES {
            eprintln!("socket {name}, {how}");
            let arguments = |events| vec![name.to_owned(), server.url(plan(events))];
            counts.push((name, callgrind::per_event("client", events, arguments)?));
        }
        let peer = "async-openai";
        rows.push(Row {
            work: format!("socket → handle_data, {how}: instructions per event"),
            results: counts.iter().map(|(name, counts)| (*name, counts.instructions)).collect(),
            peer,
            goals,
            digits: 0,
        });
        rows.push(Row {
            work: format!("socket → handle_data, {how}: allocations per event"),
            results: counts.iter().map(|(name, counts)| (*name, counts.allocations)).collect(),
            peer,
            goals: if how.starts_with("saturated, 1") { "≤ 1.4" } else { "" },
            digits: 2,
        });
    }
    Ok(rows)
}

fn cpu_time(server: &Server) -> Result<Vec<Row>, Error> {
    let kinds = [
        ("32 events per chunk, 1 stream: CPU µs per event", 1, 32, 200 * BLOCK, "≤ 0.23"),
        ("32 events per chunk, 200 streams: CPU µs per event", 200, 32, BLOCK, "≤ 0.45"),
        ("1 event per chunk, 1 stream: CPU µs per event", 1, 1, 200 * BLOCK, ""),
    ];
    let mut rows = Vec::new();
    for (work, streams, per_chunk, events, goals) in kinds {
        let url = server.url(Plan::saturated(events, per_chunk));
        let mut results = Vec::new();
        for name in ["actorstream", "actorstream-off", "async-openai", "reqwest", "bare"] {
            eprintln!("cpu {name}, {streams} streams, {per_chunk} per chunk");
            let mut least = f64::INFINITY;
            for _ in 0..REPEATS {
                let took = client(&[name, &url, &streams.to_string()])?.get("cpu_us")?;
                least = least.min(took / (streams * events) as f64);
            }
            results.push((name, least));
        }
        rows.push(Row { work: work.into(), results, peer: "async-openai", goals, digits: 2 });
    }
    Ok(rows)
}

/// The memory of open streams, and what they take while nothing comes.
fn memory(server: &Server) -> Result<[Row; 2], Error> {
    let url = server.url(Plan::open());
    let (mut resident, mut idle) = (Vec::new(), Vec::new());
    for name in ["actorstream", "actorstream-one-actor", "actorstream-off", "async-openai", "reqwest", "bare"]
    {
        eprintln!("memory {name}");
        let held = client(&["hold", name, &url, &STREAMS.to_string()])?;
        resident.push((name, (held.get("after_kib")? - held.get("before_kib")?) / STREAMS as f64));
        idle.push((name, held.get("idle_us")? / 1000.0));
    }
    let row = |work: &str, results, goals, digits| Row {
        work: work.into(),
        results,
        peer: "async-openai",
        goals,
        digits,
    };
    Ok([
        row("resident KiB per open stream, 10,000 open", resident, "≤ 20; ≤ 18; then ≤ 4", 1),
        row("10,000 silent streams: CPU ms per second", idle, "", 1),
    ])
}
