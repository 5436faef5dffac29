//! `Report`: what a probe found out.

use std::time::Duration;

use serde_json::{Value, json};

use super::dialect::{self, short};
use super::hidden::Hidden;
use super::observation::Observation;
use super::requests::Probed;
use super::times::{Times, shown};
use super::verdict::Verdict;

/// How many finish reasons of a stream are shown.
const MAX_REASONS: usize = 4;

/// What a probe found out.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) url: String,
    pub(super) model: String,
    pub(super) probed: Vec<Probed>,
    pub(super) dialect: Vec<String>,
    /// From the request to the first event.
    pub(super) first_event: Times,
    /// Between two events of a stream.
    pub(super) between: Times,
    pub(super) throughput: Option<Throughput>,
}

/// How fast a long answer came, from its first event to its last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throughput {
    pub(super) events_per_second: f64,
    pub(super) characters_per_second: f64,
    /// If the server told the usage.
    pub(super) tokens_per_second: Option<f64>,
}

impl Report {
    /// The report, in which no text of the server has a secret.
    pub(super) fn new(url: &str, model: &str, mut probed: Vec<Probed>, hidden: &Hidden) -> Self {
        for probed in &mut probed {
            probed.judgement.reason = hidden.redact(&probed.judgement.reason);
            probed.end = probed.observation.as_ref().map(|observation| hidden.redact(&end(observation)));
        }
        let timed = || {
            let timed = probed.iter().filter(|probed| probed.is_timed);
            timed.filter_map(|probed| probed.observation.as_ref())
        };
        let longest = timed().max_by_key(|observation| observation.characters);
        Self {
            url: hidden.redact(url),
            model: hidden.redact(model),
            dialect: dialect::describe(&probed).iter().map(|sentence| hidden.redact(sentence)).collect(),
            first_event: Times::of(timed().filter_map(Observation::first_event)),
            between: Times::of(timed().flat_map(Observation::gaps)),
            throughput: longest.and_then(Throughput::of),
            probed,
        }
    }

    /// The worst verdict.
    pub(super) fn worst(&self) -> Verdict {
        self.probed.iter().map(|probed| probed.judgement.verdict).max().unwrap_or(Verdict::Skipped)
    }

    /// The report as one line of JSON.
    pub(super) fn to_json(&self) -> String {
        let report = json!({
            "url": self.url,
            "model": self.model,
            "verdict": self.worst().name(),
            "requests": self.probed.iter().map(request).collect::<Vec<_>>(),
            "dialect": self.dialect,
            "first_event": times(&self.first_event),
            "between_events": times(&self.between),
            "throughput": self.throughput.map(|throughput| json!({
                "events_per_second": throughput.events_per_second,
                "characters_per_second": throughput.characters_per_second,
                "tokens_per_second": throughput.tokens_per_second,
            })),
        });
        format!("{report}\n")
    }
}

impl Throughput {
    fn of(observation: &Observation) -> Option<Self> {
        let (first, last) = (observation.arrivals.first()?, observation.last?);
        let seconds = last.saturating_sub(*first).as_secs_f64();
        // A few events tell nothing, nor do events that came in one read.
        if observation.count < 5 || seconds < 0.000_5 {
            return None;
        }
        let tokens = observation.finish().and_then(|finish| finish.usage.as_deref().copied());
        Some(Self {
            // The time is that of the events after the first.
            events_per_second: (observation.count - 1) as f64 / seconds,
            characters_per_second: observation.characters as f64 / seconds,
            tokens_per_second: tokens
                .filter(|usage| usage.output > 0)
                .map(|usage| usage.output as f64 / seconds),
        })
    }
}

/// How a stream ended, in a few words.
fn end(observation: &Observation) -> String {
    match &observation.outcome {
        Ok(finish) => {
            let reasons = finish.finish_reasons.iter().take(MAX_REASONS).map(|reason| short(reason.as_str()));
            let reasons: Vec<String> = reasons.collect();
            let marked = if finish.sentinel { ", [DONE]" } else { "" };
            format!(
                "finish ({}{marked})",
                if reasons.is_empty() { "no reason".to_owned() } else { reasons.join(", ") }
            )
        }
        Err(error) => match (error.status(), error.timeout()) {
            (Some(status), _) => format!("refused {status}"),
            (_, Some(timeout)) => format!("timeout {}", timeout.name()),
            _ => error.kind.name().to_owned(),
        },
    }
}

/// When the events of a stream came, in a few words.
pub(super) fn pace(observation: &Observation) -> String {
    let first = observation.first_event().map(|first| format!("first {}, ", shown(first)));
    let count = observation.count;
    let events = if count == 1 { "event" } else { "events" };
    format!("{}{count} {events}, {}", first.unwrap_or_default(), shown(observation.took))
}

fn request(probed: &Probed) -> Value {
    let observation = probed.observation.as_ref();
    json!({
        "name": probed.name,
        "verdict": probed.judgement.verdict.name(),
        "reason": probed.judgement.reason,
        "end": probed.end,
        "first_event": observation.and_then(Observation::first_event).map(seconds),
        "events": observation.map(|observation| observation.count),
        "took": observation.map(|observation| seconds(observation.took)),
        "cancelling": observation.and_then(|observation| observation.cancelling).map(seconds),
    })
}

fn times(times: &Times) -> Value {
    let quantile = |share| times.quantile(share).map(seconds);
    json!({
        "count": times.len(),
        "min": quantile(0.0),
        "p50": quantile(0.5),
        "p90": quantile(0.9),
        "p99": quantile(0.99),
        "max": quantile(1.0),
        "histogram": times.histogram().into_iter().map(|(bound, count)| json!({
            "below": bound.map(seconds),
            "count": count,
        })).collect::<Vec<_>>(),
    })
}

/// Seconds, to the microsecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
