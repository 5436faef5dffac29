//! A simulator of faults. Each run draws a scenario from its seed (the position in the stream, the fault, the
//! target, the thread), plays it over sockets, and checks everything that the contract promises.
//!
//! The seed of the first run is printed at the start. A failed run is described, with the command that repeats only
//! this run:
//!
//! ```sh
//! ACTORSTREAM_SEED=17 ACTORSTREAM_RUNS=1 cargo test -p actorstream-tests --test matrix random
//! ```
//!
//! [`scenario`] draws, [`wire`] creates the upstream's script, [`oracle`] derives the required outcome from the
//! contract, [`target`] and [`play`] play the scenario on one of the [`stages`], and [`trace`] compares.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod leftovers;
mod mutations;
mod oracle;
mod play;
mod scenario;
mod stages;
mod target;
mod trace;
mod wire;

use std::collections::BTreeMap;
use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use leftovers::Holds;
use scenario::{Fault, Manner, Phase, Placement, Scenario};

/// The default number of runs; `ACTORSTREAM_RUNS` overrides it.
const RUNS: u64 = 10_000;
/// The maximum number of concurrent runs.
const ROUND: usize = 1000;
/// The maximum number of files per run, including the upstream's.
const FILES: usize = 5;

/// Runs one test at a time, because each counts the resources of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(target::ON_PURPOSE) {
            before(info);
        }
    }));
    alone
}

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

/// Plays scenarios. Returns the complaints.
fn play_all(scenarios: &[Scenario]) -> Vec<String> {
    let mut wrong = Vec::new();
    for round in scenarios.chunks(ROUND.min(leftovers::most_files() / FILES)) {
        let mut by_placement: BTreeMap<Placement, Vec<Scenario>> = BTreeMap::new();
        for scenario in round {
            by_placement.entry(scenario.placement).or_default().push(*scenario);
        }
        for (placement, scenarios) in by_placement {
            let count = scenarios.len();
            let holds = Holds::without_threads();
            let (played, left) = stages::stage(placement, scenarios);
            let mut left = Vec::from_iter(left.into_iter().chain(holds.again().err()));
            if played.len() != count {
                left.push(format!("{} of {count} runs came to an end", played.len()));
            }
            wrong.extend(left.into_iter().map(|left| format!("a batch from {placement:?}: {left}")));
            for (scenario, trace) in played {
                let complaints = trace::complaints(&scenario, &trace);
                if !complaints.is_empty() {
                    wrong.push(format!("{scenario}\n    {}\n    {trace:?}", complaints.join("\n    ")));
                }
            }
        }
        if !wrong.is_empty() {
            break;
        }
    }
    wrong
}

/// Creates everything that a process creates once: the blackhole, the certificates, the pipe for signals.
fn warm_up() {
    play::blackhole();
    let scenarios = Placement::ALL.iter().flat_map(|placement| {
        let good = Scenario::with(1, Phase::AfterDone, Fault::Fin, Manner::Fast, *placement);
        [
            good,
            Scenario { tls: true, ..good },
            Scenario { phase: Phase::Connect, flavour: 0, fault: Fault::Reset, ..good },
        ]
    });
    for scenario in scenarios {
        stages::stage(scenario.placement, vec![scenario]);
    }
}

#[track_caller]
fn fail_if(wrong: &[String]) {
    const SHOWN: usize = 5;
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n\n{}\n\nTo play the run of a seed again, alone:\n    ACTORSTREAM_SEED=… \
         ACTORSTREAM_RUNS=1 cargo test -p actorstream-tests --test matrix random\n",
        wrong.len(),
        wrong[..wrong.len().min(SHOWN)].join("\n\n"),
    );
}

#[test]
fn random_runs_keep_the_contract() {
    let _alone = alone();
    let runs = setting("ACTORSTREAM_RUNS").unwrap_or(RUNS);
    let seed = setting("ACTORSTREAM_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos()) << 16
    });
    // Visible whether or not the output is captured.
    println!("{runs} runs from ACTORSTREAM_SEED={seed} on");
    eprintln!("{runs} runs from ACTORSTREAM_SEED={seed} on");
    warm_up();
    let start = Instant::now();
    let scenarios: Vec<Scenario> = (0..runs).map(|run| Scenario::draw(seed.wrapping_add(run))).collect();
    fail_if(&play_all(&scenarios));
    println!("{runs} runs took {:?}", start.elapsed());
}

#[test]
fn every_fault_in_every_phase_keeps_the_contract() {
    let _alone = alone();
    warm_up();
    let mut scenarios = Vec::new();
    for phase in Phase::ALL {
        for fault in Fault::ALL {
            for seed in 0..3 {
                scenarios.push(Scenario::with(seed, *phase, *fault, Manner::Fast, Placement::System));
            }
        }
    }
    for manner in Manner::ALL {
        for placement in Placement::ALL {
            scenarios.push(Scenario::with(3, Phase::BetweenEvents, Fault::Silence, *manner, *placement));
        }
    }
    fail_if(&play_all(&scenarios));
}
