//! `Completion`: a complete text completion, as the unstreamed call returns it.

use serde_json::Value;

use crate::answer::usage::Usage;
use crate::api::chat::FinishReason;

crate::object! {
    /// A complete text completion.
    pub struct Completion {
        /// The id of the completion.
        pub id: String,
        /// `text_completion`.
        pub object: String,
        /// When the completion was made, in seconds since 1970.
        pub created: u64,
        /// The model that answered.
        pub model: String,
        /// The choices, in the order of their index.
        pub choices: Vec<CompletionChoice>,
        /// The token usage.
        pub usage: Option<Usage>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<String>,
    }

    /// One of the requested choices.
    pub struct CompletionChoice {
        /// The text.
        pub text: String,
        /// The index of the choice, from 0.
        pub index: u32,
        /// The log probabilities of the tokens, if requested.
        pub logprobs: Option<CompletionLogprobs>,
        /// The finish reason; `None` in a partial response without one.
        pub finish_reason: Option<FinishReason>,
    }

    /// The log probabilities of tokens, as parallel lists.
    pub struct CompletionLogprobs {
        /// Where each token starts in the text, in characters.
        pub text_offset: Option<Vec<u64>>,
        /// The natural logarithm of each token's probability; `None` for the first one of an echoed prompt.
        pub token_logprobs: Option<Vec<Option<f64>>>,
        /// The tokens.
        pub tokens: Option<Vec<String>>,
        /// The most likely tokens at each position: an object of token and logarithm, or `null`.
        pub top_logprobs: Option<Vec<Value>>,
    }
}

impl Completion {
    /// Returns the text of the first choice.
    pub fn text(&self) -> Option<&str> {
        self.choices.first().map(|choice| choice.text.as_str())
    }
}
