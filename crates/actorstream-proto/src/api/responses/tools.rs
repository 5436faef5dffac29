//! Tools in responses.

use serde_json::{Value, json};

use crate::answer::tools::choice::lift;
use crate::answer::tools::{CallsTools, FunctionDefinition, ToolCall, ToolResult, push};
use crate::api::responses::request::InputItem;
use crate::api::responses::{ItemStatus, OutputItem, Response, Responses};
use crate::request::body::Body;

/// Item types that call something outside the server, even without an id.
const CALLERS: [&str; 4] = ["local_shell_call", "shell_call", "apply_patch_call", "computer_call"];

impl CallsTools for Responses {
    fn offer(&self, body: &mut Body, function: &FunctionDefinition) {
        let mut tool = json!({ "type": "function" });
        if let (Value::Object(tool), Ok(Value::Object(function))) =
            (&mut tool, serde_json::to_value(function))
        {
            tool.extend(function);
        }
        push(body, "tools", [tool]);
    }

    fn offered(&self, body: &Body) -> Vec<String> {
        let mut names = Vec::new();
        collect_names(&body.get::<Vec<Value>>("tools").unwrap_or_default(), &mut names);
        // Tools found by a tool search, or added later, are among the items.
        for item in body.get::<Vec<Value>>("input").unwrap_or_default() {
            if let Some(Value::Array(tools)) = item.get("tools") {
                collect_names(tools, &mut names);
            }
        }
        names
    }

    fn tool_calls(&self, response: &Response) -> Vec<ToolCall> {
        let mut calls = Vec::new();
        for (item, output) in response.output.iter().zip(0..) {
            let (id, name, arguments, is_function) = match item {
                OutputItem::FunctionCall(call) => (&call.call_id, &call.name, &call.arguments, true),
                OutputItem::CustomToolCall(call) => (&call.call_id, &call.name, &call.input, false),
                _ => continue,
            };
            if is_answered(response, id) {
                continue;
            }
            let has_made_up_id = id.is_empty();
            let id = if has_made_up_id { format!("call_{}", calls.len()) } else { id.clone() };
            let (name, arguments) = (name.clone(), arguments.clone());
            calls.push(ToolCall { id, has_made_up_id, name, arguments, is_function, output });
        }
        calls
    }

    fn asks_caller(&self, response: &Response) -> bool {
        response.output.iter().any(|item| asks(item, response))
    }

    fn is_cut(&self, response: &Response) -> bool {
        response.output.iter().any(|item| match item {
            OutputItem::FunctionCall(call) => call.status == Some(ItemStatus::Incomplete),
            OutputItem::CustomToolCall(call) => {
                call.extra.get("status").is_some_and(|status| status == "incomplete")
            }
            _ => false,
        })
    }

    fn answer_calls(&self, body: &mut Body, response: &Response, results: &[ToolResult]) {
        let outputs = results.iter().map(|result| {
            let ToolCall { id, is_function, .. } = &result.call;
            let kind = if *is_function { "function_call_output" } else { "custom_tool_call_output" };
            json!({ "type": kind, "call_id": id, "output": result.output })
        });
        if body.get::<Value>("conversation").is_some_and(|conversation| !conversation.is_null()) {
            // The server appends to the conversation: earlier input must not be sent again.
            body.remove("input");
        } else {
            if let Some(text) = body.get::<String>("input") {
                body.set("input", &[json!({ "type": "message", "role": "user", "content": text })]);
            }
            push(body, "input", items(response, results, is_stored(body, response)));
        }
        push(body, "input", outputs);
        lift(body);
    }
}

/// Returns the output as items of the next request.
fn items(response: &Response, results: &[ToolResult], stored: bool) -> Vec<Value> {
    let mut items = Vec::new();
    for (item, output) in response.output.iter().zip(0..) {
        // The server looks up reasoning that the item does not contain, and refuses unknown items.
        if let OutputItem::Reasoning(thoughts) = item
            && !stored
            && thoughts.encrypted_content.as_deref().unwrap_or_default().is_empty()
        {
            continue;
        }
        let mut value = serde_json::to_value(InputItem::from(item)).unwrap_or_default();
        let result = results.iter().find(|result| result.call.has_made_up_id && result.call.output == output);
        if let (Some(result), Value::Object(fields)) = (result, &mut value) {
            fields.insert("call_id".to_owned(), result.call.id.as_str().into());
        }
        items.push(value);
    }
    items
}

/// Returns whether the server stores the items of the response. The response takes precedence over the request.
fn is_stored(body: &Body, response: &Response) -> bool {
    let said = response.extra.get("store").and_then(Value::as_bool);
    body.get::<bool>("store") != Some(false) && said != Some(false)
}

fn collect_names(tools: &[Value], names: &mut Vec<String>) {
    for tool in tools {
        // The tools of a namespace are called by their own names.
        match tool.get("tools") {
            Some(Value::Array(inner)) => collect_names(inner, names),
            _ => names.extend(tool.get("name").and_then(Value::as_str).map(str::to_owned)),
        }
    }
}

/// Returns whether the output contains the result of a call: the server ran it itself.
fn is_answered(response: &Response, call_id: &str) -> bool {
    !call_id.is_empty()
        && response.output.iter().any(|item| match item {
            OutputItem::FunctionCallOutput(output) => output.call_id.as_deref() == Some(call_id),
            OutputItem::CustomToolCallOutput(output) => output.call_id == call_id,
            _ => false,
        })
}

/// Returns whether an item, other than a call of a function or custom tool, waits for something that only the caller
/// can supply.
fn asks(item: &OutputItem, response: &Response) -> bool {
    match item {
        OutputItem::Message(_)
        | OutputItem::Reasoning(_)
        | OutputItem::FunctionCall(_)
        | OutputItem::CustomToolCall(_) => return false,
        _ => {}
    }
    // The field names are the same for every type, known or not.
    let item = serde_json::to_value(item).unwrap_or_default();
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let kind = text(&item, "type").unwrap_or_default();
    if kind.ends_with("_approval_request") {
        let id = text(&item, "id");
        return !answers(response).any(|answer| id.is_some() && text(&answer, "approval_request_id") == id);
    }
    if !kind.ends_with("_call") {
        return false;
    }
    // An item that names the server as its executor is left to the server.
    let runs = |field: &Value, here: &[&str]| field.as_str().is_some_and(|at| !here.contains(&at));
    if item.get("execution").is_some_and(|execution| runs(execution, &["client"]))
        || item.pointer("/environment/type").is_some_and(|at| runs(at, &["local"]))
    {
        return false;
    }
    match text(&item, "call_id") {
        Some(id) => !answers(response).any(|answer| text(&answer, "call_id").as_ref() == Some(&id)),
        // A call that the server runs itself has no id for an output to refer to.
        None => CALLERS.contains(&kind.as_str()) || text(&item, "execution").is_some(),
    }
}

/// Returns the items that are results of others.
fn answers(response: &Response) -> impl Iterator<Item = Value> {
    let items = response.output.iter().filter_map(|item| serde_json::to_value(item).ok());
    items.filter(|item| {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.ends_with("_output") || kind.ends_with("_response")
    })
}
