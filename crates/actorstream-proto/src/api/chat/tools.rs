//! Tools in chat completions.

use serde_json::{Value, json};

use crate::answer::tools::choice::lift;
use crate::answer::tools::{CallsTools, FunctionDefinition, ToolCall, ToolResult, push};
use crate::api::chat::request::Message;
use crate::api::chat::{Chat, ChatCompletion, ChatMessage};
use crate::request::body::Body;

impl CallsTools for Chat {
    fn offer(&self, body: &mut Body, function: &FunctionDefinition) {
        push(body, "tools", [json!({ "type": "function", "function": function })]);
    }

    fn offered(&self, body: &Body) -> Vec<String> {
        let tools = body.get::<Vec<Value>>("tools").unwrap_or_default();
        let name = |tool: &Value| {
            let function = tool.get("function").or_else(|| tool.get("custom"))?;
            Some(function.get("name")?.as_str()?.to_owned())
        };
        tools.iter().filter_map(name).collect()
    }

    fn tool_calls(&self, response: &ChatCompletion) -> Vec<ToolCall> {
        let Some(choice) = response.choices.first() else { return Vec::new() };
        let calls = choice.message.tool_calls.iter().flatten().enumerate();
        calls
            .filter_map(|(index, call)| {
                let made_up = call.id.is_empty();
                let id = if made_up { format!("call_{index}") } else { call.id.clone() };
                let (name, arguments) = match (&call.function, &call.custom) {
                    (Some(function), _) => (&function.name, &function.arguments),
                    (None, Some(custom)) => (&custom.name, &custom.input),
                    (None, None) => return None,
                };
                Some(ToolCall {
                    id,
                    has_made_up_id: made_up,
                    name: name.clone(),
                    arguments: arguments.clone(),
                    is_function: call.function.is_some(),
                    output: choice.index.into(),
                })
            })
            .collect()
    }

    fn asks_caller(&self, response: &ChatCompletion) -> bool {
        let Some(choice) = response.choices.first() else { return false };
        let calls = choice.message.tool_calls.iter().flatten();
        choice.message.function_call.is_some()
            || calls.into_iter().any(|call| call.function.is_none() && call.custom.is_none())
    }

    fn answer_calls(&self, body: &mut Body, response: &ChatCompletion, results: &[ToolResult]) {
        let Some(choice) = response.choices.first() else { return };
        let said = assistant(&choice.message, &self.tool_calls(response), results);
        push(body, "messages", [said]);
        let results = results.iter().map(
            |result| json!({ "role": "tool", "tool_call_id": result.call.id, "content": result.output }),
        );
        push(body, "messages", results);
        lift(body);
    }
}

/// Returns the model's message for the next request, with the generated ids of its calls.
fn assistant(said: &ChatMessage, calls: &[ToolCall], results: &[ToolResult]) -> Message {
    let mut message = Message::from(said);
    let callable =
        message.tool_calls.iter_mut().filter(|call| call.function.is_some() || call.custom.is_some());
    for (at, (call, known)) in callable.zip(calls).enumerate() {
        if known.has_made_up_id {
            let id = results.get(at).map_or(&known.id, |result| &result.call.id);
            call.id = Some(id.clone());
        }
    }
    if message.content.is_none() {
        // Some servers require the field, even as null.
        message.extra.insert("content".into(), Value::Null);
    }
    message
}
