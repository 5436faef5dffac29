//! `POST /chat/completions`: the request, the chunks of a stream, and the response that they add up to.

mod accumulator;
mod chunk;
mod completion;
mod decode;
mod dialect;
mod envelopes;
mod logprobs;
mod moderation;
mod pattern;
pub mod request;
mod snapshot;
#[cfg(feature = "schemars")]
mod structured;
mod texts;
mod tool_calls;
mod tools;
mod translate;
mod view;

use std::borrow::Cow;

pub use crate::answer::finish_reason::FinishReason;
pub use accumulator::ChatAccumulator;
pub use chunk::{
    AudioDelta, ChatCompletionChunk, ChunkChoice, ChunkEnvelope, CustomToolDelta, Delta, FunctionDelta,
    RareDelta, ToolCallDelta,
};
pub use completion::{
    Annotation, Audio, ChatChoice, ChatCompletion, ChatMessage, CustomCall, FunctionCall, Logprobs,
    TokenLogprob, ToolCall, TopLogprob, UrlCitation,
};
pub use moderation::{Moderation, ModerationError, ModerationOutcome, ModerationResults};
pub use request::ChatRequest;
pub(crate) use tool_calls::push_text;
pub use view::ChatView;
pub(crate) use view::tell_done;

use crate::endpoint::Endpoint;
use crate::request::multipart::RequestBody;

/// The endpoint `POST /chat/completions`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chat;

impl Endpoint for Chat {
    type Event = ChatCompletionChunk;

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/chat/completions")
    }

    fn choices(&self, body: &RequestBody) -> usize {
        body.count("n")
    }
}
