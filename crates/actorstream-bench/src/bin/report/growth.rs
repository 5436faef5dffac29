//! How cost grows: with streams, with the size of an event, with the length of a response, with the length of JSON.

use std::time::Instant;

use actorstream_bench::callgrind;
use actorstream_bench::corpus;
use actorstream_bench::plan::Plan;
use actorstream_bench::process::{Server, client};
use actorstream_bench::{Error, json};

use super::plot::{Line, Plot};
use super::rows::STREAMS;

/// Events of all streams together, where there are not more streams than that allows.
const EVENTS: usize = 320_000;

/// Measures all of it.
pub(crate) fn measure(server: &Server) -> Result<Vec<Plot>, Error> {
    let mut plots = streams(server)?;
    plots.push(size()?);
    plots.push(length()?);
    plots.push(partial_json()?);
    Ok(plots)
}

fn streams(server: &Server) -> Result<Vec<Plot>, Error> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for name in ["actorstream", "async-openai", "bare"] {
        let (mut time, mut kib) = (Vec::new(), Vec::new());
        for streams in [1, 10, 100, 1000, STREAMS] {
            eprintln!("growth {name}, {streams} streams");
            let events = (EVENTS / streams).max(320);
            let url = server.url(Plan::saturated(events, 32));
            let took = client(&[name, &url, &streams.to_string()])?.get("cpu_us")?;
            time.push((streams as f64, took / (streams * events) as f64));
            if streams >= 100 {
                let held = client(&["hold", name, &server.url(Plan::open()), &streams.to_string()])?;
                let used = held.get("after_kib")? - held.get("before_kib")?;
                kib.push((streams as f64, used / streams as f64));
            }
        }
        times.push(Line { name, points: time });
        memory.push(Line { name, points: kib });
    }
    Ok(vec![
        Plot {
            file: "streams",
            title: "CPU time per event, 32 events per HTTP chunk",
            x: "streams at once",
            y: "CPU µs per event",
            lines: times,
        },
        Plot {
            file: "memory",
            title: "Resident memory of open streams",
            x: "open streams",
            y: "KiB per stream",
            lines: memory,
        },
    ])
}

fn size() -> Result<Plot, Error> {
    const COUNTED: usize = 100;
    let mut lines = Vec::new();
    for name in ["actorstream", "async-openai", "memchr"] {
        let mut points = Vec::new();
        for size in [125, 300, 1 << 10, 4 << 10, 16 << 10, 64 << 10] {
            eprintln!("growth {name}, {size} bytes");
            let arguments = |events: usize| {
                ["size", name, &size.to_string(), &events.to_string()].map(str::to_owned).to_vec()
            };
            points.push((size as f64, callgrind::per_event("decode", COUNTED, arguments)?.instructions));
        }
        lines.push(Line { name, points });
    }
    Ok(Plot {
        file: "size",
        title: "Decoding typed chat events, by their size",
        x: "bytes of an event",
        y: "instructions per event",
        lines,
    })
}

fn length() -> Result<Plot, Error> {
    let mut lines = Vec::new();
    for (name, longest) in [("actorstream-session", 1_000_000), ("actorstream-session-off", 100_000)] {
        let mut points = Vec::new();
        let mut before = run_length(name, 0)?;
        let mut at = 0;
        for events in
            [10, 100, 1000, 10_000, 100_000, 1_000_000].into_iter().filter(|events| *events <= longest)
        {
            eprintln!("growth {name}, {events} events");
            let all = run_length(name, events)?;
            points.push((events as f64, (all - before) / (events - at) as f64));
            (before, at) = (all, events);
        }
        lines.push(Line { name, points });
    }
    Ok(Plot {
        file: "length",
        title: "One more event of a response, the response kept and not kept",
        x: "events so far",
        y: "instructions per event",
        lines,
    })
}

/// The instructions of one stream of so many events, the start of the process included.
fn run_length(name: &str, events: usize) -> Result<f64, Error> {
    let arguments = ["size", name, "320", &events.to_string()].map(str::to_owned);
    Ok(callgrind::count("decode", &arguments)?.instructions)
}

fn partial_json() -> Result<Plot, Error> {
    let (mut ours, mut again) = (Vec::new(), Vec::new());
    for kib in [16, 64, 256, 1024] {
        eprintln!("growth partial JSON, {kib} KiB");
        let text = corpus::json(kib << 10);
        let start = Instant::now();
        let pieces = json::as_it_comes(&text)?;
        ours.push((kib as f64, start.elapsed().as_secs_f64() * 1e3));
        // All of them would take minutes: every so many, that about 1,000 are parsed.
        let every = (pieces / 1000).max(1);
        let start = Instant::now();
        let parsed = json::again_and_again(&text, every)?;
        again.push((kib as f64, start.elapsed().as_secs_f64() * 1e3 * pieces as f64 / parsed as f64));
    }
    Ok(Plot {
        file: "json",
        title: "JSON in pieces of 4 bytes, its value wanted after each",
        x: "KiB of JSON",
        y: "ms in all",
        lines: vec![
            Line { name: "PartialJson", points: ours },
            Line { name: "completed and parsed again (sampled)", points: again },
        ],
    })
}
