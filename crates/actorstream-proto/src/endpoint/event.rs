//! `Event`: the events of a stream; `Accumulator`: the response that they add up to.

use std::fmt;

use bytes::Bytes;

pub use crate::json::decode_error::DecodeError;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::error::ApiError;
use crate::outcome::finish::Status;
use crate::outcome::identity::Identity;
use crate::outcome::tokens::Tokens;
use crate::sse::{Frame, SseDecoder};

/// An event type: how it is deserialized, and the response that the events of one stream add up to.
///
/// The crate has [`ChatCompletionChunk`](crate::api::chat::ChatCompletionChunk),
/// [`CompletionChunk`](crate::api::completions::CompletionChunk) and [`RawEvent`](crate::endpoint::raw::RawEvent),
/// among others; [`Typed`](crate::endpoint::raw::Typed) supports any type that serde can deserialize.
pub trait Event: Sized + fmt::Debug + Send + 'static {
    /// The accumulated response of a stream, which is also the type of the unstreamed response.
    type Response: fmt::Debug + Send + Sync + 'static;

    /// The accumulator of the response.
    type Accumulator: Accumulator<Self>;

    /// The state kept from one event to the next: a [`Template`](crate::template::Template), or `()`.
    type Memory: Memory<Self>;

    /// Decodes an event. The data of `frame` is neither empty nor `[DONE]`.
    ///
    /// # Errors
    /// If the data is not JSON. Any JSON should decode to an event, possibly one of unknown content.
    fn decode(frame: Frame, memory: &mut Self::Memory) -> Result<Decoded<Self>, DecodeError>;

    /// Decodes the body of an unstreamed response.
    ///
    /// # Errors
    /// If the body is not a response of the endpoint.
    fn decode_whole(body: &[u8]) -> Result<Self::Response, DecodeError>;

    /// Decodes a response whose content type is plain text, if the endpoint has such responses. Default: `None`.
    ///
    /// # Errors
    /// If it is not text.
    fn decode_text(body: &[u8]) -> Option<Result<Self::Response, DecodeError>> {
        let _ = body;
        None
    }

    /// Decodes the body of an unstreamed response as the events of a complete stream, because some servers send one
    /// even if a stream was requested. Returns no events if the body is not such a response; this is the default.
    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let _ = body;
        Vec::new()
    }

    /// Returns whether the server reports the response as complete. Default: complete.
    fn status(response: &Self::Response) -> Status {
        let _ = response;
        Status::Completed
    }

    /// Returns the finish reason of each choice.
    fn finish_reasons(response: &Self::Response) -> Vec<Text>;

    /// Returns the token usage of the response, if reported. Default: `None`.
    fn tokens(response: &Self::Response) -> Option<Tokens> {
        let _ = response;
        None
    }

    /// Returns the id of the response and the model that answered, if reported. Default: neither.
    fn identity(response: &Self::Response) -> Identity<'_> {
        let _ = response;
        Identity::default()
    }

    /// The event as it arrived.
    fn payload(&self) -> &Payload;

    /// Returns the event's number in its stream, from which a broken stream can be resumed. Default: `None`.
    fn sequence_number(&self) -> Option<u64> {
        None
    }
}

/// The state kept from the events of a stream. If it determines the next event, that event is not parsed and is
/// always [data](Verdict::Data). The default implementation never determines one.
pub trait Memory<E>: Default + fmt::Debug + Send + 'static {
    /// Appends the event in `frame` to `out`, if the state determines it. Otherwise returns the frame, to be
    /// [decoded](Event::decode).
    ///
    /// # Errors
    /// Returns the frame.
    fn recall(&mut self, frame: Frame, out: &mut Vec<E>) -> Result<(), Frame> {
        let _ = out;
        Err(frame)
    }

    /// Does the same for the next event of the read in `sse`, whose end the state determines. Returns `false` and
    /// leaves `sse` unchanged if the state determines no event.
    fn recall_next(&mut self, sse: &mut SseDecoder, out: &mut Vec<E>) -> bool {
        let _ = (sse, out);
        false
    }
}

impl<E> Memory<E> for () {}

/// An event, and its meaning for the stream.
#[derive(Debug)]
pub struct Decoded<E> {
    /// The event.
    pub event: E,
    /// Its meaning for the stream.
    pub verdict: Verdict,
}

/// The meaning of an event for the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The stream continues.
    Data,
    /// The stream continues, but this is a keep-alive and counts as silence.
    KeepAlive,
    /// The last event of one of the requested choices or images. When all of them are complete, the stream is
    /// finished.
    FinishChoice,
    /// The last event; the stream is finished.
    Finish(Status),
    /// The server failed.
    Fail(ApiError),
}

/// Accumulates the response of one stream, and determines when it is complete.
pub trait Accumulator<E: Event>: Default + Send + 'static {
    /// Adds an event before the target receives it, and repairs text in it that was split inside a character. If
    /// `keep` is false, the texts are not kept, but everything else is.
    fn push(&mut self, event: &mut E, keep: bool);

    /// Returns the approximate number of bytes held: at least 1 for each item that a server can add.
    fn size(&self) -> usize;

    /// Returns whether at least `choices` choices have arrived and each of them has ended, so that a body that ends
    /// cleanly here is complete.
    fn is_complete(&self, choices: usize) -> bool;

    /// Returns whether `[DONE]` ends the stream at any point. Default: yes. Endpoints whose streams end with a
    /// specific event override this.
    fn ends_with_done(&self) -> bool {
        true
    }

    /// Returns whether the server reports the response as complete, if the response itself does not contain that.
    /// Default: complete.
    fn status(&self) -> Status {
        Status::Completed
    }

    /// Describes what is missing of the requested `choices`, for the message of a truncated response.
    fn missing(&self, choices: usize) -> String {
        let _ = choices;
        "no last event came".to_owned()
    }

    /// Reads the state of the response from an event that reports its failure.
    fn fail(&mut self, event: &mut E) {
        let _ = event;
    }

    /// Returns whether any of the response has arrived.
    fn holds(&self) -> bool {
        false
    }

    /// Returns the id of the response, if the server stores it so that a broken stream can be resumed. Default:
    /// `None`.
    fn resumable(&self) -> Option<&str> {
        None
    }

    /// Takes the response received so far.
    fn take(&mut self) -> E::Response;
}
