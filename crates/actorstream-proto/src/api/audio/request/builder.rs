//! Builders of transcription and speech requests.

use super::{ChunkingMode, ChunkingStrategy, CustomVoice, SpeechRequest, TranscriptionRequest, Voice};
use crate::request::multipart::FilePart;

impl SpeechRequest {
    /// Creates a request to `model` to speak `input`. No voice is set.
    pub fn new(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self { model: model.into(), input: input.into(), ..Self::default() }
    }
}

impl Voice {
    /// Refers to a custom voice of the account.
    pub fn custom(id: impl Into<String>) -> Self {
        CustomVoice::new(id).into()
    }
}

impl TranscriptionRequest {
    /// Creates a request to `model` to transcribe `file`.
    pub fn new(model: impl Into<String>, file: impl Into<FilePart>) -> Self {
        Self { model: model.into(), ..Self::of_files(file.into()) }
    }

    /// Adds a known speaker, with a voice sample of 2 to 10 seconds as a `data:` URL.
    #[must_use]
    pub fn known_speaker(self, name: impl Into<String>, sample: impl Into<String>) -> Self {
        self.known_speaker_names([name]).known_speaker_references([sample])
    }
}

impl ChunkingStrategy {
    /// The server detects pauses in the speech.
    #[must_use]
    pub fn auto() -> Self {
        ChunkingMode::Auto.into()
    }
}
