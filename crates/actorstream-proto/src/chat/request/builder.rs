//! Building a [`ChatRequest`] call by call.

use serde_json::Value;

use super::body::setters;
use super::{
    AudioOutput, ChatRequest, Content, FunctionCallChoice, FunctionDefinition, Message, Modality, Moderation,
    Prediction, PromptCacheOptions, PromptCacheRetention, ReasoningEffort, ResponseFormat, ServiceTier, Stop,
    StreamOptions, Tool, ToolChoice, Verbosity, WebSearchOptions,
};

impl ChatRequest {
    /// A request to `model` without messages yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds instructions from the application, for newer models.
    #[must_use]
    pub fn developer(self, content: impl Into<Content>) -> Self {
        self.message(Message::developer(content))
    }

    /// Adds instructions from the application.
    #[must_use]
    pub fn system(self, content: impl Into<Content>) -> Self {
        self.message(Message::system(content))
    }

    /// Adds what the user says.
    #[must_use]
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(Message::user(content))
    }

    /// Adds what the model said.
    #[must_use]
    pub fn assistant(self, content: impl Into<Content>) -> Self {
        self.message(Message::assistant(content))
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds messages.
    #[must_use]
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.messages.extend(messages);
        self
    }

    /// Adds a tool the model may call.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.push(tool.into());
        self
    }

    /// Adds tools the model may call.
    #[must_use]
    pub fn tools<T: Into<Tool>>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.tools.extend(tools.into_iter().map(Into::into));
        self
    }

    /// Adds a function the model may call; the older form of
    /// [`tool`](Self::tool).
    #[must_use]
    pub fn function(mut self, function: FunctionDefinition) -> Self {
        self.functions.push(function);
        self
    }

    /// Makes the token of this number likelier or less likely, from -100
    /// (never) to 100 (always).
    #[must_use]
    pub fn logit_bias(mut self, token: u32, bias: i32) -> Self {
        self.logit_bias.insert(token.to_string(), bias);
        self
    }

    /// Sets a label stored with the completion.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the kinds of output wanted.
    #[must_use]
    pub fn modalities<M: Into<Modality>>(mut self, modalities: impl IntoIterator<Item = M>) -> Self {
        self.modalities = modalities.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for the token counts at the end of a streamed answer.
    #[must_use]
    pub fn include_usage(mut self) -> Self {
        self.stream_options.get_or_insert_with(Default::default).include_usage = Some(true);
        self
    }

    /// Sets whether chunks of a streamed answer carry random padding.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_with(Default::default).include_obfuscation = Some(include);
        self
    }

    /// Sets the name of the end user that the field [`user`](field@Self::user)
    /// has; [`user`](Self::user()) adds a message.
    #[must_use]
    pub fn end_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets a field this type does not have, or sends `value` in place of the
    /// field it has.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {
            /// Sets how a spoken answer sounds.
            audio: AudioOutput,
            /// Sets whether log probabilities are reported.
            logprobs: bool,
            /// Sets the most tokens to generate, hidden reasoning included.
            max_completion_tokens: u32,
            /// Sets the most tokens to generate, in the older form.
            max_tokens: u32,
            /// Sets how the request and the answer are moderated.
            moderation: Moderation,
            /// Sets how many answers to generate, from 1 to 128.
            n: u32,
            /// Sets whether one answer may call several tools.
            parallel_tool_calls: bool,
            /// Sets how the prompt is cached.
            prompt_cache_options: PromptCacheOptions,
            /// Sets the seed that makes sampling repeatable.
            seed: i64,
            /// Sets whether the completion is stored.
            store: bool,
            /// Sets the options of a streamed response.
            stream_options: StreamOptions,
            /// Sets how many alternatives are reported for each token, from 0
            /// to 20.
            top_logprobs: u32,
            /// Sets how the web is searched.
            web_search_options: WebSearchOptions,
        }
        into {
            /// Sets the weight against frequent tokens, from -2 to 2.
            frequency_penalty: f64,
            /// Sets which function is called, in the older form.
            function_call: FunctionCallChoice,
            /// Sets text the answer will mostly repeat.
            prediction: Prediction,
            /// Sets the weight against tokens that have come up, from -2 to 2.
            presence_penalty: f64,
            /// Sets the key of requests with a common prompt prefix.
            prompt_cache_key: String,
            /// Sets how long the cached prompt may be kept.
            prompt_cache_retention: PromptCacheRetention,
            /// Sets how much a reasoning model thinks.
            reasoning_effort: ReasoningEffort,
            /// Sets the form the answer must have.
            response_format: ResponseFormat,
            /// Sets the stable name of the end user, at most 64 characters.
            safety_identifier: String,
            /// Sets the class of service.
            service_tier: ServiceTier,
            /// Sets where the answer stops; at most four sequences.
            stop: Stop,
            /// Sets how freely tokens are chosen, from 0 to 2.
            temperature: f64,
            /// Sets which tools the model may or must call.
            tool_choice: ToolChoice,
            /// Sets the probability the sampled tokens have together, from 0
            /// to 1.
            top_p: f64,
            /// Sets how much the model writes.
            verbosity: Verbosity,
        }
    }
}
