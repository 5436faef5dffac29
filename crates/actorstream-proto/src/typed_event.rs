//! Events that are one of several things, beside the payload that they were read from.

use serde_json::Value;

use crate::error::ApiError;
use crate::event::Verdict;

/// What an event of no known type says about its stream.
pub(crate) fn verdict_of_unknown(json: &Value) -> Verdict {
    if json.get("type").is_some_and(|r#type| r#type == "keepalive") {
        return Verdict::KeepAlive;
    }
    ApiError::from_json(json).map_or(Verdict::Data, Verdict::Fail)
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
