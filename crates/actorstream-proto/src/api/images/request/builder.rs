//! Builders of image requests.

use super::{ImageEditRequest, ImageRequest, InputImage};

impl ImageRequest {
    /// Creates a request for an image that `prompt` describes.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }
}

impl ImageEditRequest {
    /// Creates a request to edit images as `prompt` describes. The images are added with [`image`](Self::image).
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Adds an image to edit.
    #[must_use]
    pub fn image(self, image: impl Into<InputImage>) -> Self {
        self.images([image])
    }
}
