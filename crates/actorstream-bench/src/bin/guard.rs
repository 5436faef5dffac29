//! `guard` counts the instructions that our own work takes in memory, and fails where one is more than 3 % off what
//! `instructions.txt` says; `guard --record` writes that file anew.
//!
//! Instructions repeat, on one kind of machine with one compiler: another libc, processor or rustc may need new figures
//! without any change here. Less than was recorded fails as well, so that what was won is not lost unseen.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use actorstream_bench::Error;
use actorstream_bench::callgrind;
use actorstream_bench::corpus::BLOCK;
use actorstream_bench::shape::ALL;

/// How far off a count may be.
const TOLERANCE: f64 = 0.03;
/// Blocks of events that are counted, once and twice.
const BLOCKS: usize = 3;

/// What `decode` is asked for, besides every shape: the work, with whom, and how its input is cut.
const WORKS: [[&str; 3]; 10] = [
    ["frames", "actorstream", "event"],
    ["frames", "actorstream", "16384"],
    ["typed", "actorstream", "event"],
    ["typed", "actorstream", "16384"],
    ["typed", "actorstream-session", "event"],
    ["typed", "actorstream-session", "16384"],
    ["responses", "actorstream", "event"],
    ["responses", "actorstream-session", "event"],
    ["responses", "actorstream-session", "16384"],
    ["json", "actorstream", "pieces"],
];

fn main() -> Result<ExitCode, Error> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt");
    let record = match env::args().nth(1).as_deref() {
        None => false,
        Some("--record") => true,
        Some(_) => return Err("usage: guard [--record]".into()),
    };
    let mut counted = Vec::new();
    for work in WORKS {
        let arguments = |events: usize| {
            work.iter().map(|&word| word.to_owned()).chain([(events / BLOCK).to_string()]).collect()
        };
        let counts = callgrind::per_event("decode", BLOCKS * BLOCK, arguments)?;
        counted.push((work.join(" "), counts.instructions));
    }
    for shape in ALL {
        let work = ["shape", "actorstream", shape.name];
        let arguments =
            |events: usize| work.into_iter().map(str::to_owned).chain([(events / BLOCK).to_string()]).collect();
        let counts = callgrind::per_event("decode", BLOCK, arguments)?;
        counted.push((work.join(" "), counts.instructions));
    }
    if record {
        let lines = counted.iter().map(|(work, count)| format!("{work}: {count:.0}\n"));
        fs::write(&file, HEAD.to_owned() + &lines.collect::<String>())?;
        println!("written to {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    compare(&counted, file)
}

/// What the file begins with.
const HEAD: &str = "# Instructions per event, or per piece of JSON, by callgrind; written by crates/actorstream-bench/guard.sh --record\n";

fn compare(counted: &[(String, f64)], file: PathBuf) -> Result<ExitCode, Error> {
    let recorded = fs::read_to_string(&file)?;
    let mut off = false;
    for (work, count) in counted {
        let line = recorded.lines().find_map(|line| line.strip_prefix(work)?.strip_prefix(": "));
        let expected: f64 =
            line.ok_or_else(|| format!("{}: nothing is recorded of {work}", file.display()))?.parse()?;
        let change = count / expected - 1.0;
        let verdict = if change.abs() <= TOLERANCE { "" } else { "  <- off" };
        off |= change.abs() > TOLERANCE;
        println!("{work}: {count:.0}, recorded {expected:.0}, {:+.1} %{verdict}", change * 100.0);
    }
    if off {
        eprintln!(
            "An instruction count is more than {:.0} % off. If that is meant, or the compiler or the machine is another \
             one, record the new counts with `crates/actorstream-bench/guard.sh --record`, commit instructions.txt, and \
             say why.",
            TOLERANCE * 100.0
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
