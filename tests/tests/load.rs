//! Runs the commands of `load` at a small size. `docs/reliability.md` and `docs/web.md` have the measurements at
//! full size.
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Runs `load` under a limit on open files.
#[track_caller]
fn load(files: &str, arguments: &[&str]) -> String {
    let output = Command::new("sh")
        .args(["-c", &format!(r#"ulimit -n {files}; exec "$0" "$@""#), env!("CARGO_BIN_EXE_load")])
        .args(arguments)
        .output()
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("load {}\n{told}", arguments.join(" "));
    assert!(output.status.success(), "load {}: {told}", arguments.join(" "));
    told
}

const MOST: &str = r#""$(ulimit -Hn)""#;

#[test]
fn a_thousand_streams_at_once() {
    load(MOST, &["streams", "--count", "1000", "--events", "5", "--period", "1000"]);
}

#[test]
fn slow_targets_of_a_fast_upstream_hold_no_more_memory() {
    load(MOST, &["slow-targets", "--count", "50", "--seconds", "3"]);
}

#[test]
fn too_few_files_are_told_and_recovered_from() {
    // Only the soft limit, so that the upstream can raise its own.
    let told = load("-S 64", &["few-files", "--count", "200"]);
    assert!(told.contains("200 streams finished afterwards"));
}

#[test]
fn a_short_soak() {
    load(MOST, &["soak", "--minutes", "0.1", "--streams", "50"]);
}

#[test]
fn a_short_soak_of_streams_that_outlive_their_timeouts() {
    load(MOST, &["soak", "--lasting", "--minutes", "0.1", "--streams", "50"]);
}

#[test]
fn viewers_get_all_and_who_never_reads_holds_nobody_back() {
    let few = ["--viewers", "5", "--stalled", "20", "--history", "2048", "--events", "20", "--period", "20"];
    load(MOST, &[&["viewers", "--generations", "2"], &few[..]].concat());
}

#[test]
fn a_hundred_generations_at_once() {
    let few = ["--viewers", "2", "--stalled", "0", "--history", "0", "--events", "5", "--period", "200"];
    load(MOST, &[&["viewers", "--generations", "100"], &few[..]].concat());
}

#[test]
fn the_cost_of_the_relay_is_measured() {
    let told =
        load(MOST, &["added-delay", "--streams", "20", "--events", "5", "--period", "20", "--rounds", "1"]);
    assert!(told.contains("added: "));
}
