//! The messages of requests and responses in the form of OpenTelemetry's conventions, for spans that are to have them.

use std::any::Any;

use actorstream_proto::api::chat::{ChatCompletion, FinishReason};
use actorstream_proto::api::completions::Completion;
use actorstream_proto::api::responses::{OutputItem, Response};
use actorstream_proto::request::body::Body;
use serde_json::{Value, json};

/// Returns the messages of a request, as `gen_ai.input.messages` has them; `None` for a request without any.
pub(super) fn input(body: &Body) -> Option<Value> {
    let said = ["messages", "input", "prompt"].iter().find_map(|name| body.get::<Value>(name))?;
    let messages: Vec<Value> = match &said {
        Value::String(text) => vec![message("user", vec![text_part(text)])],
        Value::Array(list) => list.iter().map(input_message).collect(),
        _ => return None,
    };
    Some(Value::Array(messages))
}

/// Returns the instructions of a request that stand outside its messages, as `gen_ai.system_instructions` has them.
pub(super) fn instructions(body: &Body) -> Option<Value> {
    Some(json!([text_part(&body.get::<String>("instructions")?)]))
}

/// Returns the messages of a response, as `gen_ai.output.messages` has them; `None` for a response of another kind.
pub(super) fn output(response: &(dyn Any + Send + Sync)) -> Option<Value> {
    if let Some(chat) = response.downcast_ref::<ChatCompletion>() {
        let choices = chat.choices.iter().map(|choice| {
            let said = [
                (
                    choice.message.reasoning_content.as_ref().or(choice.message.reasoning.as_ref()),
                    "reasoning",
                ),
                (choice.message.content.as_ref(), "text"),
                (choice.message.refusal.as_ref(), "refusal"),
            ];
            let texts = said.into_iter().filter_map(|(text, kind)| Some(part(kind, text?)));
            let calls = choice.message.tool_calls.iter().flatten().filter_map(|call| {
                let function = call.function.as_ref()?;
                Some(call_part(&call.id, &function.name, &function.arguments))
            });
            let reason = choice.finish_reason.as_ref().map(FinishReason::as_str);
            ended(texts.chain(calls).collect(), reason)
        });
        return Some(choices.collect());
    }
    if let Some(completion) = response.downcast_ref::<Completion>() {
        let choices = completion.choices.iter().map(|choice| {
            ended(vec![text_part(&choice.text)], choice.finish_reason.as_ref().map(FinishReason::as_str))
        });
        return Some(choices.collect());
    }
    let response = response.downcast_ref::<Response>()?;
    let calls = response.output.iter().filter_map(|item| match item {
        OutputItem::FunctionCall(call) => Some(call_part(&call.call_id, &call.name, &call.arguments)),
        _ => None,
    });
    let text = response.text().map(|text| text_part(&text));
    Some(json!([ended(text.into_iter().chain(calls).collect(), None)]))
}

fn input_message(item: &Value) -> Value {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("type"), text("role")) {
        ("function_call" | "custom_tool_call", _) => {
            let arguments = if item.get("arguments").is_some() { "arguments" } else { "input" };
            message("assistant", vec![call_part(text("call_id"), text("name"), text(arguments))])
        }
        ("function_call_output" | "custom_tool_call_output", _) => {
            message("tool", vec![result_part(text("call_id"), item.get("output"))])
        }
        (_, "tool") => message("tool", vec![result_part(text("tool_call_id"), item.get("content"))]),
        (_, role) => {
            let mut parts = content(item.get("content").unwrap_or(item));
            for call in item.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                let function = |name: &str| call["function"][name].as_str().unwrap_or_default();
                parts.push(call_part(
                    call["id"].as_str().unwrap_or_default(),
                    function("name"),
                    function("arguments"),
                ));
            }
            message(if role.is_empty() { "user" } else { role }, parts)
        }
    }
}

/// The parts of a content. Images, sounds and files are named by their types and not recorded.
fn content(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![text_part(text)],
        Value::Array(parts) => parts
            .iter()
            .map(|part| match (part.as_str(), part.get("text").and_then(Value::as_str)) {
                (Some(text), _) | (None, Some(text)) => text_part(text),
                (None, None) => {
                    json!({"type": part.get("type").and_then(Value::as_str).unwrap_or("unknown")})
                }
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn message(role: &str, parts: Vec<Value>) -> Value {
    json!({"role": role, "parts": parts})
}

fn ended(parts: Vec<Value>, finish_reason: Option<&str>) -> Value {
    json!({"role": "assistant", "parts": parts, "finish_reason": finish_reason})
}

fn part(kind: &str, text: &str) -> Value {
    json!({"type": kind, "content": text})
}

fn text_part(text: &str) -> Value {
    part("text", text)
}

fn call_part(id: &str, name: &str, arguments: &str) -> Value {
    let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| Value::from(arguments));
    json!({"type": "tool_call", "id": id, "name": name, "arguments": arguments})
}

fn result_part(id: &str, result: Option<&Value>) -> Value {
    json!({"type": "tool_call_response", "id": id, "response": result})
}

#[cfg(test)]
mod tests {
    use actorstream_proto::api::chat::ChatCompletionChunk;
    use actorstream_proto::endpoint::event::Event as _;

    use super::*;

    fn body(json: &Value) -> Body {
        Body::read(&json.to_string(), usize::MAX, |_| true).unwrap()
    }

    #[test]
    fn the_messages_of_requests() {
        let chat = body(&json!({"messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "What?"},
                                         {"type": "image_url", "image_url": {"url": "data:secret"}}]},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "2"}]}));
        assert_eq!(
            input(&chat).unwrap(),
            json!([
                {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]},
                {"role": "user", "parts": [{"type": "text", "content": "What?"}, {"type": "image_url"}]},
                {"role": "assistant", "parts": [{"type": "tool_call", "id": "a", "name": "f", "arguments": {"x": 1}}]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "a", "response": "2"}]},
            ])
        );
        let response = body(&json!({"instructions": "Be kind.", "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What?"}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "half {"},
            {"type": "function_call_output", "call_id": "a", "output": "2"}]}));
        assert_eq!(instructions(&response).unwrap(), json!([{"type": "text", "content": "Be kind."}]));
        assert_eq!(
            input(&response).unwrap(),
            json!([
                {"role": "user", "parts": [{"type": "text", "content": "What?"}]},
                {"role": "assistant", "parts": [
                    {"type": "tool_call", "id": "a", "name": "f", "arguments": "half {"}]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "a", "response": "2"}]},
            ])
        );
        let text = json!([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]);
        assert_eq!(input(&body(&json!({"input": "Hi"}))), Some(text.clone()));
        assert_eq!(input(&body(&json!({"prompt": "Hi"}))), Some(text.clone()));
        assert_eq!(input(&body(&json!({"prompt": ["Hi"]}))), Some(text.clone()));
        assert_eq!((input(&body(&json!({}))), input(&body(&json!({"input": 7})))), (None, None));
    }

    #[test]
    fn the_messages_of_responses() {
        let body = json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
            "message": {"content": "Hm", "reasoning": "why", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]});
        let chat = ChatCompletionChunk::decode_whole(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            output(&chat).unwrap(),
            json!([{"role": "assistant", "finish_reason": "tool_calls", "parts": [
                {"type": "reasoning", "content": "why"}, {"type": "text", "content": "Hm"},
                {"type": "tool_call", "id": "a", "name": "f", "arguments": {}}]}])
        );
        assert_eq!(output(&7_u32), None);
    }
}
