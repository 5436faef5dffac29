//! Runs every measurement and writes the table to `RESULTS.md`; `run.sh` builds all and starts this.
//!
//! * [`rows`]: what is measured, and the goals. [`table`]: Markdown. [`versions`]: what with.

mod rows;
mod table;
mod versions;

use std::fs;

use actorstream_bench::Error;
use actorstream_bench::process::Server;

/// How the results were made.
const COMMAND: &str = "crates/actorstream-bench/run.sh";

fn main() -> Result<(), Error> {
    let server = Server::start()?;
    let rows = rows::measure(&server)?;
    let text = format!("{}\n{}\n{}", head()?, table::comparison(&rows), table::all(&rows));
    print!("{text}");
    if let Some(path) = std::env::args().nth(1) {
        fs::write(path, text)?;
    }
    Ok(())
}

fn head() -> Result<String, Error> {
    Ok(format!(
        "# Results\n\nMade by `{COMMAND}`, which overwrites this file. {}\n\n\
         Instructions are those of the client's process in user space, counted by callgrind over N and over 2N events: \
         the difference divided by N, so that the start drops out. Allocations are the calls of malloc, calloc, realloc \
         and memalign in the same runs. CPU time is user and system time of the client's process, and noise on a shared \
         machine. \"2×\" and \"KiB\" goals are the first ones; the others are those of the performance issue.\n",
        versions::line()?
    ))
}
