//! The event streams of the API itself: upstream's events verbatim, and ends that the API's clients understand.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Encoder;
use super::sse::{self, Frames};
use crate::event::{Api, End, Event, Failure, Logged};

/// Writes the event stream of an API.
#[derive(Debug)]
pub(super) struct OpenAiEncoder {
    api: Api,
    generation: String,
    /// The number of the last event that the viewer has.
    after: Option<u64>,
    frames: Frames,
    /// The number of the last event of a response.
    number: Option<u64>,
    /// The last response object that an event contained.
    response: Option<Arc<RawValue>>,
    /// Whether upstream events have arrived.
    begun: bool,
    /// The last event of a response. It is sent only when the log continues, that is, when its end is known. Its id
    /// then means that nothing follows, so a viewer that reconnects with it does not receive empty responses
    /// forever.
    last: Option<Last>,
    ended: bool,
}

#[derive(Debug)]
struct Last {
    r#type: String,
    event: Arc<RawValue>,
    /// The number for an event that upstream did not number.
    number: Option<u64>,
}

/// The required fields of a response's event.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    r#type: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence_number: Option<serde_json::Number>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

impl OpenAiEncoder {
    pub(super) fn new(api: Api, generation: &str, after: Option<u64>) -> Self {
        let generation = generation.to_owned();
        let frames = Frames::default();
        Self {
            api,
            generation,
            after,
            frames,
            number: None,
            response: None,
            begun: false,
            last: None,
            ended: false,
        }
    }

    fn upstream(&mut self, event: &Arc<RawValue>) {
        self.begun = true;
        if self.api != Api::Responses {
            self.frames.raw(None, event.get());
            return;
        }
        let event = &documented(event);
        let Ok(head) = serde_json::from_str::<Head<'_>>(event.get()) else {
            // Not an object, so not an event of a response, but upstream sent it.
            self.frames.raw(None, event.get());
            return;
        };
        let own = head.sequence_number.and_then(|number| number.as_u64().or_else(|| whole(number.as_f64()?)));
        let number = own.unwrap_or_else(|| self.next_number());
        self.number = Some(number);
        let r#type = head.r#type.as_deref();
        let missing = if own.is_some() { None } else { Some(number) };
        if let Some(r#type @ ("response.completed" | "response.incomplete" | "response.failed")) = r#type {
            self.response = None;
            self.last = Some(Last { r#type: r#type.to_owned(), event: event.clone(), number: missing });
            return;
        }
        if head.response.is_some() {
            self.response = Some(event.clone());
        }
        if self.is_wanted(number) {
            self.frames.raw(r#type, &numbered(event.get(), missing));
        }
    }

    /// Sends the last event of a response, if it has arrived.
    fn send_last(&mut self) {
        if let Some(Last { r#type, event, number }) = self.last.take() {
            self.ended = true;
            if self.number.is_some_and(|number| self.is_wanted(number)) {
                self.frames.raw(Some(&r#type), &numbered(event.get(), number));
            }
        }
    }

    fn next_number(&self) -> u64 {
        self.number.map_or(0, |number| number + 1)
    }

    fn is_wanted(&self, number: u64) -> bool {
        self.after.is_none_or(|after| number > after)
    }

    /// Writes an event of the relay itself, with the next number.
    fn own_event(&mut self, r#type: &str, fields: Value) {
        let number = self.next_number();
        self.number = Some(number);
        if self.is_wanted(number) {
            let mut event = Map::new();
            event.insert("type".into(), r#type.into());
            event.insert("sequence_number".into(), number.into());
            event.extend(fields.as_object().cloned().unwrap_or_default());
            self.frames.json(Some(r#type), &event);
        }
    }

    /// Returns the response as last sent, with another status.
    fn response(&self, status: &str) -> Option<Map<String, Value>> {
        let event: Value = serde_json::from_str(self.response.as_ref()?.get()).ok()?;
        let mut response = event.get("response")?.as_object()?.clone();
        response.insert("status".into(), status.into());
        Some(response)
    }

    fn fail_with(&mut self, failure: &Failure) {
        self.ended = true;
        let Failure { message, kind, code, param, .. } = failure;
        if self.api != Api::Responses {
            let error = json!({"message": message, "type": kind, "param": param, "code": code});
            self.frames.json(None, &json!({"error": error}));
            return;
        }
        let code = code.as_ref().unwrap_or(kind);
        match self.response("failed") {
            Some(mut response) => {
                response.insert("error".into(), json!({"code": code, "message": message}));
                self.own_event("response.failed", json!({"response": response}));
            }
            // The response has not started, so it cannot have failed.
            None => self.own_event("error", json!({"code": code, "message": message, "param": param})),
        }
    }

    /// Encodes an abort, for which the API has no event.
    fn abort(&mut self, reason: &str) {
        if self.api == Api::Responses
            && let Some(mut response) = self.response("cancelled")
        {
            self.ended = true;
            response.insert("incomplete_details".into(), json!({"reason": "cancelled"}));
            self.own_event("response.incomplete", json!({"response": response}));
        } else {
            self.fail_with(&stopped(reason));
        }
    }
}

impl Encoder for OpenAiEncoder {
    fn content_type(&self) -> &'static str {
        sse::CONTENT_TYPE
    }

    fn encode_after(&mut self, entry: &Logged, frames: u64, out: &mut BytesMut) {
        self.send_last();
        match &entry.event {
            _ if self.ended => {}
            Event::Upstream(event) => self.upstream(event),
            // The API has no events for parts that a service adds.
            Event::Part(_) => {}
            Event::Reset if self.begun => self.fail_with(&restarted()),
            Event::Reset => {}
            Event::End(end) => match end {
                End::Finish { .. } if self.api == Api::Responses => self.ended = true,
                End::Finish { .. } => {
                    self.ended = true;
                    self.frames.raw(None, "[DONE]");
                }
                End::Error(failure) => self.fail_with(failure),
                End::Abort { reason } => self.abort(reason),
            },
        }
        self.frames.write(&self.generation, Some(entry.seq), frames, out);
    }

    fn ping(&self) -> Option<Bytes> {
        Some(sse::ping())
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        // A complete response has not failed.
        self.send_last();
        if !self.ended {
            self.fail_with(failure);
        }
        self.frames.write(&self.generation, None, 0, out);
    }
}

/// Converts a last event that the API does not document (`response.done`, a response without an event) to the
/// documented one, which clients wait for.
fn documented(event: &Arc<RawValue>) -> Arc<RawValue> {
    let translated = || {
        let mut json: Value = serde_json::from_str(event.get()).ok()?;
        let r#type = json.get("type").and_then(Value::as_str);
        let is_response = json.get("object").is_some_and(|object| object == "response");
        match r#type {
            Some("response.done") => {
                let incomplete =
                    json.pointer("/response/status").is_some_and(|status| status == "incomplete");
                json["type"] = if incomplete { "response.incomplete" } else { "response.completed" }.into();
            }
            Some("response.cancelled" | "response.canceled") => json["type"] = "response.incomplete".into(),
            None if is_response => {
                let incomplete = json.get("status").is_some_and(|status| status == "incomplete");
                let r#type = if incomplete { "response.incomplete" } else { "response.completed" };
                json = json!({"type": r#type, "response": json});
            }
            _ => return None,
        }
        serde_json::value::to_raw_value(&json).ok().map(Arc::from)
    };
    const NAMES: [&str; 4] =
        ["\"response.done\"", "\"response.cancelled\"", "\"response.canceled\"", "\"object\""];
    let may_be = NAMES[..3].iter().any(|name| event.get().contains(name))
        || (event.get().contains(NAMES[3]) && !event.get().contains("\"type\":\"response."));
    if may_be { translated().unwrap_or_else(|| Arc::clone(event)) } else { Arc::clone(event) }
}

/// Returns the error for clients of the API whose response was stopped.
pub(super) fn stopped(reason: &str) -> Failure {
    Failure::new(499, "cancelled", format!("The answer was stopped: {reason}")).with_code("cancelled")
}

/// Returns the error for clients of the API after a restart: the API cannot retract events.
fn restarted() -> Failure {
    let message =
        "The answer is generated again from the start: what came until here is void. Ask for it again.";
    Failure::new(503, "server_error", message).with_code("restarted")
}

/// Converts a float that is a whole number: some servers write integers as floats.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then_some(number as u64)
}

/// Adds a number as the last field of an object, if necessary.
fn numbered(event: &str, number: Option<u64>) -> Cow<'_, str> {
    let fields = event.trim_end().strip_suffix('}');
    let (Some(number), Some(fields)) = (number, fields) else { return Cow::Borrowed(event) };
    let comma = if fields.trim_end().ends_with('{') { "" } else { "," };
    Cow::Owned(format!("{fields}{comma}\"sequence_number\":{number}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_to_objects_of_any_form() {
        assert_eq!(numbered("{\"a\":1} \n", Some(3)), "{\"a\":1,\"sequence_number\":3}");
        assert_eq!(numbered("{ }", Some(0)), "{ \"sequence_number\":0}");
        assert_eq!((numbered("[]", Some(0)), numbered("{}", None)), ("[]".into(), "{}".into()));
        assert_eq!((whole(3.0), whole(3.5), whole(-1.0)), (Some(3), None, None));
    }
}
