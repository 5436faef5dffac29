//! The required outcomes of a scenario, derived from the contract alone.

use std::ops::RangeInclusive;

use actorstream::Timeout;

use crate::scenario::{Fault, Framing, Manner, Phase, Placement, Scenario};

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Finish {
        sentinel: bool,
    },
    Truncated,
    Provider,
    Malformed,
    NotAStream,
    Transport,
    Timeout(Timeout),
    Cancelled,
    TargetStopped,
    TargetPanicked,
    /// An end that no scenario requires.
    Other(&'static str),
}

impl Kind {
    /// Returns whether the target receives no end, because it is gone.
    pub(crate) fn is_of_the_target(self) -> bool {
        matches!(self, Self::TargetStopped | Self::TargetPanicked)
    }
}

/// An allowed outcome of a scenario: the end, and the number of events before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) kind: Kind,
    pub(crate) events: RangeInclusive<usize>,
}

fn ending(kind: Kind, events: usize) -> Ending {
    Ending { kind, events: events..=events }
}

const TIMEOUTS: [Timeout; 5] =
    [Timeout::Queue, Timeout::Connect, Timeout::FirstEvent, Timeout::Idle, Timeout::Stall];

/// Returns all allowed outcomes of a scenario: usually one, or a few if the network decides what arrives.
pub(crate) fn allowed(scenario: &Scenario) -> Vec<Ending> {
    let mut allowed = of_the_server(scenario);
    if scenario.placement != Placement::System && has_timeout(scenario, &allowed) {
        // The timeouts are short there, and the machine may be slow.
        let most = allowed.iter().map(|ending| *ending.events.end()).max().unwrap_or_default();
        allowed.extend(TIMEOUTS.map(|timeout| Ending { kind: Kind::Timeout(timeout), events: 0..=most }));
        // A response that is complete by then finishes.
        let complete = complete_at(scenario);
        if complete <= most {
            allowed.push(Ending { kind: Kind::Finish { sentinel: false }, events: complete..=most });
        }
    }
    let kind = match scenario.manner {
        Manner::Fast | Manner::Slow | Manner::Waits => return allowed,
        Manner::Stops | Manner::StopsInBatch => Kind::TargetStopped,
        Manner::Panics | Manner::CallbackPanics => Kind::TargetPanicked,
        Manner::Cancels => Kind::Cancelled,
    };
    // The target acts if it gets this far.
    let n = scenario.acts_at;
    let mut with_target: Vec<Ending> = Vec::new();
    for Ending { kind: of_server, events } in allowed {
        if *events.end() >= n {
            with_target.push(ending(kind, n));
        }
        if *events.start() < n {
            let most = (*events.end()).min(n - 1);
            with_target.push(Ending { kind: of_server, events: *events.start()..=most });
        }
    }
    with_target
}

/// Returns the number of events after which the response is complete even without `[DONE]`.
fn complete_at(scenario: &Scenario) -> usize {
    if scenario.fault == Fault::DuplicateEnd { scenario.before + 1 } else { scenario.events }
}

/// Returns whether a timeout is expected to expire, so that it should be short in real time.
pub(crate) fn times_out(scenario: &Scenario) -> bool {
    let acts = !matches!(scenario.manner, Manner::Fast | Manner::Slow | Manner::Waits);
    let endings = of_the_server(scenario);
    // If the target acts first, it ends the stream.
    has_timeout(scenario, &endings)
        && !(acts && endings.iter().all(|ending| *ending.events.start() >= scenario.acts_at))
}

/// Returns whether a timeout ends the stream: as an error, or as the finish of a complete response whose body does
/// not end.
fn has_timeout(scenario: &Scenario, endings: &[Ending]) -> bool {
    let silent = matches!(scenario.fault, Fault::Silence | Fault::CommentsForever);
    endings.iter().any(|ending| {
        matches!(ending.kind, Kind::Timeout(_)) || (silent && ending.kind == Kind::Finish { sentinel: false })
    })
}

/// Returns the text of the n-th event that the target receives, from 0.
pub(crate) fn text(scenario: &Scenario, n: usize) -> String {
    let ends_twice = scenario.fault == Fault::DuplicateEnd && scenario.phase != Phase::Queue;
    if ends_twice && n >= scenario.before { String::new() } else { scenario.text(n) }
}

/// Returns the outcomes of the server's behaviour, for a target that accepts everything.
fn of_the_server(scenario: &Scenario) -> Vec<Ending> {
    let whole = vec![ending(Kind::Finish { sentinel: true }, scenario.events)];
    match (scenario.phase, scenario.fault) {
        (Phase::Queue, Fault::Silence | Fault::CommentsForever) => {
            vec![ending(Kind::Timeout(Timeout::Queue), 0)]
        }
        // The server's surplus data may arrive when the next stream already uses that connection.
        (Phase::Queue, Fault::WrongLength) if scenario.flavour == 2 && scenario.kind == 0 => {
            let mut endings = whole;
            endings.push(ending(Kind::Transport, 0));
            endings
        }
        // The permit becomes free.
        (Phase::Queue, _) => whole,
        (Phase::Connect | Phase::Tls, Fault::Silence) | (Phase::Tls, Fault::SlowDrip) => {
            vec![ending(Kind::Timeout(Timeout::Connect), 0)]
        }
        (Phase::Tls, _) => vec![ending(Kind::Transport, 0)],
        (Phase::Connect | Phase::RequestBody, Fault::SlowDrip) => whole,
        (Phase::RequestBody, Fault::Silence) | (Phase::Head, Fault::Silence) => {
            vec![ending(Kind::Timeout(Timeout::FirstEvent), 0)]
        }
        (Phase::Connect | Phase::RequestBody | Phase::Head, Fault::Fin | Fault::Reset | Fault::Garbage) => {
            vec![ending(Kind::Transport, 0)]
        }
        (Phase::Connect | Phase::RequestBody, _) => {
            // The response arrives before the request was read. The network decides how much of it a RST leaves, and
            // whether the client sends its request first.
            let mut endings = of_the_body(scenario);
            let most = endings.iter().map(|ending| *ending.events.end()).max().unwrap_or_default();
            endings.push(ending(Kind::Transport, 0));
            endings.push(Ending { kind: Kind::Truncated, events: 0..=most });
            if scenario.phase == Phase::RequestBody {
                endings.push(ending(Kind::Timeout(Timeout::FirstEvent), 0));
            }
            endings
        }
        _ => of_the_body(scenario),
    }
}

/// Returns the outcomes of a fault after the complete head.
fn of_the_body(scenario: &Scenario) -> Vec<Ending> {
    let Scenario { phase, fault, framing, before, events, .. } = *scenario;
    let complete = before == events;
    let chunked = framing == Framing::Chunked;
    // The outcome of a body that ends where its framing says, without `[DONE]`.
    let clean = || match (complete, seen(scenario)) {
        (true, _) => Kind::Finish { sentinel: false },
        (false, true) => Kind::Truncated,
        (false, false) => Kind::NotAStream,
    };
    let kind = match fault {
        _ if phase == Phase::AfterDone => Kind::Finish { sentinel: true },
        Fault::Fin if framing == Framing::UntilClose && !(scenario.tls && scenario.flavour == 2) => clean(),
        Fault::Fin | Fault::Reset | Fault::CutChunkSize => Kind::Truncated,
        Fault::Silence if phase == Phase::BeforeFirstEvent || before == 0 => {
            Kind::Timeout(Timeout::FirstEvent)
        }
        Fault::Silence | Fault::CommentsForever if complete => Kind::Finish { sentinel: false },
        Fault::Silence => Kind::Timeout(Timeout::Idle),
        Fault::SlowDrip => return vec![ending(Kind::Finish { sentinel: true }, events)],
        Fault::WrongLength if scenario.flavour == 2 && scenario.kind == 0 => clean(),
        Fault::WrongLength => Kind::Truncated,
        Fault::Garbage if scenario.flavour != 0 && chunked => Kind::Truncated,
        Fault::Garbage if scenario.flavour != 0 && !scenario.inside() => clean(),
        Fault::Garbage | Fault::ErrorEvent | Fault::DuplicateEnd | Fault::CommentsForever
            if scenario.inside() =>
        {
            Kind::Malformed
        }
        Fault::Garbage => Kind::Malformed,
        Fault::ErrorEvent => Kind::Provider,
        Fault::DuplicateEnd => {
            let more = if scenario.flavour == 0 { 1 } else { 2 };
            return vec![ending(Kind::Finish { sentinel: true }, before + more)];
        }
        Fault::CommentsForever if before == 0 => Kind::Timeout(Timeout::FirstEvent),
        Fault::CommentsForever => Kind::Timeout(Timeout::Stall),
    };
    vec![ending(kind, before)]
}

/// Returns whether enough has arrived to recognize an event stream.
fn seen(scenario: &Scenario) -> bool {
    scenario.before > 0
        || scenario.inside()
        || (scenario.comment && scenario.phase >= Phase::BeforeFirstEvent)
}

/// Returns whether the faulty connection may be reused, because its response may be complete.
pub(crate) fn may_be_kept(scenario: &Scenario) -> bool {
    let may_be_whole = match scenario.fault {
        Fault::SlowDrip => true,
        // The body was complete before the fault.
        Fault::Fin => scenario.framing == Framing::Length && scenario.phase == Phase::AfterDone,
        Fault::Garbage if scenario.flavour != 0 => false,
        Fault::Garbage | Fault::ErrorEvent | Fault::DuplicateEnd => scenario.cut % 3 != 2,
        _ => false,
    };
    may_be_whole && scenario.framing != Framing::UntilClose
}
