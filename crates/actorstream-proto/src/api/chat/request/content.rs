//! Content of messages: texts, images, recordings and files.

use std::path::Path;

use super::{
    Content, ContentPart, ContentPartFile, ContentPartImage, ContentPartInputAudio, ContentPartRefusal,
    ContentPartText, FileInput, ImageUrl, InputAudio, InputAudioFormat, PromptCacheBreakpoint,
};
use crate::outcome::error::StreamError;
use crate::request::data_url;

impl Content {
    /// Returns the text, if the content is plain text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<ContentPart> for Content {
    fn from(part: ContentPart) -> Self {
        Self::Parts(vec![part])
    }
}

impl ContentPart {
    /// Creates a text part.
    pub fn text(text: impl Into<String>) -> Self {
        ContentPartText::new(text).into()
    }

    /// Creates an image part from a URL or an [`ImageUrl`].
    pub fn image_url(image_url: impl Into<ImageUrl>) -> Self {
        ContentPartImage::new(image_url).into()
    }

    /// Creates an image part that contains the image; `media_type` is one like `image/png`.
    pub fn image_bytes(media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::image_url(ImageUrl::bytes(media_type, bytes))
    }

    /// Creates an image part that contains the image in a file; see [`ImageUrl::file`].
    ///
    /// # Errors
    /// `Config`, which names the file, when it cannot be read or is no image.
    pub fn image_file(path: impl AsRef<Path>) -> Result<Self, StreamError> {
        ImageUrl::file(path).map(Self::image_url)
    }

    /// Creates an audio part from base64 `data`; `format` is `wav` or `mp3`.
    pub fn input_audio(data: impl Into<String>, format: impl Into<InputAudioFormat>) -> Self {
        ContentPartInputAudio::new(InputAudio::new(data, format)).into()
    }

    /// Creates a file part.
    pub fn file(file: FileInput) -> Self {
        ContentPartFile::new(file).into()
    }

    /// Creates a refusal part, for messages of the model.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        ContentPartRefusal::new(refusal).into()
    }

    /// Marks this part as the last one of a prompt prefix to cache.
    ///
    /// Refusals and parts of other types are not changed.
    #[must_use]
    pub fn cache_breakpoint(mut self) -> Self {
        let place = match &mut self {
            Self::Text(part) => &mut part.prompt_cache_breakpoint,
            Self::ImageUrl(part) => &mut part.prompt_cache_breakpoint,
            Self::InputAudio(part) => &mut part.prompt_cache_breakpoint,
            Self::File(part) => &mut part.prompt_cache_breakpoint,
            Self::Refusal(_) | Self::Unknown(_) => return self,
        };
        *place = Some(PromptCacheBreakpoint::new());
        self
    }
}

impl ImageUrl {
    /// Creates the `data:` URL of an image from its base64 `data`; `media_type` is one like `image/png`.
    #[must_use]
    pub fn base64(media_type: &str, data: &str) -> Self {
        Self::new(format!("data:{media_type};base64,{data}"))
    }

    /// Creates the `data:` URL of an image from its bytes; `media_type` is one like `image/png`.
    #[must_use]
    pub fn bytes(media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(data_url::of_bytes(media_type, bytes.as_ref()))
    }

    /// Creates the `data:` URL of the image in a file, which is read now, on this thread. PNG, JPEG, GIF and WebP are
    /// recognized by their content, any other kind by the extension.
    ///
    /// # Errors
    /// `Config`, which names the file, when it cannot be read or is no image.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, StreamError> {
        data_url::of_image(path.as_ref()).map(Self::new)
    }
}

impl From<&str> for ImageUrl {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for ImageUrl {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl FileInput {
    /// Refers to an uploaded file.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self::new().file_id(file_id)
    }

    /// Creates a file from its name and its base64 content.
    pub fn data(filename: impl Into<String>, file_data: impl Into<String>) -> Self {
        Self::new().filename(filename).file_data(file_data)
    }
}
