use serde_json::{from_value, json, to_value};

use super::*;
use crate::api::responses::request::{InputMessage, ResponseRequest};

fn back(item: Value) -> Value {
    let item: OutputItem = from_value(item).unwrap();
    assert_eq!(InputItem::from(item.clone()), InputItem::from(&item));
    to_value(InputItem::from(item)).unwrap()
}

#[test]
fn output_items_go_back_verbatim() {
    for item in [
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "phase": "final_answer",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": [{"type": "file_citation", "file_id": "f",
                    "filename": "n", "index": 3}], "logprobs": [{"token": "Hi", "logprob": -1.5, "bytes": [72],
                    "top_logprobs": []}]},
                {"type": "refusal", "refusal": "No"},
            ],
        }),
        json!({
            "id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}],
            "encrypted_content": "gAAA",
        }),
        json!({
            "id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\": 1.0 }",
            "status": "completed",
        }),
        json!({"id": "ctc_1", "type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"}),
        json!({
            "id": "ws_1", "type": "web_search_call", "status": "completed",
            "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "u"}]},
        }),
        json!({
            "id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "AAAA",
            "revised_prompt": "An otter",
        }),
        json!({
            "id": "cu_1", "type": "computer_call", "call_id": "c", "status": "completed",
            "action": {"type": "click", "button": "left", "x": -1, "y": 2},
            "pending_safety_checks": [{"id": "sc_1", "code": "malicious", "message": "m"}],
        }),
        json!({"id": "mcpr_1", "type": "mcp_approval_request", "server_label": "s", "name": "n", "arguments": "{}"}),
        json!({"id": "x_1", "type": "item_of_next_year", "status": "completed", "n": 1.50}),
    ] {
        assert_eq!(back(item.clone()), item);
    }
}

#[test]
fn output_only_fields_are_left_out() {
    for (output, input) in [
        (
            json!({"id": "s", "type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}, "status":
                "completed", "created_by": "u"}),
            json!({"id": "s", "type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}, "status":
                "completed"}),
        ),
        (
            json!({"id": "s", "type": "shell_call_output", "call_id": "c", "created_by": "u", "output": [
                {"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}, "created_by": "u"}]}),
            json!({"id": "s", "type": "shell_call_output", "call_id": "c", "output": [
                {"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}),
        ),
        (
            json!({"id": "o", "type": "custom_tool_call_output", "call_id": "c", "output": "1", "status":
                "completed", "created_by": "u"}),
            json!({"id": "o", "type": "custom_tool_call_output", "call_id": "c", "output": "1"}),
        ),
        (
            json!({"id": "c", "type": "compaction", "encrypted_content": "e", "created_by": "u"}),
            json!({"id": "c", "type": "compaction", "encrypted_content": "e"}),
        ),
        (json!({"type": "item_of_next_year", "created_by": "u"}), json!({"type": "item_of_next_year"})),
    ] {
        assert_eq!(back(output.clone()), input, "{output}");
    }
}

#[test]
fn missing_fields_are_not_invented() {
    for item in [
        json!({"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "Hi", "annotations": []}]}),
        json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}),
        json!({"type": "reasoning", "summary": []}),
    ] {
        assert_eq!(back(item.clone()), item);
    }
}

#[test]
fn a_conversation_goes_on_with_the_output() {
    let response: Response = from_value(json!({"output": [
        {"id": "rs_1", "type": "reasoning", "summary": []},
        {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
    ]}))
    .unwrap();
    let start = ResponseRequest::new("m").user("One");
    let request = start.clone().items(&response.output).function_output("c", "sunny");
    assert_eq!(
        to_value(&request.input).unwrap(),
        json!([
            {"type": "message", "role": "user", "content": "One"},
            {"id": "rs_1", "type": "reasoning", "summary": []},
            {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status":
                "completed"},
            {"type": "function_call_output", "call_id": "c", "output": "sunny"},
        ])
    );
    let input = Input::from(&response);
    assert_eq!(start.items(response.output.clone()).function_output("c", "sunny"), request);
    assert_eq!(Input::from(response.output), input);
}

#[test]
fn instructions_stand_before_all_input() {
    let request = ResponseRequest::new("m").input("Hi").system("One").developer("Two");
    assert_eq!(
        to_value(request.input).unwrap(),
        json!([
            {"type": "message", "role": "system", "content": "One"},
            {"type": "message", "role": "developer", "content": "Two"},
            {"type": "message", "role": "user", "content": "Hi"},
        ])
    );
    let later = ResponseRequest::new("m").user("Hi").message(InputMessage::system("Now"));
    assert_eq!(to_value(later.input).unwrap()[1]["role"], "system");
}
