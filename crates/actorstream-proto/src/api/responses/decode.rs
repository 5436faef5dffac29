//! Deserializes the events of a response, and complete responses.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Value, json};

use super::accumulator::ResponseAccumulator;
use super::dialect::{has_misplaced, settle, translate_response};
use super::event::ResponseEvent;
use super::generated::{Response, ResponseStatus, ResponseStreamEvent, ResponseUsage};
use crate::answer::output::Tokens;
use crate::endpoint::event::{DecodeError, Decoded, Event, Verdict};
use crate::endpoint::typed_event::verdict_of;
use crate::json::bounded;
use crate::json::extra::Extra;
use crate::json::from_json;
use crate::json::hollow::is_hollow;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::error::ApiError;
use crate::outcome::finish::Status;
use crate::outcome::identity::Identity;
use crate::sse::Frame;
use crate::template::Template;

/// Returns the meaning of an event for its stream.
fn verdict(event: &ResponseStreamEvent, payload: &Bytes) -> Verdict {
    use ResponseStreamEvent as E;
    let (response, extra, otherwise) = match event {
        E::Created(event) => (&event.response, &event.extra, Verdict::Data),
        E::InProgress(event) => (&event.response, &event.extra, Verdict::Data),
        E::Queued(event) => (&event.response, &event.extra, Verdict::Data),
        E::Completed(event) => (&event.response, &event.extra, Verdict::Finish(Status::Completed)),
        E::Incomplete(event) => (&event.response, &event.extra, Verdict::Finish(Status::Incomplete)),
        E::Failed(event) => return Verdict::Fail(failure(&event.response, &event.extra)),
        E::KeepAlive(_) => return Verdict::KeepAlive,
        E::Error(event) => {
            let json = serde_json::to_value(event).unwrap_or_default();
            return Verdict::Fail(
                ApiError::from_json(&json).unwrap_or_else(|| ApiError::from_error(&json, &json)),
            );
        }
        E::Unknown(json) => return verdict_of(json),
        // An error may be anywhere in the payload.
        _ if memmem::find(payload, b"\"error").is_none() => return Verdict::Data,
        _ => {
            let Ok(mut json) = bounded::json(payload) else { return Verdict::Data };
            if let Value::Object(fields) = &mut json {
                // The type may be only in the `event:` line. In an event with a type, an empty error is not an
                // error.
                fields.insert("type".to_owned(), event.r#type().into());
            }
            return ApiError::from_json(&json).map_or(Verdict::Data, Verdict::Fail);
        }
    };
    let stated =
        ["error", "errors"].iter().any(|name| extra.get(name).is_some_and(|error| !is_hollow(error)));
    let failed = response.status == Some(ResponseStatus::Failed);
    if failed || stated || response.error.as_ref().is_some_and(|error| !error.message.is_empty()) {
        return Verdict::Fail(failure(response, extra));
    }
    if has_worded_error(payload)
        && let Some(error) = bounded::json(payload).ok().as_ref().and_then(ApiError::from_json)
    {
        return Verdict::Fail(error);
    }
    match otherwise {
        Verdict::Finish(status) => Verdict::Finish(status_of(response, status)),
        otherwise => otherwise,
    }
}

/// Returns whether a payload may have an error that is a text instead of the documented object.
fn has_worded_error(payload: &[u8]) -> bool {
    const NAME: &[u8] = b"\"error\"";
    memmem::find_iter(payload, NAME).any(|at| {
        let value = payload[at + NAME.len()..].trim_ascii_start().strip_prefix(b":");
        value.is_some_and(|value| value.trim_ascii_start().starts_with(b"\""))
    })
}

/// Returns the error of a failed response, from the response or from the event around it.
fn failure(response: &Response, extra: &Extra) -> ApiError {
    let beside =
        ["error", "errors"].iter().find_map(|name| extra.get(name).filter(|error| !is_hollow(error)));
    let own = serde_json::to_value(&response.error).unwrap_or_default();
    let raw = serde_json::to_value(response).unwrap_or_default();
    match if is_hollow(&own) { beside } else { Some(&own) } {
        Some(error) => ApiError::from_error(error, &raw),
        None => ApiError {
            message: "the response failed, and the server does not say why".to_owned(),
            raw,
            ..ApiError::default()
        },
    }
}

/// The status of the response itself takes precedence over the name of its event.
fn status_of(response: &Response, otherwise: Status) -> Status {
    let reason = response.incomplete_details.as_ref().is_some_and(|details| details.reason.is_some());
    match &response.status {
        Some(ResponseStatus::Incomplete | ResponseStatus::Cancelled) => Status::Incomplete,
        Some(status) if status.as_str() == "canceled" => Status::Incomplete,
        Some(ResponseStatus::Completed) if !reason => Status::Completed,
        _ if reason => Status::Incomplete,
        _ => otherwise,
    }
}

/// Reads an event with an undocumented type or without one.
fn undocumented(json: &Value, name: Option<&[u8]>, data: &Bytes) -> Option<ResponseStreamEvent> {
    let name = name.and_then(|name| str::from_utf8(name).ok()).map(str::trim);
    let known = match json.get("type").and_then(Value::as_str).or(name) {
        Some("response.done") => "response.completed",
        Some("response.cancelled" | "response.canceled") => "response.incomplete",
        Some(known) if json.get("type").is_none() => known,
        _ => "",
    };
    if ResponseStreamEvent::TYPES.contains(&known) {
        return ResponseStreamEvent::decode_as(known, data).ok();
    }
    // Without a type, the status of a response shows whether the event is the last one.
    let status = || json.get("response")?.get("status")?.as_str();
    match status().filter(|_| json.get("type").is_none()) {
        Some("completed") => ResponseStreamEvent::decode_as("response.completed", data).ok(),
        Some("incomplete" | "cancelled" | "canceled") => {
            ResponseStreamEvent::decode_as("response.incomplete", data).ok()
        }
        _ => whole_response(json),
    }
}

/// Converts an unstreamed response to the last event of a stream.
fn whole_response(json: &Value) -> Option<ResponseStreamEvent> {
    let is = |name: &str, value: &str| json.get(name).is_some_and(|field| field == value);
    let ended = ["completed", "incomplete", "cancelled"].iter().any(|status| is("status", status));
    let is_response = is("object", "response")
        || (json.get("object").is_none() && json.get("type").is_none() && json.get("output").is_some());
    if !is_response || !ended {
        return None;
    }
    let mut response = json.as_object()?.clone();
    translate_response(&mut response);
    let event = json!({"type": "response.completed", "response": response});
    match ResponseStreamEvent::from(event) {
        ResponseStreamEvent::Unknown(_) => None,
        event => Some(event),
    }
}

impl Event for ResponseEvent {
    type Response = Response;
    type Accumulator = ResponseAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let event = ResponseStreamEvent::decode(&frame.data)?;
        if let ResponseStreamEvent::Unknown(json) = &event
            && let Some(event) = undocumented(json, frame.event.as_deref(), &frame.data)
        {
            let event = settle(event, &frame.data);
            let verdict = verdict(&event, &frame.data);
            return Ok(Decoded { event: Self { event, raw: frame.data.into() }, verdict });
        }
        let event = settle(event, &frame.data);
        let verdict = verdict(&event, &frame.data);
        let event = Self { event, raw: frame.data.into() };
        if verdict == Verdict::Data {
            template.learn(event.raw.bytes());
        }
        Ok(Decoded { event, verdict })
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let event = bounded::json(body).ok().as_ref().and_then(whole_response).into_iter();
        let decode = |event| {
            let verdict = verdict(&event, body);
            Decoded { event: Self { event, raw: body.clone().into() }, verdict }
        };
        event.map(decode).collect()
    }

    fn status(response: &Response) -> Status {
        status_of(response, Status::Completed)
    }

    fn decode_whole(body: &[u8]) -> Result<Response, DecodeError> {
        let response: Response = crate::json::whole::object_with_list(body, "response", "output")?;
        if has_misplaced(&response)
            && let Ok(Value::Object(mut json)) = bounded::json(body)
        {
            translate_response(&mut json);
            return Ok(from_json::reread(&Value::Object(json)).unwrap_or(response));
        }
        Ok(response)
    }

    /// Returns the reason why an incomplete response is incomplete.
    fn finish_reasons(response: &Response) -> Vec<Text> {
        let details = serde_json::to_value(&response.incomplete_details).unwrap_or_default();
        details.get("reason").and_then(Value::as_str).map(Text::from).into_iter().collect()
    }

    fn identity(response: &Response) -> Identity<'_> {
        Identity::new(Some(&response.id), Some(&response.model))
    }

    fn tokens(response: &Response) -> Option<Tokens> {
        response.usage.as_ref().map(ResponseUsage::tokens)
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }

    fn sequence_number(&self) -> Option<u64> {
        self.event.sequence_number()
    }
}
