//! `POST /images/edits`: images from words and other images.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::{
    ImageBackground, ImageModeration, ImageOutputFormat, ImageQuality, ImageResponseFormat, ImageSize,
    InputFidelity,
};
use crate::body::Body;
use crate::chat::request::body::{FieldWriter, Fields, setters, write_object};
use crate::error::StreamError;
use crate::multipart::{FilePart, Form, FormWriter, RequestBody, request_body};

/// A request for images made from other images.
///
/// It goes out as a form when its images are files, and as JSON when they are named by URL or identifier; the API has
/// no way to mix the two. A field that is `None` is not sent and the server uses its default. Whether images are
/// streamed is not a field: whoever sends the request decides it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageEditRequest {
    /// What is to be made of the images.
    pub prompt: String,
    /// What to start from: at least one image, and up to 16.
    pub images: Vec<InputImage>,
    /// Where the first image is to change: where this one, of the same size, is fully transparent.
    pub mask: Option<InputImage>,
    /// The model that draws.
    pub model: Option<String>,
    /// What is behind the motif. The model decides unless told.
    pub background: Option<ImageBackground>,
    /// How closely the result keeps to the images.
    pub input_fidelity: Option<InputFidelity>,
    /// How strictly the images are moderated; documented for requests without files.
    pub moderation: Option<ImageModeration>,
    /// How many images to draw, from 1 to 10. Default 1.
    pub n: Option<u32>,
    /// How much of its quality a JPEG or WebP keeps, from 0 to 100. Default 100.
    pub output_compression: Option<u32>,
    /// How the images are encoded. Default PNG.
    pub output_format: Option<ImageOutputFormat>,
    /// How many unfinished images a stream shows on the way, from 0 to 3. Default 0.
    pub partial_images: Option<u32>,
    /// How good the images are to be.
    pub quality: Option<ImageQuality>,
    /// How DALL·E 2 gives back its images; documented for requests with files.
    pub response_format: Option<ImageResponseFormat>,
    /// Width and height.
    pub size: Option<ImageSize>,
    /// A stable name for the end user, to trace misuse.
    pub user: Option<String>,
    /// Further fields. One with the name of a field above replaces it. In a form, a list is sent as one field per
    /// entry, its name followed by `[]`.
    pub extra: Map<String, Value>,
}

impl ImageEditRequest {
    /// A request to make of images, yet to be added, what `prompt` says.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Adds an image to start from.
    #[must_use]
    pub fn image(mut self, image: impl Into<InputImage>) -> Self {
        self.images.push(image.into());
        self
    }

    /// Adds images to start from.
    #[must_use]
    pub fn images<I: Into<InputImage>>(mut self, images: impl IntoIterator<Item = I>) -> Self {
        self.images.extend(images.into_iter().map(Into::into));
        self
    }

    /// Sets a field this type does not have, or sends `value` in place of the field it has.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {
            /// Sets how many images to draw, from 1 to 10.
            n: u32,
            /// Sets how much of its quality a JPEG or WebP keeps, from 0 to 100.
            output_compression: u32,
            /// Sets how many unfinished images a stream shows, from 0 to 3.
            partial_images: u32,
        }
        into {
            /// Sets where the first image is to change.
            mask: InputImage,
            /// Sets the model that draws.
            model: String,
            /// Sets what is behind the motif.
            background: ImageBackground,
            /// Sets how closely the result keeps to the images.
            input_fidelity: InputFidelity,
            /// Sets how strictly the images are moderated.
            moderation: ImageModeration,
            /// Sets how the images are encoded.
            output_format: ImageOutputFormat,
            /// Sets how good the images are to be.
            quality: ImageQuality,
            /// Sets how DALL·E 2 gives back its images.
            response_format: ImageResponseFormat,
            /// Sets width and height.
            size: ImageSize,
            /// Sets the stable name of the end user.
            user: String,
        }
    }

    fn to_body(&self) -> Result<RequestBody, StreamError> {
        let inputs = || self.images.iter().chain(&self.mask);
        if inputs().all(|image| image.file().is_none()) {
            return Body::new(&AsJson(self)).map(RequestBody::Json);
        }
        if inputs().all(|image| image.file().is_some()) {
            return Ok(RequestBody::Multipart(self.form()));
        }
        Err(StreamError::config(
            "the images of one request must all be files, or all be named by URL or identifier",
        ))
    }

    fn form(&self) -> Form {
        let mut out = FormWriter::new(&self.extra);
        out.required("prompt", &self.prompt);
        out.optional("model", &self.model);
        out.optional("background", &self.background);
        out.optional("input_fidelity", &self.input_fidelity);
        out.optional("moderation", &self.moderation);
        out.optional("n", &self.n);
        out.optional("output_compression", &self.output_compression);
        out.optional("output_format", &self.output_format);
        out.optional("partial_images", &self.partial_images);
        out.optional("quality", &self.quality);
        out.optional("response_format", &self.response_format);
        out.optional("size", &self.size);
        out.optional("user", &self.user);
        // Older servers know one image only, by the name without brackets.
        let name = if self.images.len() == 1 { "image" } else { "image[]" };
        let images = self.images.iter().filter_map(|image| Some((name, image.file()?)));
        let mask = self.mask.iter().filter_map(|image| Some(("mask", image.file()?)));
        out.finish(images.chain(mask))
    }
}

request_body!(ImageEditRequest, ImageEditRequest::to_body);

/// The JSON form of a request without files.
struct AsJson<'a>(&'a ImageEditRequest);

impl Fields for AsJson<'_> {
    fn extra(&self) -> &Map<String, Value> {
        &self.0.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        let request = self.0;
        let references: Vec<_> = request.images.iter().filter_map(InputImage::reference).collect();
        out.required("prompt", &request.prompt)?;
        out.required("images", &references)?;
        out.optional("mask", &request.mask.as_ref().and_then(InputImage::reference))?;
        out.optional("model", &request.model)?;
        out.optional("background", &request.background)?;
        out.optional("input_fidelity", &request.input_fidelity)?;
        out.optional("moderation", &request.moderation)?;
        out.optional("n", &request.n)?;
        out.optional("output_compression", &request.output_compression)?;
        out.optional("output_format", &request.output_format)?;
        out.optional("partial_images", &request.partial_images)?;
        out.optional("quality", &request.quality)?;
        out.optional("response_format", &request.response_format)?;
        out.optional("size", &request.size)?;
        out.optional("user", &request.user)
    }
}

impl Serialize for AsJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(self, serializer)
    }
}

/// An image to start from. A [`FilePart`] converts into it, and so does a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputImage {
    /// A file, sent with the request.
    File(FilePart),
    /// A web address, or a `data:` URL with the image in base64.
    Url(String),
    /// The identifier of an uploaded file.
    FileId(String),
}

impl InputImage {
    /// An image by its web address or `data:` URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::Url(url.into())
    }

    /// An image that was uploaded before.
    pub fn file_id(file_id: impl Into<String>) -> Self {
        Self::FileId(file_id.into())
    }

    fn file(&self) -> Option<&FilePart> {
        match self {
            Self::File(file) => Some(file),
            Self::Url(_) | Self::FileId(_) => None,
        }
    }

    fn reference(&self) -> Option<ImageReference<'_>> {
        match self {
            Self::File(_) => None,
            Self::Url(url) => Some(ImageReference::Url { image_url: url }),
            Self::FileId(id) => Some(ImageReference::FileId { file_id: id }),
        }
    }
}

/// An image that is not sent along, as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum ImageReference<'a> {
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
