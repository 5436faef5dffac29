use bytes::Bytes;

use super::*;
use crate::endpoint::event::Event;
use crate::sse::Frame;
use crate::template::Template;

fn event(json: &Value) -> ResponseEvent {
    let frame = Frame { event: None, data: Bytes::from(json.to_string()) };
    ResponseEvent::decode(frame, &mut Template::default()).unwrap().event
}

/// Returns the response that the events add up to, without that of the last event.
fn add_up(events: &[Value]) -> Value {
    let mut accumulator = ResponseAccumulator::default();
    for json in events {
        accumulator.push(&mut event(json), true);
    }
    accumulator.last = None;
    serde_json::to_value(accumulator.take()).unwrap()
}

fn response(status: &str, output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1.5, "model": "m", "status": status, "output": output,
           "background": true})
}

#[test]
fn log_probabilities_are_those_of_their_text() {
    let added = |index: u64, id: &str| {
        let item = json!({"type": "message", "id": id, "role": "assistant", "content": []});
        json!({"type": "response.output_item.added", "output_index": index, "item": item})
    };
    let delta = |index: u64, id: &str, text: &str| {
        json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0, "item_id": id,
               "delta": text, "logprobs": [{"token": text, "logprob": -1}]})
    };
    let part = |item: &Value| {
        let part = &item["content"][0];
        let tokens = part["logprobs"].as_array().unwrap().iter();
        let tokens: Vec<&str> = tokens.map(|token| token["token"].as_str().unwrap()).collect();
        (part["text"].as_str().unwrap().to_owned(), tokens.join(" "))
    };
    // Two items whose events have the same index.
    let got = add_up(&[
        added(0, "a"),
        added(0, "b"),
        delta(0, "a", "a1"),
        delta(0, "b", "b1"),
        delta(0, "a", "a2"),
        delta(0, "b", "b2"),
    ]);
    assert_eq!(part(&got["output"][0]), ("a1a2".to_owned(), "a1 a2".to_owned()));
    assert_eq!(part(&got["output"][1]), ("b1b2".to_owned(), "b1 b2".to_owned()));
    // One item whose events have two.
    let got = add_up(&[
        added(0, "msg"),
        delta(0, "msg", "He"),
        delta(7, "msg", "llo"),
        delta(0, "msg", "!"),
        delta(7, "msg", "?"),
    ]);
    assert_eq!(part(&got["output"][0]), ("Hello!?".to_owned(), "He llo ! ?".to_owned()));
    // Two kinds of text in one field.
    let mut thought = delta(1, "odd", " b");
    thought["type"] = "response.reasoning_text.delta".into();
    let item = json!({"type": "weird", "id": "odd", "content": []});
    let odd = json!({"type": "response.output_item.added", "output_index": 1, "item": item});
    let got = add_up(&[odd, delta(1, "odd", "a"), thought, delta(1, "odd", " c")]);
    assert_eq!(part(&got["output"][0]), ("a b c".to_owned(), "a  c".to_owned()));
    // Log probabilities that come later, and before other events.
    let mut plain = delta(0, "msg", " and");
    plain["logprobs"] = json!([]);
    let got = add_up(&[plain, delta(0, "msg", " so"), added(1, "other"), delta(0, "msg", " on")]);
    assert_eq!(part(&got["output"][0]), (" and so on".to_owned(), " so  on".to_owned()));
}

#[test]
fn texts_that_grow_in_turn_add_up() {
    let delta = |r#type: &str, item: u64, part: u64, delta: &str| {
        json!({"type": format!("response.{type}.delta"), "output_index": item, "item_id": "x", "content_index": part,
               "sequence_number": 1, "delta": delta})
    };
    let item = |index: u64, item: Value| json!({"type": "response.output_item.added", "output_index": index, "item": item});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{"});
    let done =
        json!({"type": "function_call", "id": "fc_2", "call_id": "c", "name": "f", "arguments": "whole"});
    let got = add_up(&[
        delta("output_text", 0, 0, "a"),
        item(1, call),
        delta("function_call_arguments", 1, 0, "1"),
        delta("output_text", 0, 1, "b"),
        delta("function_call_arguments", 1, 0, "2"),
        delta("function_call_arguments", 1, 0, "}"),
        delta("output_text", 0, 0, "c"),
        delta("output_text", 0, 0, "d"),
        delta("output_text", 0, 1, "e"),
        item(2, done.clone()),
        delta("function_call_arguments", 2, 0, " and more"),
        item(2, done),
        delta("function_call_arguments", 7, 0, "nowhere"),
        delta("output_text", 0, 1, "f"),
    ]);
    assert_eq!(got["output"][0]["content"][0]["text"], "acd");
    assert_eq!(got["output"][0]["content"][1]["text"], "bef");
    assert_eq!(got["output"][1]["arguments"], "{12}");
    assert_eq!(got["output"][2]["arguments"], "whole and more", "what says less takes nothing away");
}

#[test]
fn the_deltas_add_up_to_the_response_of_the_last_event() {
    let message = |text: &str, status: &str, annotations: Value| {
        json!({"type": "message", "id": "msg_1", "status": status, "role": "assistant",
               "content": [{"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}]})
    };
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f",
                      "arguments": "{\"a\":1}", "status": "completed"});
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm so"}]});
    let note = json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": "u", "title": "t"});
    let output = json!([reasoning, message("Hello😀", "completed", json!([note])), call]);
    let delta = |r#type: &str, item: u64, more: Value| {
        let mut event = json!({"type": format!("response.{type}"), "output_index": item, "item_id": "x", "content_index": 0,
                               "summary_index": 0, "sequence_number": 1});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let got = add_up(&[
        json!({"type": "response.created", "response": response("in_progress", &json!([])), "sequence_number": 0}),
        delta("output_item.added", 0, json!({"item": {"type": "reasoning", "id": "rs_1", "summary": []}})),
        delta("reasoning_summary_part.added", 0, json!({"part": {"type": "summary_text", "text": ""}})),
        delta("reasoning_summary_text.delta", 0, json!({"delta": "hm "})),
        delta("reasoning_summary_text.delta", 0, json!({"delta": "so"})),
        delta("reasoning_summary_text.done", 0, json!({"text": "hm so"})),
        delta(
            "output_item.added",
            1,
            json!({"item": {"type": "message", "id": "msg_1", "status": "completed",
              "role": "assistant", "content": []}}),
        ),
        delta(
            "content_part.added",
            1,
            json!({"part": {"type": "output_text", "text": "", "annotations": [],
              "logprobs": []}}),
        ),
        delta("output_text.delta", 1, json!({"delta": "Hel", "logprobs": []})),
        delta("output_text.delta", 1, json!({"delta": "lo😀"})),
        delta("output_text.annotation.added", 1, json!({"annotation_index": 0, "annotation": note})),
        delta(
            "output_item.added",
            2,
            json!({"item": {"type": "function_call", "id": "fc_1", "call_id": "call_1",
              "name": "f", "arguments": "", "status": "completed"}}),
        ),
        delta("function_call_arguments.delta", 2, json!({"delta": "{\"a\""})),
        delta("function_call_arguments.delta", 2, json!({"delta": ":1}"})),
    ]);
    assert_eq!(got["output"], output);
    assert_eq!((&got["id"], &got["status"]), (&json!("resp_1"), &json!("in_progress")));
}

#[test]
fn an_event_without_an_item_changes_nothing() {
    let got = add_up(&[
        json!({"type": "response.created", "response": response("in_progress", &json!([]))}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 7, "item_id": "x", "delta": "{"}),
        json!({"type": "response.output_text.delta", "output_index": 4_000_000_000_u64, "content_index": 0, "item_id": "x",
               "delta": "lost"}),
        json!({"type": "response.content_part.added", "output_index": 0, "content_index": 3, "part": {"type": "x"}}),
        json!({"type": "response.new_thing", "output_index": 0}),
    ]);
    assert_eq!(got["output"], json!([]));
}

#[test]
fn a_text_without_its_item_makes_one() {
    let delta = |text: &str| json!({"type": "response.output_text.delta", "item_id": "msg", "output_index": 0, "content_index": 0, "delta": text});
    let got = add_up(&[delta("He"), delta("y")]);
    assert_eq!(got["output"][0]["content"][0]["text"], "Hey");
}

#[test]
fn the_last_event_tells_the_response() {
    let mut accumulator = ResponseAccumulator::default();
    let whole = response(
        "completed",
        &json!([{"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "whole", "annotations": []}]}]),
    );
    accumulator.push(
        &mut event(&json!({"type": "response.created", "response": response("in_progress", &json!([]))})),
        true,
    );
    assert_eq!(accumulator.resumable(), Some("resp_1"));
    assert!(!accumulator.is_complete(1));
    accumulator.push(&mut event(&json!({"type": "response.completed", "response": whole})), true);
    assert!(accumulator.is_complete(1));
    assert_eq!(accumulator.take(), serde_json::from_value::<Response>(whole).unwrap());
}

#[test]
fn half_a_character_waits_for_its_partner() {
    let mut accumulator = ResponseAccumulator::default();
    let mut text = String::new();
    for delta in [r"a\ud83d", r"\ude00b"] {
        let json = format!(
            r#"{{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"{delta}"}}"#
        );
        let frame = Frame { event: None, data: Bytes::from(json) };
        let mut event = ResponseEvent::decode(frame, &mut Template::default()).unwrap().event;
        accumulator.push(&mut event, true);
        text.push_str(event.text().unwrap());
    }
    assert_eq!(text, "a😀b");
}

#[test]
fn a_long_response_is_whole_and_holds_little_but_its_text() {
    let mut accumulator = ResponseAccumulator::default();
    let mut text = String::new();
    for number in 0..100_000 {
        let delta = format!("{number} ");
        accumulator.push(
            &mut event(&json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0,
                               "delta": delta, "sequence_number": number})),
            true,
        );
        text.push_str(&delta);
    }
    assert!(accumulator.size() < text.len() + 3 * ITEM);
    let response = serde_json::to_value(accumulator.take()).unwrap();
    assert_eq!(response["output"][0]["content"][0]["text"], text.as_str());
}

#[test]
fn an_item_that_is_being_compacted_is_told_and_comes_with_its_own_event() {
    let compacting = json!({"type": "response.compaction.compacting", "item_id": "cmp_1", "output_index": 0,
                            "sequence_number": 3});
    let read = event(&compacting);
    assert!(matches!(*read, ResponseStreamEvent::CompactionCompacting(_)), "{read:?}");
    assert_eq!((read.item_id(), read.output_index()), (Some("cmp_1"), Some(0)));

    let item = |content: &str| json!({"type": "compaction", "id": "cmp_1", "encrypted_content": content});
    let begun = json!({"type": "response.output_item.added", "output_index": 0, "item": item("")});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item("abc")});
    let got = add_up(&[begun, compacting.clone(), compacting, done]);
    assert_eq!(got["output"], json!([item("abc")]));
}

#[test]
fn new_fields_of_a_response_are_kept() {
    let mut whole = response(
        "completed",
        &json!([{
            "type": "image_generation_call", "id": "ig_1", "status": "failed", "result": null, "size": "1536x864",
            "quality": "xhigh", "error": {"type": "image_generation_error", "code": "moderation_blocked", "message": "No.",
                "moderation_details": {"categories": ["violence"], "moderation_stage": "output"}}
        }]),
    );
    whole["tool_usage"] = json!({"web_search": {"num_requests": 2}});
    whole["prompt_cache_diagnostics"] =
        json!({"type": "cache_miss", "reason": "tools_changed", "cache_missed_tokens": 9});
    whole["access_programs"] = json!({"cyber": "standard"});
    let got: Response = serde_json::from_value(whole.clone()).unwrap();
    let OutputItem::ImageGenerationCall(call) = &got.output[0] else { panic!("{got:?}") };
    let details = call.error.as_ref().and_then(|error| error.moderation_details.as_ref()).unwrap();
    assert_eq!(details.moderation_stage.as_str(), "output");
    assert_eq!(got.tool_usage.as_ref().unwrap().web_search.num_requests, 2);
    assert!(got.extra.iter().all(|(name, _)| name == "background"), "{:?}", got.extra);
    assert_eq!(
        add_up(&[json!({"type": "response.created", "response": whole.clone()})])["tool_usage"],
        whole["tool_usage"]
    );
    assert_eq!(serde_json::to_value(&got).unwrap(), whole);
}
