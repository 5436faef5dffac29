//! Messages of the AI SDK → the input of `POST /responses`.

use actorstream::proto::api::responses::request::{
    CustomToolCall, CustomToolCallOutputParam, FunctionCallOutput, FunctionToolCall, InputFileContent,
    InputItem, InputMessage, InputMessageContent, InputPart,
};

use super::chat::{answered, is_data, name, steps, text};
use super::part::{FilePart, MessagePart, ToolPart};
use super::{UiMessage, UiRole};

/// Creates the items one by one, because many small items take far more memory than their text.
pub(super) fn items(messages: &[UiMessage], into: &mut dyn FnMut(InputItem)) {
    for message in messages {
        match message.role {
            UiRole::System => into(InputMessage::system(text(&message.parts)).into()),
            UiRole::User => user(&message.parts).into_iter().for_each(&mut *into),
            UiRole::Assistant => assistant(&message.parts, into),
        }
    }
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
        [InputPart::InputText(part)] => InputMessageContent::Text(part.text.clone()),
        _ => InputMessageContent::List(parts),
    };
    Some(InputMessage::user(content).into())
}

fn file(file: &FilePart) -> InputPart {
    if file.media_type.split('/').next() == Some("image") {
        InputPart::image(file.url.as_str())
    } else if is_data(&file.url) {
        InputPart::file(InputFileContent::data(name(file), &file.url))
    } else {
        InputPart::file(InputFileContent::url(&file.url))
    }
}

fn assistant(parts: &[MessagePart], into: &mut dyn FnMut(InputItem)) {
    for step in steps(parts) {
        if let [MessagePart::Steering { parts }] = step {
            user(parts).into_iter().for_each(&mut *into);
            continue;
        }
        let said = text(step);
        if !said.is_empty() {
            into(InputMessage::assistant(said).into());
        }
        let calls: Vec<(&ToolPart, String)> = answered(step).collect();
        for (call, _) in &calls {
            let (id, name) = (&call.tool_call_id, &call.tool_name);
            into(match call.free_text() {
                Some(input) => CustomToolCall::new(id, name, input).into(),
                None => FunctionToolCall::new(id, name, call.arguments()).into(),
            });
        }
        for (call, outcome) in calls {
            let id = &call.tool_call_id;
            into(match call.free_text() {
                Some(_) => CustomToolCallOutputParam::new(id, outcome).into(),
                None => FunctionCallOutput::of(id, outcome).into(),
            });
        }
    }
}
