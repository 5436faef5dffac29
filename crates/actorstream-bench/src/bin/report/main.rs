//! Runs every measurement and writes the tables and plots to a folder; `run.sh` builds all and starts this.
//!
//! * [`rows`]: what is measured, and the goals. [`growth`]: how cost grows. [`table`]: Markdown. [`plot`]: SVG.
//!   [`versions`]: what with.

mod growth;
mod plot;
mod rows;
mod table;
mod versions;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use actorstream_bench::Error;
use actorstream_bench::process::{Server, output, sibling};

/// How the results were made.
const COMMAND: &str = "crates/actorstream-bench/run.sh";

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).ok_or("usage: report FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("performance"))?;
    let server = Server::start()?;
    let rows = rows::measure(&server)?;
    let mut text = format!("{}\n{}\n{}", head()?, table::comparison(&rows), table::all(&rows));
    print!("{text}");
    text += "\n## How cost grows\n\nBoth axes are logarithmic.\n";
    for plot in growth::measure(&server)? {
        fs::write(folder.join(format!("performance/{}.svg", plot.file)), plot.svg())?;
        let _ = write!(text, "\n![{}](performance/{}.svg)\n\n{}", plot.title, plot.file, plot.table());
    }
    let opened = output(&mut std::process::Command::new(sibling("open")?))?;
    let _ = write!(
        text,
        "\n## Opening a stream\n\nOne after another, each with one event and its end; the client's thread alone, the server \
         is on another. The least of seven rounds of a hundred streams.\n\n{opened}"
    );
    fs::write(folder.join("performance.md"), text)?;
    Ok(())
}

fn head() -> Result<String, Error> {
    Ok(format!(
        "# Performance\n\nMade by `{COMMAND}`, which overwrites this file. {}\n\n\
         Instructions are those of the client's process in user space, counted by callgrind over N and over 2N events: \
         the difference divided by N, so that the start drops out. Allocations are the calls of malloc, calloc, realloc \
         and memalign in the same runs. CPU time is user and system time of the client's process, and noise on a shared \
         machine; so are the paced instructions, which depend on how many events come at once.\n",
        versions::line()?
    ))
}
