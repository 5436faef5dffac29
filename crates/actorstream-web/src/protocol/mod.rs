//! Protocols: how the entries of a log are encoded for a viewer. Sans-I/O.
//!
//! An [`Encoder`] receives the entries of one log in order and writes their encoding. The encoding of an entry
//! depends only on the entries before it. Every viewer of a protocol therefore receives the same bytes whenever it
//! connects, and a viewer that reconnects receives exactly the rest. An encoder keeps the tool calls and a few words
//! for each part of the response, but no text.
//!
//! ```
//! use actorstream_web::event::{Api, End, Event, Logged};
//! use actorstream_web::protocol::{Protocol, encoder};
//! use bytes::BytesMut;
//!
//! let chunk = r#"{"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}]}"#;
//! let log = [
//!     Logged { seq: 1, event: Event::Upstream(serde_json::from_str(chunk)?) },
//!     Logged { seq: 2, event: Event::End(End::Finish { reason: Some("stop".into()) }) },
//! ];
//! let mut out = BytesMut::new();
//! let mut text = encoder(Protocol::Text, Api::Chat, "gen_1");
//! log.iter().for_each(|entry| text.encode(entry, &mut out));
//! assert_eq!(out, "Hello");
//!
//! // A viewer that has the first entry gets the second one.
//! let mut out = BytesMut::new();
//! let mut sse = encoder(Protocol::OpenAi, Api::Chat, "gen_1");
//! sse.skip(&log[0]);
//! sse.encode(&log[1], &mut out);
//! assert_eq!(out, "id: gen_1.2\ndata: [DONE]\n\n");
//! # Ok::<_, serde_json::Error>(())
//! ```

mod openai;
mod reader;
mod sse;
mod text;
mod ui_chunk;
mod ui_message;
mod whole;

use std::fmt;

use bytes::{Bytes, BytesMut};

pub(crate) use whole::failed;
pub use whole::whole;

use crate::event::{Api, Failure, Logged};

/// The protocol of a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The UI message stream of the AI SDK, which `useChat` reads (npm `ai` from 7.0.70 on). The response of a
    /// generation is one message with the generation's id. Of several choices, only the first becomes the message.
    UiMessage,
    /// The event stream of the API that the events belong to, as upstream sent them. Parts that the service adds are
    /// omitted: the API has no event for them.
    OpenAi,
    /// The text of the first choice only, including refusals. An error, or a restart of the response, is a line in
    /// brackets.
    Text,
}

/// Returns an encoder for one viewer of a generation.
pub fn encoder(protocol: Protocol, api: Api, generation: &str) -> Box<dyn Encoder> {
    match protocol {
        Protocol::UiMessage => Box::new(ui_message::UiMessageEncoder::new(api, generation, None)),
        Protocol::OpenAi => Box::new(openai::OpenAiEncoder::new(api, generation, None)),
        Protocol::Text => Box::new(text::TextEncoder::new(api)),
    }
}

/// Returns an encoder of [`Protocol::UiMessage`] for a response that continues a message of the client's, such as one
/// that waited for the output of a tool. The message keeps its id; a different id would make it a second message.
pub fn encoder_continuing(api: Api, generation: &str, message: &str) -> Box<dyn Encoder> {
    Box::new(ui_message::UiMessageEncoder::new(api, generation, Some(message.to_owned())))
}

/// Returns an encoder for a viewer of a response that has its events up to this `sequence_number`:
/// [`Protocol::OpenAi`] of [`Api::Responses`], as `starting_after` requests. It receives all entries and omits those
/// events.
pub fn encoder_starting_after(generation: &str, sequence_number: u64) -> Box<dyn Encoder> {
    Box::new(openai::OpenAiEncoder::new(Api::Responses, generation, Some(sequence_number)))
}

/// Encodes the entries of one generation's log for one viewer.
///
/// It receives every entry in order: [`skip`](Self::skip) for those that the viewer already has,
/// [`encode`](Self::encode) for the others. For a viewer without entries, it may begin with the last
/// [`Reset`](crate::event::Event::Reset) instead of the first entry, so that nothing void is shown.
///
/// In event streams, the last frame of an entry has the id `<generation>.<seq>`, and an earlier frame number k has
/// `<generation>.<seq>.<k>`, which [`Cursor`](crate::id::Cursor) parses.
pub trait Encoder: fmt::Debug + Send {
    /// The content type of the response.
    fn content_type(&self) -> &'static str;

    /// Additional headers of the response.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Processes an entry that the viewer already has.
    fn skip(&mut self, entry: &Logged) {
        self.encode_after(entry, u64::MAX, &mut BytesMut::new());
    }

    /// Encodes an entry.
    fn encode(&mut self, entry: &Logged, out: &mut BytesMut) {
        self.encode_after(entry, 0, out);
    }

    /// Encodes an entry without its first `frames` frames, which the viewer already has.
    fn encode_after(&mut self, entry: &Logged, frames: u64, out: &mut BytesMut);

    /// Returns a keep-alive for a silent connection; `None` if the protocol has none.
    fn ping(&self) -> Option<Bytes>;

    /// Encodes an error of the relay itself (the log can no longer be read), which ends the response.
    fn fail(&mut self, failure: &Failure, out: &mut BytesMut);
}
