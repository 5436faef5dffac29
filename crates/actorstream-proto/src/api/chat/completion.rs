//! `ChatCompletion`: a complete chat completion, as the unstreamed call returns it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::moderation::Moderation;
use super::request::ServiceTier;
use crate::answer::finish_reason::FinishReason;
use crate::answer::usage::Usage;
use crate::json::deferred::{Defer, Deferred};

crate::object! {
    /// A complete chat completion.
    pub struct ChatCompletion {
        /// The id of the completion.
        pub id: String,
        /// `chat.completion`.
        pub object: String,
        /// When the completion was made, in seconds since 1970.
        pub created: u64,
        /// The model that answered.
        pub model: String,
        /// The choices, in the order of their index.
        pub choices: Vec<ChatChoice>,
        /// The token usage.
        pub usage: Option<Usage>,
        /// The processing tier that was used.
        pub service_tier: Option<ServiceTier>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<String>,
        /// The metadata of the request.
        pub metadata: Option<BTreeMap<String, String>>,
        /// The result of the moderation of prompt and response, if requested.
        pub moderation: Option<Box<Moderation>>,
    }

    /// One of the requested choices.
    pub struct ChatChoice {
        /// The index of the choice, from 0.
        pub index: u32,
        /// The model's message.
        pub message: ChatMessage,
        /// The log probabilities of the tokens, if requested.
        pub logprobs: Option<Deferred<Logprobs>>,
        /// The finish reason; `None` in a partial response without one.
        pub finish_reason: Option<FinishReason>,
    }

    /// The model's message.
    pub struct ChatMessage {
        /// `assistant`.
        pub role: String,
        /// The text.
        pub content: Option<String>,
        /// The model's refusal.
        pub refusal: Option<String>,
        /// The tools that the model calls.
        pub tool_calls: Option<Vec<ToolCall>>,
        /// The function that the model calls; the deprecated form of a tool call.
        pub function_call: Option<FunctionCall>,
        /// The sources that the text cites.
        pub annotations: Option<Vec<Annotation>>,
        /// The audio.
        pub audio: Option<Audio>,
        /// The reasoning, as DeepSeek, vLLM, llama.cpp and LiteLLM send it.
        pub reasoning_content: Option<String>,
        /// The reasoning, as OpenRouter, Ollama and newer vLLM send it.
        pub reasoning: Option<String>,
    }

    /// The call of a tool.
    pub struct ToolCall {
        /// The id of the call, which its result refers to.
        pub id: String,
        /// `function` or `custom`.
        pub r#type: String = "type",
        /// The call of a function.
        pub function: Option<FunctionCall>,
        /// The call of a custom tool.
        pub custom: Option<CustomCall>,
    }

    /// The call of a function.
    pub struct FunctionCall {
        /// The function's name.
        pub name: String,
        /// The arguments as the model wrote them; they should be JSON.
        pub arguments: String,
    }

    /// The call of a custom tool.
    pub struct CustomCall {
        /// The tool's name.
        pub name: String,
        /// The input.
        pub input: String,
    }

    /// A source that a text cites.
    pub struct Annotation {
        /// `url_citation`.
        pub r#type: String = "type",
        /// The cited page.
        pub url_citation: Option<UrlCitation>,
    }

    /// A page that a text cites.
    pub struct UrlCitation {
        /// The start of the citation in the text, in characters.
        pub start_index: u64,
        /// The end of the citation in the text, in characters.
        pub end_index: u64,
        /// The page's URL.
        pub url: String,
        /// The page's title.
        pub title: String,
    }

    /// The audio of a message.
    pub struct Audio {
        /// The id for use in later requests.
        pub id: String,
        /// The audio, in base64.
        pub data: String,
        /// When the id expires at the server, in seconds since 1970.
        pub expires_at: u64,
        /// The transcript.
        pub transcript: String,
    }

    /// The log probabilities of tokens.
    pub struct Logprobs {
        /// The log probabilities of the text.
        pub content: Option<Vec<TokenLogprob>>,
        /// The log probabilities of the refusal.
        pub refusal: Option<Vec<TokenLogprob>>,
    }

    /// The log probability of a token.
    pub struct TokenLogprob {
        /// The token.
        pub token: String,
        /// The natural logarithm of its probability; -9999 if it is very unlikely.
        pub logprob: Option<f64>,
        /// The token's UTF-8 bytes.
        pub bytes: Option<Vec<u32>>,
        /// The most likely tokens at this position.
        pub top_logprobs: Option<Vec<TopLogprob>>,
    }

    /// A likely token at a position.
    pub struct TopLogprob {
        /// The token.
        pub token: String,
        /// The natural logarithm of its probability.
        pub logprob: Option<f64>,
        /// The token's UTF-8 bytes.
        pub bytes: Option<Vec<u32>>,
    }
}

impl Defer for Logprobs {
    const BRACKET: u8 = b'{';

    fn none() -> &'static Self {
        static NONE: LazyLock<Logprobs> = LazyLock::new(Logprobs::default);
        &NONE
    }

    fn add(&mut self, later: Self) {
        for (into, later) in [(&mut self.content, later.content), (&mut self.refusal, later.refusal)] {
            if let Some(tokens) = later {
                into.get_or_insert_default().extend(tokens);
            }
        }
    }

    fn has(open: u8, name: &[u8]) -> bool {
        match open {
            // Of the object itself, of a token in its lists, and of a likely one in the list of that.
            1 => matches!(name, b"content" | b"refusal"),
            3 => matches!(name, b"token" | b"logprob" | b"bytes" | b"top_logprobs"),
            5 => matches!(name, b"token" | b"logprob" | b"bytes"),
            _ => false,
        }
    }
}

impl ChatCompletion {
    /// Returns the text of the first choice.
    pub fn content(&self) -> Option<&str> {
        self.choices.first()?.message.content.as_deref()
    }

    /// Returns the reasoning of the first choice, from whichever field the server uses.
    pub fn reasoning(&self) -> Option<&str> {
        let message = &self.choices.first()?.message;
        message.reasoning_content.as_deref().or(message.reasoning.as_deref())
    }

    /// Returns the tool calls of the first choice.
    pub fn tool_calls(&self) -> &[ToolCall] {
        let calls = self.choices.first().and_then(|choice| choice.message.tool_calls.as_deref());
        calls.unwrap_or_default()
    }
}

impl ToolCall {
    /// Returns the name of the called function or tool.
    pub fn name(&self) -> &str {
        match (&self.function, &self.custom) {
            (Some(function), _) => &function.name,
            (None, Some(custom)) => &custom.name,
            (None, None) => "",
        }
    }

    /// Parses the arguments of a function.
    ///
    /// # Errors
    /// If the model wrote invalid JSON, or does not call a function.
    pub fn arguments(&self) -> serde_json::Result<Value> {
        serde_json::from_str(self.function.as_ref().map_or("", |function| &function.arguments))
    }
}
