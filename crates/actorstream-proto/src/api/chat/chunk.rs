//! `ChatCompletionChunk`: one event of a streamed chat completion.

use crate::answer::usage::Usage;
use crate::json::deferred::Deferred;
use crate::json::list::List;
use crate::json::payload::Payload;
use crate::json::shared::Shared;
use crate::json::text::Text;

use super::completion::Logprobs;
use super::moderation::Moderation;
use super::request::ServiceTier;
use crate::answer::finish_reason::FinishReason;

crate::object! {
    /// One event of a streamed chat completion.
    ///
    /// A field that a server omits has its default; unknown fields are in `extra`, and `raw` is the whole event as
    /// it arrived. It dereferences to a [`ChunkEnvelope`] with the fields that are the same in nearly every chunk:
    /// `chunk.id`, `chunk.model`, `chunk.usage`, …
    pub struct ChatCompletionChunk {
        /// The new parts of the choices. Empty in the chunk with the usage.
        pub choices: List<ChunkChoice>,
        /// Random text that hides the length of the chunk.
        pub obfuscation: Option<Text>,
    }
    + {
        /// The event as it arrived.
        pub raw: Payload,
    }
    => envelope:
    /// The fields of a [`ChatCompletionChunk`] that the chunks of a stream share.
    ChunkEnvelope {
        /// The id of the completion: the same in each chunk, except with some servers.
        pub id: Option<Text>,
        /// `chat.completion.chunk`.
        pub object: Option<Text>,
        /// When the completion was made, in seconds since 1970.
        pub created: Option<u64>,
        /// The model that generates the response.
        pub model: Option<Text>,
        /// The token usage, in one of the last chunks, if requested.
        pub usage: Option<Box<Usage>>,
        /// The processing tier that was used.
        pub service_tier: Option<ServiceTier>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<Text>,
        /// The result of the moderation of prompt and response, in a separate chunk, if requested.
        pub moderation: Option<Box<Moderation>>,
    }

    /// The new part of one choice.
    pub struct ChunkChoice {
        /// The index of the choice, from 0.
        pub index: u32,
        /// The new part of the message.
        pub delta: Delta,
        /// The finish reason, in the choice's last chunk.
        pub finish_reason: Option<FinishReason>,
        /// The log probabilities of the new tokens, if requested.
        pub logprobs: Option<Deferred<Logprobs>>,
        /// The message so far, which some servers send in addition to the delta or instead of it. The delta includes
        /// the part of it that was not in an earlier delta.
        pub message: Option<Box<Delta>>,
    }

    /// The new part of a message. It dereferences to [`RareDelta`] for all fields except the two usual ones:
    /// `delta.role`, `delta.reasoning_content`, …
    pub struct Delta {
        /// More of the text.
        pub content: Option<Text>,
        /// More of the tool calls.
        pub tool_calls: Option<Vec<ToolCallDelta>>,
    }
    => rare:
    /// The fields of a [`Delta`] that most chunks lack or share.
    RareDelta {
        /// The role, in the first chunk; some servers send it in each.
        pub role: Option<Text>,
        /// More of the refusal.
        pub refusal: Option<Text>,
        /// More of the function call, the deprecated form of a tool call.
        pub function_call: Option<Box<FunctionDelta>>,
        /// More of the audio.
        pub audio: Option<Box<AudioDelta>>,
        /// More of the reasoning, as DeepSeek, vLLM, llama.cpp and LiteLLM send it.
        pub reasoning_content: Option<Text>,
        /// More of the reasoning, as OpenRouter, Ollama and newer vLLM send it.
        pub reasoning: Option<Text>,
    }

    /// More of a tool call.
    pub struct ToolCallDelta {
        /// The index of the call in the message, from 0. Some servers omit it.
        pub index: Option<u32>,
        /// The call's id, in its first chunk; some servers send it in each.
        pub id: Option<Text>,
        /// `function` or `custom`.
        pub r#type: Option<Text> = "type",
        /// More of the call of a function.
        pub function: Option<FunctionDelta>,
        /// More of the call of a custom tool.
        pub custom: Option<Box<CustomToolDelta>>,
    }

    /// More of the call of a function.
    pub struct FunctionDelta {
        /// The function's name, in the first chunk; some servers send it in each.
        pub name: Option<Text>,
        /// More of the arguments, which are JSON when complete.
        pub arguments: Option<Text>,
    }

    /// More of the call of a custom tool.
    pub struct CustomToolDelta {
        /// The tool's name.
        pub name: Option<Text>,
        /// More of the input.
        pub input: Option<Text>,
    }

    /// More of the audio of a message.
    pub struct AudioDelta {
        /// The id of the audio.
        pub id: Option<Text>,
        /// More of the audio, in base64.
        pub data: Option<Text>,
        /// More of the transcript.
        pub transcript: Option<Text>,
        /// When the id expires at the server, in seconds since 1970.
        pub expires_at: Option<u64>,
    }
}

impl ChatCompletionChunk {
    /// Returns the part of the chunk for the choice with this index.
    #[inline]
    pub fn choice(&self, index: u32) -> Option<&ChunkChoice> {
        self.choices.iter().find(|choice| choice.index == index)
    }

    /// Returns the new text of choice 0, which is the only one unless more were requested.
    #[inline]
    pub fn content(&self) -> Option<&str> {
        self.choice(0)?.delta.content.as_deref()
    }

    /// Returns the new reasoning of choice 0, from whichever field the server uses.
    pub fn reasoning(&self) -> Option<&str> {
        self.choice(0)?.delta.reasoning_text().map(Text::as_str)
    }

    /// Returns the finish reason of choice 0.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choice(0)?.finish_reason.as_ref()
    }
}

impl ChatCompletionChunk {
    pub(super) fn envelope(&self) -> &Shared<ChunkEnvelope> {
        &self.envelope
    }

    pub(super) fn put_off_envelope(&mut self, envelope: Shared<ChunkEnvelope>) {
        self.envelope = envelope;
    }
}

impl Delta {
    /// Returns whether any of the rare fields may be present.
    pub(super) fn has_rare(&self) -> bool {
        !self.rare.is_none()
    }

    /// Returns whether one of the rare texts grows.
    pub(super) fn has_rare_texts(&self) -> bool {
        let RareDelta { role: _, refusal, function_call, audio, reasoning_content, reasoning } = &**self;
        refusal.is_some()
            || reasoning_content.is_some()
            || reasoning.is_some()
            || function_call.is_some()
            || audio.is_some()
    }

    /// Returns the new reasoning, from whichever field the server uses.
    pub fn reasoning_text(&self) -> Option<&Text> {
        let filled = |text: &&Text| !text.is_empty();
        self.reasoning_content.as_ref().filter(filled).or(self.reasoning.as_ref())
    }
}
