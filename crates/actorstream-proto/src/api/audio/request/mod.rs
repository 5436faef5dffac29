//! Requests for transcriptions and for speech.
//!
//! ```
//! use actorstream_proto::api::audio::request::{SpeechRequest, TranscriptionRequest};
//! use actorstream_proto::request::multipart::FilePart;
//!
//! let heard = TranscriptionRequest::new("gpt-transcribe", FilePart::from_path("talk.mp3")).language("en");
//! let said = SpeechRequest::new("gpt-4o-mini-tts", "Hello!").voice("coral").stream_format("sse");
//! ```

mod builder;
mod generated;

#[cfg(test)]
mod tests;

pub use generated::*;
