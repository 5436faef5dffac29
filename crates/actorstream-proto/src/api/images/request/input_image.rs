//! `InputImage`: an image to edit.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::request::multipart::FilePart;

/// An image to edit. A [`FilePart`] converts into it, and so does a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputImage {
    /// A file, sent with the request.
    File(FilePart),
    /// A URL: an `https:` one, or a `data:` URL with the image in base64.
    Url(String),
    /// The id of an uploaded file.
    FileId(String),
}

impl InputImage {
    /// Refers to an image by its URL, which may be a `data:` URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::Url(url.into())
    }

    /// Refers to an uploaded image.
    pub fn file_id(file_id: impl Into<String>) -> Self {
        Self::FileId(file_id.into())
    }

    pub(super) fn file(&self) -> Option<&FilePart> {
        match self {
            Self::File(file) => Some(file),
            Self::Url(_) | Self::FileId(_) => None,
        }
    }

    pub(super) fn reference(&self) -> Option<ImageReference<'_>> {
        match self {
            Self::File(_) => None,
            Self::Url(url) => Some(ImageReference::Url { image_url: url }),
            Self::FileId(id) => Some(ImageReference::FileId { file_id: id }),
        }
    }
}

/// An image that is not sent with the request, as JSON.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ImageReference<'a> {
    Url { image_url: &'a str },
    FileId { file_id: &'a str },
}

impl From<FilePart> for InputImage {
    fn from(file: FilePart) -> Self {
        Self::File(file)
    }
}

impl From<&Path> for InputImage {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

impl From<PathBuf> for InputImage {
    fn from(path: PathBuf) -> Self {
        Self::File(path.into())
    }
}
