//! The endpoints `POST /audio/transcriptions` and `POST /audio/speech`.

use std::borrow::Cow;

use super::chunk::AudioChunk;
use super::speech::SpeechEvent;
use super::transcription::TranscriptionEvent;
use crate::endpoint::Endpoint;
use crate::multipart::RequestBody;
use crate::session::Framing;

/// The endpoint `POST /audio/transcriptions`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transcriptions;

impl Endpoint for Transcriptions {
    type Event = TranscriptionEvent;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/audio/transcriptions")
    }
}

/// The endpoint `POST /audio/speech`, as events that carry the sound in base64 and at their end the token counts
/// (`stream_format: "sse"`, which is set on the way). Not every model and server has it; see [`SpeechAudio`].
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

/// The endpoint `POST /audio/speech`, as the sound alone, chunk by chunk as it comes (`stream_format: "audio"`, which is
/// what servers do that are not told otherwise).
///
/// Nothing in such a body says that it is complete. One that is cut by its framing is told to be; one that a proxy ends
/// early as if it were complete cannot be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpeechAudio;

impl Endpoint for SpeechAudio {
    type Event = AudioChunk;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/audio/speech")
    }

    fn prepare(&self, body: &mut RequestBody, _: bool) {
        // The default, and unknown to servers that have nothing else.
        body.remove("stream_format");
    }

    fn framing(&self) -> Framing {
        Framing::Bytes
    }
}
