//! Requests for chat completions.
//!
//! [`ChatRequest`] has every field the API documents and takes any other by
//! [`field`](ChatRequest::field).
//!
//! ```
//! use actorstream_proto::chat::ChatRequest;
//!
//! let request = ChatRequest::new("gpt-4o")
//!     .system("Be brief.")
//!     .user("What is a monad?")
//!     .temperature(0.2)
//!     .max_completion_tokens(100)
//!     .include_usage()
//!     .field("top_k", 40);
//! ```

mod audio;
pub(crate) mod body;
mod builder;
mod content;
mod message;
mod moderation;
mod options;
mod response_format;
mod tool;
mod tool_call;
mod tool_choice;
mod web_search;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

pub use audio::{AudioFormat, AudioOutput, Voice, VoiceName};
pub use content::{
    Content, ContentPart, FileInput, ImageDetail, ImageUrl, InputAudio, InputAudioFormat,
    PromptCacheBreakpoint, PromptCacheBreakpointMode,
};
pub use message::{AudioReference, Message, Role};
pub use moderation::{Moderation, ModerationMode, ModerationPolicy, ModerationRule};
pub use options::{
    Modality, Prediction, PromptCacheMode, PromptCacheOptions, PromptCacheRetention, PromptCacheTtl,
    ReasoningEffort, ServiceTier, Stop, StreamOptions, Verbosity,
};
pub use response_format::{JsonSchema, ResponseFormat};
pub use tool::{CustomTool, CustomToolFormat, FunctionDefinition, Grammar, GrammarSyntax, Tool};
pub use tool_call::{CustomToolCall, FunctionCall, ToolCall, ToolType};
pub use tool_choice::{
    AllowedTools, AllowedToolsMode, FunctionCallChoice, FunctionCallMode, ToolChoice, ToolChoiceMode,
    ToolName,
};
pub use web_search::{ApproximateLocation, SearchContextSize, UserLocation, WebSearchOptions};

use body::{FieldWriter, Fields, null_as_default, serialize_fields};

/// A request for a chat completion.
///
/// A field that is `None`, or an empty list or map, is not sent and the server
/// uses its default. Whether the answer is streamed is not a field: whoever
/// sends the request decides it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatRequest {
    /// The model that answers.
    pub model: String,
    /// The conversation so far, in order.
    pub messages: Vec<Message>,
    /// How a spoken answer sounds; needed with [`Modality::Audio`].
    #[serde(default)]
    pub audio: Option<AudioOutput>,
    /// Weighs against a token the more often it has come up, from -2 to 2.
    /// Default 0.
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    /// Which function is called; the older form of
    /// [`tool_choice`](Self::tool_choice).
    #[serde(default)]
    pub function_call: Option<FunctionCallChoice>,
    /// Functions the model may call; the older form of [`tools`](Self::tools).
    #[serde(default, deserialize_with = "null_as_default")]
    pub functions: Vec<FunctionDefinition>,
    /// Makes tokens, by their number, likelier or less likely, from -100
    /// (never) to 100 (always).
    #[serde(default, deserialize_with = "null_as_default")]
    pub logit_bias: BTreeMap<String, i32>,
    /// Whether the answer comes with the log probability of each token.
    /// Default `false`.
    #[serde(default)]
    pub logprobs: Option<bool>,
    /// The most tokens to generate, those of hidden reasoning included.
    #[serde(default)]
    pub max_completion_tokens: Option<u32>,
    /// The most tokens to generate; the older form of
    /// [`max_completion_tokens`](Self::max_completion_tokens), which many
    /// other servers expect and reasoning models refuse.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// Labels stored with the completion: at most 16, of up to 64 characters
    /// in the key and 512 in the value.
    #[serde(default, deserialize_with = "null_as_default")]
    pub metadata: BTreeMap<String, String>,
    /// The kinds of output wanted. Default text only.
    #[serde(default, deserialize_with = "null_as_default")]
    pub modalities: Vec<Modality>,
    /// Runs a moderation model over the request and the answer.
    #[serde(default)]
    pub moderation: Option<Moderation>,
    /// How many answers to generate, from 1 to 128. Default 1.
    #[serde(default)]
    pub n: Option<u32>,
    /// Whether one answer may call several tools. Default `true`.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// Text the answer will mostly repeat, which lets it come faster.
    #[serde(default)]
    pub prediction: Option<Prediction>,
    /// Weighs against tokens that have come up at all, from -2 to 2.
    /// Default 0.
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    /// Groups requests with a common prompt prefix, for better use of the
    /// cache.
    #[serde(default)]
    pub prompt_cache_key: Option<String>,
    /// How the prompt is cached for later requests.
    #[serde(default)]
    pub prompt_cache_options: Option<PromptCacheOptions>,
    /// How long the cached prompt may be kept; the older form of
    /// [`prompt_cache_options`](Self::prompt_cache_options).
    #[serde(default)]
    pub prompt_cache_retention: Option<PromptCacheRetention>,
    /// How much a reasoning model thinks. The default is the model's.
    #[serde(default)]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The form the answer must have. Default any text.
    #[serde(default)]
    pub response_format: Option<ResponseFormat>,
    /// A stable name for the end user that does not tell who it is, to trace
    /// misuse; at most 64 characters.
    #[serde(default)]
    pub safety_identifier: Option<String>,
    /// Makes sampling repeatable as far as the server can.
    #[serde(default)]
    pub seed: Option<i64>,
    /// The class of service. Default [`ServiceTier::Auto`].
    #[serde(default)]
    pub service_tier: Option<ServiceTier>,
    /// Where the answer stops; at most four sequences.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// Whether the completion is stored for later use. Default `false`.
    #[serde(default)]
    pub store: Option<bool>,
    /// Options of a streamed response, sent only when streaming.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// How freely tokens are chosen, from 0 to 2. Default 1.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Which tools the model may or must call. Default none without tools,
    /// else the model decides.
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    /// The tools the model may call.
    #[serde(default, deserialize_with = "null_as_default")]
    pub tools: Vec<Tool>,
    /// How many alternatives are reported for each token, from 0 to 20; needs
    /// [`logprobs`](Self::logprobs).
    #[serde(default)]
    pub top_logprobs: Option<u32>,
    /// Samples only from the likeliest tokens that together have this
    /// probability, from 0 to 1. Default 1.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// A stable name for the end user; the older form of
    /// [`safety_identifier`](Self::safety_identifier) and
    /// [`prompt_cache_key`](Self::prompt_cache_key).
    #[serde(default)]
    pub user: Option<String>,
    /// How much the model writes. Default [`Verbosity::Medium`].
    #[serde(default)]
    pub verbosity: Option<Verbosity>,
    /// Lets a search model look on the web.
    #[serde(default)]
    pub web_search_options: Option<WebSearchOptions>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Fields for ChatRequest {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("model", &self.model)?;
        out.required("messages", &self.messages)?;
        out.optional("audio", &self.audio)?;
        out.optional("frequency_penalty", &self.frequency_penalty)?;
        out.optional("function_call", &self.function_call)?;
        out.non_empty("functions", &self.functions)?;
        out.non_empty("logit_bias", &self.logit_bias)?;
        out.optional("logprobs", &self.logprobs)?;
        out.optional("max_completion_tokens", &self.max_completion_tokens)?;
        out.optional("max_tokens", &self.max_tokens)?;
        out.non_empty("metadata", &self.metadata)?;
        out.non_empty("modalities", &self.modalities)?;
        out.optional("moderation", &self.moderation)?;
        out.optional("n", &self.n)?;
        out.optional("parallel_tool_calls", &self.parallel_tool_calls)?;
        out.optional("prediction", &self.prediction)?;
        out.optional("presence_penalty", &self.presence_penalty)?;
        out.optional("prompt_cache_key", &self.prompt_cache_key)?;
        out.optional("prompt_cache_options", &self.prompt_cache_options)?;
        out.optional("prompt_cache_retention", &self.prompt_cache_retention)?;
        out.optional("reasoning_effort", &self.reasoning_effort)?;
        out.optional("response_format", &self.response_format)?;
        out.optional("safety_identifier", &self.safety_identifier)?;
        out.optional("seed", &self.seed)?;
        out.optional("service_tier", &self.service_tier)?;
        out.optional("stop", &self.stop)?;
        out.optional("store", &self.store)?;
        out.optional("stream_options", &self.stream_options)?;
        out.optional("temperature", &self.temperature)?;
        out.optional("tool_choice", &self.tool_choice)?;
        out.non_empty("tools", &self.tools)?;
        out.optional("top_logprobs", &self.top_logprobs)?;
        out.optional("top_p", &self.top_p)?;
        out.optional("user", &self.user)?;
        out.optional("verbosity", &self.verbosity)?;
        out.optional("web_search_options", &self.web_search_options)
    }
}

serialize_fields!(ChatRequest);
