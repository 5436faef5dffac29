//! `POST /audio/transcriptions`: text from speech.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::request::body::setters;
use crate::multipart::{FilePart, Form, FormWriter, RequestBody, request_body};
use crate::string_enum::string_enum;

/// A request for a transcription, sent as a form.
///
/// A field that is `None`, or an empty list, is not sent and the server uses its default. Whether the text is streamed
/// is not a field: whoever sends the request decides it.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptionRequest {
    /// The recording. The server tells its encoding from the extension of the name.
    pub file: FilePart,
    /// The model that listens.
    pub model: String,
    /// How the recording is cut into pieces. Default not at all, which the model for several speakers refuses beyond
    /// 30 seconds.
    pub chunking_strategy: Option<ChunkingStrategy>,
    /// What the answer has beyond the text.
    pub include: Vec<TranscriptionInclude>,
    /// Words and phrases to expect.
    pub keywords: Vec<String>,
    /// The speakers of [`known_speaker_references`](Self::known_speaker_references), in the same order; at most four.
    pub known_speaker_names: Vec<String>,
    /// Samples of the voices of known speakers, as `data:` URLs of 2 to 10 seconds.
    pub known_speaker_references: Vec<String>,
    /// The language spoken, by its two-letter ISO 639-1 code.
    pub language: Option<String>,
    /// The languages that may be spoken, by their two-letter codes.
    pub languages: Vec<String>,
    /// What was said before, or how the text is to read; in the language spoken.
    pub prompt: Option<String>,
    /// The form of the text. Default JSON.
    pub response_format: Option<TranscriptionFormat>,
    /// How freely words are chosen, from 0 to 1. Default 0, which lets the server raise it where that helps.
    pub temperature: Option<f64>,
    /// What times are told of; needs [`TranscriptionFormat::VerboseJson`].
    pub timestamp_granularities: Vec<TimestampGranularity>,
    /// Further fields. One with the name of a field above replaces it. A list is sent as one field per entry, its name
    /// followed by `[]`; an object as its JSON; `null` not at all.
    pub extra: Map<String, Value>,
}

impl TranscriptionRequest {
    /// A request for `model` to write down what is said in `file`.
    pub fn new(model: impl Into<String>, file: impl Into<FilePart>) -> Self {
        Self {
            file: file.into(),
            model: model.into(),
            chunking_strategy: None,
            include: Vec::new(),
            keywords: Vec::new(),
            known_speaker_names: Vec::new(),
            known_speaker_references: Vec::new(),
            language: None,
            languages: Vec::new(),
            prompt: None,
            response_format: None,
            temperature: None,
            timestamp_granularities: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Adds something that the answer is to have beyond the text.
    #[must_use]
    pub fn include(mut self, include: impl Into<TranscriptionInclude>) -> Self {
        self.include.push(include.into());
        self
    }

    /// Adds words and phrases to expect.
    #[must_use]
    pub fn keywords<S: Into<String>>(mut self, keywords: impl IntoIterator<Item = S>) -> Self {
        self.keywords.extend(keywords.into_iter().map(Into::into));
        self
    }

    /// Adds a known speaker with a sample of the voice, a `data:` URL of 2 to 10 seconds.
    #[must_use]
    pub fn known_speaker(mut self, name: impl Into<String>, sample: impl Into<String>) -> Self {
        self.known_speaker_names.push(name.into());
        self.known_speaker_references.push(sample.into());
        self
    }

    /// Adds languages that may be spoken, by their two-letter codes.
    #[must_use]
    pub fn languages<S: Into<String>>(mut self, languages: impl IntoIterator<Item = S>) -> Self {
        self.languages.extend(languages.into_iter().map(Into::into));
        self
    }

    /// Adds something that times are told of.
    #[must_use]
    pub fn timestamps(mut self, granularity: impl Into<TimestampGranularity>) -> Self {
        self.timestamp_granularities.push(granularity.into());
        self
    }

    /// Sets a field this type does not have, or sends `value` in place of the field it has.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {}
        into {
            /// Sets how the recording is cut into pieces.
            chunking_strategy: ChunkingStrategy,
            /// Sets the language spoken, by its two-letter code.
            language: String,
            /// Sets what was said before, or how the text is to read.
            prompt: String,
            /// Sets the form of the text.
            response_format: TranscriptionFormat,
            /// Sets how freely words are chosen, from 0 to 1.
            temperature: f64,
        }
    }

    /// The request as a form.
    #[must_use]
    pub fn form(&self) -> Form {
        let mut out = FormWriter::new(&self.extra);
        out.required("model", &self.model);
        out.optional("chunking_strategy", &self.chunking_strategy);
        out.list("include", &self.include);
        out.list("keywords", &self.keywords);
        out.list("known_speaker_names", &self.known_speaker_names);
        out.list("known_speaker_references", &self.known_speaker_references);
        out.optional("language", &self.language);
        out.list("languages", &self.languages);
        out.optional("prompt", &self.prompt);
        out.optional("response_format", &self.response_format);
        out.optional("temperature", &self.temperature);
        out.list("timestamp_granularities", &self.timestamp_granularities);
        out.finish([("file", &self.file)])
    }
}

request_body!(TranscriptionRequest, |request: &TranscriptionRequest| {
    Ok(RequestBody::Multipart(request.form()))
});

/// How a recording is cut into pieces. [`ServerVad`] converts into it, and so does a string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChunkingStrategy {
    /// Where nobody speaks, as found with these settings.
    ServerVad(ServerVad),
    /// In a way that has a name.
    #[serde(untagged)]
    Mode(ChunkingMode),
    /// Another strategy, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl ChunkingStrategy {
    /// The server finds where nobody speaks.
    #[must_use]
    pub fn auto() -> Self {
        Self::Mode(ChunkingMode::Auto)
    }
}

impl From<ServerVad> for ChunkingStrategy {
    fn from(vad: ServerVad) -> Self {
        Self::ServerVad(vad)
    }
}

impl From<ChunkingMode> for ChunkingStrategy {
    fn from(mode: ChunkingMode) -> Self {
        Self::Mode(mode)
    }
}

impl From<&str> for ChunkingStrategy {
    fn from(mode: &str) -> Self {
        Self::Mode(mode.into())
    }
}

string_enum! {
    /// A way to cut a recording into pieces that needs no settings.
    #[derive(Default)]
    pub enum ChunkingMode {
        /// The server finds where nobody speaks.
        #[default]
        Auto = "auto",
    }
}

/// How the server finds where nobody speaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerVad {
    /// How much sound before speech belongs to it, in milliseconds. 300 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_padding_ms: Option<u32>,
    /// How long a silence ends speech, in milliseconds. 200 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_duration_ms: Option<u32>,
    /// How loud speech is at least, from 0 to 1. 0.5 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

impl ServerVad {
    /// The default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {
            /// Sets how much sound before speech belongs to it, in milliseconds.
            prefix_padding_ms: u32,
            /// Sets how long a silence ends speech, in milliseconds.
            silence_duration_ms: u32,
            /// Sets how loud speech is at least, from 0 to 1.
            threshold: f64,
        }
        into {}
    }
}

string_enum! {
    /// What a transcription has beyond the text.
    pub enum TranscriptionInclude {
        /// The log probability of each token, in JSON of the models that have them.
        Logprobs = "logprobs",
    }
}

string_enum! {
    /// The form of a transcription; not every model has every form.
    #[derive(Default)]
    pub enum TranscriptionFormat {
        /// JSON, the default.
        #[default]
        Json = "json",
        /// Text alone.
        Text = "text",
        /// SubRip subtitles.
        Srt = "srt",
        /// JSON with times and more.
        VerboseJson = "verbose_json",
        /// WebVTT subtitles.
        Vtt = "vtt",
        /// JSON that tells the speakers apart.
        DiarizedJson = "diarized_json",
    }
}

string_enum! {
    /// What the times of a transcription are told of.
    pub enum TimestampGranularity {
        /// Each word, which takes longer.
        Word = "word",
        /// Each segment.
        Segment = "segment",
    }
}
