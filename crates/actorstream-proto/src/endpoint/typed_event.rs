//! Events as enums, each with its payload.

use serde_json::Value;

use crate::endpoint::event::Verdict;
use crate::outcome::error::ApiError;
use crate::outcome::finish::Status;

/// Returns the meaning of an event for its stream by the API's conventions, even if nothing else of it can be read.
pub(crate) fn verdict_of(json: &Value) -> Verdict {
    if let Some(error) = ApiError::from_json(json) {
        return Verdict::Fail(error);
    }
    match json.get("type").and_then(Value::as_str) {
        Some(r#type) => match verdict_of_type(r#type) {
            Verdict::Finish(status) => Verdict::Finish(status_of_response(json.get("response"), status)),
            verdict => verdict,
        },
        None => ApiError::from_event(json).map_or(Verdict::Data, Verdict::Fail),
    }
}

/// Returns the meaning of an event type, other than an error, for the stream.
pub(crate) fn verdict_of_type(r#type: &str) -> Verdict {
    match r#type {
        _ if is_keep_alive(r#type) => Verdict::KeepAlive,
        // The last one is Anthropic's; gateways forward it.
        "response.completed"
        | "response.done"
        | "transcript.text.done"
        | "speech.audio.done"
        | "message_stop" => Verdict::Finish(Status::Completed),
        "response.incomplete" | "response.cancelled" | "response.canceled" => {
            Verdict::Finish(Status::Incomplete)
        }
        "image_generation.completed" | "image_edit.completed" => Verdict::FinishChoice,
        _ => Verdict::Data,
    }
}

/// Returns the status of the response itself, which takes precedence over the event's.
pub(crate) fn status_of_response(response: Option<&Value>, otherwise: Status) -> Status {
    match response.and_then(|response| response.get("status")).and_then(Value::as_str) {
        Some("completed") => Status::Completed,
        Some("incomplete" | "cancelled" | "canceled") => Status::Incomplete,
        _ => otherwise,
    }
}

/// Returns whether a word, as the name, the type or the whole data of an event, marks a keep-alive.
pub(crate) fn is_keep_alive(word: &str) -> bool {
    const WORDS: [&str; 6] = ["keepalive", "keep-alive", "keep_alive", "ping", "heartbeat", "heart-beat"];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word.trim()))
}

/// Declares the events of a stream: the enum declared by `stream_events!`, and the payload.
macro_rules! typed_events {
    ($( $(#[$meta:meta])* $vis:vis struct $name:ident($event:ident); )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        $vis struct $name {
            /// The event.
            pub event: $event,
            /// The event as it arrived.
            pub raw: $crate::json::payload::Payload,
        }

        impl $name {
            /// Reads an event. Some servers send the type only in the `event:` line.
            pub(crate) fn read(frame: $crate::sse::Frame) -> Result<Self, $crate::json::decode_error::DecodeError> {
                let mut event = $event::decode(&frame.data)?;
                if let ($event::Unknown(json), Some(name)) = (&event, &frame.event)
                    && json.get("type").is_none()
                    && let Ok(name) = std::str::from_utf8(name)
                {
                    event = $event::decode_as(name.trim(), &frame.data)?;
                }
                Ok(Self { event, raw: frame.data.into() })
            }
        }

        impl std::ops::Deref for $name {
            type Target = $event;

            fn deref(&self) -> &$event {
                &self.event
            }
        }

        impl std::ops::DerefMut for $name {
            fn deref_mut(&mut self) -> &mut $event {
                &mut self.event
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.event.serialize(serializer)
            }
        }
    )*};
}
pub(crate) use typed_events;
