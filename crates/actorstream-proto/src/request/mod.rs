//! Request bodies: JSON, and forms with files.

pub mod body;
pub(crate) mod build;
pub(crate) mod data_url;
pub(crate) mod declare;
pub(crate) mod fields;
pub mod multipart;
