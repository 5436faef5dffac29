//! Streams the OpenAI API, and every server that speaks it, into actix actors: every stream ends exactly once,
//! truthfully, in time, and leaves nothing behind.
//!
//! ```no_run
//! use actix::prelude::*;
//! use actorstream::{
//!     ChatCompletion, ChatCompletionChunk, ChatRequest, Finish, OpenAi, StreamError, StreamRef, StreamingClient,
//!     streaming_client,
//! };
//!
//! #[derive(Default)]
//! struct ChatInterface {
//!     text: String,
//! }
//!
//! impl Actor for ChatInterface {
//!     type Context = Context<Self>;
//! }
//!
//! #[streaming_client]
//! impl StreamingClient<ChatCompletionChunk> for ChatInterface {
//!     fn handle_data(&mut self, chunk: ChatCompletionChunk, _: &StreamRef, _: &mut Self::Context) {
//!         if let Some(text) = chunk.content() {
//!             print!("{text}");
//!             self.text.push_str(text);
//!         }
//!     }
//!
//!     fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
//!         eprintln!("{error}");
//!     }
//!
//!     fn handle_finish(&mut self, end: Finish<ChatCompletion>, _: &StreamRef, _: &mut Self::Context) {
//!         println!("\n{:?}", end.response.usage);
//!     }
//! }
//!
//! #[actix::main]
//! async fn main() -> Result<(), StreamError> {
//!     let openai = OpenAi::from_env()?; // OPENAI_API_KEY, OPENAI_BASE_URL, …
//!     let chat = ChatInterface::default().start();
//!     let request = ChatRequest::new("gpt-4").user("Tell me about quantum computing");
//!     openai.chat().stream(request, chat).await?;
//!     Ok(())
//! }
//! ```
//!
//! Where what is:
//!
//! * [`OpenAi`] is the client, [`OpenAiBuilder`] sets it up, [`Call`] is a request to one of its endpoints.
//! * [`StreamingClient`] is what an actor implements, or [`OutputClient`] for texts and tool calls instead of events;
//!   [`IntoTarget`] says what else can be a target.
//! * [`StreamHandle`] is a running stream, [`EventStream`] one to be pulled, [`StreamRef`] tells streams apart.
//! * [`Finish`] and [`StreamError`] are its ends, [`StreamEvent`] is what closures and pullers get.
//! * [`Tools`] are run when the model calls them, and it is asked again; `structured` of a response (feature `schemars`) is
//!   the answer as a value of one's own type, [`JsonSchema::of`] what asks for it.
//! * [`Budgets`], [`RetryPolicy`] and [`Limits`] bound it.
//! * Everything else about events and requests is in [`proto`], the core, which does no I/O.

mod call;
mod client;
mod connector;
mod events;
mod handle;
mod link;
mod options;
mod output_client;
mod placement;
mod stream_event;
mod stream_ref;
mod streaming_client;
mod streams;
mod target;
mod tools;
mod transport;

/// The actor framework, as the macros name it.
pub use actix;
/// The attributes that go above `impl OutputClient<E> for MyActor` and `impl StreamingClient<E> for MyActor`.
#[cfg(feature = "macros")]
pub use actorstream_macros::{output_client, streaming_client};
/// The protocol core.
pub use actorstream_proto as proto;
/// What answers are made of: texts, reasoning, tool calls.
pub use actorstream_proto::output;

pub use actorstream_proto::audio::{
    AudioChunk, Speech, SpeechAudio, SpeechEvent, SpeechRequest, SpeechResponse, SpeechStreamEvent,
    Transcript, TranscriptionEvent, TranscriptionRequest, TranscriptionStreamEvent, Transcriptions,
};
pub use actorstream_proto::budget::{Budget, Budgets};
pub use actorstream_proto::chat::request::{FunctionDefinition, JsonSchema, Message};
pub use actorstream_proto::chat::{
    Chat, ChatCompletion, ChatCompletionChunk, ChatRequest, FinishReason, ToolCall,
};
pub use actorstream_proto::completions::{Completion, CompletionChunk, CompletionRequest, Completions};
pub use actorstream_proto::endpoint::{Custom, Endpoint};
pub use actorstream_proto::error::{ApiError, ErrorKind, Limit, Refused, StreamError};
pub use actorstream_proto::event::Event;
pub use actorstream_proto::finish::{Finish, Outcome, Status};
pub use actorstream_proto::images::request::InputImage;
pub use actorstream_proto::images::{
    ImageEditEvent, ImageEditRequest, ImageEditStreamEvent, ImageEdits, ImageGenStreamEvent,
    ImageGenerationEvent, ImageRequest, Images, ImagesResponse,
};
pub use actorstream_proto::limits::Limits;
pub use actorstream_proto::multipart::{FilePart, Form, ToRequestBody};
pub use actorstream_proto::raw::{RawEvent, Typed};
pub use actorstream_proto::responses::{
    ResponseEvent, ResponseRequest, ResponseStreamEvent, Responses, ResumeResponse,
};
pub use actorstream_proto::retry::RetryPolicy;
pub use actorstream_proto::session::OnMalformed;
#[cfg(feature = "schemars")]
pub use actorstream_proto::structured::Unstructured;
pub use actorstream_proto::text::Text;
pub use actorstream_proto::timings::Timings;
pub use actorstream_proto::tools::{CallsTools, Round, ToolResult};
pub use actorstream_proto::usage::Usage;

pub use call::Call;
pub use client::{OpenAi, OpenAiBuilder};
pub use events::EventStream;
pub use handle::{Response, StreamHandle};
pub use output_client::OutputClient;
pub use stream_event::StreamEvent;
pub use stream_ref::StreamRef;
pub use streaming_client::{IntoEvents, ReceiveStream, StreamMessage, StreamingClient};
pub use target::{IntoTarget, Target};
pub use tools::Tools;
