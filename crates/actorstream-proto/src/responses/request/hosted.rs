//! Tools that use a computer and draw.

use serde::{Deserialize, Serialize};

use crate::chat::request::body::setters;
use crate::images::request::{
    ImageBackground, ImageModeration, ImageOutputFormat, ImageQuality, ImageSize, InputFidelity,
};
use crate::string_enum::string_enum;

/// Uses a computer; the older form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputerUsePreviewTool {
    /// The kind of computer.
    pub environment: ComputerEnvironment,
    /// The width of the screen in pixels.
    pub display_width: u32,
    /// The height of the screen in pixels.
    pub display_height: u32,
}

impl ComputerUsePreviewTool {
    /// A computer of this kind with a screen of this width and height.
    pub fn new(environment: impl Into<ComputerEnvironment>, display_width: u32, display_height: u32) -> Self {
        Self { environment: environment.into(), display_width, display_height }
    }
}

string_enum! {
    /// The kind of computer a model uses.
    pub enum ComputerEnvironment {
        /// Windows.
        Windows = "windows",
        /// macOS.
        Mac = "mac",
        /// Linux.
        Linux = "linux",
        /// Ubuntu.
        Ubuntu = "ubuntu",
        /// A web browser alone.
        Browser = "browser",
    }
}

/// Draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageGenerationTool {
    /// Whether it draws anew. The model decides if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ImageAction>,
    /// What is behind the motif.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<ImageBackground>,
    /// How closely the result keeps to the images of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_fidelity: Option<InputFidelity>,
    /// Where the image of the input is to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_image_mask: Option<ImageMask>,
    /// The model that draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How strictly images are moderated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<ImageModeration>,
    /// How much of its quality a JPEG or WebP keeps, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_compression: Option<u32>,
    /// How images are encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<ImageOutputFormat>,
    /// How many unfinished images a stream shows, from 0 to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_images: Option<u32>,
    /// How good images are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// Width and height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ImageSize>,
}

impl ImageGenerationTool {
    /// Drawing with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {
            /// Sets where the image of the input is to change.
            input_image_mask: ImageMask,
            /// Sets how much of its quality a JPEG or WebP keeps, from 0 to 100.
            output_compression: u32,
            /// Sets how many unfinished images a stream shows, from 0 to 3.
            partial_images: u32,
        }
        into {
            /// Sets whether it draws anew.
            action: ImageAction,
            /// Sets what is behind the motif.
            background: ImageBackground,
            /// Sets how closely the result keeps to the images of the input.
            input_fidelity: InputFidelity,
            /// Sets the model that draws.
            model: String,
            /// Sets how strictly images are moderated.
            moderation: ImageModeration,
            /// Sets how images are encoded.
            output_format: ImageOutputFormat,
            /// Sets how good images are to be.
            quality: ImageQuality,
            /// Sets width and height.
            size: ImageSize,
        }
    }
}

string_enum! {
    /// Whether an image is drawn anew.
    #[derive(Default)]
    pub enum ImageAction {
        /// It is.
        Generate = "generate",
        /// It is made from one of the input.
        Edit = "edit",
        /// The model decides. The default.
        #[default]
        Auto = "auto",
    }
}

/// Where an image is to change: where this one is transparent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageMask {
    /// The image as a `data:` URL in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The identifier of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
}
