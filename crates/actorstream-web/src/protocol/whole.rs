//! Assembles the unstreamed response from a log.

use actorstream::proto::endpoint::event::Accumulator;
use actorstream::{ChatCompletionChunk, CompletionChunk, ResponseEvent};
use serde::Serialize;
use serde_json::{Value, json};

use super::openai::stopped;
use super::reader::{Answer, Answered, decode};
use crate::event::{Api, End, Event, Failure, Logged};

/// Returns what the unstreamed call would have returned: the response accumulated from the events of a complete log,
/// starting at the last [`Reset`](Event::Reset). If a log contains several consecutive responses, it is the last
/// one.
///
/// A stopped response has the status `cancelled`, with its output so far, as in the API.
///
/// # Errors
/// The error that ended the log, if any; for chat and text completions also a stop (499). A log without an end is an
/// error of the service (500).
pub fn whole<'a>(api: Api, entries: impl IntoIterator<Item = &'a Logged>) -> Result<Value, Failure> {
    match api {
        Api::Chat => add_up::<ChatCompletionChunk>(entries, None, None),
        Api::Completions => add_up::<CompletionChunk>(entries, None, None),
        Api::Responses => add_up::<ResponseEvent>(entries, Some(&cancelled), None),
    }
}

/// Returns the response accumulated from a log. One that failed after it had started has the status `failed`, with
/// its error and its output so far, as in the API.
///
/// # Errors
/// The error that ended the log before the response started.
pub(crate) fn failed<'a>(entries: impl IntoIterator<Item = &'a Logged>) -> Result<Value, Failure> {
    add_up::<ResponseEvent>(entries, Some(&cancelled), Some(&with_error))
}

/// Converts a partial response to one that failed.
type WhenFailed<'a> = dyn Fn(Value, &Failure) -> Value + 'a;

fn with_error(mut response: Value, failure: &Failure) -> Value {
    if let Some(fields) = response.as_object_mut() {
        fields.insert("status".into(), "failed".into());
        let code = failure.code.as_ref().unwrap_or(&failure.kind);
        fields.insert("error".into(), json!({"code": code, "message": failure.message}));
    }
    response
}

fn cancelled(mut response: Value) -> Value {
    if let Some(fields) = response.as_object_mut() {
        fields.insert("status".into(), "cancelled".into());
        fields.insert("incomplete_details".into(), json!({"reason": "cancelled"}));
    }
    response
}

fn add_up<'a, E: Answer>(
    entries: impl IntoIterator<Item = &'a Logged>,
    when_stopped: Option<&dyn Fn(Value) -> Value>,
    when_failed: Option<&WhenFailed<'_>>,
) -> Result<Value, Failure>
where
    E::Response: Serialize,
{
    let mut memory = E::Memory::default();
    let mut answer = E::Accumulator::default();
    let mut begun = false;
    let mut answered = Answered::default();
    for entry in entries {
        match &entry.event {
            Event::Upstream(event) => {
                let Some(mut event) = decode::<E>(event, &mut memory) else { continue };
                if answered.is_followed_by(&event) {
                    answer = E::Accumulator::default();
                    answered = Answered::default();
                }
                begun = true;
                answered.push(&event);
                answer.push(&mut event, true);
            }
            Event::Reset => {
                answer = E::Accumulator::default();
                begun = false;
                answered = Answered::default();
            }
            Event::Part(part) => {
                answered.part(part);
            }
            Event::End(End::Finish { .. }) => return to_json(&answer.take()),
            Event::End(End::Error(failure)) => {
                let when_failed = when_failed.filter(|_| begun).ok_or_else(|| failure.clone())?;
                return to_json(&answer.take()).map(|response| when_failed(response, failure));
            }
            Event::End(End::Abort { reason }) => {
                let when_stopped = when_stopped.ok_or_else(|| stopped(reason))?;
                return to_json(&answer.take()).map(when_stopped);
            }
        }
    }
    Err(broken("the answer has not ended"))
}

fn to_json(response: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(response).map_err(|error| broken(&error.to_string()))
}

fn broken(message: &str) -> Failure {
    Failure::new(500, "server_error", message)
}
