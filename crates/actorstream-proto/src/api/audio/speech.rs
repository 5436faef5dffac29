//! `SpeechEvent`: one event of streamed speech; `SpeechResponse`: the speech that they add up to.

use std::fmt;

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::generated::{SpeechStreamEvent, SpeechUsage};
use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::endpoint::typed_event::{typed_events, verdict_of};
use crate::json::base64::{Base64Error, decode, encode};
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::finish::Status;
use crate::session::page::is_page;
use crate::sse::Frame;

/// The size in bytes that a piece of audio counts for besides its base64.
const PIECE: usize = 64;

typed_events! {
    /// One event of streamed speech. It dereferences to [`SpeechStreamEvent`] for matching.
    pub struct SpeechEvent(SpeechStreamEvent);
}

impl SpeechEvent {
    /// Returns the decoded audio of the event; `None` if it has none.
    pub fn audio(&self) -> Option<Result<Bytes, Base64Error>> {
        match &self.event {
            SpeechStreamEvent::Delta(delta) => Some(decode(&delta.audio)),
            SpeechStreamEvent::Done(_) | SpeechStreamEvent::Unknown(_) => None,
        }
    }
}

impl Event for SpeechEvent {
    type Response = SpeechResponse;
    type Accumulator = SpeechAccumulator;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        let event = Self::read(frame)?;
        let verdict = match &event.event {
            SpeechStreamEvent::Delta(_) => Verdict::Data,
            SpeechStreamEvent::Done(_) => Verdict::Finish(Status::Completed),
            SpeechStreamEvent::Unknown(json) => verdict_of(json),
        };
        Ok(Decoded { event, verdict })
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

/// Reads unstreamed speech, which is plain audio.
pub(super) fn whole(body: &[u8]) -> Result<SpeechResponse, DecodeError> {
    let is_object =
        || body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok();
    if body.is_empty() || is_page(body) || is_object() {
        return Err(DecodeError("speech is sound, and this is none".into()));
    }
    Ok(SpeechResponse::from_bytes(Bytes::copy_from_slice(body)))
}

/// Speech: its audio, in either form.
#[derive(Clone, Default, PartialEq)]
pub struct SpeechResponse {
    sound: Sound,
    /// The token usage, if the events reported it.
    pub usage: Option<SpeechUsage>,
}

#[derive(Clone, PartialEq)]
enum Sound {
    Bytes(Bytes),
    /// The audio of the events, each encoded in base64 separately.
    Base64(Vec<Text>),
}

impl Default for Sound {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl SpeechResponse {
    pub(super) fn from_bytes(sound: Bytes) -> Self {
        Self { sound: Sound::Bytes(sound), usage: None }
    }

    /// Returns the audio, in the requested encoding (MP3 by default). Base64 is decoded by this call; bytes are
    /// shared, not copied.
    ///
    /// # Errors
    /// If the base64 of an event is invalid.
    pub fn audio(&self) -> Result<Bytes, Base64Error> {
        match &self.sound {
            Sound::Bytes(bytes) => Ok(bytes.clone()),
            Sound::Base64(pieces) => {
                let mut sound = BytesMut::new();
                for piece in pieces {
                    sound.extend_from_slice(&decode(piece)?);
                }
                Ok(sound.freeze())
            }
        }
    }
}

impl fmt::Debug for SpeechResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sound = match &self.sound {
            Sound::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Sound::Base64(pieces) => {
                format!("{} characters of base64", pieces.iter().map(|piece| piece.len()).sum::<usize>())
            }
        };
        f.debug_struct("SpeechResponse").field("sound", &sound).field("usage", &self.usage).finish()
    }
}

impl Serialize for SpeechResponse {
    /// Serializes as an object with the audio in base64, and the usage. If the base64 of an event is invalid,
    /// `audio` is `null`, and `pieces` contains the data of each event.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let audio = self.audio().ok().map(|audio| encode(&audio));
        let mut object = serializer.serialize_struct("SpeechResponse", 3)?;
        object.serialize_field("audio", &audio)?;
        match &self.sound {
            Sound::Base64(pieces) if audio.is_none() => object.serialize_field("pieces", pieces)?,
            _ => object.skip_field("pieces")?,
        }
        object.serialize_field("usage", &self.usage)?;
        object.end()
    }
}

/// Accumulates speech.
#[derive(Debug, Default)]
pub struct SpeechAccumulator {
    pieces: Vec<Text>,
    usage: Option<SpeechUsage>,
    size: usize,
}

impl Accumulator<SpeechEvent> for SpeechAccumulator {
    fn push(&mut self, event: &mut SpeechEvent, keep: bool) {
        match &event.event {
            SpeechStreamEvent::Delta(delta) if keep => {
                let mut piece = delta.audio.clone();
                piece.detach();
                self.size += PIECE + piece.len();
                self.pieces.push(piece);
            }
            SpeechStreamEvent::Done(done) if done.usage != SpeechUsage::default() => {
                self.usage = Some(done.usage.clone());
            }
            _ => {}
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn is_complete(&self, _: usize) -> bool {
        false
    }

    fn take(&mut self) -> SpeechResponse {
        SpeechResponse { sound: Sound::Base64(std::mem::take(&mut self.pieces)), usage: self.usage.take() }
    }
}
