//! Deserializes the events of images, and unstreamed responses.

use bytes::Bytes;
use serde_json::Value;

use super::accumulator::ImagesAccumulator;
use super::event::{ImageEditEvent, ImageGenerationEvent};
use super::generated::{ImageEditStreamEvent, ImageGenStreamEvent, ImagesResponse};
use crate::endpoint::event::{DecodeError, Decoded, Event, Verdict};
use crate::endpoint::typed_event::verdict_of;
use crate::json::bounded;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::sse::Frame;

/// Converts an unstreamed response to one completed event of this type for each image. Returns no events if the body
/// is something else.
fn whole_images(body: &[u8], r#type: &str) -> Vec<Value> {
    let Ok(Value::Object(mut shared)) = bounded::json(body) else { return Vec::new() };
    let Some(Value::Array(images)) = shared.shift_remove("data") else { return Vec::new() };
    let is_image =
        |image: &Value| ["b64_json", "url"].iter().any(|name| image.get(*name).is_some_and(Value::is_string));
    if !images.iter().all(is_image) {
        return Vec::new();
    }
    if let Some(created) = shared.shift_remove("created") {
        shared.insert("created_at".into(), created);
    }
    shared.insert("type".into(), r#type.into());
    let usage = shared.shift_remove("usage");
    let last = images.len().saturating_sub(1);
    let event = |(at, image): (usize, Value)| {
        let mut event = shared.clone();
        if let Value::Object(image) = image {
            event.extend(image);
        }
        // The usage is that of all images together.
        if let Some(usage) = usage.as_ref().filter(|_| at == last) {
            event.insert("usage".into(), usage.clone());
        }
        Value::Object(event)
    };
    images.into_iter().enumerate().map(event).collect()
}

macro_rules! decode {
    ($name:ident, $event:ident, $completed:literal) => {
        impl Event for $name {
            type Response = ImagesResponse;
            type Accumulator = ImagesAccumulator;
            type Memory = ();

            fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
                let mut event = Self::read(frame)?;
                // An unstreamed response with one image, sent as an event.
                if let $event::Unknown(json) = &event.event
                    && json.get("type").is_none()
                    && let [image] = &mut whole_images(event.raw.as_bytes(), $completed)[..]
                {
                    event.event = $event::from(image.take());
                }
                let verdict = match &event.event {
                    $event::PartialImage(_) => Verdict::Data,
                    $event::Completed(_) => Verdict::FinishChoice,
                    $event::Unknown(json) => verdict_of(json),
                };
                Ok(Decoded { event, verdict })
            }

            fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
                let images = whole_images(body, $completed);
                let only = images.len() == 1;
                let decode = |json: Value| {
                    let raw = if only { body.clone() } else { json.to_string().into() };
                    let event = Self { event: $event::from(json), raw: raw.into() };
                    Decoded { event, verdict: Verdict::FinishChoice }
                };
                images.into_iter().map(decode).collect()
            }

            fn decode_whole(body: &[u8]) -> Result<ImagesResponse, DecodeError> {
                crate::json::whole::object_with_list(body, "list of images", "data")
            }

            /// None: an image has no finish reason.
            fn finish_reasons(_: &ImagesResponse) -> Vec<Text> {
                Vec::new()
            }

            fn payload(&self) -> &Payload {
                &self.raw
            }
        }
    };
}
decode!(ImageGenerationEvent, ImageGenStreamEvent, "image_generation.completed");
decode!(ImageEditEvent, ImageEditStreamEvent, "image_edit.completed");
