//! `ImageGenerationEvent`, `ImageEditEvent`: one event of streamed images, beside the payload that it was read from.

use bytes::Bytes;

use super::accumulator::ImagesAccumulator;
use super::generated::{ImageEditStreamEvent, ImageGenStreamEvent, ImagesResponse};
use crate::base64::{Base64Error, decode};
use crate::event::{DecodeError, Decoded, Event, Verdict};
use crate::lenient;
use crate::payload::Payload;
use crate::sse::Frame;
use crate::text::Text;
use crate::typed_event::{typed_events, verdict_of};

typed_events! {
    /// One event of a streamed generation of images. It dereferences to the [`ImageGenStreamEvent`] to match on.
    pub struct ImageGenerationEvent(ImageGenStreamEvent);

    /// One event of a streamed edit of images. It dereferences to the [`ImageEditStreamEvent`] to match on.
    pub struct ImageEditEvent(ImageEditStreamEvent);
}

macro_rules! image_event {
    ($name:ident, $event:ident) => {
        impl $name {
            /// The image that the event carries, finished or not, in base64.
            pub fn b64_json(&self) -> Option<&str> {
                match &self.event {
                    $event::PartialImage(image) => Some(&image.b64_json),
                    $event::Completed(image) => Some(&image.b64_json),
                    $event::Unknown(_) => None,
                }
            }

            /// The image that the event carries, finished or not, decoded; `None` if the event carries none.
            pub fn image(&self) -> Option<Result<Bytes, Base64Error>> {
                self.b64_json().map(decode)
            }

            /// Which image on the way to the finished one the event carries, from 0; `None` if it carries none.
            pub fn partial_image_index(&self) -> Option<u64> {
                match &self.event {
                    $event::PartialImage(image) => Some(image.partial_image_index),
                    $event::Completed(_) | $event::Unknown(_) => None,
                }
            }
        }

        impl Event for $name {
            type Response = ImagesResponse;
            type Accumulator = ImagesAccumulator;
            type Memory = ();

            fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
                let event = Self::read(frame)?;
                let verdict = match &event.event {
                    $event::PartialImage(_) => Verdict::Data,
                    $event::Completed(_) => Verdict::FinishChoice,
                    $event::Unknown(json) => verdict_of(json),
                };
                Ok(Decoded { event, verdict })
            }

            fn decode_whole(body: &[u8]) -> Result<ImagesResponse, DecodeError> {
                lenient::parse(&Bytes::copy_from_slice(body))?
                    .ok_or_else(|| DecodeError("images come in an object".into()))
            }

            /// None: an image has no reason to end.
            fn finish_reasons(_: &ImagesResponse) -> Vec<Text> {
                Vec::new()
            }

            fn payload(&self) -> &Payload {
                &self.raw
            }
        }
    };
}
image_event!(ImageGenerationEvent, ImageGenStreamEvent);
image_event!(ImageEditEvent, ImageEditStreamEvent);
