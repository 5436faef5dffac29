//! `ChatCompletion`: a whole chat completion, as the unstreamed call answers it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::moderation::Moderation;
use super::request::ServiceTier;
use crate::string_enum::string_enum;
use crate::usage::Usage;

string_enum! {
    /// Why a choice ended.
    pub enum FinishReason {
        /// The model was done, or came to a stop sequence.
        Stop = "stop",
        /// The tokens ran out.
        Length = "length",
        /// The model calls tools.
        ToolCalls = "tool_calls",
        /// A filter took content out.
        ContentFilter = "content_filter",
        /// The model calls a function; deprecated.
        FunctionCall = "function_call",
    }
}

crate::object! {
    /// A whole chat completion.
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
        /// The tokens taken.
        pub usage: Option<Usage>,
        /// The processing tier that was used.
        pub service_tier: Option<ServiceTier>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<String>,
        /// Your own notes on the completion.
        pub metadata: Option<BTreeMap<String, String>>,
        /// What a check of prompt and answer found, if asked for.
        pub moderation: Option<Box<Moderation>>,
    }

    /// One of the answers asked for.
    pub struct ChatChoice {
        /// Which choice, from 0.
        pub index: u32,
        /// The answer.
        pub message: ChatMessage,
        /// The probabilities of the tokens, if asked for.
        pub logprobs: Option<Logprobs>,
        /// Why the choice ended; `None` in a partial response that has not come so far.
        pub finish_reason: Option<FinishReason>,
    }

    /// The model's message.
    pub struct ChatMessage {
        /// `assistant`.
        pub role: String,
        /// The text.
        pub content: Option<String>,
        /// Why the model will not answer.
        pub refusal: Option<String>,
        /// The tools that the model calls.
        pub tool_calls: Option<Vec<ToolCall>>,
        /// The function that the model calls; the deprecated form of a tool call.
        pub function_call: Option<FunctionCall>,
        /// The sources that the text cites.
        pub annotations: Option<Vec<Annotation>>,
        /// The sound.
        pub audio: Option<Audio>,
        /// The reasoning, as DeepSeek, vLLM, llama.cpp and LiteLLM send it.
        pub reasoning_content: Option<String>,
        /// The reasoning, as OpenRouter, Ollama and newer vLLM send it.
        pub reasoning: Option<String>,
    }

    /// The call of a tool.
    pub struct ToolCall {
        /// The call's id, to which the tool's answer refers.
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
        /// The arguments as the model wrote them: JSON, if it did well.
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
        /// A page.
        pub url_citation: Option<UrlCitation>,
    }

    /// A page that a text cites.
    pub struct UrlCitation {
        /// Where in the text the citation starts, in characters.
        pub start_index: u64,
        /// Where it ends.
        pub end_index: u64,
        /// The page's address.
        pub url: String,
        /// The page's title.
        pub title: String,
    }

    /// The sound of a message.
    pub struct Audio {
        /// The id by which a later request refers to it.
        pub id: String,
        /// The sound, in base64.
        pub data: String,
        /// Until when the server knows the id, in seconds since 1970.
        pub expires_at: u64,
        /// What is said.
        pub transcript: String,
    }

    /// The probabilities of tokens.
    pub struct Logprobs {
        /// Those of the text.
        pub content: Option<Vec<TokenLogprob>>,
        /// Those of the refusal.
        pub refusal: Option<Vec<TokenLogprob>>,
    }

    /// The probability of a token.
    pub struct TokenLogprob {
        /// The token.
        pub token: String,
        /// The natural logarithm of its probability; -9999 if it is very unlikely.
        pub logprob: Option<f64>,
        /// The token's UTF-8 bytes.
        pub bytes: Option<Vec<u32>>,
        /// The most likely tokens in this place.
        pub top_logprobs: Option<Vec<TopLogprob>>,
    }

    /// A token that is likely in a place.
    pub struct TopLogprob {
        /// The token.
        pub token: String,
        /// The natural logarithm of its probability.
        pub logprob: Option<f64>,
        /// The token's UTF-8 bytes.
        pub bytes: Option<Vec<u32>>,
    }
}

impl ChatCompletion {
    /// The text of the first choice.
    pub fn content(&self) -> Option<&str> {
        self.choices.first()?.message.content.as_deref()
    }

    /// The reasoning of the first choice, under whichever name the server sends it.
    pub fn reasoning(&self) -> Option<&str> {
        let message = &self.choices.first()?.message;
        message.reasoning_content.as_deref().or(message.reasoning.as_deref())
    }

    /// The tool calls of the first choice.
    pub fn tool_calls(&self) -> &[ToolCall] {
        let calls = self.choices.first().and_then(|choice| choice.message.tool_calls.as_deref());
        calls.unwrap_or_default()
    }
}

impl ToolCall {
    /// The name of what is called.
    pub fn name(&self) -> &str {
        match (&self.function, &self.custom) {
            (Some(function), _) => &function.name,
            (None, Some(custom)) => &custom.name,
            (None, None) => "",
        }
    }

    /// The arguments of a function, parsed.
    ///
    /// # Errors
    /// When the model wrote no JSON, or calls no function.
    pub fn arguments(&self) -> serde_json::Result<Value> {
        serde_json::from_str(self.function.as_ref().map_or("", |function| &function.arguments))
    }
}
