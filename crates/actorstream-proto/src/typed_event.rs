//! Events that are one of several things, beside the payload that they were read from.

use serde_json::Value;

use crate::error::ApiError;
use crate::event::Verdict;
use crate::finish::Status;

/// What an event says about its stream by the API's conventions, though nothing else of it may be readable.
pub(crate) fn verdict_of(json: &Value) -> Verdict {
    let r#type = json.get("type").and_then(Value::as_str).unwrap_or_default();
    let inner = if r#type == "response.failed" { json.get("response") } else { None };
    let fails = matches!(r#type, "error" | "response.failed");
    let error = ApiError::from_json(inner.unwrap_or(json))
        .or_else(|| fails.then(|| ApiError::from_error(json, json)));
    error.map_or_else(|| verdict_of_type(r#type), Verdict::Fail)
}

/// What the type of an event that is no error says about its stream.
pub(crate) fn verdict_of_type(r#type: &str) -> Verdict {
    match r#type {
        "keepalive" => Verdict::KeepAlive,
        "response.completed" | "transcript.text.done" | "speech.audio.done" => {
            Verdict::Finish(Status::Completed)
        }
        "response.incomplete" => Verdict::Finish(Status::Incomplete),
        "image_generation.completed" | "image_edit.completed" => Verdict::FinishChoice,
        _ => Verdict::Data,
    }
}

/// Declares the events of a stream: the enum that `stream_events!` declares, and the payload.
macro_rules! typed_events {
    ($( $(#[$meta:meta])* $vis:vis struct $name:ident($event:ident); )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        $vis struct $name {
            /// The event.
            pub event: $event,
            /// The event as it came.
            pub raw: $crate::payload::Payload,
        }

        impl $name {
            /// Reads an event. Some servers give its type in the `event:` line alone.
            fn read(frame: $crate::sse::Frame) -> Result<Self, $crate::event::DecodeError> {
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
