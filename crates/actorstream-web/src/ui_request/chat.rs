//! Messages of the AI SDK → messages of `POST /chat/completions`.

use actorstream::Message;
use actorstream::proto::api::chat::request::{Content, ContentPart, FileInput, Role, ToolCall};

use super::part::{FilePart, MessagePart, ToolPart};
use super::{UiMessage, UiRole};

/// Creates the messages one by one, because many small messages take far more memory than their text.
pub(super) fn messages(messages: &[UiMessage], into: &mut dyn FnMut(Message)) {
    for message in messages {
        match message.role {
            UiRole::System => into(Message::system(text(&message.parts))),
            UiRole::User => user(&message.parts).into_iter().for_each(&mut *into),
            UiRole::Assistant => assistant(&message.parts, into),
        }
    }
}

/// Returns whether a message has content for the model.
pub(super) fn is_shown(message: &UiMessage) -> bool {
    let is_said = |part: &MessagePart| match part {
        MessagePart::Text { text } => !text.is_empty(),
        MessagePart::File(_) => message.role != UiRole::System,
        _ => false,
    };
    message.parts.iter().any(|part| match (message.role, part) {
        (UiRole::Assistant, MessagePart::File(_)) => false,
        (UiRole::Assistant, MessagePart::Tool(call)) => !call.provider_executed && call.outcome().is_some(),
        (UiRole::Assistant, MessagePart::Steering { parts }) => parts.iter().any(is_said),
        _ => is_said(part),
    })
}

/// Returns the combined texts of the parts.
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
        [ContentPart::Text(part)] => Content::Text(std::mem::take(&mut part.text)),
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
        // OpenAI's API accepts no file URL here; other servers do. The server decides.
        (_, None, _) => ContentPart::file(FileInput::new().field("file_url", file.url.as_str())),
    }
}

pub(super) fn is_data(url: &str) -> bool {
    url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"))
}

/// Returns the name of a file, which the API requires in addition to the content.
pub(super) fn name(file: &FilePart) -> String {
    let ending = || file.media_type.split_once('/').map_or("bin", |(_, ending)| ending);
    file.filename.clone().unwrap_or_else(|| format!("file.{}", ending()))
}

/// Creates a message with the calls of each step, and a message for each outcome.
fn assistant(parts: &[MessagePart], into: &mut dyn FnMut(Message)) {
    for step in steps(parts) {
        if let [MessagePart::Steering { parts }] = step {
            user(parts).into_iter().for_each(&mut *into);
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
        into(message.tool_calls(calls.iter().map(|(call, _)| tool_call(call))));
        calls.into_iter().for_each(|(call, outcome)| into(Message::tool(&call.tool_call_id, outcome)));
    }
}

/// Splits the parts into steps. Input that the user added meanwhile is separate.
pub(super) fn steps(parts: &[MessagePart]) -> impl Iterator<Item = &[MessagePart]> {
    let steering = |part: &MessagePart| matches!(part, MessagePart::Steering { .. });
    let begins = move |part: &MessagePart| matches!(part, MessagePart::StepStart) || steering(part);
    parts.chunk_by(move |before, part| !begins(part) && !steering(before))
}

/// Returns the calls of the application's tools that have an outcome, and the outcomes.
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
