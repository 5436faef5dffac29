//! `open` opens streams one after another and prints, as a Markdown table, what one takes.

use std::time::{Duration, Instant};

use actix::System;
use actorstream::{ChatRequest, OpenAi};
use actorstream_bench::Error;
use actorstream_bench::corpus;
use actorstream_test::{Reply, TestCa, Upstream};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// How many streams are opened in a round, and in how many rounds, of which the one counts that took least.
const STREAMS: u32 = 100;
const ROUNDS: u32 = 7;

fn main() -> Result<(), Error> {
    let ca = TestCa::new();
    let event = corpus::last_event();
    let data = event.trim_start_matches("data: ").trim_end();
    let reply = Reply::sse().event(data).done();
    let plain = Upstream::builder().record_requests(false).start(reply.clone())?;
    let tls = Upstream::builder().record_requests(false).tls(&ca.identity(&["localhost"])).start(reply)?;
    let client = |upstream: &Upstream| {
        let url = upstream.base_url().replace("127.0.0.1", "localhost");
        OpenAi::builder().api_key("key").base_url(url).ca_certificate(ca.pem()).build()
    };
    println!("| connection | CPU µs per stream | wall µs per stream |\n|---|--:|--:|");
    for (name, upstream, cold) in [
        ("plain, new", &plain, true),
        ("plain, kept alive", &plain, false),
        ("TLS, new client and handshake", &tls, true),
        ("TLS, kept alive", &tls, false),
    ] {
        let (cpu, wall) = System::new().block_on(async {
            let mut openai = client(upstream)?;
            // What is made once is not counted.
            run(&openai).await?;
            let mut least = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                let (mut cpu, mut wall) = (Duration::ZERO, Duration::ZERO);
                for _ in 0..STREAMS {
                    if cold {
                        openai = client(upstream)?;
                    }
                    let (before, start) = (thread_cpu()?, Instant::now());
                    run(&openai).await?;
                    wall += start.elapsed();
                    cpu += thread_cpu()? - before;
                }
                least = least.min((cpu / STREAMS, wall / STREAMS));
            }
            Ok::<_, Error>(least)
        })?;
        println!("| {name} | {} | {} |", cpu.as_micros(), wall.as_micros());
    }
    Ok(())
}

async fn run(openai: &OpenAi) -> Result<(), Error> {
    openai.chat().stream(ChatRequest::new("gpt-4o-mini").user("Hello"), |_| {}).await?;
    Ok(())
}

/// The CPU time of this thread.
fn thread_cpu() -> Result<Duration, Error> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let used = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(used.num_microseconds().try_into()?))
}
