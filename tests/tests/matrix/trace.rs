//! The trace of a run, and its comparison with the allowed outcomes.

use std::time::Duration;

use actorstream::{ChatCompletion, ErrorKind, Finish, StreamError, Timeout};

use crate::oracle::{self, Kind};
use crate::scenario::{Placement, Scenario};

/// An end, as the target or the handle received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) kind: Kind,
    /// The text of the response, complete or partial.
    pub(crate) text: Option<String>,
}

impl From<&Finish<ChatCompletion>> for End {
    fn from(finish: &Finish<ChatCompletion>) -> Self {
        let text = Some(finish.response.content().unwrap_or_default().to_owned());
        Self { kind: Kind::Finish { sentinel: finish.sentinel }, text }
    }
}

impl From<&StreamError> for End {
    fn from(error: &StreamError) -> Self {
        let kind = match &error.kind {
            ErrorKind::Truncated { .. } => Kind::Truncated,
            ErrorKind::Provider(_) => Kind::Provider,
            ErrorKind::Malformed { .. } => Kind::Malformed,
            ErrorKind::NotAStream { .. } => Kind::NotAStream,
            ErrorKind::Transport { .. } => Kind::Transport,
            ErrorKind::Timeout { timeout, .. } => Kind::Timeout(*timeout),
            ErrorKind::Cancelled => Kind::Cancelled,
            ErrorKind::TargetStopped => Kind::TargetStopped,
            ErrorKind::TargetPanicked => Kind::TargetPanicked,
            other => Kind::Other(other.name()),
        };
        let partial = error.partial::<ChatCompletion>();
        Self { kind, text: partial.map(|partial| partial.content().unwrap_or_default().to_owned()) }
    }
}

/// An item that the target received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Data(String),
    End(End),
}

/// The trace of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// Everything that the target received, up to the end of the run.
    pub(crate) seen: Vec<Seen>,
    /// The outcome of the handle, unless it was dropped.
    pub(crate) outcome: Option<End>,
    /// The number of the client's available permits after the end of the stream, and the total.
    pub(crate) places: (usize, usize),
    /// The expected events that did not happen in time.
    pub(crate) stuck: Vec<&'static str>,
    /// The outcome of the client's next stream.
    pub(crate) next: Option<Result<String, String>>,
    /// The time from the end of the target to the close of its connection.
    pub(crate) noticed: Option<Duration>,
}

/// The end of a target is detected within this time, on a clock that advances in steps of some milliseconds.
const NOTICED: Duration = Duration::from_millis(250);

/// Returns all complaints about a run.
pub(crate) fn complaints(scenario: &Scenario, trace: &Trace) -> Vec<String> {
    let mut wrong: Vec<String> = trace.stuck.iter().map(|what| format!("never came: {what}")).collect();
    let ends: Vec<&End> = trace.seen.iter().filter_map(Seen::end).collect();
    let data: Vec<&str> = trace.seen.iter().filter_map(Seen::data).collect();
    if let Some(at) = trace.seen.iter().position(|seen| seen.end().is_some())
        && at + 1 != trace.seen.len()
    {
        wrong.push(format!("{} after the end: {:?}", trace.seen.len() - at - 1, &trace.seen[at + 1..]));
    }
    let expected: Vec<String> = (0..data.len()).map(|n| oracle::text(scenario, n)).collect();
    if data != expected {
        wrong.push(format!("the events are {data:?}, not {expected:?}"));
    }

    let allowed = oracle::allowed(scenario);
    let end = trace.outcome.as_ref().or(ends.first().copied());
    let fits =
        |kind: Kind| allowed.iter().any(|ending| ending.kind == kind && ending.events.contains(&data.len()));
    match end {
        Some(end) if !fits(end.kind) => {
            wrong.push(format!("{:?} after {} events; allowed: {allowed:?}", end.kind, data.len()));
        }
        // The handle was dropped, and the target is gone.
        None if !allowed.iter().any(|ending| ending.kind.is_of_the_target()) => {
            wrong.push("no end at all".to_owned());
        }
        _ => {}
    }
    let is_gone = end.is_none_or(|end| end.kind.is_of_the_target());
    if ends.len() != usize::from(!is_gone) {
        wrong.push(format!("the target was given {} ends: {ends:?}", ends.len()));
    }
    if let (Some(outcome), Some(end)) = (&trace.outcome, ends.first())
        && outcome != *end
    {
        wrong.push(format!("the handle says {outcome:?}, the target {end:?}"));
    }
    wrong.extend(end.and_then(|end| wrong_text(end, &data.concat())));

    let (free, all) = trace.places;
    if free != all {
        wrong.push(format!("{free} of {all} places are free"));
    }
    let good: String = (0..scenario.events).map(|n| scenario.text(n)).collect();
    if let Some(next) = &trace.next
        && next.as_ref() != Ok(&good)
    {
        wrong.push(format!("the next stream of the client: {next:?}"));
    }
    if let Some(noticed) = trace.noticed
        && scenario.placement == Placement::System
        && noticed > NOTICED
    {
        wrong.push(format!("{noticed:?} until the connection of a target that is gone was closed"));
    }
    wrong
}

/// Returns what is wrong with the response of an end.
fn wrong_text(end: &End, received: &str) -> Option<String> {
    let text = end.text.as_deref().unwrap_or_default();
    let fits = match end.kind {
        // More may have arrived than the target received.
        Kind::Cancelled | Kind::TargetStopped | Kind::TargetPanicked => text.starts_with(received),
        Kind::Timeout(Timeout::Idle | Timeout::Stall | Timeout::Total) => text.starts_with(received),
        _ => text == received,
    };
    (!fits).then(|| format!("the response is {text:?}, the events were {received:?}"))
}

impl Seen {
    fn end(&self) -> Option<&End> {
        match self {
            Self::End(end) => Some(end),
            Self::Data(_) => None,
        }
    }

    fn data(&self) -> Option<&str> {
        match self {
            Self::Data(text) => Some(text),
            Self::End(_) => None,
        }
    }
}
