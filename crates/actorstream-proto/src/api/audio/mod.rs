//! The audio endpoints: the requests, the events of transcriptions and speech, and the responses that they add up
//! to.

mod chunk;
mod endpoint;
mod generated;
pub mod request;
mod speech;
mod transcript;
mod transcription;

#[cfg(test)]
#[path = "audio_tests.rs"]
mod tests;

pub use chunk::{AudioAccumulator, AudioChunk};
pub use endpoint::{Speech, SpeechAudio, Transcriptions};
pub use generated::*;
pub use request::{SpeechRequest, TranscriptionRequest};
pub use speech::{SpeechAccumulator, SpeechEvent, SpeechResponse};
pub use transcript::{Transcript, TranscriptSegment};
pub use transcription::{TranscriptAccumulator, TranscriptionEvent};
