//! `Summary`: the closing line under a response on a terminal.

use std::fmt;

use actorstream::{Ending, Finish, Status, Text, Timings};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use crate::record;

/// How much arrived, how fast, and anything unusual about the end.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    tokens: Option<Tokens>,
    timings: Timings,
    finish_reasons: &'a [Text],
    status: Status,
}

/// The displayed part of a usage, under the field names of all endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Tokens {
    #[serde(alias = "output_tokens")]
    completion_tokens: u64,
    #[serde(alias = "input_tokens")]
    prompt_tokens: u64,
}

impl<'a> Summary<'a> {
    pub(crate) fn new<R: Serialize>(finish: &'a Finish<R>) -> Self {
        let response = to_raw_value(&*finish.response).ok();
        Self {
            tokens: response.and_then(|response| record::usage(&response)),
            timings: finish.timings,
            finish_reasons: &finish.finish_reasons,
            status: finish.status,
        }
    }
}

/// Returns why a finished response is incomplete; `None` if it is complete.
pub(crate) fn why_incomplete<R>(finish: &Finish<R>) -> Option<String> {
    let reason = finish.finish_reasons.iter().find(|reason| Ending::of(reason).is_incomplete());
    if reason.is_none() && finish.status != Status::Incomplete {
        return None;
    }
    let reason = reason.or(finish.finish_reasons.first());
    let Some(reason) = reason else { return Some("the server ended it early, without a reason".to_owned()) };
    Some(match Ending::of(reason) {
        Ending::ContentFilter => format!("a content filter stopped it ({reason})"),
        Ending::Length => format!("the token limit was reached ({reason})"),
        _ => format!("the server ended it early ({reason})"),
    })
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.tokens {
            Some(tokens) => (tokens.completion_tokens, "tokens"),
            None => (self.timings.events, "events"),
        };
        let seconds = self.timings.total.as_secs_f64();
        write!(f, "{count} {unit}")?;
        if let Some(tokens) = self.tokens {
            write!(f, " ({} in the prompt)", tokens.prompt_tokens)?;
        }
        write!(f, " in {seconds:.2} s")?;
        if seconds > 0.0 {
            let rate = count as f64 / seconds;
            write!(f, ", {rate:.1} {unit}/s")?;
        }
        if let Some(first) = self.timings.first_event {
            write!(f, "; first event after {:.2} s", first.as_secs_f64())?;
        }
        if self.finish_reasons.len() > 1 {
            write!(f, "; {} choices", self.finish_reasons.len())?;
        }
        match self.finish_reasons.first() {
            Some(reason) if *reason != "stop" => write!(f, "; ended by {reason}")?,
            _ => {}
        }
        match self.status {
            Status::Incomplete => f.write_str("; incomplete"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn timings() -> Timings {
        let mut timings = Timings::default();
        timings.first_event = Some(Duration::from_millis(250));
        timings.total = Duration::from_secs(2);
        timings.events = 7;
        timings
    }

    #[test]
    fn tokens_if_they_are_known_and_events_if_not() {
        let tokens = Some(Tokens { completion_tokens: 10, prompt_tokens: 3 });
        let reasons = [Text::from_static("stop")];
        let mut summary =
            Summary { tokens, timings: timings(), finish_reasons: &reasons, status: Status::Completed };
        assert_eq!(
            summary.to_string(),
            "10 tokens (3 in the prompt) in 2.00 s, 5.0 tokens/s; first event after 0.25 s"
        );
        summary.tokens = None;
        assert_eq!(summary.to_string(), "7 events in 2.00 s, 3.5 events/s; first event after 0.25 s");
    }

    #[test]
    fn an_unusual_end_is_told() {
        let reasons = [Text::from_static("length"), Text::from_static("stop")];
        let summary = Summary {
            tokens: None,
            timings: Timings::default(),
            finish_reasons: &reasons,
            status: Status::Incomplete,
        };
        assert_eq!(summary.to_string(), "0 events in 0.00 s; 2 choices; ended by length; incomplete");
    }

    #[test]
    fn the_names_of_other_endpoints() {
        let tokens: Tokens = serde_json::from_str(r#"{"input_tokens":1,"output_tokens":2,"x":3}"#).unwrap();
        assert_eq!(tokens, Tokens { completion_tokens: 2, prompt_tokens: 1 });
    }
}
