//! The protocol core of [actorstream](https://docs.rs/actorstream): bytes and time in, typed events and exactly one
//! end out. No socket, no clock, no runtime, no actix.
//!
//! ```
//! use std::time::Instant;
//!
//! use actorstream_proto::chat::ChatCompletionChunk;
//! use actorstream_proto::head::Head;
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
//! Where what is:
//!
//! * [`sse`]: bytes → frames. [`session`]: the life of one stream as a state machine; every rule about what a server
//!   does is decided there, with [`budget`], [`limits`], [`head`] and [`retry`] for its parts.
//! * [`event`] and [`endpoint`]: what an endpoint is made of. [`chat`], [`completions`], [`responses`], [`images`], [`audio`]
//!   and [`raw`] are made of it. [`multipart`] has the bodies that carry files, [`base64`] reads the files in answers.
//! * [`finish`], [`error`], [`timings`]: how a stream ends; [`secret`]: what no error shows.
//! * [`output`]: what an answer is made of, above the events: text, reasoning, tool calls; [`partial_json`] reads the
//!   arguments while they come.
//! * [`tools`]: how an answer that calls tools goes on; `structured` (feature `schemars`): answers that are values of one's own
//!   types.
//! * [`text`], [`payload`], [`list`], [`shared`], [`wire`]: what events are made of; [`template`] reads most of them
//!   without parsing.

pub mod api_error;
pub mod audio;
pub mod base64;
pub mod body;
pub mod budget;
pub mod chat;
pub mod completions;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod finish;
mod frugal;
pub mod head;
pub mod images;
pub mod lenient;
pub mod limits;
pub mod list;
pub mod multipart;
pub mod output;
pub mod partial_json;
pub mod payload;
mod places;
mod prefix;
pub mod raw;
pub mod responses;
pub mod retry;
pub mod secret;
pub mod session;
mod settings;
pub mod shared;
pub mod sse;
mod string_enum;
#[cfg(feature = "schemars")]
pub mod structured;
pub mod template;
pub mod text;
pub mod timings;
pub mod tools;
mod tracked;
mod typed_event;
mod union;
pub mod usage;
pub mod wire;
