//! `Usage`: the tokens that a chat or text completion took.

crate::object! {
    /// The tokens that a completion took.
    pub struct Usage {
        /// Tokens of the prompt.
        pub prompt_tokens: u64,
        /// Tokens of the answer, those of reasoning included.
        pub completion_tokens: u64,
        /// Both together.
        pub total_tokens: u64,
        /// What the prompt's tokens were.
        pub prompt_tokens_details: Option<PromptTokensDetails>,
        /// What the answer's tokens were.
        pub completion_tokens_details: Option<CompletionTokensDetails>,
    }

    /// What the tokens of a prompt were.
    pub struct PromptTokensDetails {
        /// Tokens that the server had in its cache.
        pub cached_tokens: Option<u64>,
        /// Tokens that the server wrote to its cache.
        pub cache_write_tokens: Option<u64>,
        /// Tokens of sound.
        pub audio_tokens: Option<u64>,
        /// Tokens of text.
        pub text_tokens: Option<u64>,
        /// Tokens of pictures.
        pub image_tokens: Option<u64>,
    }

    /// What the tokens of an answer were.
    pub struct CompletionTokensDetails {
        /// Tokens of reasoning, which the answer does not show.
        pub reasoning_tokens: Option<u64>,
        /// Tokens of sound.
        pub audio_tokens: Option<u64>,
        /// Tokens of text.
        pub text_tokens: Option<u64>,
        /// Tokens of the prediction that came true.
        pub accepted_prediction_tokens: Option<u64>,
        /// Tokens of the prediction that did not.
        pub rejected_prediction_tokens: Option<u64>,
    }
}

impl Usage {
    /// The tokens in the words of the view above the events.
    pub(crate) fn tokens(&self) -> crate::output::Tokens {
        let prompt = self.prompt_tokens_details.as_ref();
        let answer = self.completion_tokens_details.as_ref();
        crate::output::Tokens {
            input: self.prompt_tokens,
            cached: prompt.and_then(|details| details.cached_tokens).unwrap_or(0),
            output: self.completion_tokens,
            reasoning: answer.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            total: self.total_tokens,
        }
    }
}
