//! The sans-I/O protocol core of [actorstream](https://docs.rs/actorstream): bytes and time in, typed events and
//! exactly one end out. No socket, no clock, no runtime, no actix.
//!
//! ```
//! use std::time::Instant;
//!
//! use actorstream_proto::api::chat::ChatCompletionChunk;
//! use actorstream_proto::session::head::Head;
//! use actorstream_proto::session::{Session, Settings};
//!
//! let now = Instant::now();
//! let mut session = Session::<ChatCompletionChunk>::new(Settings::default(), now, 1);
//! session.on_sent(now);
//! session.on_head(Head::read(200, |_| None), now);
//!
//! let mut events = Vec::new();
//! let body = r#"data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}"#.to_owned() + "\n\ndata: [DONE]\n\n";
//! let end = session.on_bytes(body.into(), now, &mut events).expect("[DONE] ends the stream");
//! assert_eq!(events[0].content(), Some("Hello"));
//! assert_eq!(end.unwrap().response.content(), Some("Hello"));
//! ```
//!
//! The modules; each uses only modules below it in this list:
//!
//! * [`api`]: the endpoints, one folder each: [`chat`](api::chat), [`completions`](api::completions),
//!   [`responses`](api::responses), [`images`](api::images), [`audio`](api::audio).
//! * [`answer`]: what the responses of all endpoints have in common: [`output`](answer::output) events, the rounds of
//!   [`tools`](answer::tools), structured answers (`structured`, feature `schemars`), usage.
//! * [`template`]: the fast path for events that repeat the structure of earlier ones.
//! * [`session`]: one stream as a state machine, with all rules about server behaviour. Its parts are
//!   [`timeouts`](session::timeouts), [`limits`](session::limits), [`head`](session::head) and
//!   [`retry`](session::retry).
//! * [`endpoint`]: the traits that connect a path, a request, an event type and a rule for the end, and
//!   [`raw`](endpoint::raw) events for endpoints without types.
//! * [`sse`]: bytes → frames. [`request`]: JSON and form request bodies.
//! * [`outcome`]: how a stream ends, with a [`Finish`](outcome::finish::Finish) or a
//!   [`StreamError`](outcome::error::StreamError), and the redaction of secrets.
//! * [`json`]: lossless texts, lists and objects, read in bounded memory.

pub mod answer;
pub mod api;
#[cfg(test)]
mod dialects;
pub mod endpoint;
pub mod json;
pub mod outcome;
pub mod request;
pub mod session;
pub mod sse;
pub mod template;
