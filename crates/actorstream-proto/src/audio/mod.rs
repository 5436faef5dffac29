//! The endpoints of sound: the events of a transcription and of speech, and the transcription that is answered.

mod generated;

pub use generated::*;
