//! `CompletionChunk`: one event of a streamed text completion.

use crate::answer::finish_reason::FinishReason;
use crate::answer::usage::Usage;
use crate::json::list::List;
use crate::json::payload::Payload;
use crate::json::text::Text;

use super::completion::CompletionLogprobs;

crate::object! {
    /// One event of a streamed text completion.
    pub struct CompletionChunk {
        /// The id of the completion.
        pub id: Option<Text>,
        /// `text_completion`.
        pub object: Option<Text>,
        /// When the completion was made, in seconds since 1970.
        pub created: Option<u64>,
        /// The model that generates the response.
        pub model: Option<Text>,
        /// The new parts of the choices. Empty in the chunk with the usage.
        pub choices: List<CompletionChunkChoice>,
        /// The token usage, in one of the last chunks, if requested.
        pub usage: Option<Box<Usage>>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<Text>,
        /// Random text that hides the length of the chunk.
        pub obfuscation: Option<Text>,
    }
    + {
        /// The event as it arrived.
        pub raw: Payload,
    }

    /// The new part of one choice.
    pub struct CompletionChunkChoice {
        /// The new text.
        pub text: Option<Text>,
        /// The index of the choice, from 0.
        pub index: u32,
        /// The log probabilities of the new tokens, if requested.
        pub logprobs: Option<Box<CompletionLogprobs>>,
        /// The finish reason, in the choice's last chunk.
        pub finish_reason: Option<FinishReason>,
    }
}

impl CompletionChunk {
    /// Returns the part of the chunk for the choice with this index.
    pub fn choice(&self, index: u32) -> Option<&CompletionChunkChoice> {
        self.choices.iter().find(|choice| choice.index == index)
    }

    /// Returns the new text of choice 0, which is the only one unless more were requested.
    pub fn text(&self) -> Option<&str> {
        self.choice(0)?.text.as_deref()
    }
}
