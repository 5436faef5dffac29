//! Spoken answers.

use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

/// How a spoken answer sounds; needed with the modality
/// [`Audio`](super::Modality::Audio).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioOutput {
    /// The voice that speaks.
    pub voice: Voice,
    /// The encoding of the sound.
    pub format: AudioFormat,
}

impl AudioOutput {
    /// A spoken answer in `voice`, encoded as `format`.
    pub fn new(voice: impl Into<Voice>, format: impl Into<AudioFormat>) -> Self {
        Self { voice: voice.into(), format: format.into() }
    }
}

/// A voice, built in or of one's own.
///
/// A string converts into a built-in voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Voice {
    /// A voice the API offers.
    BuiltIn(VoiceName),
    /// A voice made for the account.
    Custom {
        /// Its identifier, such as `voice_1234`.
        id: String,
    },
}

impl Voice {
    /// A voice made for the account.
    pub fn custom(id: impl Into<String>) -> Self {
        Self::Custom { id: id.into() }
    }
}

impl From<VoiceName> for Voice {
    fn from(name: VoiceName) -> Self {
        Self::BuiltIn(name)
    }
}

impl From<&str> for Voice {
    fn from(name: &str) -> Self {
        Self::BuiltIn(name.into())
    }
}

impl From<String> for Voice {
    fn from(name: String) -> Self {
        Self::BuiltIn(name.into())
    }
}

string_enum! {
    /// A built-in voice.
    pub enum VoiceName {
        /// Alloy.
        Alloy = "alloy",
        /// Ash.
        Ash = "ash",
        /// Ballad.
        Ballad = "ballad",
        /// Cedar.
        Cedar = "cedar",
        /// Coral.
        Coral = "coral",
        /// Echo.
        Echo = "echo",
        /// Fable.
        Fable = "fable",
        /// Marin.
        Marin = "marin",
        /// Nova.
        Nova = "nova",
        /// Onyx.
        Onyx = "onyx",
        /// Sage.
        Sage = "sage",
        /// Shimmer.
        Shimmer = "shimmer",
        /// Verse.
        Verse = "verse",
    }
}

string_enum! {
    /// The encoding of a spoken answer.
    pub enum AudioFormat {
        /// AAC.
        Aac = "aac",
        /// FLAC.
        Flac = "flac",
        /// MP3.
        Mp3 = "mp3",
        /// Opus.
        Opus = "opus",
        /// Bare samples of 16 bits, the format for streaming.
        Pcm16 = "pcm16",
        /// WAV.
        Wav = "wav",
    }
}
