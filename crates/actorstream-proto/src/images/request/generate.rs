//! `POST /images/generations`: images from words.

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::{
    ImageBackground, ImageModeration, ImageOutputFormat, ImageQuality, ImageResponseFormat, ImageSize,
    ImageStyle,
};
use crate::chat::request::body::{FieldWriter, Fields, serialize_fields, setters};

/// A request for images from words.
///
/// A field that is `None` is not sent and the server uses its default. Whether images are streamed is not a field:
/// whoever sends the request decides it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ImageRequest {
    /// What is to be seen.
    pub prompt: String,
    /// The model that draws.
    #[serde(default)]
    pub model: Option<String>,
    /// What is behind the motif. The model decides unless told.
    #[serde(default)]
    pub background: Option<ImageBackground>,
    /// How strictly the images are moderated.
    #[serde(default)]
    pub moderation: Option<ImageModeration>,
    /// How many images to draw, from 1 to 10. Default 1.
    #[serde(default)]
    pub n: Option<u32>,
    /// How much of its quality a JPEG or WebP keeps, from 0 to 100. Default 100.
    #[serde(default)]
    pub output_compression: Option<u32>,
    /// How the images are encoded. Default PNG.
    #[serde(default)]
    pub output_format: Option<ImageOutputFormat>,
    /// How many unfinished images a stream shows on the way, from 0 to 3. Default 0.
    #[serde(default)]
    pub partial_images: Option<u32>,
    /// How good the images are to be.
    #[serde(default)]
    pub quality: Option<ImageQuality>,
    /// How a DALL·E model gives back its images.
    #[serde(default)]
    pub response_format: Option<ImageResponseFormat>,
    /// Width and height.
    #[serde(default)]
    pub size: Option<ImageSize>,
    /// The look of images by DALL·E 3.
    #[serde(default)]
    pub style: Option<ImageStyle>,
    /// A stable name for the end user, to trace misuse.
    #[serde(default)]
    pub user: Option<String>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ImageRequest {
    /// A request for an image of what `prompt` says.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
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
            /// Sets the model that draws.
            model: String,
            /// Sets what is behind the motif.
            background: ImageBackground,
            /// Sets how strictly the images are moderated.
            moderation: ImageModeration,
            /// Sets how the images are encoded.
            output_format: ImageOutputFormat,
            /// Sets how good the images are to be.
            quality: ImageQuality,
            /// Sets how a DALL·E model gives back its images.
            response_format: ImageResponseFormat,
            /// Sets width and height.
            size: ImageSize,
            /// Sets the look of images by DALL·E 3.
            style: ImageStyle,
            /// Sets the stable name of the end user.
            user: String,
        }
    }
}

impl Fields for ImageRequest {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("prompt", &self.prompt)?;
        out.optional("model", &self.model)?;
        out.optional("background", &self.background)?;
        out.optional("moderation", &self.moderation)?;
        out.optional("n", &self.n)?;
        out.optional("output_compression", &self.output_compression)?;
        out.optional("output_format", &self.output_format)?;
        out.optional("partial_images", &self.partial_images)?;
        out.optional("quality", &self.quality)?;
        out.optional("response_format", &self.response_format)?;
        out.optional("size", &self.size)?;
        out.optional("style", &self.style)?;
        out.optional("user", &self.user)
    }
}

serialize_fields!(ImageRequest);
