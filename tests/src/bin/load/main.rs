//! Load tests of the client (many concurrent streams, slow targets, too few files, hours of streams) and of the
//! relay (many viewers, some of which never read). Upstream and relay run in separate processes on this machine.
//!
//! ```sh
//! cargo run --release -p actorstream-tests -- streams --count 10000
//! cargo run --release -p actorstream-tests -- soak --minutes 60
//! ```
//!
//! Each command prints its measurements, and fails if a promise is broken. `tests/tests/load.rs` runs them at a
//! small size.

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

/// Loads the client or the relay, and prints measurements.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Many concurrent streams: ramp up, run, ramp down.
    Streams {
        /// The number of streams.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// The number of events of each stream before its last one.
        #[arg(long, default_value_t = 5)]
        events: usize,
        /// The time between two events of a stream, in milliseconds.
        #[arg(long, default_value_t = 4000)]
        period: u64,
    },
    /// A fast upstream with slow targets.
    SlowTargets {
        /// The number of streams.
        #[arg(long, default_value_t = 100)]
        count: usize,
        /// The duration in seconds.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// More streams than open files are allowed; run it under a low `ulimit -n`.
    FewFiles {
        /// The number of streams.
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// Streams with and without faults, one after another and many at once, for a long time.
    Soak {
        /// The duration in minutes.
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// The number of concurrent streams.
        #[arg(long, default_value_t = 200)]
        streams: usize,
        /// The seed of the faults.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Every stream runs for longer than its timeouts before it ends or becomes silent.
        #[arg(long)]
        lasting: bool,
    },
    /// Many viewers of the generations of a relay, and some that never read.
    Viewers(viewers::Plan),
    /// Measures the delay that the relay adds to an event.
    AddedDelay(added_delay::Plan),
    /// The upstream of the others: prints its base URL, and exits when its input ends.
    Upstream,
    /// The relay of the others: prints its base URL, and exits when its input ends.
    Relay {
        /// The base URL of the upstream.
        upstream: String,
        /// Adds to each event the time when it was written to the log.
        #[arg(long)]
        stamps: bool,
    },
}

/// The error of a command.
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
