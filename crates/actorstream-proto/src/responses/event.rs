//! `ResponseEvent`: one event of a streamed response, beside the payload that it was read from.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::accumulator::ResponseAccumulator;
use super::generated::{Response, ResponseStreamEvent};
use crate::error::ApiError;
use crate::event::{DecodeError, Decoded, Event, Verdict};
use crate::finish::Status;
use crate::lenient;
use crate::payload::Payload;
use crate::sse::Frame;
use crate::template::Template;
use crate::text::Text;
use crate::typed_event::verdict_of;

/// One event of a streamed response. It dereferences to the [`ResponseStreamEvent`] to match on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseEvent {
    /// The event.
    pub event: ResponseStreamEvent,
    /// The event as it came.
    pub raw: Payload,
}

impl ResponseEvent {
    /// More of the text, if that is what the event is.
    pub fn text(&self) -> Option<&str> {
        match &self.event {
            ResponseStreamEvent::OutputTextDelta(event) => Some(&event.delta),
            _ => None,
        }
    }

    /// More of the reasoning or of its summary, if that is what the event is.
    pub fn reasoning(&self) -> Option<&str> {
        match &self.event {
            ResponseStreamEvent::ReasoningTextDelta(event) => Some(&event.delta),
            ResponseStreamEvent::ReasoningSummaryTextDelta(event) => Some(&event.delta),
            _ => None,
        }
    }
}

impl Deref for ResponseEvent {
    type Target = ResponseStreamEvent;

    fn deref(&self) -> &ResponseStreamEvent {
        &self.event
    }
}

impl DerefMut for ResponseEvent {
    fn deref_mut(&mut self) -> &mut ResponseStreamEvent {
        &mut self.event
    }
}

impl Serialize for ResponseEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(serializer)
    }
}

/// What an event says about its stream.
fn verdict(event: &ResponseStreamEvent) -> Verdict {
    match event {
        ResponseStreamEvent::Completed(_) => Verdict::Finish(Status::Completed),
        ResponseStreamEvent::Incomplete(_) => Verdict::Finish(Status::Incomplete),
        ResponseStreamEvent::KeepAlive(_) => Verdict::KeepAlive,
        ResponseStreamEvent::Failed(failed) => {
            let json = serde_json::to_value(&failed.response.error).unwrap_or_default();
            let response = serde_json::to_value(&failed.response).unwrap_or_default();
            let mut error = ApiError::from_error(&json, &response);
            if json.is_null() {
                "the response failed, and the server does not say why".clone_into(&mut error.message);
            }
            Verdict::Fail(error)
        }
        ResponseStreamEvent::Error(event) => {
            let json = serde_json::to_value(event).unwrap_or_default();
            Verdict::Fail(ApiError::from_json(&json).unwrap_or_else(|| ApiError::from_error(&json, &json)))
        }
        ResponseStreamEvent::Unknown(json) => verdict_of(json),
        _ => Verdict::Data,
    }
}

impl Event for ResponseEvent {
    type Response = Response;
    type Accumulator = ResponseAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let mut event = ResponseStreamEvent::decode(&frame.data)?;
        if let (ResponseStreamEvent::Unknown(json), Some(name)) = (&event, &frame.event)
            && json.get("type").is_none()
            && let Ok(name) = std::str::from_utf8(name)
        {
            // Some servers give the type in the `event:` line alone.
            event = ResponseStreamEvent::decode_as(name.trim(), &frame.data)?;
            let verdict = verdict(&event);
            return Ok(Decoded { event: Self { event, raw: frame.data.into() }, verdict });
        }
        let verdict = verdict(&event);
        let event = Self { event, raw: frame.data.into() };
        template.learn(&event, event.raw.bytes());
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Response, DecodeError> {
        lenient::parse(&bytes::Bytes::copy_from_slice(body))?
            .ok_or_else(|| DecodeError("a response is an object".into()))
    }

    /// Why an incomplete response is incomplete.
    fn finish_reasons(response: &Response) -> Vec<Text> {
        let details = serde_json::to_value(&response.incomplete_details).unwrap_or_default();
        details.get("reason").and_then(Value::as_str).map(Text::from).into_iter().collect()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }

    fn sequence_number(&self) -> Option<u64> {
        self.event.sequence_number()
    }
}
