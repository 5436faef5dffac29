//! Content of messages and outputs of tools: texts, images and files.

use std::path::Path;

use serde_json::json;

use super::{
    InputContent, InputFileContent, InputImageContent, InputMessageContent, InputPart, InputTextContent,
    OutputTextContent, PromptCacheBreakpointConfig, RefusalContent, ToolOutput,
};
use crate::api::chat::request::{InputAudio, InputAudioFormat};
use crate::outcome::error::StreamError;
use crate::request::data_url;

/// Implements the constructors that the parts of messages and those of tool outputs share.
macro_rules! parts {
    ($($part:ident in $content:ident,)+) => {$(
        impl $part {
            /// Creates a text part.
            pub fn text(text: impl Into<String>) -> Self {
                InputTextContent::new(text).into()
            }

            /// Creates an image part from a URL or an [`InputImageContent`].
            pub fn image(image: impl Into<InputImageContent>) -> Self {
                image.into().into()
            }

            /// Creates an image part that contains the image; `media_type` is one like `image/png`.
            pub fn image_bytes(media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
                InputImageContent::bytes(media_type, bytes).into()
            }

            /// Creates an image part that contains the image in a file; see [`InputImageContent::file`].
            ///
            /// # Errors
            /// `Config`, which names the file, when it cannot be read or is no image.
            pub fn image_file(path: impl AsRef<Path>) -> Result<Self, StreamError> {
                InputImageContent::file(path).map(Self::from)
            }

            /// Creates a file part.
            #[must_use]
            pub fn file(file: InputFileContent) -> Self {
                file.into()
            }

            /// Marks this part as the last one of a prompt prefix to cache.
            ///
            /// Only parts with text, an image or a file can be marked; others are not changed.
            #[must_use]
            pub fn cache_breakpoint(mut self) -> Self {
                let place = match &mut self {
                    Self::InputText(part) => &mut part.prompt_cache_breakpoint,
                    Self::InputImage(part) => &mut part.prompt_cache_breakpoint,
                    Self::InputFile(part) => &mut part.prompt_cache_breakpoint,
                    _ => return self,
                };
                *place = Some(PromptCacheBreakpointConfig::new());
                self
            }
        }

        impl From<$part> for $content {
            fn from(part: $part) -> Self {
                Self::List(vec![part])
            }
        }
    )+};
}

parts! {
    InputPart in InputMessageContent,
    InputContent in ToolOutput,
}

impl InputPart {
    /// Creates an audio part from base64 `data`; `format` is `wav` or `mp3`.
    pub fn audio(data: impl Into<String>, format: impl Into<InputAudioFormat>) -> Self {
        json!({ "type": "input_audio", "input_audio": InputAudio::new(data, format) }).into()
    }

    /// Creates a text part of a message of the model.
    pub fn output_text(text: impl Into<String>) -> Self {
        OutputTextContent { r#type: "output_text".into(), text: text.into(), ..Default::default() }.into()
    }

    /// Creates a refusal part of a message of the model.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        RefusalContent::new(refusal).into()
    }
}

impl InputImageContent {
    /// Creates an image from its URL, which may be a `data:` URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new().image_url(url)
    }

    /// Refers to an uploaded image.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self::new().file_id(file_id)
    }

    /// Creates an image from its base64 `data`; `media_type` is one like `image/png`.
    #[must_use]
    pub fn base64(media_type: &str, data: &str) -> Self {
        Self::url(format!("data:{media_type};base64,{data}"))
    }

    /// Creates an image from its bytes; `media_type` is one like `image/png`.
    #[must_use]
    pub fn bytes(media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::url(data_url::of_bytes(media_type, bytes.as_ref()))
    }

    /// Creates an image from a file, which is read now, on this thread. PNG, JPEG, GIF and WebP are recognized by their
    /// content, any other kind by the extension.
    ///
    /// # Errors
    /// `Config`, which names the file, when it cannot be read or is no image.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, StreamError> {
        data_url::of_image(path.as_ref()).map(Self::url)
    }
}

impl From<&str> for InputImageContent {
    fn from(url: &str) -> Self {
        Self::url(url)
    }
}

impl From<String> for InputImageContent {
    fn from(url: String) -> Self {
        Self::url(url)
    }
}

impl InputFileContent {
    /// Refers to an uploaded file.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self::new().file_id(file_id)
    }

    /// Creates a file from its URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new().file_url(url)
    }

    /// Creates a file from its name and its content, a `data:` URL in base64.
    pub fn data(filename: impl Into<String>, file_data: impl Into<String>) -> Self {
        Self::new().filename(filename).file_data(file_data)
    }
}
