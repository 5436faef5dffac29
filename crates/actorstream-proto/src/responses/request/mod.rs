//! Requests for responses.
//!
//! [`ResponseRequest`] has every field the API documents and takes any other by [`field`](ResponseRequest::field).
//!
//! ```
//! use actorstream_proto::responses::request::{InputMessage, ResponseRequest, Tool};
//! use serde_json::json;
//!
//! let request = ResponseRequest::new("gpt-5").instructions("Be brief.").input("Hello").reasoning_effort("low");
//!
//! let next = ResponseRequest::new("gpt-5")
//!     .previous_response_id("resp_1")
//!     .function_output("call_1", "sunny")
//!     .message(InputMessage::user("And tomorrow?"))
//!     .tool(Tool::function("get_weather").parameters(json!({"type": "object"})))
//!     .tool(Tool::web_search());
//! ```

mod builder;
mod call;
mod container;
mod content;
mod function;
mod hosted;
mod input;
mod item;
mod mcp;
mod message;
mod options;
mod reasoning;
mod search;
mod text;
mod tool;
mod tool_choice;

#[cfg(test)]
mod item_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tool_tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

pub use crate::chat::request::{
    AllowedToolsMode, ApproximateLocation, GrammarSyntax, InputAudio, InputAudioFormat, JsonSchema,
    Moderation, ModerationMode, PromptCacheBreakpoint, PromptCacheOptions, PromptCacheRetention,
    ReasoningEffort, SearchContextSize, ServiceTier, ToolChoiceMode, Verbosity,
};
pub use call::{CustomToolCall, CustomToolOutput, FunctionCall, FunctionOutput};
pub use container::{
    CodeInterpreterContainer, CodeInterpreterTool, DomainSecret, MemoryLimit, NetworkPolicy,
    ShellEnvironment, ShellTool,
};
pub use content::{FileDetail, ImageDetail, InputContent, InputFile, InputImage, InputPart};
pub use function::{CustomTool, CustomToolFormat, FunctionTool, ToolCaller};
pub use hosted::{ComputerEnvironment, ComputerUsePreviewTool, ImageAction, ImageGenerationTool, ImageMask};
pub use input::{Input, InputItem};
pub use item::{
    ComputerOutput, ItemReference, ItemStatus, McpApproval, ReasoningItem, ReasoningText, Screenshot,
};
pub use mcp::{
    Approval, Connector, McpAllowedTools, McpApprovalFilter, McpRequireApproval, McpTool, McpToolFilter,
};
pub use message::{InputMessage, MessagePhase, MessageRole};
pub use options::{
    ContextManagement, Conversation, Include, PromptTemplate, PromptVariable, StreamOptions, Truncation,
};
pub use reasoning::{Reasoning, ReasoningContext, ReasoningMode, ReasoningSummary};
pub use search::{
    FileFilter, FileSearchTool, FilterKind, HybridSearch, RankingOptions, SearchContentType,
    WebSearchFilters, WebSearchPreviewTool, WebSearchTool, WebSearchUserLocation,
};
pub use text::{TextConfig, TextFormat};
pub use tool::{NamespaceTool, Tool, ToolSearchExecution, ToolSearchTool};
pub use tool_choice::{HostedTool, HostedToolType, ToolChoice};

use crate::chat::request::body::{FieldWriter, Fields, null_as_default, serialize_fields};

/// A request for a response.
///
/// A field that is `None`, or an empty list or map, is not sent and the server uses its default. Whether the response
/// is streamed is not a field: whoever sends the request decides it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ResponseRequest {
    /// The model that answers. A prompt template may name one instead.
    #[serde(default)]
    pub model: Option<String>,
    /// What is said to the model.
    #[serde(default)]
    pub input: Option<Input>,
    /// Whether the response is made in the background, to be asked for later. Default `false`.
    #[serde(default)]
    pub background: Option<bool>,
    /// How a conversation that grows too long is made shorter.
    #[serde(default, deserialize_with = "null_as_default")]
    pub context_management: Vec<ContextManagement>,
    /// The stored conversation that the request continues; not along with
    /// [`previous_response_id`](Self::previous_response_id).
    #[serde(default)]
    pub conversation: Option<Conversation>,
    /// What the response has beyond what it has anyway.
    #[serde(default, deserialize_with = "null_as_default")]
    pub include: Vec<Include>,
    /// Instructions from the application, for this response only.
    #[serde(default)]
    pub instructions: Option<String>,
    /// The most tokens to generate, those of hidden reasoning included.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// The most calls of hosted tools, all tools together.
    #[serde(default)]
    pub max_tool_calls: Option<u32>,
    /// Labels stored with the response: at most 16, of up to 64 characters in the key and 512 in the value.
    #[serde(default, deserialize_with = "null_as_default")]
    pub metadata: BTreeMap<String, String>,
    /// Runs a moderation model over the request and the answer.
    #[serde(default)]
    pub moderation: Option<Moderation>,
    /// Whether several tools may be called at once. Default `true`.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// The stored response that the request follows.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// A stored prompt template and its variables.
    #[serde(default)]
    pub prompt: Option<PromptTemplate>,
    /// Groups requests with a common prompt prefix, for better use of the cache.
    #[serde(default)]
    pub prompt_cache_key: Option<String>,
    /// How the prompt is cached for later requests.
    #[serde(default)]
    pub prompt_cache_options: Option<PromptCacheOptions>,
    /// How long the cached prompt may be kept; the older form of
    /// [`prompt_cache_options`](Self::prompt_cache_options).
    #[serde(default)]
    pub prompt_cache_retention: Option<PromptCacheRetention>,
    /// How a reasoning model thinks.
    #[serde(default)]
    pub reasoning: Option<Reasoning>,
    /// A stable name for the end user that does not tell who it is, to trace misuse; at most 64 characters.
    #[serde(default)]
    pub safety_identifier: Option<String>,
    /// The class of service. Default [`ServiceTier::Auto`].
    #[serde(default)]
    pub service_tier: Option<ServiceTier>,
    /// Whether the response is stored for later use. Default `true`.
    #[serde(default)]
    pub store: Option<bool>,
    /// Options of a streamed response, sent only when streaming.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// How freely tokens are chosen, from 0 to 2. Default 1.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// The form and the length of the text.
    #[serde(default)]
    pub text: Option<TextConfig>,
    /// Which tools the model may or must call. Default the model decides.
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    /// The tools the model may call.
    #[serde(default, deserialize_with = "null_as_default")]
    pub tools: Vec<Tool>,
    /// How many alternatives are reported for each token, from 0 to 20; needs
    /// [`Include::OutputTextLogprobs`].
    #[serde(default)]
    pub top_logprobs: Option<u32>,
    /// Samples only from the likeliest tokens that together have this probability, from 0 to 1. Default 1.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// What happens when the input is too long for the model. Default the request fails.
    #[serde(default)]
    pub truncation: Option<Truncation>,
    /// A stable name for the end user; the older form of [`safety_identifier`](Self::safety_identifier) and
    /// [`prompt_cache_key`](Self::prompt_cache_key).
    #[serde(default)]
    pub user: Option<String>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Fields for ResponseRequest {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("model", &self.model)?;
        out.optional("input", &self.input)?;
        out.optional("background", &self.background)?;
        out.non_empty("context_management", &self.context_management)?;
        out.optional("conversation", &self.conversation)?;
        out.non_empty("include", &self.include)?;
        out.optional("instructions", &self.instructions)?;
        out.optional("max_output_tokens", &self.max_output_tokens)?;
        out.optional("max_tool_calls", &self.max_tool_calls)?;
        out.non_empty("metadata", &self.metadata)?;
        out.optional("moderation", &self.moderation)?;
        out.optional("parallel_tool_calls", &self.parallel_tool_calls)?;
        out.optional("previous_response_id", &self.previous_response_id)?;
        out.optional("prompt", &self.prompt)?;
        out.optional("prompt_cache_key", &self.prompt_cache_key)?;
        out.optional("prompt_cache_options", &self.prompt_cache_options)?;
        out.optional("prompt_cache_retention", &self.prompt_cache_retention)?;
        out.optional("reasoning", &self.reasoning)?;
        out.optional("safety_identifier", &self.safety_identifier)?;
        out.optional("service_tier", &self.service_tier)?;
        out.optional("store", &self.store)?;
        out.optional("stream_options", &self.stream_options)?;
        out.optional("temperature", &self.temperature)?;
        out.optional("text", &self.text)?;
        out.optional("tool_choice", &self.tool_choice)?;
        out.non_empty("tools", &self.tools)?;
        out.optional("top_logprobs", &self.top_logprobs)?;
        out.optional("top_p", &self.top_p)?;
        out.optional("truncation", &self.truncation)?;
        out.optional("user", &self.user)
    }
}

serialize_fields!(ResponseRequest);
