//! Protocols: how the entries of a log are written for a viewer. Sans-io.
//!
//! An [`Encoder`] is given the entries of one log in order, and writes what its protocol has for each. What it writes for
//! an entry depends on the entries before it alone, so every viewer of a protocol is sent the same, whenever it comes, and
//! a viewer that comes back gets the rest of what it had. It keeps the tool calls and a few words for each part of the
//! answer, and no text.
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

pub use whole::whole;

use crate::event::{Api, Failure, Logged};

/// How a viewer is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The UI message stream of the AI SDK: what `useChat` reads (npm `ai` from 7.0.70 on). The answer of a generation is
    /// one message, whose id is the generation's. Of several choices the first alone becomes the message.
    UiMessage,
    /// The event stream of the API that the events are of, as upstream sent them. What the service itself adds is not in
    /// it: the API has no event for that.
    OpenAi,
    /// The text of the first choice and nothing else, refusals included. An error, and that the answer begins again, is
    /// said in a line in brackets.
    Text,
}

/// An encoder for one viewer of a generation.
pub fn encoder(protocol: Protocol, api: Api, generation: &str) -> Box<dyn Encoder> {
    match protocol {
        Protocol::UiMessage => Box::new(ui_message::UiMessageEncoder::new(api, generation)),
        Protocol::OpenAi => Box::new(openai::OpenAiEncoder::new(api, generation, None)),
        Protocol::Text => Box::new(text::TextEncoder::new(api)),
    }
}

/// An encoder for a viewer of a response that has its events up to this `sequence_number`: [`Protocol::OpenAi`] of
/// [`Api::Responses`], as `starting_after` asks for. It is given all entries, and leaves out those events.
pub fn encoder_starting_after(generation: &str, sequence_number: u64) -> Box<dyn Encoder> {
    Box::new(openai::OpenAiEncoder::new(Api::Responses, generation, Some(sequence_number)))
}

/// Writes the entries of one generation's log for one viewer.
///
/// It is given every entry in order: those that the viewer has already with [`skip`](Self::skip), the others with
/// [`encode`](Self::encode). It may begin with the last [`Reset`](crate::event::Event::Reset) instead of the first entry
/// for a viewer that has none: then nothing void is shown.
///
/// Of event streams, the last frame of an entry has the id `<generation>.<seq>` and frame number k before that
/// `<generation>.<seq>.<k>`, which [`Cursor`](crate::id::Cursor) reads.
pub trait Encoder: fmt::Debug + Send {
    /// The content type of the answer.
    fn content_type(&self) -> &'static str;

    /// Further headers of the answer.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Takes note of an entry that the viewer has already.
    fn skip(&mut self, entry: &Logged) {
        self.encode_after(entry, u64::MAX, &mut BytesMut::new());
    }

    /// Writes an entry.
    fn encode(&mut self, entry: &Logged, out: &mut BytesMut) {
        self.encode_after(entry, 0, out);
    }

    /// Writes an entry without its first `frames` frames, which the viewer has already.
    fn encode_after(&mut self, entry: &Logged, frames: u64, out: &mut BytesMut);

    /// What keeps a silent connection alive; `None` where the protocol has nothing for it.
    fn ping(&self) -> Option<Bytes>;

    /// Writes an error of the relay itself (the log cannot be read any more), which ends the answer.
    fn fail(&mut self, failure: &Failure, out: &mut BytesMut);
}
