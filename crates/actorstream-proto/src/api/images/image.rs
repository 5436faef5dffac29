//! Accessors of images.

use bytes::Bytes;

use super::generated::{GeneratedImage, ImagesResponse};
use crate::json::base64::{Base64Error, decode};

impl ImagesResponse {
    /// Returns the images, in the order in which they were completed.
    pub fn images(&self) -> &[GeneratedImage] {
        self.data.as_deref().unwrap_or_default()
    }
}

impl GeneratedImage {
    /// Returns the decoded image; `None` if the server sent a URL instead, or if texts were not kept.
    pub fn image(&self) -> Option<Result<Bytes, Base64Error>> {
        self.b64_json.as_deref().map(decode)
    }
}
