//! The unstreamed answer from a log.

use actorstream::proto::event::Accumulator;
use actorstream::{ChatCompletionChunk, CompletionChunk, ResponseEvent};
use serde::Serialize;
use serde_json::{Value, json};

use super::openai::stopped;
use super::reader::{Answer, decode};
use crate::event::{Api, End, Event, Failure, Logged};

/// What the unstreamed call would have answered: the response that the events of a whole log add up to, from the last
/// [`Reset`](Event::Reset) on. Where a log holds several answers one after the other, it is the last one.
///
/// A response that was stopped is one of the status `cancelled`, with its output so far, as the API has it.
///
/// # Errors
/// What ended the log, if that is an error; for chat and text completions also that it was stopped (499). A log that has
/// not ended is an error of the service (500).
pub fn whole<'a>(api: Api, entries: impl IntoIterator<Item = &'a Logged>) -> Result<Value, Failure> {
    match api {
        Api::Chat => add_up::<ChatCompletionChunk>(entries, None),
        Api::Completions => add_up::<CompletionChunk>(entries, None),
        Api::Responses => add_up::<ResponseEvent>(entries, Some(&cancelled)),
    }
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
) -> Result<Value, Failure>
where
    E::Response: Serialize,
{
    let mut memory = E::Memory::default();
    let mut answer = E::Accumulator::default();
    let mut ended = false;
    for entry in entries {
        match &entry.event {
            Event::Upstream(event) => {
                let Some(mut event) = decode::<E>(event, &mut memory) else { continue };
                if ended && event.goes_on() {
                    answer = E::Accumulator::default();
                    ended = false;
                }
                ended |= event.end().is_some();
                answer.push(&mut event, true);
            }
            Event::Reset => {
                answer = E::Accumulator::default();
                ended = false;
            }
            Event::Part(_) => {}
            Event::End(End::Finish { .. }) => return to_json(&answer.take()),
            Event::End(End::Error(failure)) => return Err(failure.clone()),
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
    Failure { message: message.to_owned(), kind: "server_error".into(), code: None, status: 500 }
}
