//! Messages of the AI SDK → messages of `POST /chat/completions`.

use actorstream::Message;
use actorstream::proto::chat::request::{Content, ContentPart, FileInput, Role, ToolCall};
use serde_json::json;

use super::part::{FilePart, MessagePart, ToolPart};
use super::{UiMessage, UiRole};

pub(super) fn messages(messages: &[UiMessage]) -> Vec<Message> {
    let mut into = Vec::new();
    for message in messages {
        match message.role {
            UiRole::System => into.push(Message::system(text(&message.parts))),
            UiRole::User => into.extend(user(&message.parts)),
            UiRole::Assistant => assistant(&message.parts, &mut into),
        }
    }
    into
}

/// The texts of the parts together.
pub(super) fn text<'a>(parts: impl IntoIterator<Item = &'a MessagePart>) -> String {
    let texts = parts.into_iter().filter_map(|part| match part {
        MessagePart::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn user(parts: &[MessagePart]) -> Option<Message> {
    let mut content: Vec<ContentPart> = parts
        .iter()
        .filter_map(|part| match part {
            MessagePart::Text { text } => Some(ContentPart::text(text)),
            MessagePart::File(part) => Some(file(part)),
            _ => None,
        })
        .collect();
    let content = match content.as_mut_slice() {
        [] => return None,
        [ContentPart::Text { text, .. }] => Content::Text(std::mem::take(text)),
        _ => Content::Parts(content),
    };
    Some(Message::user(content))
}

fn file(file: &FilePart) -> ContentPart {
    let kind = file.media_type.split('/').next().unwrap_or_default();
    let data = file.url.split_once(";base64,").filter(|_| is_data(&file.url)).map(|(_, data)| data);
    let audio = match file.media_type.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _ => None,
    };
    match (kind, data, audio) {
        ("image", ..) => ContentPart::image_url(file.url.as_str()),
        (_, Some(data), Some(format)) => ContentPart::input_audio(data, format),
        (_, Some(_), None) => ContentPart::file(FileInput::data(name(file), &file.url)),
        // OpenAI's API takes no address of a file here; other servers do. Whether it is taken the server says.
        (_, None, _) => ContentPart::Other(json!({"type": "file", "file": {"file_url": file.url}})),
    }
}

pub(super) fn is_data(url: &str) -> bool {
    url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"))
}

/// The name of a file, which the API wants beside its content.
pub(super) fn name(file: &FilePart) -> String {
    let ending = || file.media_type.split_once('/').map_or("bin", |(_, ending)| ending);
    file.filename.clone().unwrap_or_else(|| format!("file.{}", ending()))
}

/// Each step is a message with its calls, and a message for each outcome.
fn assistant(parts: &[MessagePart], into: &mut Vec<Message>) {
    for step in steps(parts) {
        if let [MessagePart::Steering { parts }] = step {
            into.extend(user(parts));
            continue;
        }
        let said = text(step);
        let calls: Vec<(&ToolPart, String)> = answered(step).collect();
        if said.is_empty() && calls.is_empty() {
            continue;
        }
        let mut message = Message::new(Role::Assistant);
        if !said.is_empty() {
            message = message.content(said);
        }
        into.push(message.tool_calls(calls.iter().map(|(call, _)| tool_call(call))));
        into.extend(calls.into_iter().map(|(call, outcome)| Message::tool(&call.tool_call_id, outcome)));
    }
}

/// The parts of each step; what the user said meanwhile stands alone.
pub(super) fn steps(parts: &[MessagePart]) -> impl Iterator<Item = &[MessagePart]> {
    let steering = |part: &MessagePart| matches!(part, MessagePart::Steering { .. });
    let begins = move |part: &MessagePart| matches!(part, MessagePart::StepStart) || steering(part);
    parts.chunk_by(move |before, part| !begins(part) && !steering(before))
}

/// The calls of the application's tools that have an outcome, and the outcomes.
pub(super) fn answered(parts: &[MessagePart]) -> impl Iterator<Item = (&ToolPart, String)> {
    parts.iter().filter_map(|part| match part {
        MessagePart::Tool(call) if !call.provider_executed => Some((call, call.outcome()?)),
        _ => None,
    })
}

fn tool_call(call: &ToolPart) -> ToolCall {
    match call.free_text() {
        Some(input) => ToolCall::custom(&call.tool_call_id, &call.tool_name, input),
        None => ToolCall::function(&call.tool_call_id, &call.tool_name, call.arguments()),
    }
}
