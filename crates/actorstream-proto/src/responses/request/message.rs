//! The messages of an input.

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::content::InputContent;
use super::item::ItemStatus;
use crate::chat::request::body::{FieldWriter, Fields, serialize_fields, setters};
use crate::string_enum::string_enum;

string_enum! {
    /// Who speaks in a message.
    #[derive(Default)]
    pub enum MessageRole {
        /// The person or program that asks.
        #[default]
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The application, with instructions.
        System = "system",
        /// The application, with instructions; newer models' word for system.
        Developer = "developer",
    }
}

string_enum! {
    /// What part of its work an assistant's message belongs to.
    pub enum MessagePhase {
        /// What it says on the way.
        Commentary = "commentary",
        /// Its answer.
        FinalAnswer = "final_answer",
    }
}

/// One message of an input.
///
/// One type serves all roles; a field a role does not use stays empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct InputMessage {
    /// Who speaks.
    pub role: MessageRole,
    /// What is said.
    pub content: InputContent,
    /// The identifier of a message that the model wrote.
    #[serde(default)]
    pub id: Option<String>,
    /// How far a message that the model wrote got.
    #[serde(default)]
    pub status: Option<ItemStatus>,
    /// What part of its work an assistant's message belongs to; given back as it came.
    #[serde(default)]
    pub phase: Option<MessagePhase>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl InputMessage {
    /// A message of `role`.
    pub fn new(role: impl Into<MessageRole>, content: impl Into<InputContent>) -> Self {
        Self { role: role.into(), content: content.into(), ..Self::default() }
    }

    /// What the user says.
    pub fn user(content: impl Into<InputContent>) -> Self {
        Self::new(MessageRole::User, content)
    }

    /// What the model said, or is made to have said.
    pub fn assistant(content: impl Into<InputContent>) -> Self {
        Self::new(MessageRole::Assistant, content)
    }

    /// Instructions from the application.
    pub fn system(content: impl Into<InputContent>) -> Self {
        Self::new(MessageRole::System, content)
    }

    /// Instructions from the application, for newer models.
    pub fn developer(content: impl Into<InputContent>) -> Self {
        Self::new(MessageRole::Developer, content)
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {}
        into {
            /// Sets the identifier of a message that the model wrote.
            id: String,
            /// Sets how far a message that the model wrote got.
            status: ItemStatus,
            /// Sets what part of its work an assistant's message belongs to.
            phase: MessagePhase,
        }
    }
}

impl Fields for InputMessage {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("id", &self.id)?;
        out.required("role", &self.role)?;
        out.required("content", &self.content)?;
        out.optional("status", &self.status)?;
        out.optional("phase", &self.phase)
    }
}

serialize_fields!(InputMessage);
