//! Building requests for transcriptions and for speech.

use super::{ChunkingMode, ChunkingStrategy, CustomVoice, SpeechRequest, TranscriptionRequest, Voice};
use crate::request::multipart::FilePart;

impl SpeechRequest {
    /// Creates a request to `model` to speak `input`, without a voice.
    pub fn new(model: impl Into<String>, input: impl Into<String>) -> Self {
        Self { model: model.into(), input: input.into(), ..Self::default() }
    }
}

impl Voice {
    /// A voice made for the account.
    pub fn custom(id: impl Into<String>) -> Self {
        CustomVoice::new(id).into()
    }
}

impl TranscriptionRequest {
    /// Creates a request to `model` to transcribe `file`.
    pub fn new(model: impl Into<String>, file: impl Into<FilePart>) -> Self {
        Self { model: model.into(), ..Self::of_files(file.into()) }
    }

    /// Adds a known speaker with a sample of the voice, a `data:` URL of 2 to 10 seconds.
    #[must_use]
    pub fn known_speaker(self, name: impl Into<String>, sample: impl Into<String>) -> Self {
        self.known_speaker_names([name]).known_speaker_references([sample])
    }
}

impl ChunkingStrategy {
    /// The server finds where nobody speaks.
    #[must_use]
    pub fn auto() -> Self {
        ChunkingMode::Auto.into()
    }
}
