//! The endpoints of images: the events of a generation or an edit, and the pictures that it answers.

mod generated;

pub use generated::*;
