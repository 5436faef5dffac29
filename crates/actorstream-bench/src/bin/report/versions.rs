//! What the results were made with.

use std::fs;
use std::process::Command;

use actorstream_bench::Error;

use actorstream_bench::process::output;

const LOCK: &str = include_str!("../../../Cargo.lock");
const CRATES: [&str; 10] = [
    "actorstream",
    "actix",
    "awc",
    "tokio",
    "serde_json",
    "async-openai",
    "reqwest",
    "hyper",
    "eventsource-stream",
    "sse-stream",
];

/// One line with all the versions.
pub(crate) fn line() -> Result<String, Error> {
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let valgrind = output(Command::new("valgrind").arg("--version"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let crates: Vec<String> = CRATES.iter().map(|name| format!("{name} {}", version(name))).collect();
    Ok(format!(
        "{}, release profile; {}; Linux {}, {cores} cores. {}.",
        rustc.trim(),
        valgrind.trim(),
        // Without what a distribution puts behind it.
        kernel.trim().split('-').next().unwrap_or_default(),
        crates.join(", ")
    ))
}

/// The version of a crate in the lock file.
fn version(name: &str) -> &'static str {
    let mut lines = LOCK.lines();
    let named = format!("name = \"{name}\"");
    let found = lines.find(|line| *line == named).and_then(|_| lines.next());
    found.and_then(|line| line.strip_prefix("version = ")).map_or("?", |version| version.trim_matches('"'))
}
