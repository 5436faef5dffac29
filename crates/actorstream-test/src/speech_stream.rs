//! A well-formed stream of speech.

use base64::engine::{Engine as _, general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::json;

use crate::reply::Reply;
use crate::script::Script;

/// A well-formed stream of speech: as events that carry the audio in base64, or as the audio alone.
///
/// ```
/// use actorstream_test::SpeechStream;
///
/// let stream = SpeechStream::new("sound").piece_bytes(3).usage(2, 5);
/// assert_eq!(stream.events().count(), 2 + 1);
/// ```
#[derive(Clone, Debug)]
pub struct SpeechStream {
    sound: Bytes,
    piece: usize,
    usage: (u64, u64),
}

impl SpeechStream {
    /// Creates a stream of this audio.
    pub fn new(sound: impl Into<Bytes>) -> Self {
        Self { sound: sound.into(), piece: 1 << 10, usage: (0, 0) }
    }

    /// Splits the audio into chunks of this many bytes. Default: 1024; at least 1.
    pub fn piece_bytes(mut self, count: usize) -> Self {
        self.piece = count.max(1);
        self
    }

    /// Sets the token usage of the text and of the audio.
    pub fn usage(mut self, input_tokens: u64, output_tokens: u64) -> Self {
        self.usage = (input_tokens, output_tokens);
        self
    }

    /// Returns the events, each as JSON on one line.
    pub fn events(&self) -> impl Iterator<Item = String> + Send + use<> {
        let (input, output) = self.usage;
        let usage = json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output});
        let done = json!({"type": "speech.audio.done", "usage": usage});
        let deltas = self
            .pieces()
            .map(|piece| json!({"type": "speech.audio.delta", "audio": STANDARD.encode(piece)}).to_string());
        deltas.chain([done.to_string()])
    }

    /// Returns the whole reply as events: the head of an event stream, the events, the end of the body. There is no
    /// `[DONE]`.
    pub fn reply(&self) -> Reply {
        let stream = self.clone();
        Reply::sse().events_with(move || stream.events()).end()
    }

    /// Returns the whole reply as the audio alone, chunked, with this content type.
    pub fn audio_reply(&self, content_type: &str) -> Reply {
        let head = Reply::status(200).header("content-type", content_type).chunked();
        self.pieces().fold(head, Reply::piece).end()
    }

    fn pieces(&self) -> impl Iterator<Item = Bytes> + Send + use<> {
        let (mut rest, piece) = (self.sound.clone(), self.piece);
        std::iter::from_fn(move || {
            let length = piece.min(rest.len());
            (length > 0).then(|| rest.split_to(length))
        })
    }
}

impl From<SpeechStream> for Reply {
    fn from(stream: SpeechStream) -> Self {
        stream.reply()
    }
}

impl From<SpeechStream> for Script {
    fn from(stream: SpeechStream) -> Self {
        stream.reply().into()
    }
}
