//! Requests for images.
//!
//! ```
//! use actorstream_proto::images::request::{ImageEditRequest, ImageRequest, InputImage};
//! use actorstream_proto::multipart::FilePart;
//!
//! let new = ImageRequest::new("An otter").model("gpt-image-1").size("1536x1024").partial_images(2);
//! let edited = ImageEditRequest::new("Give it a hat").image(FilePart::from_path("otter.png"));
//! let by_url = ImageEditRequest::new("Give it a hat").image(InputImage::url("https://a.example/otter.png"));
//! ```

mod edit;
mod generate;
mod options;

#[cfg(test)]
mod tests;

pub use edit::{ImageEditRequest, InputImage};
pub use generate::ImageRequest;
pub use options::{
    ImageBackground, ImageModeration, ImageOutputFormat, ImageQuality, ImageResponseFormat, ImageSize,
    ImageStyle, InputFidelity,
};
