//! `ImageGenerationEvent`, `ImageEditEvent`: one event of streamed images, beside the payload that it was read from.

use bytes::Bytes;

use super::generated::{ImageEditStreamEvent, ImageGenStreamEvent};
use crate::endpoint::typed_event::typed_events;
use crate::json::base64::{Base64Error, decode};

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
                    // Some servers send an address instead.
                    $event::Completed(image) => Some(&*image.b64_json).filter(|b64| !b64.is_empty()),
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
    };
}
image_event!(ImageGenerationEvent, ImageGenStreamEvent);
image_event!(ImageEditEvent, ImageEditStreamEvent);
