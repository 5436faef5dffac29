//! `POST /chat/completions`: the request, the chunks of a stream, the response that they add up to.

mod accumulator;
mod chunk;
mod completion;
mod moderation;
pub mod request;
mod tool_calls;
mod view;

use std::borrow::Cow;

pub use accumulator::ChatAccumulator;
pub(crate) use chunk::verdict;
pub use chunk::{
    AudioDelta, ChatCompletionChunk, ChunkChoice, ChunkEnvelope, CustomToolDelta, Delta, FunctionDelta,
    RareDelta, ToolCallDelta,
};
pub use completion::{
    Annotation, Audio, ChatChoice, ChatCompletion, ChatMessage, CustomCall, FinishReason, FunctionCall,
    Logprobs, TokenLogprob, ToolCall, TopLogprob, UrlCitation,
};
pub use moderation::{Moderation, ModerationError, ModerationOutcome, ModerationResults};
pub use request::ChatRequest;
pub(crate) use tool_calls::push_text;
pub use view::ChatView;
pub(crate) use view::tell_done;

use crate::endpoint::Endpoint;
use crate::multipart::RequestBody;

/// The endpoint `POST /chat/completions`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chat;

impl Endpoint for Chat {
    type Event = ChatCompletionChunk;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/chat/completions")
    }

    fn choices(&self, body: &RequestBody) -> usize {
        body.get("n").unwrap_or(1)
    }
}
