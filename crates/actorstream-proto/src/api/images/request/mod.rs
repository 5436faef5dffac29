//! Requests for images.
//!
//! ```
//! use actorstream_proto::api::images::request::{ImageEditRequest, ImageRequest, InputImage};
//! use actorstream_proto::request::multipart::FilePart;
//!
//! let new = ImageRequest::new("An otter").model("gpt-image-2.6-flare").size("1536x1024").partial_images(2);
//! let edited = ImageEditRequest::new("Give it a hat").image(FilePart::from_path("otter.png"));
//! let by_url = ImageEditRequest::new("Give it a hat").image(InputImage::url("https://a.example/otter.png"));
//! ```

mod builder;
pub(super) mod edit;
mod generated;
mod input_image;

#[cfg(test)]
mod tests;

pub use super::generated::{ImageBackground, ImageFormat, ImageQuality, ImageSize};
pub use crate::api::responses::{ImageComplexity, ImageModeration, InputFidelity};
pub use generated::*;
pub use input_image::InputImage;
