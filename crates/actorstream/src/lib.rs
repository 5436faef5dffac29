//! Streams responses from the OpenAI API, and from every server that speaks it, into actix actors. Every stream ends
//! exactly once, reports truthfully how it ended, ends in bounded time, and leaves no task or connection behind.
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
//!     let request = ChatRequest::new("gpt-6-luna").user("Tell me about quantum computing");
//!     openai.chat().stream(request, chat).await?;
//!     Ok(())
//! }
//! ```
//!
//! The main types:
//!
//! * [`OpenAi`] is the client, [`OpenAiBuilder`] configures it, and [`Call`] is a request to one of its endpoints.
//! * An actor implements [`StreamingClient`], or [`OutputClient`] to receive texts and tool calls instead of events.
//!   [`IntoTarget`] lists the other possible targets.
//! * [`StreamHandle`] is a running stream, [`EventStream`] a stream to poll, and [`StreamRef`] identifies a stream.
//! * [`Finish`] and [`StreamError`] are the two ends of a stream. Closures and event streams receive
//!   [`StreamEvent`]s.
//! * [`Tools`] runs the tools that the model calls and sends the results back. `structured` of a response (feature
//!   `schemars`) deserializes the answer into your own type, and [`JsonSchema::of`] requests such an answer.
//! * [`Timeouts`], [`RetryPolicy`] and [`Limits`] bound a stream.
//! * [`proto`] is the sans-I/O core, with all other types of events and requests.

mod client;
mod connector;
pub mod models;
mod recording;
mod settings;
mod stream;
mod telemetry;
mod tools;
mod transport;

/// The actor framework, for the macros.
pub use actix;
/// The attributes for `impl OutputClient<E> for MyActor` and `impl StreamingClient<E> for MyActor`.
#[cfg(feature = "macros")]
pub use actorstream_macros::{output_client, streaming_client};
/// The protocol core.
pub use actorstream_proto as proto;
/// What responses consist of: texts, reasoning, tool calls.
pub use actorstream_proto::answer::output;

pub use actorstream_proto::answer::partial_answer::PartialAnswer;
#[cfg(feature = "schemars")]
pub use actorstream_proto::answer::structured::Unstructured;
pub use actorstream_proto::answer::tools::{CallsTools, Round, ToolResult};
pub use actorstream_proto::answer::usage::Usage;
pub use actorstream_proto::api::audio::{
    AudioChunk, Speech, SpeechAudio, SpeechEvent, SpeechRequest, SpeechResponse, SpeechStreamEvent,
    Transcript, TranscriptionEvent, TranscriptionRequest, TranscriptionStreamEvent, Transcriptions,
};
pub use actorstream_proto::api::chat::request::{ContentPart, FunctionDefinition, JsonSchema, Message};
pub use actorstream_proto::api::chat::{
    Chat, ChatCompletion, ChatCompletionChunk, ChatRequest, FinishReason, ToolCall,
};
pub use actorstream_proto::api::completions::{Completion, CompletionChunk, CompletionRequest, Completions};
pub use actorstream_proto::api::embeddings::{Embedding, EmbeddingRequest, EmbeddingResponse, Embeddings};
pub use actorstream_proto::api::files::{FileList, FileListRequest, FileObject, FileRequest, Files};
pub use actorstream_proto::api::images::request::InputImage;
pub use actorstream_proto::api::images::{
    ImageEditEvent, ImageEditRequest, ImageEditStreamEvent, ImageEdits, ImageGenStreamEvent,
    ImageGenerationEvent, ImageRequest, Images, ImagesResponse,
};
pub use actorstream_proto::api::models::{Model, ModelList, Models};
pub use actorstream_proto::api::moderations::{ModerationRequest, ModerationResponse, Moderations};
pub use actorstream_proto::api::responses::request::{InputItem, InputMessage, InputPart};
pub use actorstream_proto::api::responses::{
    InputTokenCountRequest, InputTokenCountResponse, InputTokens, OutputItem, Response, ResponseEvent,
    ResponseRequest, ResponseStreamEvent, Responses, ResumeResponse,
};
pub use actorstream_proto::endpoint::event::Event;
pub use actorstream_proto::endpoint::raw::{RawEvent, Typed};
pub use actorstream_proto::endpoint::verbatim::Verbatim;
pub use actorstream_proto::endpoint::{Custom, Endpoint, Method};
pub use actorstream_proto::json::payload::Payload;
pub use actorstream_proto::json::text::Text;
pub use actorstream_proto::outcome::attempt::Attempt;
pub use actorstream_proto::outcome::ending::Ending;
pub use actorstream_proto::outcome::error::{ApiError, ErrorKind, Limit, Refused, StreamError};
pub use actorstream_proto::outcome::finish::{Finish, Outcome, Status};
pub use actorstream_proto::outcome::rate_limits::{RateLimit, RateLimits};
pub use actorstream_proto::outcome::response_head::ResponseHead;
pub use actorstream_proto::outcome::secret::Secret;
pub use actorstream_proto::outcome::timings::Timings;
pub use actorstream_proto::outcome::tokens::Tokens;
pub use actorstream_proto::request::multipart::{FilePart, Form, ToRequestBody};
pub use actorstream_proto::session::OnMalformed;
pub use actorstream_proto::session::limits::Limits;
pub use actorstream_proto::session::retry::RetryPolicy;
pub use actorstream_proto::session::timeouts::{Timeout, Timeouts};

pub use client::{Backend, Call, OpenAi, OpenAiBuilder};
pub use recording::Recording;
pub use settings::cost::{Amount, AmountError, Price, Prices};
pub use settings::credentials::{
    Credentials, CredentialsError, KeyAnswer, KeyFile, KeyFuture, KeyPool, KeyRequest,
};
pub use settings::observer::{
    BeforeFuture, Denied, ObservedCall, ObservedEnd, ObservedRequest, Observer, Purpose,
};
pub use settings::quota::Quota;
pub use settings::spending::SpendLimits;
pub use stream::events::EventStream;
pub use stream::handle::{ResponseFuture, StreamHandle};
pub use stream::output_client::OutputClient;
pub use stream::stream_event::StreamEvent;
pub use stream::stream_ref::StreamRef;
pub use stream::streaming_client::{IntoEvents, ReceiveStream, StreamMessage, StreamingClient};
pub use stream::target::{IntoTarget, Target};
pub use tools::Tools;
