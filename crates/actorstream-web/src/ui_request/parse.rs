//! Parses the body of a request, and reports the location of errors.

use actorstream::proto::request::body::Body;
use serde_json::value::RawValue;

use super::json::Json;
use super::object::{At, Memory, Object, invalid};
use super::part::{FilePart, MessagePart, ToolPart, ToolState};
use super::{Trigger, UiMessage, UiRequest, UiRole, key};
use crate::event::Failure;
use crate::strict_json;

/// The maximum number of fields in a body.
const MAX_FIELDS: usize = 1000;

pub(super) fn request(body: &[u8]) -> Result<UiRequest, Failure> {
    let text = strict_json::check(body)?;
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
    let memory = Memory::of_body(body.len());
    At::body(raw, &memory).object(|at| {
        let id = at.id()?;
        let trigger = match at.text_or_none("trigger")?.as_deref() {
            None | Some("submit-message") => Trigger::SubmitMessage,
            Some("regenerate-message") => Trigger::RegenerateMessage,
            Some(_) => return Err(at.wrong("trigger", "must be submit-message or regenerate-message")),
        };
        let mut key = key::Key::default();
        let messages = at.each("messages", |at| at.object(|at| message(at, &mut key)))?;
        if messages.is_empty() {
            return Err(at.wrong("messages", "must not be empty"));
        }
        let message_id = at.text_or_none("messageId")?;
        let key = match trigger {
            Trigger::SubmitMessage => key.finish(),
            Trigger::RegenerateMessage => None,
        };
        Ok(UiRequest { id, messages, trigger, message_id, extra: extra(raw)?, key })
    })
}

/// Returns the application's own fields.
fn extra(body: &RawValue) -> Result<Body, Failure> {
    const KNOWN: [&str; 4] = ["id", "messages", "trigger", "messageId"];
    let extra = Body::read(body.get(), MAX_FIELDS, |name| !KNOWN.contains(&name));
    extra.map_err(|error| invalid(format!("the body: {error}")))
}

fn message(at: Object<'_>, key: &mut key::Key) -> Result<UiMessage, Failure> {
    let id = at.id()?;
    let role = match at.text("role")?.as_str() {
        "system" => UiRole::System,
        "user" => UiRole::User,
        "assistant" => UiRole::Assistant,
        _ => return Err(at.wrong("role", "must be system, user or assistant")),
    };
    let parts = at.each("parts", |at| at.object(part))?;
    key.add(&id, role, ["id", "role", "parts"].map(|name| at.get(name)));
    Ok(UiMessage { id, role, parts, metadata: at.json("metadata") })
}

fn part(at: Object<'_>) -> Result<MessagePart, Failure> {
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
                at.object(|at| match at.text("type")?.as_str() {
                    "text" => Ok(MessagePart::Text { text: at.text("text")? }),
                    "file" => Ok(MessagePart::File(file(at)?)),
                    _ => Err(at.wrong("type", "must be text or file")),
                })
            })?,
        },
        "dynamic-tool" => MessagePart::Tool(tool(at, at.text("toolName")?)?),
        other => match (other.strip_prefix("tool-"), other.strip_prefix("data-")) {
            (Some(name), _) if !name.is_empty() => MessagePart::Tool(tool(at, name.to_owned())?),
            (_, Some(name)) if !name.is_empty() => MessagePart::Data {
                name: name.to_owned(),
                id: at.text_or_none("id")?,
                data: at.json("data").unwrap_or_default(),
            },
            _ => MessagePart::Other(Json::from(at.raw)),
        },
    })
}

fn file(at: Object<'_>) -> Result<FilePart, Failure> {
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

fn tool(at: Object<'_>, tool_name: String) -> Result<ToolPart, Failure> {
    let state = match at.text("state")?.as_str() {
        "input-streaming" => ToolState::InputStreaming,
        "input-available" => ToolState::InputAvailable,
        "approval-requested" => {
            ToolState::ApprovalRequested { id: at.inner("approval", |approval| approval.text("id"))? }
        }
        "approval-responded" => at.inner("approval", |approval| {
            Ok(ToolState::ApprovalResponded {
                id: approval.text("id")?,
                approved: approval.bool("approved")?,
                reason: approval.text_or_none("reason")?,
            })
        })?,
        "output-available" => ToolState::OutputAvailable {
            output: at.json("output").unwrap_or_default(),
            preliminary: at.bool("preliminary")?,
        },
        "output-error" => ToolState::OutputError { error_text: at.text("errorText")? },
        "output-denied" => ToolState::OutputDenied {
            reason: at.inner("approval", |approval| approval.text_or_none("reason"))?,
        },
        other => {
            return Err(at.wrong("state", &format!("{other:?} is none of the states of a tool")));
        }
    };
    Ok(ToolPart {
        tool_call_id: at.text("toolCallId")?,
        tool_name,
        state,
        input: at.json("input").or_else(|| at.json("rawInput")).unwrap_or_default(),
        provider_executed: at.bool("providerExecuted")?,
    })
}
