//! `POST /audio/speech`: speech from text.

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use crate::chat::request::Voice;
use crate::chat::request::body::{FieldWriter, Fields, serialize_fields, setters};
use crate::string_enum::string_enum;

/// A request for speech.
///
/// A field that is `None` is not sent and the server uses its default. How the answer is streamed is told by
/// [`stream_format`](field@Self::stream_format); the endpoint has no field `stream`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SpeechRequest {
    /// The model that speaks.
    pub model: String,
    /// What is said, at most 4096 characters.
    pub input: String,
    /// The voice that speaks. The API wants one; other servers may have a default.
    #[serde(default)]
    pub voice: Option<Voice>,
    /// How it is said, in words; not for the oldest models.
    #[serde(default)]
    pub instructions: Option<String>,
    /// How the sound is encoded. Default MP3.
    #[serde(default)]
    pub response_format: Option<SpeechFormat>,
    /// How fast it is said, from 0.25 to 4. Default 1.
    #[serde(default)]
    pub speed: Option<f64>,
    /// What the answer is made of. Default the sound alone.
    #[serde(default)]
    pub stream_format: Option<SpeechStreamFormat>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl SpeechRequest {
    /// A request for `model` to say `input`, in a voice yet to be set.
    pub fn new(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self { model: model.into(), input: input.into(), ..Self::default() }
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
            /// Sets the voice that speaks.
            voice: Voice,
            /// Sets how it is said, in words.
            instructions: String,
            /// Sets how the sound is encoded.
            response_format: SpeechFormat,
            /// Sets how fast it is said, from 0.25 to 4.
            speed: f64,
            /// Sets what the answer is made of.
            stream_format: SpeechStreamFormat,
        }
    }
}

impl Fields for SpeechRequest {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("model", &self.model)?;
        out.required("input", &self.input)?;
        out.optional("voice", &self.voice)?;
        out.optional("instructions", &self.instructions)?;
        out.optional("response_format", &self.response_format)?;
        out.optional("speed", &self.speed)?;
        out.optional("stream_format", &self.stream_format)
    }
}

serialize_fields!(SpeechRequest);

string_enum! {
    /// How speech is encoded.
    #[derive(Default)]
    pub enum SpeechFormat {
        /// MP3, the default.
        #[default]
        Mp3 = "mp3",
        /// Opus.
        Opus = "opus",
        /// AAC.
        Aac = "aac",
        /// FLAC.
        Flac = "flac",
        /// WAV.
        Wav = "wav",
        /// Bare samples.
        Pcm = "pcm",
    }
}

string_enum! {
    /// What an answer with speech is made of.
    #[derive(Default)]
    pub enum SpeechStreamFormat {
        /// Events that carry the sound in base64, and at the end the token counts; not from the oldest models.
        Sse = "sse",
        /// The sound alone, as it comes. The default.
        #[default]
        Audio = "audio",
    }
}
