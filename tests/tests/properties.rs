//! Properties of the protocol core that hold for any input, checked on real responses that are corrupted from a
//! seed. Fuzzers check the same properties (`tests/fuzz/run.sh`).
#![allow(clippy::unwrap_used)]

use actorstream_properties::dialects::composition::Composition;
use actorstream_properties::mutate::Generator;
use actorstream_properties::named;

/// The default number of inputs for each property. `ITERATIONS` overrides it, and `SEED` sets the seed.
const ITERATIONS: usize = 3000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Checks a property on its seeds and on mutations of them. A failure prints the input.
fn hold(name: &str) {
    let property = named(name);
    let seed = variable("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let seeds = (property.seeds)();
    assert!(!seeds.is_empty());
    let mut generator = Generator::new(seeds.clone(), seed);
    let iterations = variable("ITERATIONS").map_or(ITERATIONS, |number| usize::try_from(number).unwrap());
    let made = (0..iterations).map(|_| generator.input());
    for (number, input) in seeds.into_iter().chain(made).enumerate() {
        let checked = std::panic::catch_unwind(|| (property.check)(&input));
        if checked.is_err() {
            panic!("{name} does not hold of input {number}: {}", input.escape_ascii());
        }
    }
}

#[test]
fn the_decoder_reads_what_the_standard_says_however_it_is_split() {
    hold("sse_decoder");
}

#[test]
fn a_session_is_the_same_however_it_is_split_and_within_its_limits() {
    hold("session");
}

#[test]
fn events_read_by_a_template_equal_parsed_ones() {
    hold("template");
}

#[test]
fn events_that_nearly_repeat_equal_parsed_ones() {
    hold("forms");
}

#[test]
fn a_response_is_what_its_events_add_up_to() {
    hold("accumulators");
}

/// Reported failures are minimal. More compositions are checked by
/// `cargo run --release -p actorstream-properties --example dialects`.
#[test]
fn an_answer_says_the_same_in_every_dialect() {
    let seed = variable("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let iterations = variable("ITERATIONS").map_or(ITERATIONS, |number| usize::try_from(number).unwrap());
    for _ in 0..iterations {
        if let Err(finding) = Composition::random(&mut random).check() {
            panic!("{finding}");
        }
    }
}

#[test]
fn any_bytes_choose_a_composition_of_dialects() {
    hold("dialects");
}

#[test]
fn partial_json_shows_the_start_of_what_it_becomes() {
    hold("partial_json");
}

#[test]
fn a_form_is_read_as_it_was_meant() {
    hold("multipart");
}
