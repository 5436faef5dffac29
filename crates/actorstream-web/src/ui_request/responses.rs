//! Messages of the AI SDK → the input of `POST /responses`.

use actorstream::proto::responses::request::{
    CustomToolCall, CustomToolOutput, FunctionCall, FunctionOutput, InputContent, InputFile, InputItem,
    InputMessage, InputPart,
};

use super::chat::{answered, is_data, name, steps, text};
use super::part::{FilePart, MessagePart, ToolPart};
use super::{UiMessage, UiRole};

pub(super) fn items(messages: &[UiMessage]) -> Vec<InputItem> {
    let mut into = Vec::new();
    for message in messages {
        match message.role {
            UiRole::System => into.push(InputMessage::system(text(&message.parts)).into()),
            UiRole::User => into.extend(user(&message.parts)),
            UiRole::Assistant => assistant(&message.parts, &mut into),
        }
    }
    into
}

fn user(parts: &[MessagePart]) -> Option<InputItem> {
    let parts: Vec<InputPart> = parts
        .iter()
        .filter_map(|part| match part {
            MessagePart::Text { text } => Some(InputPart::text(text)),
            MessagePart::File(part) => Some(file(part)),
            _ => None,
        })
        .collect();
    let content = match parts.as_slice() {
        [] => return None,
        [InputPart::InputText { text, .. }] => InputContent::Text(text.clone()),
        _ => InputContent::Parts(parts),
    };
    Some(InputMessage::user(content).into())
}

fn file(file: &FilePart) -> InputPart {
    if file.media_type.split('/').next() == Some("image") {
        InputPart::image(file.url.as_str())
    } else if is_data(&file.url) {
        InputPart::file(InputFile::data(name(file), &file.url))
    } else {
        InputPart::file(InputFile::url(&file.url))
    }
}

fn assistant(parts: &[MessagePart], into: &mut Vec<InputItem>) {
    for step in steps(parts) {
        if let [MessagePart::Steering { parts }] = step {
            into.extend(user(parts));
            continue;
        }
        let said = text(step);
        if !said.is_empty() {
            into.push(InputMessage::assistant(said).into());
        }
        let calls: Vec<(&ToolPart, String)> = answered(step).collect();
        into.extend(calls.iter().map(|(call, _)| match call.free_text() {
            Some(input) => {
                InputItem::CustomToolCall(CustomToolCall::new(&call.tool_call_id, &call.tool_name, input))
            }
            None => {
                let arguments = call.arguments();
                InputItem::FunctionCall(FunctionCall::new(&call.tool_call_id, &call.tool_name, arguments))
            }
        }));
        into.extend(calls.into_iter().map(|(call, outcome)| match call.free_text() {
            Some(_) => InputItem::CustomToolCallOutput(CustomToolOutput::new(&call.tool_call_id, outcome)),
            None => InputItem::FunctionCallOutput(FunctionOutput::new(&call.tool_call_id, outcome)),
        }));
    }
}
