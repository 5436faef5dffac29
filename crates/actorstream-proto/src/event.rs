//! `Event`: what a stream is made of; `Accumulator`: the response that its events add up to.

use std::fmt;

use crate::error::ApiError;
use crate::finish::Status;
use crate::payload::Payload;
use crate::sse::{Frame, SseDecoder};
use crate::text::Text;

/// A type of event: how it is read off the wire, and what the events of one stream add up to.
///
/// The crate's own are [`ChatCompletionChunk`](crate::chat::ChatCompletionChunk),
/// [`CompletionChunk`](crate::completions::CompletionChunk) and [`RawEvent`](crate::raw::RawEvent); for any type that
/// serde reads there is [`Typed`](crate::raw::Typed).
pub trait Event: Sized + fmt::Debug + Send + 'static {
    /// What the events of one stream add up to, and what the unstreamed call answers.
    type Response: fmt::Debug + Send + Sync + 'static;

    /// What puts the response together.
    type Accumulator: Accumulator<Self>;

    /// What reading an event remembers for the next one: a [`Template`](crate::template::Template), or `()`.
    type Memory: Memory<Self>;

    /// Reads an event. The data of `frame` is neither empty nor `[DONE]`.
    ///
    /// # Errors
    /// When the data is not JSON. Anything that is JSON should be an event, if one of unknown content.
    fn decode(frame: Frame, memory: &mut Self::Memory) -> Result<Decoded<Self>, DecodeError>;

    /// Reads the body of an unstreamed answer.
    ///
    /// # Errors
    /// When the body is not what the endpoint answers.
    fn decode_whole(body: &[u8]) -> Result<Self::Response, DecodeError>;

    /// Why each choice of the response ended.
    fn finish_reasons(response: &Self::Response) -> Vec<Text>;

    /// The event as it came.
    fn payload(&self) -> &Payload;

    /// The event's number in its stream, by which a broken stream can go on. None unless said otherwise.
    fn sequence_number(&self) -> Option<u64> {
        None
    }
}

/// What is remembered of the events of a stream. Where it is enough to tell what the next event is, that is not parsed; it
/// is [data](Verdict::Data) then. It is never enough unless said otherwise.
pub trait Memory<E>: Default + fmt::Debug + Send + 'static {
    /// Appends the event that `frame` is to `out`, if enough is remembered. Otherwise the frame comes back, to be
    /// [decoded](Event::decode).
    ///
    /// # Errors
    /// The frame.
    fn recall(&mut self, frame: Frame, out: &mut Vec<E>) -> Result<(), Frame> {
        let _ = out;
        Err(frame)
    }

    /// The same for the next event of the read that `sse` decodes, whose end is found by what is remembered. Where it is
    /// not enough, `sse` stays as it is.
    fn recall_next(&mut self, sse: &mut SseDecoder, out: &mut Vec<E>) -> bool {
        let _ = (sse, out);
        false
    }
}

impl<E> Memory<E> for () {}

/// An event, and what it says about the stream.
#[derive(Debug)]
pub struct Decoded<E> {
    /// The event.
    pub event: E,
    /// What it says about the stream.
    pub verdict: Verdict,
}

/// What an event says about the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes on.
    Data,
    /// It goes on, and nothing happened: such an event counts as silence.
    KeepAlive,
    /// This was the last event of one of the choices, or images, that were asked for. When as many as were asked for are
    /// complete, the stream is finished.
    FinishChoice,
    /// This was the last event; the stream is finished.
    Finish(Status),
    /// The server failed.
    Fail(ApiError),
}

/// Why a payload is no event: it is not JSON, and this is what the parser says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

/// Puts the response of one stream together, and knows when it is complete.
pub trait Accumulator<E: Event>: Default + Send + 'static {
    /// Adds an event, before the target gets it; text that was split inside a character is put right in it. Where
    /// `keep` is false the texts are not kept, all else is.
    fn push(&mut self, event: &mut E, keep: bool);

    /// About how many bytes are held, at least 1 for each thing that a server can make it hold.
    fn size(&self) -> usize;

    /// Whether at least `choices` choices have come and each that came has ended, so that a body that ends cleanly
    /// here is complete.
    fn is_complete(&self, choices: usize) -> bool;

    /// The id of the response, if the server keeps it so that a broken stream can go on. None unless said otherwise.
    fn resumable(&self) -> Option<&str> {
        None
    }

    /// Takes the response as far as it has come.
    fn take(&mut self) -> E::Response;
}
