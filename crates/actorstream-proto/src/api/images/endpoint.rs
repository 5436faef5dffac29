//! The endpoints `POST /images/generations` and `POST /images/edits`.

use std::borrow::Cow;

use super::event::{ImageEditEvent, ImageGenerationEvent};
use crate::endpoint::Endpoint;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /images/generations`.
///
/// The stream finishes when as many images as the request asks for (`n`) are complete.
#[derive(Debug, Clone, Copy, Default)]
pub struct Images;

/// The endpoint `POST /images/edits`.
///
/// The stream finishes when as many images as the request asks for (`n`) are complete.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageEdits;

macro_rules! endpoint {
    ($name:ident, $event:ident, $path:literal) => {
        impl Endpoint for $name {
            type Event = $event;

            fn path(&self) -> Cow<'_, str> {
                Cow::Borrowed($path)
            }

            fn prepare(&self, body: &mut RequestBody, streamed: bool) {
                if streamed {
                    body.set("stream", &true);
                } else {
                    body.remove("stream");
                    body.remove("partial_images");
                }
            }

            fn choices(&self, body: &RequestBody) -> usize {
                body.count("n")
            }
        }
    };
}
endpoint!(Images, ImageGenerationEvent, "/images/generations");
endpoint!(ImageEdits, ImageEditEvent, "/images/edits");
