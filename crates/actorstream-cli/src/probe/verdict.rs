//! Verdicts: whether a server kept to the API.

use std::time::Duration;

use actorstream::{ChatCompletion, ErrorKind, Finish, StreamError};

use super::observation::Observation;
use super::times::shown;

/// Whether a server kept to the API in one request, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It was not asked.
    Skipped,
    Kept,
    /// It answered otherwise than the API does.
    Deviates,
    /// No answer that can be relied upon.
    Failed,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Kept => "kept",
            Self::Deviates => "deviates",
            Self::Failed => "failed",
        }
    }
}

/// A verdict and its reason.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
}

impl Judgement {
    pub(super) fn skipped(reason: &str) -> Self {
        Self { verdict: Verdict::Skipped, reason: reason.to_owned() }
    }

    fn kept(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Kept, reason: reason.into() }
    }

    /// An answer that ended before it could show what it was asked for.
    fn out_of_tokens(what: &str) -> Self {
        Self::skipped(&format!("undecided: its tokens were used up before any {what} came"))
    }

    fn deviates(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Deviates, reason: reason.into() }
    }

    /// A failure of the first request, without which nothing can be said of the API.
    pub(super) fn failed(self) -> Self {
        Self { verdict: Verdict::Failed, ..self }
    }

    /// A stream that ended with an error. A refusal of the request itself deviates; all else fails.
    fn of(error: &StreamError) -> Self {
        let verdict = match &error.kind {
            ErrorKind::Refused(refused) if matches!(refused.status, 400 | 404 | 405 | 415 | 422 | 501) => {
                Verdict::Deviates
            }
            _ => Verdict::Failed,
        };
        Self { verdict, reason: error.to_string() }
    }
}

type Answer = Finish<ChatCompletion>;

/// Judges a finish, or tells the error.
fn if_finished(observation: &Observation, judge: impl FnOnce(&Answer) -> Judgement) -> Judgement {
    match &observation.outcome {
        Ok(finish) => judge(finish),
        Err(error) => Judgement::of(error),
    }
}

/// A plain text.
pub(super) fn text(observation: &Observation) -> Judgement {
    if_finished(observation, |finish| {
        let has_text = !finish.response.choices.is_empty() && !is_silent(finish);
        let arrivals = &observation.arrivals;
        if let Some(kind) = observation.unstreamed() {
            Judgement::deviates(format!("the answer came whole, as {kind}: it does not stream"))
        } else if !has_text && is_out_of_tokens(finish) {
            Judgement::out_of_tokens("text")
        } else if !has_text {
            Judgement::deviates("the answer has no text")
        } else if !finish.sentinel {
            Judgement::deviates("it ended without [DONE]")
        } else if arrivals.len() < 3 && observation.characters > 60 {
            Judgement::deviates(format!(
                "{} characters came in {} events: it does not stream",
                observation.characters,
                arrivals.len()
            ))
        } else if let Some((first, span)) = held_back(arrivals) {
            Judgement::deviates(format!(
                "{} events came within {} after {}: something holds them back until the answer is complete",
                arrivals.len(),
                shown(span),
                shown(first)
            ))
        } else {
            Judgement::kept("complete, with [DONE]")
        }
    })
}

/// Whether the tokens that were asked for were used up, by thoughts for instance.
fn is_out_of_tokens(finish: &Answer) -> bool {
    finish.finish_reasons.iter().any(|reason| reason.as_str() == "length")
}

/// When the first event came and how long after it the last, if the answer was held back until it was complete.
fn held_back(arrivals: &[Duration]) -> Option<(Duration, Duration)> {
    /// Fewer events may be generated at once.
    const EVENTS: usize = 10;
    /// A first event that comes sooner is no sign of waiting.
    const WAITED: Duration = Duration::from_millis(200);
    /// How many times longer the wait is than the answer. No model begins this slowly and generates this fast.
    const RATIO: u32 = 50;
    let (first, last) = (*arrivals.first()?, *arrivals.last()?);
    let span = last.saturating_sub(first);
    (arrivals.len() >= EVENTS && first >= WAITED && span * RATIO < first).then_some((first, span))
}

/// A call of a function that is required.
pub(super) fn tools(observation: &Observation) -> Judgement {
    if_finished(observation, |finish| match finish.response.tool_calls() {
        [] if is_out_of_tokens(finish) => Judgement::out_of_tokens("call"),
        [] => Judgement::deviates("no tool was called though tool_choice required it"),
        [call, ..] if call.name() != "get_weather" => {
            Judgement::deviates("it called a tool that does not exist")
        }
        [call, ..] => match call.arguments() {
            Err(_) if is_out_of_tokens(finish) => Judgement::out_of_tokens("whole call"),
            Err(error) => Judgement::deviates(format!("the arguments of the call are not JSON: {error}")),
            Ok(arguments) if !arguments.is_object() => {
                Judgement::deviates("the arguments are no JSON object")
            }
            Ok(_) => match finish.finish_reasons.first().map(actorstream::Text::as_str) {
                Some("tool_calls" | "stop") => Judgement::kept("one call with JSON arguments"),
                reason => {
                    Judgement::deviates(format!("the finish reason is {}", reason.unwrap_or("missing")))
                }
            },
        },
    })
}

/// Two choices.
pub(super) fn two_choices(observation: &Observation) -> Judgement {
    match &observation.outcome {
        Ok(finish) if finish.response.choices.len() == 2 && is_silent(finish) => {
            match is_out_of_tokens(finish) {
                true => Judgement::out_of_tokens("text"),
                false => Judgement::deviates("two choices came, and no text in them"),
            }
        }
        Ok(finish) if finish.response.choices.len() == 2 => Judgement::kept("two choices, each with its end"),
        Ok(finish) => Judgement::deviates(match finish.response.choices.len() {
            1 => "one choice came where two were asked for".to_owned(),
            count => format!("{count} choices came where two were asked for"),
        }),
        Err(error) => {
            let came = error.partial::<ChatCompletion>();
            // A stream that ended as it should, but for the choice that the client waited for.
            let is_one = |partial: &&ChatCompletion| {
                partial.choices.len() == 1 && partial.choices[0].finish_reason.is_some()
            };
            match &error.kind {
                ErrorKind::Truncated { .. } if came.as_ref().is_some_and(|came| is_one(&&**came)) => {
                    Judgement::deviates("one choice came where two were asked for")
                }
                _ => Judgement::of(error),
            }
        }
    }
}

/// Whether a choice has no text.
fn is_silent(finish: &Answer) -> bool {
    finish.response.choices.iter().any(|choice| {
        let message = &choice.message;
        let texts = [&message.content, &message.reasoning_content, &message.reasoning];
        texts.into_iter().all(|text| text.as_deref().is_none_or(str::is_empty))
    })
}

/// The usage.
pub(super) fn usage(observation: &Observation) -> Judgement {
    if_finished(observation, |finish| match &finish.usage {
        Some(usage) if usage.output > 0 => {
            Judgement::kept(format!("{} tokens in, {} out", usage.input, usage.output))
        }
        Some(_) => Judgement::deviates("the usage counts no tokens of the answer"),
        None => Judgement::deviates("no usage came though include_usage asked for it"),
    })
}

/// A model that does not exist.
pub(super) fn bad_model(observation: &Observation) -> Judgement {
    match &observation.outcome {
        Ok(_) => Judgement::deviates("it answers for a model that does not exist"),
        Err(error) => refusal(error, &[404, 400, 422], "an unknown model"),
    }
}

/// A key that does not exist, in place of the only one that the server gets.
pub(super) fn bad_key(observation: &Observation, has_key: bool) -> Judgement {
    match &observation.outcome {
        Ok(_) if !has_key => Judgement::kept("it asks for no key"),
        Ok(_) => Judgement::deviates("it accepts a key that does not exist: is it open to everyone?"),
        Err(error) => refusal(error, &[401, 403], "a wrong key"),
    }
}

/// A refusal with one of these statuses, and an error in the API's form.
fn refusal(error: &StreamError, expected: &[u16], what: &str) -> Judgement {
    match &error.kind {
        ErrorKind::Refused(refused) if expected.contains(&refused.status) => match error.api() {
            Some(api) if !api.message.is_empty() => {
                Judgement::kept(format!("refused with {} and a message", refused.status))
            }
            _ => Judgement::deviates(format!("refused with {}, but without an error object", refused.status)),
        },
        // It did not come to judge the request.
        ErrorKind::Refused(refused) if !matches!(refused.status, 400..=428) => Judgement::of(error),
        ErrorKind::Refused(refused) => {
            Judgement::deviates(format!("{what} is refused with {}, not {}", refused.status, expected[0]))
        }
        ErrorKind::Provider { .. } if !is_servers_fault(error) => {
            Judgement::deviates(format!("{what} is told only in a response with 200"))
        }
        _ => Judgement::of(error),
    }
}

/// Whether an error within a response tells of the server and not of the request.
fn is_servers_fault(error: &StreamError) -> bool {
    let signs = ["server_error", "overloaded", "rate_limit", "unavailable", "timeout"];
    let api = error.api();
    let words = [api.and_then(|api| api.r#type.as_deref()), api.and_then(|api| api.code.as_deref())];
    signs.iter().any(|sign| words.iter().flatten().any(|word| word.contains(sign)))
}

/// A stream that is cancelled after its first event, and a short one after it.
pub(super) fn cancelled(cancelled: &Observation, after: &Observation, usual: Option<Duration>) -> Judgement {
    /// How much later the next answer may begin.
    const SLACK: Duration = Duration::from_secs(1);
    let is_cancelled = |error: &StreamError| matches!(error.kind, ErrorKind::Cancelled);
    match &cancelled.outcome {
        Ok(_) => return Judgement::kept("the answer was complete before it could be cancelled"),
        Err(error) if !is_cancelled(error) => return Judgement::of(error),
        Err(_) => {}
    }
    match (after.first_event(), usual) {
        (None, _) => match &after.outcome {
            Err(error) => Judgement {
                verdict: Verdict::Failed,
                reason: format!("the request after a cancelled one failed: {error}"),
            },
            Ok(_) => Judgement::deviates("the request after a cancelled one got an answer without events"),
        },
        (Some(first), Some(usual)) if first > usual * 4 + SLACK => Judgement::deviates(format!(
            "the next answer began after {} instead of {}: it seems to go on with what is cancelled",
            shown(first),
            shown(usual)
        )),
        (Some(first), _) => Judgement::kept(format!("the next answer began after {}", shown(first))),
    }
}

/// A stream whose reader pauses.
pub(super) fn silence(observation: &Observation, pause: Duration, longest: Option<Duration>) -> Judgement {
    if_finished(observation, |finish| {
        if observation.characters == 0 {
            return match is_out_of_tokens(finish) {
                true => Judgement::out_of_tokens("text"),
                false => Judgement::deviates("the answer has no text"),
            };
        }
        let longest = longest.map(|longest| format!("; its own longest silence was {}", shown(longest)));
        Judgement::kept(format!(
            "complete though the reader paused for {}{}",
            shown(pause),
            longest.unwrap_or_default()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_at_once_after_a_wait_is_held_back() {
        let at = |first: u64, gap: u64| -> Vec<_> {
            (0..20).map(|count| Duration::from_micros(first * 1000 + count * gap)).collect()
        };
        assert!(held_back(&at(1000, 50)).is_some());
        // It is fast, or its events are apart.
        assert_eq!(held_back(&at(20, 1)), None);
        assert_eq!(held_back(&at(1000, 2000)), None);
        assert_eq!(held_back(&at(1000, 50)[..5]), None);
        assert_eq!(held_back(&[]), None);
    }
}
