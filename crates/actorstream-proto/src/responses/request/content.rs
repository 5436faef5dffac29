//! What a message says, or a tool answers: plain text or a list of parts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::request::body::{null_as_default, setters};
use crate::chat::request::{InputAudio, InputAudioFormat, PromptCacheBreakpoint};
use crate::string_enum::string_enum;

/// The content of a message, or the output of a tool.
///
/// A string converts into it, and so does a list of [`InputPart`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputContent {
    /// Plain text.
    Text(String),
    /// Parts of any kind.
    Parts(Vec<InputPart>),
}

impl Default for InputContent {
    fn default() -> Self {
        Self::Parts(Vec::new())
    }
}

impl From<&str> for InputContent {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for InputContent {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for InputContent {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<InputPart> for InputContent {
    fn from(part: InputPart) -> Self {
        Self::Parts(vec![part])
    }
}

impl From<Vec<InputPart>> for InputContent {
    fn from(parts: Vec<InputPart>) -> Self {
        Self::Parts(parts)
    }
}

impl<const N: usize> From<[InputPart; N]> for InputContent {
    fn from(parts: [InputPart; N]) -> Self {
        Self::Parts(parts.into())
    }
}

/// One part of the content of a message or of the output of a tool.
///
/// What the assistant said is in parts of its own kind: text and refusals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InputPart {
    /// Text.
    InputText {
        /// The text.
        text: String,
        /// Ends a reusable prompt prefix after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
    },
    /// An image.
    InputImage(InputImage),
    /// A file.
    InputFile(InputFile),
    /// Recorded sound.
    InputAudio {
        /// The recording.
        input_audio: InputAudio,
    },
    /// What the assistant said.
    OutputText {
        /// The text.
        text: String,
        /// What the text refers to, as it came.
        #[serde(default, deserialize_with = "null_as_default")]
        annotations: Vec<Value>,
        /// The log probability of each token, as it came.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
        logprobs: Vec<Value>,
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

impl InputPart {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::InputText { text: text.into(), prompt_cache_breakpoint: None }
    }

    /// An image part, from a URL or an [`InputImage`].
    pub fn image(image: impl Into<InputImage>) -> Self {
        Self::InputImage(image.into())
    }

    /// A file part.
    #[must_use]
    pub fn file(file: InputFile) -> Self {
        Self::InputFile(file)
    }

    /// An audio part from base64 `data`; `format` is `wav` or `mp3`.
    pub fn audio(data: impl Into<String>, format: impl Into<InputAudioFormat>) -> Self {
        Self::InputAudio { input_audio: InputAudio { data: data.into(), format: format.into() } }
    }

    /// A text part of what the assistant said.
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new(), logprobs: Vec::new() }
    }

    /// A refusal part, of what the assistant said.
    pub fn refusal(refusal: impl Into<String>) -> Self {
        Self::Refusal { refusal: refusal.into() }
    }

    /// Marks the end of this part as the end of a reusable prompt prefix.
    ///
    /// Only parts with text, an image or a file can be marked; others stay as they are.
    #[must_use]
    pub fn cache_breakpoint(mut self) -> Self {
        match &mut self {
            Self::InputText { prompt_cache_breakpoint, .. }
            | Self::InputImage(InputImage { prompt_cache_breakpoint, .. })
            | Self::InputFile(InputFile { prompt_cache_breakpoint, .. }) => {
                *prompt_cache_breakpoint = Some(PromptCacheBreakpoint::default());
            }
            Self::InputAudio { .. } | Self::OutputText { .. } | Self::Refusal { .. } | Self::Other(_) => {}
        }
        self
    }
}

/// An image to look at. A string converts into one at that URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputImage {
    /// A web address or a `data:` URL with the image in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The identifier of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// How closely the model looks. `auto` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ImageDetail>,
    /// Ends a reusable prompt prefix after this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
}

impl InputImage {
    /// An image at `url`.
    pub fn url(url: impl Into<String>) -> Self {
        Self { image_url: Some(url.into()), ..Self::default() }
    }

    /// An image that was uploaded before.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self { file_id: Some(file_id.into()), ..Self::default() }
    }

    /// An image given as base64 `data` of a media type such as `image/png`.
    #[must_use]
    pub fn base64(media_type: &str, data: &str) -> Self {
        Self::url(format!("data:{media_type};base64,{data}"))
    }

    setters! {
        value {}
        into {
            /// Sets how closely the model looks.
            detail: ImageDetail,
        }
    }
}

impl From<&str> for InputImage {
    fn from(url: &str) -> Self {
        Self::url(url)
    }
}

impl From<String> for InputImage {
    fn from(url: String) -> Self {
        Self::url(url)
    }
}

/// A file to read: one uploaded before, one on the web, or its name and content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// The identifier of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// A web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
    /// The content as a `data:` URL in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The name, when the content is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// How closely the model looks at the pages. `auto` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<FileDetail>,
    /// Ends a reusable prompt prefix after this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<PromptCacheBreakpoint>,
}

impl InputFile {
    /// A file that was uploaded before.
    pub fn id(file_id: impl Into<String>) -> Self {
        Self { file_id: Some(file_id.into()), ..Self::default() }
    }

    /// A file at `url`.
    pub fn url(url: impl Into<String>) -> Self {
        Self { file_url: Some(url.into()), ..Self::default() }
    }

    /// A file given by name and content, a `data:` URL in base64.
    pub fn data(filename: impl Into<String>, file_data: impl Into<String>) -> Self {
        Self { filename: Some(filename.into()), file_data: Some(file_data.into()), ..Self::default() }
    }

    setters! {
        value {}
        into {
            /// Sets how closely the model looks at the pages.
            detail: FileDetail,
        }
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
        /// In its own size, for the most tokens.
        Original = "original",
    }
}

string_enum! {
    /// How closely a model looks at the pages of a file.
    #[derive(Default)]
    pub enum FileDetail {
        /// The server decides.
        #[default]
        Auto = "auto",
        /// Roughly, for few tokens.
        Low = "low",
        /// Closely, for more tokens.
        High = "high",
    }
}
