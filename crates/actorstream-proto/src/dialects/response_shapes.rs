//! Content in other fields than OpenAI's, in the events of a response.

use super::*;
use crate::api::responses::ResponseEvent;
use crate::endpoint::Framing;

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "r", "object": "response", "status": "in_progress", "output": []}})
}

fn text(delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": delta})
}

fn message(text: &str) -> Value {
    json!({"id": "m", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

fn ended(events: &[Value]) -> Value {
    let played = play::<ResponseEvent>(&cut(events));
    assert_eq!(played.kind(), "finish", "{events:?}: {}", played.message());
    played.response()
}

fn says_hi_you(events: &[Value]) {
    let played = play::<ResponseEvent>(&cut(events));
    assert_eq!(played.kind(), "finish", "{events:?}: {}", played.message());
    let viewed = view(&played);
    assert_eq!(
        (viewed.text.as_str(), viewed.done.as_slice()),
        ("Hi you", &["Hi you".to_owned()][..]),
        "{events:?}"
    );
    let response = played.response();
    let output = response["output"].as_array().unwrap();
    assert_eq!((output.len(), &output[0]["content"][0]["text"]), (1, &json!("Hi you")), "{events:?}");
    assert_eq!(played.end.unwrap().response.text().as_deref(), Some("Hi you"), "{events:?}");
}

#[test]
fn a_last_event_that_says_nothing_of_the_response_ends_it() {
    for last in [
        json!({"type": "response.completed"}),
        json!({"type": "response.completed", "response": null}),
        json!({"type": "response.completed", "response": {}}),
        json!({"type": "response.completed", "response": "r"}),
        json!({"type": "response.done"}),
        completed(json!({"id": "r", "output": null, "status": null})),
        completed(json!({"id": "r", "status": "in_progress"})),
    ] {
        says_hi_you(&[created(), text("Hi"), text(" you"), last.clone()]);
        assert_eq!(ended(&[created(), text("Hi"), last.clone()])["status"], "completed", "{last}");
    }
    let incomplete = [created(), text("Hi"), json!({"type": "response.incomplete", "response": {}})];
    assert_eq!(play::<ResponseEvent>(&cut(&incomplete)).response()["status"], "incomplete");
}

#[test]
fn what_stands_beside_the_response_is_of_it() {
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    for last in [
        json!({"type": "response.completed", "response": {"id": "r", "status": "completed"}, "usage": usage}),
        json!({"type": "response.completed", "usage": usage}),
        json!({"type": "response.done", "usage": usage, "response": {"usage": null}}),
        json!({"type": "response.completed", "id": "r", "object": "response", "status": "completed", "output": [message("Hi you")], "usage": usage}),
        completed(json!({"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})),
        completed(json!({"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}})),
    ] {
        let events = [created(), text("Hi"), text(" you"), last.clone()];
        says_hi_you(&events);
        let response = ended(&events);
        let counts =
            ["input_tokens", "output_tokens", "total_tokens"].map(|name| response["usage"][name].as_u64());
        assert_eq!(counts, [Some(3), Some(2), Some(5)], "{last}");
    }
    let reason = json!({"reason": "max_output_tokens"});
    for (last, kind) in [
        (
            json!({"type": "response.completed", "incomplete_details": reason, "response": {"id": "r"}}),
            "incomplete",
        ),
        (completed(json!({"id": "r", "incomplete_details": reason})), "incomplete"),
        (json!({"type": "response.completed", "status": "incomplete"}), "incomplete"),
        (json!({"type": "response.done", "response": {"status": "canceled"}}), "incomplete"),
        (json!({"type": "response.completed", "status": "failed", "response": {"id": "r"}}), "provider"),
        (json!({"type": "response.failed"}), "provider"),
        (completed(json!({"id": "r", "status": "completed", "error": "boom"})), "provider"),
        (completed(json!({"id": "r", "status": "completed", "error": {"message": "boom"}})), "provider"),
        (json!({"type": "response.completed", "error": {"message": "boom"}}), "provider"),
    ] {
        assert_eq!(
            play::<ResponseEvent>(&cut(&[created(), text("Hi"), last.clone()])).kind(),
            kind,
            "{last}"
        );
    }
}

#[test]
fn a_last_event_without_a_type_is_known_by_the_status_of_its_response() {
    for last in [
        json!({"response": {"id": "r", "status": "completed", "output": [message("Hi you")]}}),
        json!({"id": "r", "object": "response", "status": "completed", "output": [message("Hi you")]}),
        json!({"id": "r", "status": "completed", "output": [message("Hi you")]}),
    ] {
        says_hi_you(&[created(), text("Hi"), last.clone()]);
        says_hi_you(&[last]);
    }
    for (status, kind) in [
        ("incomplete", "incomplete"),
        ("cancelled", "incomplete"),
        ("failed", "provider"),
        ("in_progress", "truncated"),
    ] {
        let last = json!({"response": {"id": "r", "status": status}});
        assert_eq!(play::<ResponseEvent>(&cut(&[created(), text("Hi"), last])).kind(), kind, "{status}");
    }
    let named = format!(
        "{}event: response.completed\ndata: {{\"usage\":{{\"total_tokens\":5}}}}\n\n",
        cut(&[created(), text("Hi")])
    );
    let played = play::<ResponseEvent>(&named);
    assert_eq!((played.kind(), &played.response()["usage"]["total_tokens"]), ("finish", &json!(5)));
}

#[test]
fn the_text_of_a_response_stands_in_many_places() {
    let hi = "Hi you";
    let item =
        |content: Value| json!({"id": "m", "type": "message", "role": "assistant", "content": content});
    for response in [
        json!({"output": [], "output_text": hi}),
        json!({"output_text": hi}),
        json!({"output": [item(json!(hi))]}),
        json!({"output": [item(json!([hi]))]}),
        json!({"output": [item(json!([{"type": "text", "text": hi}]))]}),
        json!({"output": [{"type": "output_text", "text": hi}]}),
        json!({"output": [message(hi)], "output_text": hi}),
    ] {
        says_hi_you(&[created(), completed(response.clone())]);
        says_hi_you(&[created(), text("Hi"), text(" you"), completed(response.clone())]);
        says_hi_you(&[created(), text("Hi"), completed(response)]);
    }
    let beside = json!({"type": "response.completed", "output_text": hi, "response": {"id": "r"}});
    says_hi_you(&[created(), beside]);
    for item in [item(json!(hi)), item(json!([{"type": "text", "text": hi}]))] {
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        says_hi_you(&[created(), done.clone(), completed(json!({}))]);
        says_hi_you(&[created(), text("Hi"), done, completed(json!({}))]);
    }
    let part = json!({"type": "response.content_part.done", "item_id": "m", "output_index": 0, "content_index": 0,
        "part": {"type": "text", "text": hi}});
    says_hi_you(&[created(), part, completed(json!({}))]);
    for delta in [
        |text: &str| json!({"delta": {"text": text}}),
        |text: &str| json!({"delta": {"type": "text_delta", "text": text}}),
        |text: &str| json!({"text": text}),
        |text: &str| json!({"delta": "", "text": text}),
    ] {
        let event = |piece: &str| {
            let mut event = text("");
            event.as_object_mut().unwrap().shift_remove("delta");
            event.as_object_mut().unwrap().extend(delta(piece).as_object().unwrap().clone());
            event
        };
        says_hi_you(&[created(), event("Hi"), event(" you"), completed(json!({}))]);
    }
    // A text that contains JSON remains a text.
    let json = [created(), text("{\"text\":\"a\"}"), completed(json!({}))];
    assert_eq!(ended(&json)["output"][0]["content"][0]["text"], "{\"text\":\"a\"}");
    let settings = || Settings { framing: Framing::Whole, ..Settings::default() };
    for output in [json!([item(json!(hi))]), json!([{"type": "text", "text": hi}])] {
        let body =
            json!({"id": "r", "object": "response", "status": "completed", "output": output}).to_string();
        let played = play_as::<ResponseEvent>(&body, "application/json", settings());
        assert_eq!(played.end.unwrap().response.text().as_deref(), Some(hi), "{body}");
    }
}

#[test]
fn calls_in_the_words_of_a_chat_are_calls() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}});
    let mut typed = call.clone();
    typed["type"] = json!("function_call");
    let mut object = call.clone();
    object["function"]["arguments"] = json!({"x": 1});
    let expected = [("c".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())];
    let holder =
        |calls: &Value| json!({"type": "message", "role": "assistant", "content": [], "tool_calls": [calls]});
    for last in [
        vec![completed(json!({"output": [call]}))],
        vec![completed(json!({"output": [typed]}))],
        vec![completed(json!({"output": [object]}))],
        vec![completed(json!({"output": [holder(&call)]}))],
        vec![completed(json!({"output": [], "tool_calls": [call]}))],
        vec![json!({"type": "response.completed", "tool_calls": [call]})],
        vec![
            json!({"type": "response.output_item.done", "output_index": 0, "item": call}),
            completed(json!({})),
        ],
        vec![
            json!({"type": "response.output_item.done", "output_index": 0, "item": typed}),
            completed(json!({"output": [call]})),
        ],
    ] {
        let played = play::<ResponseEvent>(&cut(&[vec![created()], last.clone()].concat()));
        assert_eq!(played.kind(), "finish", "{last:?}: {}", played.message());
        assert_eq!(view(&played).calls, expected, "{last:?}");
        let response = played.end.unwrap().response;
        let calls: Vec<_> = response.function_calls().collect();
        assert_eq!((calls.len(), response.output.len()), (1, 1), "{last:?}");
        assert_eq!(
            (calls[0].call_id.as_str(), calls[0].name.as_str(), calls[0].arguments.as_str()),
            ("c", "f", "{\"x\":1}")
        );
        assert_eq!(calls[0].id, None, "{last:?}: nothing is invented");
    }
    let both = completed(json!({"output": [{"type": "message", "content": "Hi", "tool_calls": [call]}]}));
    let response = ended(&[created(), both]);
    assert_eq!(
        (&response["output"][0]["content"][0]["text"], &response["output"][1]["call_id"]),
        (&json!("Hi"), &json!("c"))
    );
}

#[test]
fn arguments_without_an_address_are_of_the_last_open_call() {
    let added = |index: u64, id: &str| {
        json!({"type": "response.output_item.added", "output_index": index,
            "item": {"id": id, "type": "function_call", "call_id": format!("call_{id}"), "name": "f", "arguments": ""}})
    };
    let arguments = |address: Value, delta: &str| {
        let mut event = json!({"type": "response.function_call_arguments.delta", "delta": delta});
        event.as_object_mut().unwrap().extend(address.as_object().unwrap().clone());
        event
    };
    for address in [
        json!({"output_index": 1}),
        json!({}),
        json!({"item_id": ""}),
        json!({"item_id": null, "output_index": null}),
        json!({"call_id": "call_a"}),
    ] {
        let events = [
            created(),
            text("Hi"),
            added(1, "a"),
            arguments(address.clone(), "{\"x\""),
            arguments(address.clone(), ":1}"),
            completed(json!({})),
        ];
        let played = play::<ResponseEvent>(&cut(&events));
        assert_eq!(
            view(&played).calls,
            [("call_a".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())],
            "{address}"
        );
        let response = played.response();
        assert_eq!(
            (&response["output"][0]["content"][0]["text"], &response["output"][1]["arguments"]),
            (&json!("Hi"), &json!("{\"x\":1}")),
            "{address}"
        );
    }
}

#[test]
fn an_image_as_the_unstreamed_call_returns_it_is_one_in_an_event() {
    use crate::api::images::ImageGenerationEvent;
    for image in [
        json!({"created": 1, "data": [{"b64_json": "QUJD"}]}),
        json!({"created": 1, "data": [{"b64_json": "QUJD", "revised_prompt": "an otter"}], "usage": {"input_tokens": 1,
            "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"text_tokens": 1, "image_tokens": 0}}}),
        json!({"created": 1, "data": [{"url": "https://images.example/1.png"}]}),
    ] {
        for body in [cut(std::slice::from_ref(&image)), stream(std::slice::from_ref(&image))] {
            let played = play::<ImageGenerationEvent>(&body);
            assert_eq!((played.kind(), played.response()), ("finish", image.clone()), "{body}");
        }
    }
    let none = json!({"created": 1, "data": []});
    assert_eq!(play::<ImageGenerationEvent>(&cut(&[none])).kind(), "truncated");
}
