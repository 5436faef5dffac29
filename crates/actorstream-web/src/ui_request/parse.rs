//! Reads the body of a request, and says where it is wrong.

use serde_json::{Map, Value};

use super::part::{FilePart, MessagePart, ToolPart, ToolState};
use super::{Trigger, UiMessage, UiRequest, UiRole, key};
use crate::event::Failure;

/// Ids are keys of what is stored.
const MAX_ID: usize = 256;

/// A body that is not what it should be.
fn invalid(message: impl Into<String>) -> Failure {
    Failure {
        message: message.into(),
        kind: "invalid_request_error".into(),
        code: Some("invalid_body".into()),
        status: 400,
    }
}

/// A value, and where it stands in the body; the body itself stands nowhere.
#[derive(Clone, Copy)]
struct At<'a> {
    value: &'a Value,
    path: &'a str,
}

impl<'a> At<'a> {
    fn path(self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn wrong(self, name: &str, what: &str) -> Failure {
        invalid(format!("{}: {what}", self.path(name)))
    }

    fn object(self) -> Result<&'a Map<String, Value>, Failure> {
        let place = if self.path.is_empty() { "the body" } else { self.path };
        self.value.as_object().ok_or_else(|| invalid(format!("{place}: must be an object")))
    }

    /// A field; `null` is none.
    fn get(self, name: &str) -> Option<&'a Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    fn text(self, name: &str) -> Result<String, Failure> {
        self.text_or_none(name)?.ok_or_else(|| self.wrong(name, "a string is missing"))
    }

    fn text_or_none(self, name: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    fn id(self) -> Result<String, Failure> {
        let id = self.text("id")?;
        match id.len() {
            0 => Err(self.wrong("id", "must not be empty")),
            1..=MAX_ID => Ok(id),
            _ => Err(self.wrong("id", &format!("is longer than {MAX_ID} bytes"))),
        }
    }

    fn bool(self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// The items of a list, each where it stands.
    fn each<T>(self, name: &str, read: impl Fn(At<'_>) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let list = match self.get(name) {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(self.wrong(name, "must be a list")),
            None => return Err(self.wrong(name, "a list is missing")),
        };
        let item = |(index, value)| read(At { value, path: &self.path(&format!("{name}[{index}]")) });
        list.iter().enumerate().map(item).collect()
    }
}

pub(super) fn request(body: &[u8]) -> Result<UiRequest, Failure> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| invalid(format!("the body is no JSON: {error}")))?;
    let at = At { value: &value, path: "" };
    let fields = at.object()?;
    let id = at.id()?;
    let trigger = match at.text_or_none("trigger")?.as_deref() {
        None | Some("submit-message") => Trigger::SubmitMessage,
        Some("regenerate-message") => Trigger::RegenerateMessage,
        Some(_) => return Err(at.wrong("trigger", "must be submit-message or regenerate-message")),
    };
    let messages = at.each("messages", message)?;
    if messages.is_empty() {
        return Err(at.wrong("messages", "must not be empty"));
    }
    let message_id = at.text_or_none("messageId")?;
    let known = ["id", "messages", "trigger", "messageId"];
    let extra = fields.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let extra = extra.map(|(name, value)| (name.clone(), value.clone())).collect();
    let key = match trigger {
        Trigger::SubmitMessage => key::of(&messages, fields.get("messages")),
        Trigger::RegenerateMessage => None,
    };
    Ok(UiRequest { id, messages, trigger, message_id, extra, key })
}

fn message(at: At<'_>) -> Result<UiMessage, Failure> {
    at.object()?;
    let id = at.id()?;
    let role = match at.text("role")?.as_str() {
        "system" => UiRole::System,
        "user" => UiRole::User,
        "assistant" => UiRole::Assistant,
        _ => return Err(at.wrong("role", "must be system, user or assistant")),
    };
    Ok(UiMessage { id, role, parts: at.each("parts", part)?, metadata: at.get("metadata").cloned() })
}

fn part(at: At<'_>) -> Result<MessagePart, Failure> {
    at.object()?;
    let r#type = at.text("type")?;
    Ok(match r#type.as_str() {
        "text" => MessagePart::Text { text: at.text("text")? },
        "reasoning" => MessagePart::Reasoning { text: at.text("text")? },
        "file" => MessagePart::File(file(at)?),
        "source-url" => MessagePart::SourceUrl {
            source_id: at.text("sourceId")?,
            url: at.text("url")?,
            title: at.text_or_none("title")?,
        },
        "source-document" => MessagePart::SourceDocument {
            source_id: at.text("sourceId")?,
            media_type: at.text("mediaType")?,
            title: at.text("title")?,
            filename: at.text_or_none("filename")?,
        },
        "step-start" => MessagePart::StepStart,
        "steering-message" => MessagePart::Steering {
            parts: at.each("parts", |at| {
                at.object()?;
                match at.text("type")?.as_str() {
                    "text" => Ok(MessagePart::Text { text: at.text("text")? }),
                    "file" => Ok(MessagePart::File(file(at)?)),
                    _ => Err(at.wrong("type", "must be text or file")),
                }
            })?,
        },
        "dynamic-tool" => MessagePart::Tool(tool(at, at.text("toolName")?)?),
        other => match (other.strip_prefix("tool-"), other.strip_prefix("data-")) {
            (Some(name), _) if !name.is_empty() => MessagePart::Tool(tool(at, name.to_owned())?),
            (_, Some(name)) if !name.is_empty() => MessagePart::Data {
                name: name.to_owned(),
                id: at.text_or_none("id")?,
                data: at.value.get("data").cloned().unwrap_or_default(),
            },
            _ => MessagePart::Other(at.value.clone()),
        },
    })
}

fn file(at: At<'_>) -> Result<FilePart, Failure> {
    let file = FilePart {
        url: at.text("url")?,
        media_type: at.text("mediaType")?,
        filename: at.text_or_none("filename")?,
    };
    let known = ["data:", "https://", "http://"];
    let scheme = known
        .iter()
        .any(|scheme| file.url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if !scheme {
        return Err(at.wrong("url", "must be an http:, https: or data: URL"));
    }
    if file.url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"))
        && !file.url.contains(";base64,")
    {
        return Err(at.wrong("url", "a data: URL must be in base64"));
    }
    Ok(file)
}

fn tool(at: At<'_>, tool_name: String) -> Result<ToolPart, Failure> {
    let none = Value::Null;
    let approval = At { value: at.get("approval").unwrap_or(&none), path: &at.path("approval") };
    let state = match at.text("state")?.as_str() {
        "input-streaming" => ToolState::InputStreaming,
        "input-available" => ToolState::InputAvailable,
        "approval-requested" => ToolState::ApprovalRequested { id: approval.text("id")? },
        "approval-responded" => ToolState::ApprovalResponded {
            id: approval.text("id")?,
            approved: approval.bool("approved")?,
            reason: approval.text_or_none("reason")?,
        },
        "output-available" => ToolState::OutputAvailable {
            output: at.value.get("output").cloned().unwrap_or_default(),
            preliminary: at.bool("preliminary")?,
        },
        "output-error" => ToolState::OutputError { error_text: at.text("errorText")? },
        "output-denied" => ToolState::OutputDenied { reason: approval.text_or_none("reason")? },
        other => {
            return Err(at.wrong("state", &format!("{other:?} is none of the states of a tool")));
        }
    };
    let input = at.get("input").or_else(|| at.get("rawInput")).cloned().unwrap_or_default();
    Ok(ToolPart {
        tool_call_id: at.text("toolCallId")?,
        tool_name,
        state,
        input,
        provider_executed: at.bool("providerExecuted")?,
    })
}
