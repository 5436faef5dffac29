//! `ImageGenerationEvent`, `ImageEditEvent`: one event of streamed images, with its payload.

use bytes::Bytes;

use super::generated::{ImageEditStreamEvent, ImageGenStreamEvent};
use crate::endpoint::typed_event::typed_events;
use crate::json::base64::{Base64Error, decode};

typed_events! {
    /// One event of a streamed generation of images. It dereferences to [`ImageGenStreamEvent`] for matching.
    pub struct ImageGenerationEvent(ImageGenStreamEvent);

    /// One event of a streamed edit of images. It dereferences to [`ImageEditStreamEvent`] for matching.
    pub struct ImageEditEvent(ImageEditStreamEvent);
}

macro_rules! image_event {
    ($name:ident, $event:ident) => {
        impl $name {
            /// Returns the image of the event in base64, a preview or a complete one.
            pub fn b64_json(&self) -> Option<&str> {
                match &self.event {
                    $event::PartialImage(image) => Some(&image.b64_json),
                    // Some servers send a URL instead.
                    $event::Completed(image) => Some(&*image.b64_json).filter(|b64| !b64.is_empty()),
                    $event::Unknown(_) => None,
                }
            }

            /// Returns the decoded image of the event, a preview or a complete one; `None` if the event has none.
            pub fn image(&self) -> Option<Result<Bytes, Base64Error>> {
                self.b64_json().map(decode)
            }

            /// Returns the number of the preview in the event, from 0; `None` if it has none.
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
