//! The image endpoints: the requests, the events of a generation or an edit, and the images that they add up to.

mod accumulator;
mod decode;
mod endpoint;
mod event;
mod generated;
mod image;
pub mod request;

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;

pub use accumulator::ImagesAccumulator;
pub use endpoint::{ImageEdits, Images};
pub use event::{ImageEditEvent, ImageGenerationEvent};
pub use generated::*;
pub use request::{ImageEditRequest, ImageRequest};
