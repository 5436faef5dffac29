//! A scripted HTTP upstream on the loopback interface, for tests of streaming clients of the OpenAI API: any bytes,
//! any split, any delay, any fault.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use actorstream_test::{Gate, Reply, Upstream};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! // A stream that sends one event, waits for the test, and is then reset.
//! let gate = Gate::new();
//! let upstream = Upstream::start(Reply::sse().event(r#"{"n":1}"#).gate(&gate).reset());
//!
//! // The client under test talks to `upstream.base_url()`; this one is made by hand.
//! let mut client = tokio::net::TcpStream::connect(upstream.addr()).await?;
//! client.write_all(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}").await?;
//!
//! assert_eq!(upstream.request(0).await.path, "/v1/chat/completions");
//! gate.reached().await;
//! gate.open();
//! let mut answer = Vec::new();
//! let end = client.read_to_end(&mut answer).await;
//! assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
//! assert!(answer.ends_with(b"\r\n\r\nf\r\ndata: {\"n\":1}\n\n\r\n"));
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! [`Upstream::start`] runs on its own thread, in real time. [`Upstream::spawn`] runs on the test's runtime and
//! shares its paused clock; so do the timeouts of a client on that runtime. `actorstream` runs there under
//! `#[actix_rt::test]` with `tokio::time::pause()`, but not under `#[tokio::test(start_paused = true)]`: see
//! [`Upstream::spawn`].
//!
//! # Overview
//!
//! Running an upstream:
//!
//! - `upstream.rs`: [`Upstream`], started with a [`Script`]; what it saw
//! - `builder.rs`: [`UpstreamBuilder`], for a port, a backlog, TLS
//! - `unreachable.rs`: [`Blackhole`], an address where a connect hangs
//!   ([`Upstream::refused_url`] is one where it fails)
//! - `request.rs`: [`Request`], as it arrived; `form.rs`: the [`Part`]s of a form
//!
//! Defining its behaviour:
//!
//! - `script.rs`: [`Script`], which maps requests to replies
//! - `parse.rs`: [`Script::parse`], scripts in files
//! - `reply.rs`: [`Reply`], the steps of one reply
//! - `replay.rs`: [`Reply::replayed`], recorded responses with their timing
//! - `gate.rs`: [`Gate`], where a reply waits for the test
//! - `chat_stream.rs`, `completion_stream.rs`, `response_stream.rs`: [`ChatStream`], [`CompletionStream`] and
//!   [`ResponseStream`], well-formed streams; `image_stream.rs`, `transcription_stream.rs`, `speech_stream.rs`:
//!   [`ImageStream`], [`TranscriptionStream`] and [`SpeechStream`] for images and audio
//! - `story.rs`, `story_responses.rs`: [`story`], an upstream for manual experiments; `story_media.rs`: its images
//!   and audio, generated in `sample.rs`
//! - `tls.rs`, with the feature `tls`: `TestCa` and `ServerIdentity`
//!
//! On the client's side:
//!
//! - `recorder.rs`: [`Recorder`], what the target of a stream received
//!
//! Internals: `connection.rs` serves one connection; `request_reader.rs` reads its requests and `player.rs` plays its
//! replies, which consist of the steps in `step.rs`, are split into writes by `split.rs`, and are tracked by
//! `response_framing.rs`. `chunked.rs` implements the transfer coding, `deltas.rs` splits texts into chunks, and
//! `journal.rs` keeps the record.

#![deny(missing_docs, missing_debug_implementations)]
#![forbid(unsafe_code)]

mod builder;
mod chat_stream;
mod chunked;
mod completion_stream;
mod connection;
mod deltas;
mod form;
mod gate;
mod image_stream;
mod journal;
mod parse;
mod player;
mod recorder;
mod replay;
mod reply;
mod request;
mod request_reader;
mod response_framing;
mod response_stream;
mod sample;
mod script;
mod speech_stream;
mod split;
mod step;
mod story;
mod story_media;
mod story_responses;
#[cfg(feature = "tls")]
mod tls;
mod transcription_stream;
mod unreachable;
mod upstream;

pub use builder::UpstreamBuilder;
pub use chat_stream::ChatStream;
pub use completion_stream::CompletionStream;
pub use form::Part;
pub use gate::Gate;
pub use image_stream::ImageStream;
pub use parse::ScriptError;
pub use recorder::Recorder;
pub use reply::Reply;
pub use request::Request;
pub use response_stream::ResponseStream;
pub use script::Script;
pub use speech_stream::SpeechStream;
pub use story::story;
#[cfg(feature = "tls")]
pub use tls::{ServerIdentity, TestCa};
pub use transcription_stream::TranscriptionStream;
pub use unreachable::Blackhole;
pub use upstream::Upstream;
