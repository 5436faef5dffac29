//! `AudioChunk`: a chunk of audio, from speech that is streamed as bytes.

use bytes::{Bytes, BytesMut};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::speech::{SpeechResponse, whole};
use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::json::base64::encode;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::sse::Frame;

/// A chunk of audio, of the size of one read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AudioChunk {
    /// The audio.
    pub raw: Payload,
}

impl AudioChunk {
    /// The audio.
    pub fn audio(&self) -> &Bytes {
        self.raw.bytes()
    }
}

impl Serialize for AudioChunk {
    /// Serializes as an object with the audio in base64.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("AudioChunk", 1)?;
        object.serialize_field("audio", &encode(self.audio()))?;
        object.end()
    }
}

impl Event for AudioChunk {
    type Response = SpeechResponse;
    type Accumulator = AudioAccumulator;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        Ok(Decoded { event: Self { raw: frame.data.into() }, verdict: Verdict::Data })
    }

    fn decode_whole(body: &[u8]) -> Result<SpeechResponse, DecodeError> {
        whole(body)
    }

    /// None: speech has no finish reason.
    fn finish_reasons(_: &SpeechResponse) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}

/// Accumulates chunks of audio.
#[derive(Debug, Default)]
pub struct AudioAccumulator(BytesMut);

impl Accumulator<AudioChunk> for AudioAccumulator {
    fn push(&mut self, chunk: &mut AudioChunk, keep: bool) {
        if keep {
            self.0.extend_from_slice(chunk.audio());
        }
    }

    fn size(&self) -> usize {
        self.0.len()
    }

    fn is_complete(&self, _: usize) -> bool {
        false
    }

    fn take(&mut self) -> SpeechResponse {
        SpeechResponse::from_bytes(std::mem::take(&mut self.0).freeze())
    }
}
