//! The builder methods of [`ResponseRequest`].

use super::{
    FunctionCallOutput, InputItem, InputMessage, InputMessageContent, ReasoningEffort, ReasoningSummary,
    ResponseRequest, TextFormat, Tool, ToolOutput, Verbosity,
};

impl ResponseRequest {
    /// Creates a request to `model` without input.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// Adds instructions from the application, for newer models. They are placed before all other input, after
    /// earlier instructions; use [`message`](Self::message) to add instructions within it.
    #[must_use]
    pub fn developer(self, content: impl Into<InputMessageContent>) -> Self {
        self.instruct(InputMessage::developer(content))
    }

    /// Adds instructions from the application. They are placed before all other input, after earlier instructions;
    /// use [`message`](Self::message) to add instructions within it.
    #[must_use]
    pub fn system(self, content: impl Into<InputMessageContent>) -> Self {
        self.instruct(InputMessage::system(content))
    }

    fn instruct(mut self, instructions: InputMessage) -> Self {
        self.input.get_or_insert_default().instruct(instructions);
        self
    }

    /// Adds a message of the user.
    #[must_use]
    pub fn user(self, content: impl Into<InputMessageContent>) -> Self {
        self.message(InputMessage::user(content))
    }

    /// Adds a message of the model.
    #[must_use]
    pub fn assistant(self, content: impl Into<InputMessageContent>) -> Self {
        self.message(InputMessage::assistant(content))
    }

    /// Adds a message to the input.
    #[must_use]
    pub fn message(self, message: InputMessage) -> Self {
        self.item(message)
    }

    /// Adds the result of the function call `call_id` to the input.
    #[must_use]
    pub fn function_output(self, call_id: impl Into<String>, output: impl Into<ToolOutput>) -> Self {
        self.item(FunctionCallOutput::of(call_id, output))
    }

    /// Adds an item to the input. Input that was plain text becomes the user's message before it.
    #[must_use]
    pub fn item(mut self, item: impl Into<InputItem>) -> Self {
        self.input.get_or_insert_default().push(item.into());
        self
    }

    /// Adds items to the input: new ones, or the output of an earlier response (`response.output`).
    #[must_use]
    pub fn items<I: Into<InputItem>>(mut self, items: impl IntoIterator<Item = I>) -> Self {
        let input = self.input.get_or_insert_default();
        for item in items {
            input.push(item.into());
        }
        self
    }

    /// Adds a tool that the model may call.
    #[must_use]
    pub fn tool(self, tool: impl Into<Tool>) -> Self {
        self.tools([tool])
    }

    /// Sets the reasoning effort of a reasoning model.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: impl Into<ReasoningEffort>) -> Self {
        self.reasoning.get_or_insert_default().effort = Some(effort.into());
        self
    }

    /// Requests a summary of the reasoning.
    #[must_use]
    pub fn reasoning_summary(mut self, summary: impl Into<ReasoningSummary>) -> Self {
        self.reasoning.get_or_insert_default().summary = Some(summary.into());
        self
    }

    /// Sets the format of the text.
    #[must_use]
    pub fn text_format(mut self, format: impl Into<TextFormat>) -> Self {
        self.text.get_or_insert_default().format = Some(format.into());
        self
    }

    /// Sets the verbosity of the text.
    #[must_use]
    pub fn verbosity(mut self, verbosity: impl Into<Verbosity>) -> Self {
        self.text.get_or_insert_default().verbosity = Some(verbosity.into());
        self
    }

    /// Sets whether the events of a streamed response contain random text that hides their length.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_default().include_obfuscation = Some(include);
        self
    }

    /// Sets the field [`user`](field@Self::user), the identifier of the end user; [`user`](Self::user()) adds a
    /// message.
    #[must_use]
    pub fn end_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }
}
