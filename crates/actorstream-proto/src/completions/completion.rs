//! `Completion`: a whole text completion, as the unstreamed call answers it.

use serde_json::Value;

use crate::chat::FinishReason;
use crate::usage::Usage;

crate::object! {
    /// A whole text completion.
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
        /// The tokens taken.
        pub usage: Option<Usage>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<String>,
    }

    /// One of the answers asked for.
    pub struct CompletionChoice {
        /// The text.
        pub text: String,
        /// Which choice, from 0.
        pub index: u32,
        /// The probabilities of the tokens, if asked for.
        pub logprobs: Option<CompletionLogprobs>,
        /// Why the choice ended; `None` in a partial response that has not come so far.
        pub finish_reason: Option<FinishReason>,
    }

    /// The probabilities of tokens; the lists run side by side.
    pub struct CompletionLogprobs {
        /// Where in the text each token starts, in characters.
        pub text_offset: Option<Vec<u64>>,
        /// The natural logarithm of each token's probability; `None` for the first one of an echoed prompt.
        pub token_logprobs: Option<Vec<Option<f64>>>,
        /// The tokens.
        pub tokens: Option<Vec<String>>,
        /// The most likely tokens in each place: an object of token and logarithm, or `null`.
        pub top_logprobs: Option<Vec<Value>>,
    }
}

impl Completion {
    /// The text of the first choice.
    pub fn text(&self) -> Option<&str> {
        self.choices.first().map(|choice| choice.text.as_str())
    }
}
