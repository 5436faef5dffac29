//! Every command in a document or a comment works as written.
//!
//! Commands in blocks are run, if possible in a separate network namespace, so that ports are free and nothing
//! outside can be reached. Commands that end must succeed, and those that serve must answer. For commands that
//! measure or run tests, only the existence of the package, the target, the features and the options is checked;
//! `tests/run.sh` runs them.
//!
//! Commands that need missing programs (npm, redis-server) are skipped and listed.
#![allow(clippy::unwrap_used)]

mod documents;
mod features;
mod metadata;
mod sandbox;

use std::path::{Path, PathBuf};
use std::process::Command;

use documents::{Block, blocks, dependencies};
use features::built_again;
use metadata::Metadata;
use sandbox::Sandbox;

/// Set inside the network namespace.
const INSIDE: &str = "ACTORSTREAM_COMMANDS_INSIDE";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// How a command is tested.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The command is run.
    Run,
    /// The command runs for a long time and prints measurements: its options are checked.
    Measure,
    /// The command runs tests, builds for release, or has a placeholder: the existence of its package and targets is
    /// checked.
    Exists,
}

fn kind(command: &str) -> Kind {
    let has = |word: &str| command.split_whitespace().any(|other| other == word);
    let is_placeholder =
        |word: &str| word.len() > 2 && word.chars().all(|letter| letter.is_ascii_uppercase());
    if ["test", "bench", "build", "--release", "actorstream-xtask"].iter().any(|word| has(word))
        || command.split_whitespace().any(is_placeholder)
    {
        return Kind::Exists;
    }
    if has("actorstream-tests") { Kind::Measure } else { Kind::Run }
}

#[test]
fn commands_are_found_in_documents_and_comments() {
    let found: Vec<String> = blocks(&root()).into_iter().flat_map(|block| block.commands).collect();
    for known in [
        "cargo run -- chat \"Tell me a story about a robot\"",
        "cargo run -- serve",
        "cargo run -p actorstream-examples --example web_chat",
        "curl -N 'http://127.0.0.1:8080/?prompt=Hello'",
        "cargo test --workspace",
        "npm run dev",
    ] {
        assert!(found.iter().any(|command| command == known), "{known} is not among {found:#?}");
    }
}

#[test]
fn targets_named_by_commands_exist() {
    let metadata = Metadata::read(&root());
    for Block { place, commands } in blocks(&root()) {
        for command in commands.iter().filter(|command| command.contains("cargo ")) {
            if let Err(error) = metadata.check(command) {
                panic!("{place}: {command}: {error}");
            }
        }
    }
    for wrong in [
        "cargo run --example web_chat",
        "cargo run -p actorstream-nothing",
        "cargo test -p actorstream-tests --test nothing",
        "cargo run -p actorstream-web --features nothing --example redis_bench",
        "cargo test -p actorstream-tests --test matrix no_such_test_at_all",
    ] {
        assert!(metadata.check(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn dependencies_that_documents_name_exist() {
    let metadata = Metadata::read(&root());
    let found = dependencies(&root());
    assert!(found.len() >= 4, "{found:?}");
    for (place, line) in found {
        if let Err(error) = metadata.check_dependency(&line) {
            panic!("{place}: {line}: {error}");
        }
    }
    assert!(metadata.check_dependency("actorstream = \"9.0\"").is_err());
    assert!(
        metadata
            .check_dependency("actorstream-web = { version = \"0.1\", features = [\"nothing\"] }")
            .is_err()
    );
}

/// Otherwise the next test builds nearly everything anew for each package, which takes minutes.
#[test]
fn commands_build_the_client_as_the_tests_do() {
    for package in ["actorstream-tests", "actorstream-examples"] {
        let again = built_again(&root(), package);
        assert!(
            again.is_empty(),
            "{package} needs other features of {again:#?}: add those of the workspace to its Cargo.toml"
        );
    }
    assert!(!built_again(&root(), "actorstream-proto").is_empty());
}

#[test]
fn every_command_runs_as_written() {
    let is_inside = std::env::var_os(INSIDE).is_some();
    if !is_inside && own_network("true").status().is_ok_and(|status| status.success()) {
        let this = std::env::current_exe().unwrap();
        let script = format!(
            "ip link set lo up && exec '{}' --exact every_command_runs_as_written --nocapture",
            this.display()
        );
        let status = own_network(&script).env(INSIDE, "1").status().unwrap();
        assert!(status.success(), "{status}: see the output above");
        return;
    }
    let sandbox = Sandbox::new(&root());
    for block in blocks(&root()) {
        let commands: Vec<_> = block
            .commands
            .iter()
            .filter(|command| kind(command) != Kind::Exists)
            .map(String::as_str)
            .collect();
        if let Err(error) = sandbox.run(&commands, |command| kind(command) == Kind::Measure) {
            panic!("{}: {error}", block.place);
        }
    }
}

/// Returns a shell in a network namespace with only the loopback interface.
fn own_network(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c", script]);
    command
}
