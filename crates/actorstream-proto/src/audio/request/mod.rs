//! Requests for transcriptions and for speech.
//!
//! ```
//! use actorstream_proto::audio::request::{SpeechRequest, TranscriptionRequest};
//! use actorstream_proto::multipart::FilePart;
//!
//! let heard = TranscriptionRequest::new("gpt-4o-transcribe", FilePart::from_path("talk.mp3")).language("en");
//! let said = SpeechRequest::new("gpt-4o-mini-tts", "Hello!").voice("coral").stream_format("sse");
//! ```

mod speech;
mod transcription;

#[cfg(test)]
mod tests;

pub use crate::chat::request::{Voice, VoiceName};
pub use speech::{SpeechFormat, SpeechRequest, SpeechStreamFormat};
pub use transcription::{
    ChunkingMode, ChunkingStrategy, ServerVad, TimestampGranularity, TranscriptionFormat,
    TranscriptionInclude, TranscriptionRequest,
};
