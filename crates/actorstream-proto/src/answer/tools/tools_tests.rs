use serde_json::{Value, json};

use super::*;
use crate::api::chat::{Chat, ChatCompletion};
use crate::api::responses::{Response, Responses};

fn results(calls: Vec<ToolCall>, outputs: &[&str]) -> Vec<ToolResult> {
    let each = calls.into_iter().zip(outputs);
    each.map(|(call, output)| ToolResult { call, output: (*output).into(), is_error: false }).collect()
}

fn json_of(body: &Body) -> Value {
    serde_json::from_slice(&body.to_bytes()).unwrap()
}

#[test]
fn a_chat_goes_on_with_the_calls_and_their_results() {
    let mut body = Body::new(&json!({
        "model": "m", "temperature": 0.5, "tool_choice": "required",
        "messages": [{"role": "user", "content": "Weather?", "odd": 1.50}],
        "tools": [{"type": "function", "function": {"name": "mine"}}, {"type": "custom", "custom": {"name": "other"}}],
    }))
    .unwrap();
    Chat.offer(&mut body, &FunctionDefinition::new("weather").parameters(json!({"type": "object"})));
    assert_eq!(Chat.offered(&body), ["mine", "other", "weather"]);

    let answer: ChatCompletion = serde_json::from_value(json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
            {"type": "function", "function": {"name": "weather", "arguments": "{"}},
        ]}}]}))
    .unwrap();
    let calls = Chat.tool_calls(&answer);
    assert_eq!(calls[0].arguments, "{\"city\":\"Rome\"}");
    assert_eq!((calls[0].id.as_str(), calls[1].id.as_str()), ("a", "call_1"));
    Chat.answer_calls(&mut body, &answer, &results(calls, &["sunny", "no JSON"]));

    let sent = json_of(&body);
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": "Weather?", "odd": 1.5},
            {"role": "assistant", "content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_1", "content": "no JSON"},
        ])
    );
    assert_eq!(sent.get("tool_choice"), None, "it would force a call in every round");
    assert!(String::from_utf8_lossy(&body.to_bytes()).contains("\"odd\":1.5"), "as it was written");
}

#[test]
fn a_tool_choice_that_forces_nothing_stays() {
    let answer: ChatCompletion =
        serde_json::from_value(json!({"choices": [{"message": {"tool_calls": []}}]})).unwrap();
    for choice in ["auto", "none"] {
        let mut body = Body::new(&json!({"messages": [], "tool_choice": choice})).unwrap();
        Chat.answer_calls(&mut body, &answer, &[]);
        assert_eq!(json_of(&body)["tool_choice"], choice);
        Responses.answer_calls(&mut body, &Response::default(), &[]);
        assert_eq!(json_of(&body)["tool_choice"], choice);
    }
}

#[test]
fn a_response_goes_on_with_its_output_and_the_results() {
    let output = json!([
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "free", "input": "text"},
    ]);
    let answer: Response = serde_json::from_value(json!({"id": "resp_1", "output": output})).unwrap();
    let calls = Responses.tool_calls(&answer);
    assert_eq!(calls.iter().map(|call| call.is_function).collect::<Vec<_>>(), [true, false]);
    let results = results(calls, &["sunny", "done"]);
    let outputs = json!([
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
    ]);

    let mut body = Body::new(&json!({"model": "m", "input": "Weather?",
        "tool_choice": {"type": "function", "name": "weather"}}))
    .unwrap();
    Responses.offer(&mut body, &FunctionDefinition::new("weather").strict(true));
    assert_eq!(Responses.offered(&body), ["weather"]);
    Responses.answer_calls(&mut body, &answer, &results);
    let sent = json_of(&body);
    assert_eq!(sent["tools"], json!([{"type": "function", "name": "weather", "strict": true}]));
    assert_eq!(sent["input"][0], json!({"type": "message", "role": "user", "content": "Weather?"}));
    for (at, item) in output.as_array().unwrap().iter().enumerate() {
        assert_eq!(&sent["input"][at + 1], item);
    }
    assert_eq!(sent["input"].as_array().unwrap()[4..], outputs.as_array().unwrap()[..]);
    assert_eq!(sent.get("tool_choice"), None);

    let mut body = Body::new(&json!({"model": "m", "input": "Weather?", "conversation": "conv_1"})).unwrap();
    Responses.answer_calls(&mut body, &answer, &results);
    assert_eq!(json_of(&body)["input"], outputs, "the server has the rest in the conversation");
}
