//! `relay upstream [PERIOD-MS]` is an upstream that prints its URL; without a period its answers fall silent.
//! `relay load AUTHORITY STREAMS VIEWERS SECONDS PIDS [HEADER…]` puts streams through a gateway, each with so many further
//! viewers, and prints what came of it and what the processes took, as one line of `name value` pairs.

use std::env;
use std::time::Duration;

use actorstream_bench::Error;
use actorstream_bench::relay::{Load, Processes, load, serve};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["upstream"] => upstream(None),
        ["upstream", period] => upstream(Some(Duration::from_millis(period.parse()?))),
        ["load", authority, streams, viewers, seconds, processes, ref headers @ ..] => {
            let processes = processes.split(',').map(str::parse).collect::<Result<_, _>>()?;
            let asked = Load {
                authority: authority.to_owned(),
                headers: headers.iter().map(|header| (*header).to_owned()).collect(),
                streams: streams.parse()?,
                viewers: viewers.parse()?,
                time: Duration::from_secs(seconds.parse()?),
            };
            println!("{}", load(&asked, &Processes::of(processes))?);
            Ok(())
        }
        _ => Err("usage: relay upstream [PERIOD-MS] | load AUTHORITY STREAMS VIEWERS SECONDS PIDS [HEADER…]"
            .into()),
    }
}

fn upstream(period: Option<Duration>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(period))
}
