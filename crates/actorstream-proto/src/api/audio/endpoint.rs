//! The endpoints `POST /audio/transcriptions` and `POST /audio/speech`.

use std::borrow::Cow;

use super::chunk::AudioChunk;
use super::speech::SpeechEvent;
use super::transcription::TranscriptionEvent;
use crate::endpoint::Endpoint;
use crate::endpoint::Framing;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /audio/transcriptions`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transcriptions;

impl Endpoint for Transcriptions {
    type Event = TranscriptionEvent;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/audio/transcriptions")
    }
}

/// The endpoint `POST /audio/speech`, streamed as events with the audio in base64 and the token counts at the end
/// (`stream_format: "sse"`, which the client sets). Some models and servers do not support it; see [`SpeechAudio`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Speech;

impl Endpoint for Speech {
    type Event = SpeechEvent;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/audio/speech")
    }

    fn prepare(&self, body: &mut RequestBody, streamed: bool) {
        if streamed {
            body.set("stream_format", "sse");
        } else {
            body.remove("stream_format");
        }
    }
}

/// The endpoint `POST /audio/speech`, streamed as plain audio, chunk by chunk (`stream_format: "audio"`, the default
/// of servers).
///
/// Nothing in such a body marks its end. Truncation is reported if the framing shows it. If a proxy ends the body
/// early with valid framing, that cannot be detected.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpeechAudio;

impl Endpoint for SpeechAudio {
    type Event = AudioChunk;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/audio/speech")
    }

    fn prepare(&self, body: &mut RequestBody, _: bool) {
        // `audio` is the default, and servers without other formats do not know the field.
        body.remove("stream_format");
    }

    fn framing(&self) -> Framing {
        Framing::Bytes
    }
}
