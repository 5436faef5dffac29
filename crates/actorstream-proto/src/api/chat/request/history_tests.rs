use serde_json::{Value, from_value, json, to_value};

use super::*;
use crate::api::chat::request::ChatRequest;

fn back(said: Value) -> Value {
    let said: ChatMessage = from_value(said).unwrap();
    assert_eq!(Message::from(said.clone()), Message::from(&said));
    to_value(Message::from(said)).unwrap()
}

#[test]
fn an_answer_becomes_the_message_that_it_was() {
    for (said, message) in [
        (json!({"role": "assistant", "content": "Hi"}), json!({"role": "assistant", "content": "Hi"})),
        (
            json!({
                "role": "assistant", "content": "Hi", "refusal": null, "tool_calls": null,
                "function_call": null, "audio": null, "reasoning_content": null, "x": null,
                "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}],
            }),
            json!({"role": "assistant", "content": "Hi"}),
        ),
        (
            json!({"role": "assistant", "content": null, "refusal": "No"}),
            json!({"role": "assistant", "refusal": "No"}),
        ),
        // The reasoning of a plain answer is dropped; a server's own fields are kept.
        (
            json!({"role": "assistant", "content": "4", "reasoning_content": "2 + 2", "x": {"sig": "s"}}),
            json!({"role": "assistant", "content": "4", "x": {"sig": "s"}}),
        ),
        (
            json!({"role": "assistant", "content": null, "audio": {"id": "a", "data": "AAAA", "transcript": "Hi"}}),
            json!({"role": "assistant", "audio": {"id": "a"}}),
        ),
        // A message without a role is the model's; an empty one still has the field that a request needs.
        (json!({"reasoning": "hm"}), json!({"role": "assistant", "content": ""})),
        (json!({"role": "critic", "content": "Hi"}), json!({"role": "critic", "content": "Hi"})),
    ] {
        assert_eq!(back(said.clone()), message, "{said}");
    }
}

#[test]
fn calls_go_back_as_they_came_with_the_reasoning_before_them() {
    let calls = json!([
        {
            "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1.0 }"},
            "extra_content": {"google": {"thought_signature": "s"}},
        },
        {"id": "call_2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
        {"id": "call_3", "type": "function", "function": {"name": "g", "arguments": "{}", "strict": true}},
    ]);
    let said = json!({
        "role": "assistant", "content": null, "tool_calls": calls, "reasoning_content": "hm",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}],
    });
    assert_eq!(
        back(said),
        json!({
            "role": "assistant", "tool_calls": calls, "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}],
        })
    );
    let said = json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}});
    assert_eq!(back(said.clone()), said);
}

#[test]
fn a_call_without_id_or_type_is_given_neither() {
    let call: completion::ToolCall =
        from_value(json!({"function": {"name": "f", "arguments": "{}"}})).unwrap();
    assert_eq!(
        to_value(ToolCall::from(call)).unwrap(),
        json!({"type": "function", "function": {"name": "f", "arguments": "{}"}})
    );
    let call: completion::ToolCall = from_value(json!({"custom": {"name": "f", "input": "x"}})).unwrap();
    assert_eq!(ToolCall::from(&call).r#type, Some(ToolType::Custom));
}

#[test]
fn a_conversation_goes_on_with_the_answer() {
    let completion: ChatCompletion = from_value(json!({"choices": [
        {"index": 0, "message": {"role": "assistant", "content": "A"}},
        {"index": 1, "message": {"role": "assistant", "content": "B"}},
    ]}))
    .unwrap();
    let request = ChatRequest::new("m").user("One").message(Message::from(&completion)).user("Two");
    assert_eq!(
        to_value(&request.messages).unwrap(),
        json!([
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "A"},
            {"role": "user", "content": "Two"},
        ])
    );
    // Anything that converts to a message can be added.
    let same = ChatRequest::new("m").user("One").message(completion).user("Two");
    assert_eq!(same, request);
    assert_eq!(Message::from(ChatCompletion::default()), Message::assistant(""));
}
