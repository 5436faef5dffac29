//! Plays compositions of dialects until one says something else than it means: `dialects COUNT [SEED]`, or
//! `dialects --replay HEX` for one that was found before.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, panic};

use actorstream_properties::dialects::composition::Composition;

/// How many findings are shown, of different accents, before it stops.
const MOST: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // A panic is a finding, which is printed when it is as small as can be.
    panic::set_hook(Box::new(|_| {}));
    if let [replay, hex] = arguments.as_slice()
        && replay == "--replay"
    {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .filter_map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        return match Composition::read(&bytes).check() {
            Ok(names) => {
                println!("holds: {names:?}");
                ExitCode::SUCCESS
            }
            Err(finding) => {
                println!("{finding}");
                ExitCode::FAILURE
            }
        };
    }
    let number = |at: usize| arguments.get(at).and_then(|text: &String| text.parse().ok());
    let count: u64 = number(0).unwrap_or(100_000);
    let seed = number(1).unwrap_or_else(|| fastrand::u64(..));
    println!("{count} compositions, SEED {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut findings = BTreeSet::new();
    let mut spoken: BTreeMap<&str, u64> = BTreeMap::new();
    let started = Instant::now();
    for played in 1..=count {
        match Composition::random(&mut random).check() {
            Ok(names) => names.iter().for_each(|name| *spoken.entry(name).or_default() += 1),
            Err(finding) => {
                if findings.insert(finding.names.clone()) {
                    println!("\n#{}, composition {played} of SEED {seed}: {finding}", findings.len());
                }
                if findings.len() == MOST {
                    return ExitCode::FAILURE;
                }
            }
        }
        if played.is_multiple_of(100_000) {
            println!("{played} compositions, {} findings, {:.0?}", findings.len(), started.elapsed());
        }
    }
    println!("{count} compositions, {} findings, {:.0?}", findings.len(), started.elapsed());
    for (name, times) in spoken {
        println!("{times:>9} {name}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
