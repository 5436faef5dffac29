//! Loads the client: many streams at once, targets that are slow, too few files, and hours of it; and the relay: many
//! viewers, of whom some never read. Upstream and relay run in processes of their own, and all of it stays on this machine.
//!
//! ```sh
//! cargo run --release -p actorstream-tests -- streams --count 10000
//! cargo run --release -p actorstream-tests -- soak --minutes 60
//! ```
//!
//! Each command prints what it measured and fails where a promise is broken. `tests/tests/load.rs` runs them small.

mod added_delay;
mod crowd;
mod few_files;
mod percentiles;
mod process;
mod relay;
mod slow_targets;
mod soak;
mod streams;
mod upstream;
mod viewers;

use std::error::Error;

use clap::{Parser, Subcommand};

/// Loads the client or the relay, and says what it measured.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Many streams at once: ramp up, run, ramp down.
    Streams {
        /// How many.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// How many events each stream gets before its last one.
        #[arg(long, default_value_t = 5)]
        events: usize,
        /// The time between two events of a stream, in milliseconds.
        #[arg(long, default_value_t = 4000)]
        period: u64,
    },
    /// Slow targets of a fast upstream.
    SlowTargets {
        /// How many.
        #[arg(long, default_value_t = 100)]
        count: usize,
        /// For so long, in seconds.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// More streams than there may be open files; to be run under a low `ulimit -n`.
    FewFiles {
        /// How many.
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// Streams with and without faults, one after another and many at once, for a long time.
    Soak {
        /// For so long.
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// How many streams at once.
        #[arg(long, default_value_t = 200)]
        streams: usize,
        /// The seed of the faults.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Every stream runs for longer than its timeouts before it ends or falls silent.
        #[arg(long)]
        lasting: bool,
    },
    /// Many viewers of the generations of a relay, and some that never read.
    Viewers(viewers::Plan),
    /// What the relay adds to the delay of an event.
    AddedDelay(added_delay::Plan),
    /// The upstream of the others: says its base URL, and ends with its input.
    Upstream,
    /// The relay of the others: says its base URL, and ends with its input.
    Relay {
        /// The base URL of the upstream.
        upstream: String,
        /// Has each event say when it was written to the log.
        #[arg(long)]
        stamps: bool,
    },
}

/// What went wrong.
type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    match Arguments::parse().command {
        Command::Streams { count, events, period } => streams::run(count, events, period),
        Command::SlowTargets { count, seconds } => slow_targets::run(count, seconds),
        Command::FewFiles { count } => few_files::run(count),
        Command::Soak { minutes, streams, seed, lasting } => soak::run(minutes, streams, seed, lasting),
        Command::Viewers(plan) => viewers::run(&plan),
        Command::AddedDelay(plan) => added_delay::run(&plan),
        Command::Upstream => upstream::serve(),
        Command::Relay { upstream, stamps } => relay::serve(&upstream, stamps),
    }
}
