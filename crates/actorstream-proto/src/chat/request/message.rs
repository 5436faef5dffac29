//! The messages of a conversation.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::{FieldWriter, Fields, null_as_default, serialize_fields, setters};
use super::content::Content;
use super::tool_call::{FunctionCall, ToolCall};
use crate::string_enum::string_enum;

string_enum! {
    /// Who speaks in a message.
    #[derive(Default)]
    pub enum Role {
        /// The application, with instructions; newer models' word for system.
        Developer = "developer",
        /// The application, with instructions.
        System = "system",
        /// The person or program that asks.
        #[default]
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool, with the result of a call.
        Tool = "tool",
        /// A function, with the result of a call; the older form of a tool.
        Function = "function",
    }
}

/// One message of a conversation.
///
/// One type serves all roles; a field a role does not use stays empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said. An assistant message with calls may go without.
    #[serde(default)]
    pub content: Option<Content>,
    /// Tells speakers of one role apart; the function's name for the role
    /// [`Function`](Role::Function).
    #[serde(default)]
    pub name: Option<String>,
    /// The call a tool message answers.
    #[serde(default)]
    pub tool_call_id: Option<String>,
    /// The calls the assistant made.
    #[serde(default, deserialize_with = "null_as_default")]
    pub tool_calls: Vec<ToolCall>,
    /// What the assistant said when it declined.
    #[serde(default)]
    pub refusal: Option<String>,
    /// Audio the assistant gave in an earlier response.
    #[serde(default)]
    pub audio: Option<AudioReference>,
    /// The one call the assistant made; the older form of
    /// [`tool_calls`](Self::tool_calls).
    #[serde(default)]
    pub function_call: Option<FunctionCall>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Message {
    /// A message of `role` without content, such as an assistant message that
    /// only calls tools.
    pub fn new(role: impl Into<Role>) -> Self {
        Self { role: role.into(), ..Self::default() }
    }

    /// Instructions from the application, for newer models.
    pub fn developer(content: impl Into<Content>) -> Self {
        Self::new(Role::Developer).content(content)
    }

    /// Instructions from the application.
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System).content(content)
    }

    /// What the user says.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User).content(content)
    }

    /// What the model said, or is made to have said.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant).content(content)
    }

    /// The result of the tool call `tool_call_id`.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Role::Tool).tool_call_id(tool_call_id).content(content)
    }

    /// The result of the function `name`; the older form of
    /// [`tool`](Self::tool).
    pub fn function(name: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::new(Role::Function).name(name).content(content)
    }

    setters! {
        value {
            /// Sets the assistant's call in its older form.
            function_call: FunctionCall,
        }
        into {
            /// Sets what is said.
            content: Content,
            /// Sets the speaker's name, or the function's.
            name: String,
            /// Sets the call this message answers.
            tool_call_id: String,
            /// Sets what the assistant said when it declined.
            refusal: String,
            /// Sets the identifier of audio from an earlier response.
            audio: AudioReference,
        }
    }

    /// Adds a call the assistant made.
    #[must_use]
    pub fn tool_call(mut self, call: ToolCall) -> Self {
        self.tool_calls.push(call);
        self
    }

    /// Adds calls the assistant made.
    #[must_use]
    pub fn tool_calls(mut self, calls: impl IntoIterator<Item = ToolCall>) -> Self {
        self.tool_calls.extend(calls);
        self
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl Fields for Message {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.required("role", &self.role)?;
        if self.role == Role::Function {
            // The role must have the field, if only as null.
            out.required("content", &self.content)?;
        } else {
            out.optional("content", &self.content)?;
        }
        out.optional("name", &self.name)?;
        out.optional("tool_call_id", &self.tool_call_id)?;
        out.non_empty("tool_calls", &self.tool_calls)?;
        out.optional("refusal", &self.refusal)?;
        out.optional("audio", &self.audio)?;
        out.optional("function_call", &self.function_call)
    }
}

serialize_fields!(Message);

/// Refers to audio the assistant gave in an earlier response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioReference {
    /// The identifier that came with the audio.
    pub id: String,
}

impl From<&str> for AudioReference {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned() }
    }
}

impl From<String> for AudioReference {
    fn from(id: String) -> Self {
        Self { id }
    }
}
