//! What a message says: plain text or a list of parts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::string_enum::string_enum;

/// The content of a message.
///
/// A string converts into it, and so does a list of [`ContentPart`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts of any kind the role and the model take.
    Parts(Vec<ContentPart>),
}

impl Content {
    /// The text, if the content is plain text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Parts(_) => None,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Content {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<ContentPart> for Content {
    fn from(part: ContentPart) -> Self {
        Self::Parts(vec![part])
    }
}

impl From<Vec<ContentPart>> for Content {
    fn from(parts: Vec<ContentPart>) -> Self {
        Self::Parts(parts)
    }
}

impl<const N: usize> From<[ContentPart; N]> for Content {
    fn from(parts: [ContentPart; N]) -> Self {
        Self::Parts(parts.into())
    }
}

/// One part of a message's content.
///
/// Every role takes text. Images, audio and files belong in user messages, a
/// refusal in an assistant message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ContentPart {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Ends a reusable prompt prefix after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
    },
    /// An image.
    ImageUrl {
        /// Where the image is.
        image_url: ImageUrl,
        /// Ends a reusable prompt prefix after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
    },
    /// Recorded sound.
    InputAudio {
        /// The recording.
        input_audio: InputAudio,
        /// Ends a reusable prompt prefix after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
    },
    /// A file.
    File {
        /// The file, by identifier or by content.
        file: FileInput,
        /// Ends a reusable prompt prefix after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
    },
    /// What the assistant said when it declined.
    Refusal {
        /// The words of the refusal.
        refusal: String,
    },
    /// A part of another type or with further fields, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl ContentPart {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), prompt_cache_breakpoint: None }
    }

    /// An image part, from a URL or an [`ImageUrl`].
    pub fn image_url(image_url: impl Into<ImageUrl>) -> Self {
        Self::ImageUrl { image_url: image_url.into(), prompt_cache_breakpoint: None }
    }

    /// An audio part from base64 `data`; `format` is `wav` or `mp3`.
    pub fn input_audio(data: impl Into<String>, format: impl Into<InputAudioFormat>) -> Self {
        Self::InputAudio {
            input_audio: InputAudio { data: data.into(), format: format.into() },
            prompt_cache_breakpoint: None,
        }
    }

    /// A file part.
    pub fn file(file: FileInput) -> Self {
        Self::File { file, prompt_cache_breakpoint: None }
    }

    /// A refusal part, for assistant messages.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        Self::Refusal { refusal: refusal.into() }
    }

    /// Marks the end of this part as the end of a reusable prompt prefix.
    ///
    /// Refusals and parts of another type stay as they are.
    #[must_use]
    pub fn cache_breakpoint(mut self) -> Self {
        match &mut self {
            Self::Text { prompt_cache_breakpoint, .. }
            | Self::ImageUrl { prompt_cache_breakpoint, .. }
            | Self::InputAudio { prompt_cache_breakpoint, .. }
            | Self::File { prompt_cache_breakpoint, .. } => {
                *prompt_cache_breakpoint = Some(PromptCacheBreakpoint::default());
            }
            Self::Refusal { .. } | Self::Other(_) => {}
        }
        self
    }
}

/// An image to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageUrl {
    /// A web address or a `data:` URL with the image in base64.
    pub url: String,
    /// How closely the model looks. `auto` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ImageDetail>,
}

impl ImageUrl {
    /// An image at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), detail: None }
    }

    /// An image given as base64 `data` of a media type such as `image/png`.
    #[must_use]
    pub fn base64(media_type: &str, data: &str) -> Self {
        Self::new(format!("data:{media_type};base64,{data}"))
    }

    /// Sets how closely the model looks.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<ImageDetail>) -> Self {
        self.detail = Some(detail.into());
        self
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

/// Recorded sound to listen to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAudio {
    /// The recording in base64.
    pub data: String,
    /// How the recording is encoded.
    pub format: InputAudioFormat,
}

/// A file to read: one uploaded before, or its name and content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// The content in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The identifier of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The name, when the content is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

impl FileInput {
    /// A file that was uploaded before.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self { file_id: Some(file_id.into()), ..Self::default() }
    }

    /// A file given by name and base64 content.
    pub fn data(filename: impl Into<String>, file_data: impl Into<String>) -> Self {
        Self { file_data: Some(file_data.into()), filename: Some(filename.into()), ..Self::default() }
    }
}

/// The end of a prompt prefix the server may keep for later requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptCacheBreakpoint {
    /// The kind of breakpoint; the API has one.
    pub mode: PromptCacheBreakpointMode,
}

string_enum! {
    /// The kind of a [`PromptCacheBreakpoint`].
    #[derive(Default)]
    pub enum PromptCacheBreakpointMode {
        /// Set by the request.
        #[default]
        Explicit = "explicit",
    }
}

string_enum! {
    /// How closely a model looks at an image.
    #[derive(Default)]
    pub enum ImageDetail {
        /// The model decides.
        #[default]
        Auto = "auto",
        /// A small version, for few tokens.
        Low = "low",
        /// In full, for more tokens.
        High = "high",
    }
}

string_enum! {
    /// The encoding of recorded sound in a request.
    pub enum InputAudioFormat {
        /// WAV.
        Wav = "wav",
        /// MP3.
        Mp3 = "mp3",
    }
}
