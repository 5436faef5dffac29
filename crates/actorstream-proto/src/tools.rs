//! Tools that the application runs: how an answer that calls them goes on.
//!
//! An answer may be calls of tools instead of a text. Then the application runs them, and asks again with the calls and
//! their results added to the request: that is a *round*. [`CallsTools`] is what an endpoint says about it; running the
//! tools is not the core's.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::chat::request::FunctionDefinition;
use crate::chat::{Chat, ChatCompletion, ChatMessage};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::responses::{OutputItem, Response, Responses};

/// A call of a tool in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The id to which the result refers. Where the server gave none, one is made up.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments as the model wrote them, which should be JSON.
    pub arguments: String,
    /// Whether it is the call of a function; the other kind is a custom tool's.
    pub is_function: bool,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call.
    pub call: ToolCall,
    /// What the model is told.
    pub output: String,
    /// Whether the tool failed, and the output says how.
    pub is_error: bool,
}

/// An answer that called tools, and what came of it.
#[derive(Debug)]
pub struct Round<R> {
    /// The answer.
    pub response: Arc<R>,
    /// The results, in the order of the calls.
    pub results: Vec<ToolResult>,
}

impl<R> Clone for Round<R> {
    fn clone(&self) -> Self {
        Self { response: Arc::clone(&self.response), results: self.results.clone() }
    }
}

/// The response type of an endpoint.
type ResponseOf<P> = <<P as Endpoint>::Event as Event>::Response;

/// An endpoint whose answers can call tools of the application.
pub trait CallsTools: Endpoint {
    /// Adds a function to the tools of a request.
    fn offer(&self, body: &mut Body, function: &FunctionDefinition);

    /// The names of the functions and custom tools in a request.
    fn offered(&self, body: &Body) -> Vec<String>;

    /// The calls in an answer, in their order.
    fn tool_calls(&self, response: &ResponseOf<Self>) -> Vec<ToolCall>;

    /// Makes a request the one that follows the answer: adds the answer and the results of its calls. A `tool_choice`
    /// that forces a call is taken out, since it would force one for ever.
    fn answer_calls(&self, body: &mut Body, response: &ResponseOf<Self>, results: &[ToolResult]);
}

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
        let calls = response.tool_calls().iter().enumerate();
        calls
            .filter_map(|(index, call)| {
                let id = if call.id.is_empty() { format!("call_{index}") } else { call.id.clone() };
                if let Some(function) = &call.function {
                    let (name, arguments) = (function.name.clone(), function.arguments.clone());
                    return Some(ToolCall { id, name, arguments, is_function: true });
                }
                let custom = call.custom.as_ref()?;
                let (name, arguments) = (custom.name.clone(), custom.input.clone());
                Some(ToolCall { id, name, arguments, is_function: false })
            })
            .collect()
    }

    fn answer_calls(&self, body: &mut Body, response: &ChatCompletion, results: &[ToolResult]) {
        let Some(choice) = response.choices.first() else { return };
        let results = results.iter().map(
            |result| json!({ "role": "tool", "tool_call_id": result.call.id, "content": result.output }),
        );
        let calls = self.tool_calls(response);
        push(body, "messages", std::iter::once(assistant(&choice.message, &calls)).chain(results));
        let forced = body.get::<Value>("tool_choice");
        if forced.is_some_and(|choice| choice == "required" || choice.is_object()) {
            body.remove("tool_choice");
        }
    }
}

/// The model's message, as it is given back to it. Servers that think aloud want that back too.
fn assistant(message: &ChatMessage, calls: &[ToolCall]) -> Value {
    let mut fields = Map::new();
    fields.insert("role".into(), "assistant".into());
    fields.insert("content".into(), message.content.clone().into());
    let calls = calls.iter().map(|call| {
        let ToolCall { id, name, arguments, is_function } = call;
        if *is_function {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
        } else {
            json!({ "id": id, "type": "custom", "custom": { "name": name, "input": arguments } })
        }
    });
    fields.insert("tool_calls".into(), calls.collect());
    for (name, text) in [("reasoning_content", &message.reasoning_content), ("reasoning", &message.reasoning)]
    {
        if let Some(text) = text {
            fields.insert(name.into(), text.clone().into());
        }
    }
    if let Some(details) = message.extra.get("reasoning_details") {
        fields.insert("reasoning_details".into(), details.clone());
    }
    Value::Object(fields)
}

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
        let tools = body.get::<Vec<Value>>("tools").unwrap_or_default();
        tools.iter().filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())).collect()
    }

    fn tool_calls(&self, response: &Response) -> Vec<ToolCall> {
        let calls = response.output.iter().filter_map(|item| match item {
            OutputItem::FunctionCall(call) => {
                let (id, name, arguments) = (call.call_id.clone(), call.name.clone(), call.arguments.clone());
                Some(ToolCall { id, name, arguments, is_function: true })
            }
            OutputItem::CustomToolCall(call) => {
                let (id, name, arguments) = (call.call_id.clone(), call.name.clone(), call.input.clone());
                Some(ToolCall { id, name, arguments, is_function: false })
            }
            _ => None,
        });
        calls.collect()
    }

    fn answer_calls(&self, body: &mut Body, response: &Response, results: &[ToolResult]) {
        let results = results.iter().map(|result| {
            let ToolCall { id, is_function, .. } = &result.call;
            let kind = if *is_function { "function_call_output" } else { "custom_tool_call_output" };
            json!({ "type": kind, "call_id": id, "output": result.output })
        });
        if body.get::<Value>("conversation").is_some_and(|conversation| !conversation.is_null()) {
            // The server adds what is said to the conversation: what was said before must not be said again.
            body.remove("input");
            push(body, "input", results);
        } else {
            if let Some(text) = body.get::<String>("input") {
                body.set("input", &[json!({ "type": "message", "role": "user", "content": text })]);
            }
            let output = response.output.iter().filter_map(|item| serde_json::to_value(item).ok());
            push(body, "input", output.chain(results));
        }
        let forced = body.get::<Value>("tool_choice");
        let stays = |choice: &Value| choice == "auto" || choice == "none" || choice["mode"] == "auto";
        if forced.is_some_and(|choice| !stays(&choice)) {
            body.remove("tool_choice");
        }
    }
}

/// Adds to a list of a request, whose items so far go out as they were written.
fn push(body: &mut Body, name: &str, items: impl IntoIterator<Item = Value>) {
    let mut list = body.get::<Vec<Box<RawValue>>>(name).unwrap_or_default();
    list.extend(items.into_iter().filter_map(|item| serde_json::value::to_raw_value(&item).ok()));
    body.set(name, &list);
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
