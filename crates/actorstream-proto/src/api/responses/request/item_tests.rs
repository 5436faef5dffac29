use serde_json::{Value, from_value, json};

use super::tests::{assert_known, assert_wire};
use super::*;

#[test]
fn messages_of_every_role() {
    assert_wire(
        ResponseRequest::new("m")
            .developer("d")
            .system("s")
            .user("u")
            .assistant("a")
            .message(InputMessage::new("critic", "c").field("name", "n"))
            .message(
                InputMessage::assistant([InputPart::output_text("t")])
                    .id("msg_1")
                    .status("completed")
                    .phase("final_answer"),
            )
            .input
            .unwrap(),
        json!([
            {"type": "message", "role": "developer", "content": "d"},
            {"type": "message", "role": "system", "content": "s"},
            {"type": "message", "role": "user", "content": "u"},
            {"type": "message", "role": "assistant", "content": "a"},
            {"type": "message", "role": "critic", "content": "c", "name": "n"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "t", "annotations": []}],
                "status": "completed",
                "phase": "final_answer"
            }
        ]),
    );
    let replaced = InputMessage::user("u").field("content", Value::Null);
    assert_eq!(
        serde_json::to_value(InputItem::from(replaced)).unwrap(),
        json!({"type": "message", "role": "user", "content": null})
    );
}

#[test]
fn items_may_come_without_their_type() {
    let input: Input = from_value(json!([
        {"role": "user", "content": "Hi"},
        {"id": "msg_1"},
        {"id": "x", "odd": 1}
    ]))
    .unwrap();
    let Input::Items(items) = &input else { panic!("{input:?}") };
    assert!(matches!(&items[0], InputItem::Message(message) if message.role == InputRole::User), "{items:?}");
    assert!(matches!(&items[1], InputItem::ItemReference(reference) if reference.id == "msg_1"), "{items:?}");
    assert_eq!(
        serde_json::to_value(&input).unwrap(),
        json!([{"role": "user", "content": "Hi"}, {"id": "msg_1"}, {"id": "x", "odd": 1}])
    );
}

#[test]
fn text_becomes_a_message_when_more_is_added() {
    let request = ResponseRequest::new("m").input("Hi").function_output("call_1", "sunny");
    let items = [InputItem::from(InputMessage::user("Hi")), FunctionCallOutput::of("call_1", "sunny").into()];
    assert_eq!(request.input, Some(Input::from(items.clone())));
    let same = ResponseRequest::new("m").items(items.clone());
    assert_eq!(same.input, request.input);
    assert_eq!(ResponseRequest::new("m").input(items.to_vec()).input, request.input);
    assert_eq!(request.input("Anew").input, Some(Input::Text("Anew".into())));
    let text = String::from("t");
    assert_eq!(Input::from(&text), Input::from(text));
}

#[test]
fn items_of_every_type() {
    let screen = "data:image/png;base64,AAAA";
    assert_wire(
        Input::from([
            InputItem::from(
                FunctionToolCall::new("call_1", "f", "{}")
                    .id("fc_1")
                    .namespace("crm")
                    .status("completed")
                    .caller(json!({"type": "direct"})),
            ),
            FunctionCallOutput::of("call_1", [InputContent::text("t"), InputContent::image("u")])
                .id("fco_1")
                .name("f")
                .namespace("crm")
                .status(ItemStatus::Incomplete)
                .caller(json!({"type": "program", "caller_id": "c"}))
                .into(),
            CustomToolCall::new("call_2", "sql", "select 1").into(),
            CustomToolCallOutputParam::new("call_2", "1").into(),
            ComputerCallOutput::new("call_3", ComputerScreenshotImage::new().image_url(screen))
                .acknowledged_safety_checks([ComputerCallSafetyCheck::new("check_1")])
                .into(),
            McpApprovalResponseParam::new("mcpr_1", true).reason("fine").into(),
            ReasoningItem::new("rs_1", Vec::<SummaryTextContent>::new()).encrypted_content("x").into(),
            ItemReference::new("msg_1").into(),
        ]),
        json!([
            {
                "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}",
                "id": "fc_1", "namespace": "crm", "status": "completed", "caller": {"type": "direct"}
            },
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [{"type": "input_text", "text": "t"}, {"type": "input_image", "image_url": "u"}],
                "id": "fco_1", "name": "f", "namespace": "crm", "status": "incomplete",
                "caller": {"type": "program", "caller_id": "c"}
            },
            {"type": "custom_tool_call", "call_id": "call_2", "name": "sql", "input": "select 1"},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": "1"},
            {
                "type": "computer_call_output",
                "call_id": "call_3",
                "output": {"type": "computer_screenshot", "image_url": screen},
                "acknowledged_safety_checks": [{"id": "check_1"}]
            },
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": true, "reason": "fine"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"type": "item_reference", "id": "msg_1"}
        ]),
    );
}

#[test]
fn what_the_model_thought() {
    let odd = ReasoningTextContent { r#type: "odd".into(), ..Default::default() };
    let item = ReasoningItem::new("rs_1", [SummaryTextContent::new("s")])
        .content([ReasoningTextContent::new("c"), odd])
        .status(ItemStatus::Completed);
    assert_wire(
        InputItem::from(item),
        json!({
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "c"}, {"type": "odd", "text": ""}],
            "status": "completed"
        }),
    );
}

#[test]
fn unknown_items_and_parts_keep_all_they_have() {
    for item in [
        json!({"type": "shell_call_output", "call_id": "c", "output": []}),
        json!({"type": "compaction_trigger"}),
        json!({"type": "function_call_output", "call_id": "c", "output": "o", "more": 1}),
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "more": 1}),
        json!({"type": "message", "content": "no role"}),
        json!(["no object"]),
    ] {
        assert_wire(InputItem::from(item.clone()), item);
    }
    for part in [
        json!({"type": "input_video", "video_url": "u"}),
        json!({"type": "input_image", "image_url": "u", "fps": 2}),
        json!({"type": "input_image", "image_url": {"url": "u"}}),
    ] {
        assert_wire(InputPart::from(part.clone()), part);
    }
}

#[test]
fn content_parts_of_every_type() {
    let breakpoint = json!({"mode": "explicit"});
    assert_wire(
        InputMessageContent::from([
            InputPart::text("t"),
            InputPart::text("t").cache_breakpoint(),
            InputPart::image("https://a.example/x.png"),
            InputPart::image(InputImageContent::base64("image/png", "AAAA").detail("original"))
                .cache_breakpoint(),
            InputPart::image_bytes("image/png", [0, 0, 0]),
            InputPart::image(InputImageContent::id("file-1")),
            InputPart::file(InputFileContent::id("file-2").detail("high")),
            InputPart::file(InputFileContent::url("https://a.example/x.pdf")),
            InputPart::file(InputFileContent::data("a.pdf", "data:application/pdf;base64,JVBE"))
                .cache_breakpoint(),
            InputPart::audio("UklG", "wav").cache_breakpoint(),
            InputPart::output_text("o").cache_breakpoint(),
            InputPart::refusal("no").cache_breakpoint(),
            json!({
                "type": "output_text",
                "text": "o",
                "annotations": [{"type": "file_path"}],
                "logprobs": [{"token": "o"}]
            })
            .into(),
        ]),
        json!([
            {"type": "input_text", "text": "t"},
            {"type": "input_text", "text": "t", "prompt_cache_breakpoint": breakpoint},
            {"type": "input_image", "image_url": "https://a.example/x.png"},
            {
                "type": "input_image",
                "image_url": "data:image/png;base64,AAAA",
                "detail": "original",
                "prompt_cache_breakpoint": breakpoint
            },
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_id": "file-2", "detail": "high"},
            {"type": "input_file", "file_url": "https://a.example/x.pdf"},
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,JVBE",
                "prompt_cache_breakpoint": breakpoint
            },
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {"type": "output_text", "text": "o", "annotations": []},
            {"type": "refusal", "refusal": "no"},
            {
                "type": "output_text",
                "text": "o",
                "annotations": [{"type": "file_path"}],
                "logprobs": [{"token": "o"}]
            }
        ]),
    );
    let text = String::from("t");
    assert_eq!(InputMessageContent::from(&text), InputMessageContent::from(text));
    let part = InputPart::text("t");
    assert_eq!(InputMessageContent::from(part.clone()), InputMessageContent::from(vec![part]));
    assert_eq!(InputImageContent::from(String::from("u")), InputImageContent::from("u"));
}

#[test]
fn enums_have_every_documented_value() {
    assert_known::<InputRole>("user assistant system developer");
    assert_known::<MessagePhase>("commentary final_answer");
    assert_known::<ItemStatus>("in_progress completed incomplete");
    assert_known::<ImageDetail>("auto low high original");
    assert_known::<FileInputDetail>("auto low high");
}
