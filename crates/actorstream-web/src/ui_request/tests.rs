use serde_json::{Value, json};

use super::*;

fn parse(body: &Value) -> UiRequest {
    UiRequest::parse(body.to_string().as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn raw(value: Value) -> Json {
    Json::new(&value).unwrap()
}

fn user(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]})
}

fn messages(messages: Value) -> Value {
    json!({"id": "chat", "trigger": "submit-message", "messages": messages})
}

/// Returns a conversation with every kind of part that `useChat` sends.
fn conversation() -> Value {
    let tool = |state: &str, more: Value| {
        let mut tool =
            json!({"type": "tool-weather", "toolCallId": state, "state": state, "input": {"city": "Rome"}});
        tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tool
    };
    messages(json!([
        {"id": "s", "role": "system", "parts": [{"type": "text", "text": "Be kind."}]},
        {"id": "u1", "role": "user", "metadata": {"at": 1}, "parts": [
            {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,QUJD", "filename": "a.png"},
            {"type": "file", "mediaType": "application/pdf", "url": "data:application/pdf;base64,QUJD"},
            {"type": "file", "mediaType": "application/pdf", "url": "https://a.example/b.pdf"},
            {"type": "file", "mediaType": "audio/mpeg", "url": "data:audio/mpeg;base64,QUJD"},
            {"type": "text", "text": "What is it?"}]},
        {"id": "a1", "role": "assistant", "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm", "state": "done"},
            {"type": "text", "text": "Let me ", "state": "done"},
            {"type": "text", "text": "see.", "state": "done"},
            tool("output-available", json!({"output": {"sun": true}})),
            tool("output-error", json!({"errorText": "down"})),
            tool("output-denied", json!({"approval": {"id": "p", "approved": false, "reason": "no"}})),
            tool("approval-responded", json!({"approval": {"id": "p", "approved": false}})),
            tool("approval-requested", json!({"approval": {"id": "p"}})),
            tool("input-available", json!({})),
            tool("input-streaming", json!({"input": null, "rawInput": "{\"ci"})),
            {"type": "dynamic-tool", "toolName": "search", "toolCallId": "d", "state": "output-available",
             "input": {}, "output": "found", "providerExecuted": true},
            {"type": "dynamic-tool", "toolName": "sql", "toolCallId": "q", "state": "output-available",
             "input": "SELECT 1", "output": "1"},
            {"type": "source-url", "sourceId": "1", "url": "https://a.example", "title": "A"},
            {"type": "source-document", "sourceId": "2", "mediaType": "text/plain", "title": "B"},
            {"type": "data-weather", "id": "w", "data": {"t": 1}},
            {"type": "custom", "kind": "openai.compaction"},
            {"type": "step-start"},
            {"type": "steering-message", "id": "x", "parts": [{"type": "text", "text": "Hurry"}]},
            {"type": "text", "text": "It is sunny."}]},
        user("u2", "Thanks"),
    ]))
}

#[test]
fn added_instructions_stand_before_the_conversation() {
    let roles = |messages: &Value| -> Vec<String> {
        messages
            .as_array()
            .unwrap()
            .iter()
            .take(3)
            .map(|it| it["role"].as_str().unwrap().to_owned())
            .collect()
    };
    let request = parse(&conversation());
    let chat = request.to_chat("m").system("One").developer("Two");
    let chat = serde_json::to_value(chat.messages).unwrap();
    // The conversation also contains instructions.
    assert_eq!(roles(&chat), ["system", "system", "developer"]);
    assert_eq!((&chat[0]["content"], &chat[1]["content"]), (&json!("Be kind."), &json!("One")));
    let response = request.to_responses("m").developer("One");
    assert_eq!(roles(&serde_json::to_value(response.input).unwrap()), ["system", "developer", "user"]);
}

#[test]
fn a_conversation_as_a_chat_request() {
    let request = parse(&conversation());
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}});
    let outcome = |id: &str, content: &str| json!({"role": "tool", "tool_call_id": id, "content": content});
    assert_eq!(
        serde_json::to_value(request.to_chat("m")).unwrap(),
        json!({"model": "m", "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
                {"type": "file", "file": {"file_url": "https://a.example/b.pdf"}},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
                {"type": "text", "text": "What is it?"}]},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [
                call("output-available"), call("output-error"), call("output-denied"), call("approval-responded"),
                {"id": "q", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]},
            outcome("output-available", "{\"sun\":true}"),
            outcome("output-error", "down"),
            outcome("output-denied", "no"),
            outcome("approval-responded", "Tool call execution denied."),
            outcome("q", "1"),
            {"role": "user", "content": "Hurry"},
            {"role": "assistant", "content": "It is sunny."},
            {"role": "user", "content": "Thanks"},
        ]})
    );
}

#[test]
fn a_conversation_as_a_request_for_a_response() {
    let request = parse(&conversation());
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "weather", "arguments": "{\"city\":\"Rome\"}"});
    let outcome =
        |id: &str, output: &str| json!({"type": "function_call_output", "call_id": id, "output": output});
    let said = |role: &str, content: &str| json!({"type": "message", "role": role, "content": content});
    assert_eq!(
        serde_json::to_value(request.to_responses("m")).unwrap(),
        json!({"model": "m", "input": [
            said("system", "Be kind."),
            {"type": "message", "role": "user", "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
                {"type": "input_file", "filename": "file.pdf", "file_data": "data:application/pdf;base64,QUJD"},
                {"type": "input_file", "file_url": "https://a.example/b.pdf"},
                {"type": "input_file", "filename": "file.mpeg", "file_data": "data:audio/mpeg;base64,QUJD"},
                {"type": "input_text", "text": "What is it?"}]},
            said("assistant", "Let me see."),
            call("output-available"), call("output-error"), call("output-denied"), call("approval-responded"),
            {"type": "custom_tool_call", "call_id": "q", "name": "sql", "input": "SELECT 1"},
            outcome("output-available", "{\"sun\":true}"),
            outcome("output-error", "down"),
            outcome("output-denied", "no"),
            outcome("approval-responded", "Tool call execution denied."),
            {"type": "custom_tool_call_output", "call_id": "q", "output": "1"},
            said("user", "Hurry"),
            said("assistant", "It is sunny."),
            said("user", "Thanks"),
        ]})
    );
}

#[test]
fn every_part_is_typed() {
    let request = parse(&conversation());
    assert_eq!(
        (request.id.as_str(), request.messages.len(), request.message_id.as_deref()),
        ("chat", 4, None)
    );
    assert_eq!(request.messages[1].metadata, Some(raw(json!({"at": 1}))));
    let parts = &request.messages[2].parts;
    let others: Vec<&MessagePart> =
        parts.iter().filter(|part| matches!(part, MessagePart::Other(_))).collect();
    assert_eq!(others, [&MessagePart::Other(raw(json!({"type": "custom", "kind": "openai.compaction"})))]);
    let call = parts.iter().find_map(|part| match part {
        MessagePart::Tool(call) if call.state == ToolState::InputStreaming => Some(call),
        _ => None,
    });
    assert_eq!((call.unwrap().tool_name.as_str(), &call.unwrap().input), ("weather", &raw(json!("{\"ci"))));
    let data = MessagePart::Data { name: "weather".into(), id: Some("w".into()), data: raw(json!({"t": 1})) };
    assert!(parts.contains(&data));
}

#[test]
fn further_fields_are_the_applications() {
    let body = json!({"id": "c", "messages": [user("u", "a")], "messageId": "u", "trigger": "regenerate-message",
                      "model": "large", "n": 1});
    let request = parse(&body);
    assert_eq!(request.extra.to_bytes(), r#"{"model":"large","n":1}"#);
    assert_eq!((request.trigger, request.message_id.as_deref()), (Trigger::RegenerateMessage, Some("u")));
}

#[test]
fn errors_name_the_field() {
    let part = |part: Value| messages(json!([{"id": "u", "role": "user", "parts": [part]}]));
    let long = "x".repeat(257);
    for (body, message) in [
        (json!([]), "the body: must be an object"),
        (json!({"messages": []}), "id: a string is missing"),
        (json!({"id": 1, "messages": []}), "id: must be a string"),
        (json!({"id": "", "messages": []}), "id: must not be empty"),
        (json!({"id": long, "messages": []}), "id: is longer than 256 bytes"),
        (json!({"id": "c"}), "messages: a list is missing"),
        (json!({"id": "c", "messages": {}}), "messages: must be a list"),
        (json!({"id": "c", "messages": []}), "messages: must not be empty"),
        (
            json!({"id": "c", "trigger": "resume-stream", "messages": []}),
            "trigger: must be submit-message or regenerate-message",
        ),
        (messages(json!(["a"])), "messages[0]: must be an object"),
        (messages(json!([user("u", "a"), {"role": "user"}])), "messages[1].id: a string is missing"),
        (
            messages(json!([{"id": "u", "role": "tool", "parts": []}])),
            "messages[0].role: must be system, user or assistant",
        ),
        (messages(json!([{"id": "u", "role": "user"}])), "messages[0].parts: a list is missing"),
        (part(json!({})), "messages[0].parts[0].type: a string is missing"),
        (part(json!({"type": "text"})), "messages[0].parts[0].text: a string is missing"),
        (
            part(json!({"type": "file", "mediaType": "a/b", "url": "file:///etc/passwd"})),
            "messages[0].parts[0].url: must be an http:, https: or data: URL",
        ),
        (
            part(json!({"type": "file", "mediaType": "a/b", "url": "data:a/b,c"})),
            "messages[0].parts[0].url: a data: URL must be in base64",
        ),
        (
            part(json!({"type": "tool-x", "toolCallId": "1", "state": "new"})),
            "messages[0].parts[0].state: \"new\" is none of the states of a tool",
        ),
        (
            part(json!({"type": "tool-x", "toolCallId": "1", "state": "approval-requested"})),
            "messages[0].parts[0].approval.id: a string is missing",
        ),
        (
            part(json!({"type": "steering-message", "parts": [{"type": "data-x"}]})),
            "messages[0].parts[0].parts[0].type: must be text or file",
        ),
    ] {
        let failure = UiRequest::parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((failure.message.as_str(), failure.status), (message, 400), "{body}");
        assert_eq!(failure.kind, "invalid_request_error");
    }
    let failure = UiRequest::parse(b"{").unwrap_err();
    assert!(failure.message.starts_with("the body is not JSON: "), "{}", failure.message);
}

#[test]
fn the_key_is_that_of_what_is_asked() {
    let key = |list: Value| parse(&messages(list)).last_user_message_key().map(str::to_owned);
    let answered = |state: Value| {
        json!({"id": "a", "role": "assistant", "parts": [{"type": "tool-x", "toolCallId": "1",
               "state": "output-available", "input": {}, "output": state}]})
    };
    let first = key(json!([user("u", "a")])).unwrap();
    assert!(first.starts_with("u:"), "{first}");
    // The same message sent again, whatever precedes it.
    assert_eq!(key(json!([user("u", "a")])).unwrap(), first);
    assert_eq!(key(json!([user("t", "z"), user("u", "a")])).unwrap(), first);
    // An edited message, another message, a tool result, and another tool result.
    let others = [
        json!([user("u", "b")]),
        json!([user("v", "a")]),
        json!([user("u", "a"), answered(json!(1))]),
        json!([user("u", "a"), answered(json!(2))]),
    ];
    let mut keys: Vec<String> = others.into_iter().map(|list| key(list).unwrap()).collect();
    keys.push(first);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    // A regeneration, and a conversation without a user.
    let again = json!({"id": "c", "trigger": "regenerate-message", "messages": [user("u", "a")]});
    assert_eq!(parse(&again).last_user_message_key(), None);
    assert_eq!(key(json!([{"id": "s", "role": "system", "parts": []}])), None);
}

#[test]
fn an_answer_continues_a_last_message_of_the_models_alone() {
    let assistant = json!({"id": "a", "role": "assistant", "parts": [{"type": "text", "text": "Hello"}]});
    assert_eq!(parse(&messages(json!([user("u", "Hi"), assistant]))).continued_message(), Some("a"));
    assert_eq!(parse(&messages(json!([assistant, user("u", "Hi")]))).continued_message(), None);
}

#[test]
fn a_question_has_something_that_the_model_is_shown() {
    let message = |role: &str, parts: Value| json!({"id": "m", "role": role, "parts": parts});
    let text = |text: &str| json!({"type": "text", "text": text});
    let call = |state: &str, more: &str| json!({"type": "tool-f", "toolCallId": "k", "state": state, "input": {}, "output": 2, "providerExecuted": more == "run"});
    for asked in [
        json!([user("u", "Hi")]),
        json!([message(
            "user",
            json!([{"type": "file", "mediaType": "image/png", "url": "https://a.example/b"}])
        )]),
        json!([user("u", "Hi"), message("assistant", json!([]))]),
        json!([message("assistant", json!([call("output-available", "")]))]),
        json!([message("assistant", json!([{"type": "steering-message", "parts": [text("Hurry")]}]))]),
        json!([message("system", json!([text("Say hello")]))]),
    ] {
        assert_eq!(parse(&messages(asked.clone())).check_question(), Ok(()), "{asked}");
    }
    for (empty, at) in [
        (json!([message("user", json!([]))]), 0),
        (json!([user("u", "")]), 0),
        (json!([user("u", "Hi"), message("user", json!([{"type": "data-x", "data": 1}]))]), 1),
        (
            json!([message(
                "assistant",
                json!([call("input-available", ""), call("output-available", "run")])
            )]),
            0,
        ),
        (json!([message("assistant", json!([{"type": "reasoning", "text": "hm"}]))]), 0),
        (json!([message("system", json!([]))]), 0),
    ] {
        let failure = parse(&messages(empty.clone())).check_question().unwrap_err();
        let told = format!("messages[{at}].parts: there is nothing for the model to answer");
        assert_eq!((failure.status, failure.message), (400, told), "{empty}");
    }
}

#[test]
fn a_request_built_by_messages_equals_one_built_from_a_list() {
    let request = parse(&conversation());
    let chat = serde_json::to_string(&request.chat_body("m")).unwrap();
    assert_eq!(chat, serde_json::to_string(&request.to_chat("m")).unwrap());
    let responses = serde_json::to_string(&request.responses_body("m")).unwrap();
    assert_eq!(responses, serde_json::to_string(&request.to_responses("m")).unwrap());
}
