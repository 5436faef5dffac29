//! The builder methods of [`ChatRequest`].

use super::{ChatRequest, Content, FunctionDefinition, Message, Role, Tool};

impl ChatRequest {
    /// Creates a request to `model` without messages.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds instructions from the application, for newer models. They are placed before the conversation, after
    /// earlier instructions; use [`message`](Self::message) to add instructions within it.
    #[must_use]
    pub fn developer(self, content: impl Into<Content>) -> Self {
        self.instruct(Message::developer(content))
    }

    /// Adds instructions from the application. They are placed before the conversation, after earlier instructions;
    /// use [`message`](Self::message) to add instructions within it.
    #[must_use]
    pub fn system(self, content: impl Into<Content>) -> Self {
        self.instruct(Message::system(content))
    }

    fn instruct(mut self, instructions: Message) -> Self {
        let instructs = |message: &Message| matches!(message.role, Role::System | Role::Developer);
        let place = self.messages.iter().take_while(|message| instructs(message)).count();
        self.messages.insert(place, instructions);
        self
    }

    /// Adds a message of the user.
    #[must_use]
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(Message::user(content))
    }

    /// Adds a message of the model.
    #[must_use]
    pub fn assistant(self, content: impl Into<Content>) -> Self {
        self.message(Message::assistant(content))
    }

    /// Adds a message: a new one, or the model's from a [`ChatMessage`](crate::api::chat::ChatMessage), a
    /// [`ChatCompletion`](crate::api::chat::ChatCompletion) or its [`Finish`](crate::outcome::finish::Finish).
    #[must_use]
    pub fn message(mut self, message: impl Into<Message>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Adds messages.
    #[must_use]
    pub fn messages<M: Into<Message>>(mut self, messages: impl IntoIterator<Item = M>) -> Self {
        self.messages.extend(messages.into_iter().map(Into::into));
        self
    }

    /// Adds a tool that the model may call.
    #[must_use]
    pub fn tool(self, tool: impl Into<Tool>) -> Self {
        self.tools([tool])
    }

    /// Adds a function that the model may call. Deprecated in favour of [`tool`](Self::tool).
    #[must_use]
    pub fn function(self, function: FunctionDefinition) -> Self {
        self.functions([function])
    }

    /// Requests the usage at the end of a streamed response.
    #[must_use]
    pub fn include_usage(mut self) -> Self {
        self.stream_options.get_or_insert_default().include_usage = Some(true);
        self
    }

    /// Sets whether the chunks of a streamed response contain random text that hides their length.
    #[must_use]
    pub fn include_obfuscation(mut self, include: bool) -> Self {
        self.stream_options.get_or_insert_default().include_obfuscation = Some(include);
        self
    }

    /// Sets the field [`user`](field@Self::user), the identifier of the end user; [`user`](Self::user()) adds a message.
    #[must_use]
    pub fn end_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }
}
