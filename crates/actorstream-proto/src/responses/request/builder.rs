//! Building a [`ResponseRequest`] call by call.

use serde_json::Value;

use super::{
    ContextManagement, Conversation, FunctionOutput, Include, Input, InputContent, InputItem, InputMessage,
    Moderation, PromptCacheOptions, PromptCacheRetention, PromptTemplate, Reasoning, ReasoningEffort,
    ReasoningSummary, ResponseRequest, ServiceTier, StreamOptions, TextConfig, TextFormat, Tool, ToolChoice,
    Truncation, Verbosity,
};
use crate::chat::request::body::setters;

impl ResponseRequest {
    /// A request to `model` without input yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// Adds instructions from the application, for newer models.
    #[must_use]
    pub fn developer(self, content: impl Into<InputContent>) -> Self {
        self.message(InputMessage::developer(content))
    }

    /// Adds instructions from the application.
    #[must_use]
    pub fn system(self, content: impl Into<InputContent>) -> Self {
        self.message(InputMessage::system(content))
    }

    /// Adds what the user says.
    #[must_use]
    pub fn user(self, content: impl Into<InputContent>) -> Self {
        self.message(InputMessage::user(content))
    }

    /// Adds what the model said.
    #[must_use]
    pub fn assistant(self, content: impl Into<InputContent>) -> Self {
        self.message(InputMessage::assistant(content))
    }

    /// Adds a message to the input.
    #[must_use]
    pub fn message(self, message: InputMessage) -> Self {
        self.item(message)
    }

    /// Adds the result of the function call `call_id` to the input.
    #[must_use]
    pub fn function_output(self, call_id: impl Into<String>, output: impl Into<InputContent>) -> Self {
        self.item(FunctionOutput::new(call_id, output))
    }

    /// Adds an item to the input. Input that was plain text becomes the user's message before it.
    #[must_use]
    pub fn item(mut self, item: impl Into<InputItem>) -> Self {
        self.input.get_or_insert_with(|| Input::Items(Vec::new())).push(item.into());
        self
    }

    /// Adds items to the input, such as those of an earlier response.
    #[must_use]
    pub fn items<I: Into<InputItem>>(mut self, items: impl IntoIterator<Item = I>) -> Self {
        let input = self.input.get_or_insert_with(|| Input::Items(Vec::new()));
        for item in items {
            input.push(item.into());
        }
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

    /// Adds something that the response is to have beyond what it has anyway.
    #[must_use]
    pub fn include(mut self, include: impl Into<Include>) -> Self {
        self.include.push(include.into());
        self
    }

    /// Adds a way in which a conversation that grows too long is made shorter.
    #[must_use]
    pub fn context_management(mut self, management: ContextManagement) -> Self {
        self.context_management.push(management);
        self
    }

    /// Sets a label stored with the response.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets how much a reasoning model thinks.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: impl Into<ReasoningEffort>) -> Self {
        self.reasoning.get_or_insert_default().effort = Some(effort.into());
        self
    }

    /// Asks for a summary of what a reasoning model thinks.
    #[must_use]
    pub fn reasoning_summary(mut self, summary: impl Into<ReasoningSummary>) -> Self {
        self.reasoning.get_or_insert_default().summary = Some(summary.into());
        self
    }

    /// Sets the form the text must have.
    #[must_use]
    pub fn text_format(mut self, format: impl Into<TextFormat>) -> Self {
        self.text.get_or_insert_default().format = Some(format.into());
        self
    }

    /// Sets how much the model writes.
    #[must_use]
    pub fn verbosity(mut self, verbosity: impl Into<Verbosity>) -> Self {
        self.text.get_or_insert_default().verbosity = Some(verbosity.into());
        self
    }

    /// Sets whether events of a streamed response carry random padding.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_default().include_obfuscation = Some(include);
        self
    }

    /// Sets the name of the end user that the field [`user`](field@Self::user) has; [`user`](Self::user()) adds a
    /// message.
    #[must_use]
    pub fn end_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets a field this type does not have, or sends `value` in place of the field it has.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {
            /// Sets whether the response is made in the background.
            background: bool,
            /// Sets the most tokens to generate, hidden reasoning included.
            max_output_tokens: u32,
            /// Sets the most calls of hosted tools.
            max_tool_calls: u32,
            /// Sets how the request and the answer are moderated.
            moderation: Moderation,
            /// Sets whether several tools may be called at once.
            parallel_tool_calls: bool,
            /// Sets how the prompt is cached.
            prompt_cache_options: PromptCacheOptions,
            /// Sets how a reasoning model thinks.
            reasoning: Reasoning,
            /// Sets whether the response is stored.
            store: bool,
            /// Sets the options of a streamed response.
            stream_options: StreamOptions,
            /// Sets the form and the length of the text.
            text: TextConfig,
            /// Sets how many alternatives are reported for each token, from 0 to 20.
            top_logprobs: u32,
        }
        into {
            /// Sets the model that answers.
            model: String,
            /// Sets all that is said to the model: text, or a list of items.
            input: Input,
            /// Sets the stored conversation that the request continues.
            conversation: Conversation,
            /// Sets instructions from the application.
            instructions: String,
            /// Sets the stored response that the request follows.
            previous_response_id: String,
            /// Sets a stored prompt template.
            prompt: PromptTemplate,
            /// Sets the key of requests with a common prompt prefix.
            prompt_cache_key: String,
            /// Sets how long the cached prompt may be kept.
            prompt_cache_retention: PromptCacheRetention,
            /// Sets the stable name of the end user, at most 64 characters.
            safety_identifier: String,
            /// Sets the class of service.
            service_tier: ServiceTier,
            /// Sets how freely tokens are chosen, from 0 to 2.
            temperature: f64,
            /// Sets which tools the model may or must call.
            tool_choice: ToolChoice,
            /// Sets the probability the sampled tokens have together, from 0 to 1.
            top_p: f64,
            /// Sets what happens when the input is too long for the model.
            truncation: Truncation,
        }
    }
}
