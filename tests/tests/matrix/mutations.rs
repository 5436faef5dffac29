//! Tests of the simulator: a correct trace passes, and every mutation of it fails.

use std::time::Duration;

use crate::oracle::Kind;
use crate::scenario::{Fault, Framing, Manner, Phase, Placement, Scenario};
use crate::trace::{End, Seen, Trace, complaints};

/// Returns a stream of five events that is cut after three.
fn cut() -> (Scenario, Trace) {
    let scenario = Scenario {
        events: 5,
        before: 3,
        framing: Framing::Chunked,
        flavour: 0,
        drops_handle: false,
        ..Scenario::with(0, Phase::BetweenEvents, Fault::Fin, Manner::Fast, Placement::System)
    };
    let end = End { kind: Kind::Truncated, text: Some((0..3).map(|n| scenario.text(n)).collect()) };
    (scenario, right(&scenario, 3, end))
}

/// Returns the same stream, but complete.
fn whole() -> (Scenario, Trace) {
    let (scenario, _) = cut();
    let scenario = Scenario { phase: Phase::AfterDone, before: 5, ..scenario };
    let text = (0..5).map(|n| scenario.text(n)).collect();
    (scenario, right(&scenario, 5, End { kind: Kind::Finish { sentinel: true }, text: Some(text) }))
}

/// Returns the trace of a stream that ends after this many events.
fn right(scenario: &Scenario, events: usize, end: End) -> Trace {
    let data = (0..events).map(|n| Seen::Data(scenario.text(n)));
    Trace {
        seen: data.chain([Seen::End(end.clone())]).collect(),
        outcome: Some(end),
        places: (4, 4),
        stuck: Vec::new(),
        next: Some(Ok((0..scenario.events).map(|n| scenario.text(n)).collect())),
        noticed: None,
    }
}

type Mutation = (&'static str, fn(&mut Trace));

const MUTATIONS: &[Mutation] = &[
    ("an event twice", |trace| trace.seen.insert(1, trace.seen[0].clone())),
    ("an event missing", |trace| drop(trace.seen.remove(1))),
    ("two events in the wrong order", |trace| trace.seen.swap(0, 1)),
    ("another event", |trace| trace.seen[0] = Seen::Data("x".into())),
    ("no end", |trace| drop(trace.seen.pop())),
    ("two ends", |trace| trace.seen.push(trace.seen[trace.seen.len() - 1].clone())),
    ("an event after the end", |trace| trace.seen.push(trace.seen[0].clone())),
    ("an end of another kind", |trace| {
        let end = End { kind: Kind::Transport, text: trace.outcome.as_ref().unwrap().text.clone() };
        let last = trace.seen.len() - 1;
        trace.seen[last] = Seen::End(end.clone());
        trace.outcome = Some(end);
    }),
    ("the handle of another mind", |trace| trace.outcome.as_mut().unwrap().kind = Kind::Cancelled),
    ("the handle says that the target is gone", |trace| {
        trace.outcome.as_mut().unwrap().kind = Kind::TargetStopped;
    }),
    ("another text in the response", |trace| {
        let end = End { text: Some("x".into()), ..trace.outcome.clone().unwrap() };
        let last = trace.seen.len() - 1;
        trace.seen[last] = Seen::End(end.clone());
        trace.outcome = Some(end);
    }),
    ("a place that is not given back", |trace| trace.places = (3, 4)),
    ("something that never came", |trace| trace.stuck.push("the closing of the connection")),
    ("a client that is of no more use", |trace| trace.next = Some(Err("no".into()))),
    ("an answer to somebody else", |trace| trace.next = Some(Ok("x".into()))),
    ("a target whose going is noticed late", |trace| trace.noticed = Some(Duration::from_secs(1))),
];

#[test]
fn a_wrong_trace_is_found_out() {
    for (scenario, trace) in [cut(), whole()] {
        assert_eq!(complaints(&scenario, &trace), [""; 0], "{scenario}");
        for (name, mutation) in MUTATIONS {
            let mut wrong = trace.clone();
            mutation(&mut wrong);
            assert_ne!(complaints(&scenario, &wrong), [""; 0], "{name} passes: {scenario}");
        }
    }
}

#[test]
fn a_target_that_stopped_gets_no_end() {
    let (scenario, trace) = cut();
    let scenario = Scenario { manner: Manner::Stops, acts_at: 2, ..scenario };
    let mut stopped = trace.clone();
    stopped.seen.truncate(2);
    stopped.outcome.as_mut().unwrap().kind = Kind::TargetStopped;
    assert_eq!(complaints(&scenario, &stopped), [""; 0]);
    // One event more, an additional end, or another outcome of the handle.
    assert_ne!(complaints(&scenario, &trace), [""; 0]);
    let mut more = stopped.clone();
    more.seen.push(trace.seen[2].clone());
    assert_ne!(complaints(&scenario, &more), [""; 0]);
    let mut ended = stopped.clone();
    ended.seen.push(trace.seen[3].clone());
    assert_ne!(complaints(&scenario, &ended), [""; 0]);
    let mut other = stopped;
    other.outcome.as_mut().unwrap().kind = Kind::Truncated;
    assert_ne!(complaints(&scenario, &other), [""; 0]);
}

#[test]
fn a_seed_is_always_the_same_scenario_and_seeds_cover_all_of_them() {
    let mut met = std::collections::BTreeSet::new();
    for seed in 0..10_000 {
        let scenario = Scenario::draw(seed);
        assert_eq!(scenario, Scenario::draw(seed));
        met.insert((scenario.phase, scenario.fault, scenario.manner));
    }
    assert_eq!(met.len(), Phase::ALL.len() * Fault::ALL.len() * Manner::ALL.len());
}
