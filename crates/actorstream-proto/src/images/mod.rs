//! The endpoints of images: the events of a generation or an edit, and the pictures that it answers.

mod generated;
pub mod request;

pub use generated::*;
pub use request::{ImageEditRequest, ImageRequest};
