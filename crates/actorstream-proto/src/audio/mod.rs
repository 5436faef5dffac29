//! The endpoints of sound: the events of a transcription and of speech, and transcriptions as they are answered.

mod generated;
pub mod request;

pub use generated::*;
pub use request::{SpeechRequest, TranscriptionRequest};
