use super::*;
use crate::api::responses::ResponseEvent;

fn event(r#type: &str, fields: Value) -> Value {
    let mut event = json!({"type": format!("response.{type}"), "output_index": 0, "content_index": 0, "summary_index": 0});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

fn completed(fields: Value) -> Value {
    let mut response = json!({"id": "r", "status": "completed"});
    response.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"type": "response.completed", "response": response})
}

fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message", "status": "completed", "role": "assistant",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn finished(events: &[Value]) -> Played<ResponseEvent> {
    let played = play::<ResponseEvent>(&cut(events));
    assert_eq!(played.kind(), "finish", "{}", played.message());
    played
}

#[test]
fn done_is_no_word_of_a_response() {
    let text = event("output_text.delta", json!({"item_id": "m", "delta": "Hi"}));
    for events in [
        vec![text.clone()],
        vec![text.clone(), event("output_text.done", json!({"text": "Hi"}))],
        vec![event("created", json!({"response": {"id": "r"}}))],
    ] {
        let played = play::<ResponseEvent>(&stream(&events));
        assert_eq!(played.kind(), "truncated", "{events:?}");
        let raw = play::<crate::endpoint::raw::RawEvent>(&stream(&events));
        assert_eq!(raw.kind(), "truncated", "{events:?}");
    }
    assert_eq!(play::<ResponseEvent>(&stream(&[text, completed(json!({}))])).kind(), "finish");
}

#[test]
fn the_status_inside_counts_not_the_name_of_the_event() {
    for (r#type, status, kind) in [
        ("response.completed", "incomplete", "incomplete"),
        ("response.completed", "cancelled", "incomplete"),
        ("response.completed", "failed", "provider"),
        ("response.completed", "completed", "finish"),
        ("response.done", "completed", "finish"),
        ("response.done", "incomplete", "incomplete"),
        ("response.done", "failed", "provider"),
        ("response.incomplete", "failed", "provider"),
        ("response.cancelled", "cancelled", "incomplete"),
    ] {
        let last = json!({"type": r#type, "response": {"id": "r", "status": status, "output": [],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}});
        assert_eq!(play::<ResponseEvent>(&cut(std::slice::from_ref(&last))).kind(), kind, "{type} {status}");
        let named = format!("event: {}\ndata: {}\n\n", r#type, json!({"response": last["response"]}));
        assert_eq!(play::<ResponseEvent>(&named).kind(), kind, "{type} {status} by its name");
        if kind == "finish" {
            assert_eq!(play::<ResponseEvent>(&cut(&[last])).response()["usage"]["total_tokens"], 3);
        }
    }
    let reason = completed(json!({"status": null, "incomplete_details": {"reason": "max_output_tokens"}}));
    let played = play::<ResponseEvent>(&cut(&[reason]));
    assert_eq!(played.kind(), "incomplete");
    assert_eq!(played.end.unwrap().finish_reasons, ["max_output_tokens"]);
}

#[test]
fn items_of_one_index_are_told_by_their_ids() {
    let added = |id: &str, r#type: &str| {
        event(
            "output_item.added",
            json!({"item": {"id": id, "type": r#type, "call_id": id, "name": "f", "arguments": "", "content": []}}),
        )
    };
    let text = |id: &str, delta: &str| event("output_text.delta", json!({"item_id": id, "delta": delta}));
    let arguments = |id: &str, delta: &str| {
        event("function_call_arguments.delta", json!({"item_id": id, "delta": delta}))
    };
    for events in [
        vec![
            added("m", "message"),
            text("m", "Hi"),
            added("f", "function_call"),
            arguments("f", "{}"),
            text("m", " you"),
        ],
        vec![
            added("f", "function_call"),
            added("m", "message"),
            text("m", "Hi"),
            arguments("f", "{}"),
            text("m", " you"),
        ],
        vec![
            added("m", "message"),
            added("f", "function_call"),
            text("m", "Hi"),
            arguments("f", "{"),
            text("m", " you"),
            arguments("f", "}"),
        ],
    ] {
        let mut events = events;
        events.push(completed(json!({"output": []})));
        let played = finished(&events);
        let output = played.response()["output"].as_array().unwrap().clone();
        assert_eq!(output.len(), 2, "{output:?}");
        let of = |r#type: &str| output.iter().find(|item| item["type"] == r#type).unwrap().clone();
        assert_eq!(of("message")["content"][0]["text"], "Hi you");
        assert_eq!(of("function_call")["arguments"], "{}");
        let viewed = view(&played);
        assert_eq!(viewed.text, "Hi you");
        assert_eq!(viewed.calls, [("f".to_owned(), "f".to_owned(), "{}".to_owned())]);
    }
}

/// Returns the events of two calls and a text, with these item ids and indices.
fn three_items(id: fn(usize) -> Value, index: fn(usize) -> Value, added: bool) -> Vec<Value> {
    let of = |at: usize, fields: Value| {
        let mut fields = fields;
        fields["item_id"] = id(at);
        fields["output_index"] = index(at);
        fields
    };
    let call = |at: usize, arguments: &str| json!({"id": id(at), "type": "function_call", "call_id": format!("c{at}"), "name": "f", "arguments": arguments});
    let text =
        |content: Value| json!({"id": id(0), "type": "message", "role": "assistant", "content": content});
    let whole = text(json!([{"type": "output_text", "text": "Hi"}]));
    let mut events = Vec::new();
    if added {
        events.push(event("output_item.added", of(0, json!({"item": text(json!([]))}))));
    }
    events.push(event("output_text.delta", of(0, json!({"delta": "Hi"}))));
    events.push(event("output_item.done", of(0, json!({"item": whole}))));
    for at in [1, 2] {
        let arguments = format!("{{\"x\":{at}}}");
        if added {
            events.push(event("output_item.added", of(at, json!({"item": call(at, "")}))));
        }
        events.push(event("function_call_arguments.delta", of(at, json!({"delta": arguments}))));
        events.push(event("function_call_arguments.done", of(at, json!({"arguments": arguments}))));
        events.push(event("output_item.done", of(at, json!({"item": call(at, &arguments)}))));
    }
    events.push(completed(json!({"output": [whole, call(1, "{\"x\":1}"), call(2, "{\"x\":2}")]})));
    events
}

#[test]
fn items_are_told_apart_where_ids_or_indices_are_all_one() {
    let one = |_: usize| json!("one");
    let own = |at: usize| json!(format!("i{at}"));
    let (place, zero, none) = (|at: usize| json!(at), |_: usize| json!(0), |_: usize| Value::Null);
    for (name, events) in [
        ("one id", three_items(one, place, true)),
        ("no ids", three_items(|_| json!(""), place, true)),
        ("null ids", three_items(none, place, true)),
        ("one index", three_items(own, zero, true)),
        ("no index", three_items(own, none, true)),
        ("one index, nothing begun", three_items(own, zero, false)),
        ("one id, nothing begun", three_items(one, place, false)),
        ("no ids, nothing begun", three_items(none, place, false)),
    ] {
        let played = finished(&events);
        let output = played.response()["output"].clone();
        assert_eq!(output.as_array().unwrap().len(), 3, "{name}: {output}");
        assert_eq!(output[0]["content"][0]["text"], "Hi", "{name}");
        let calls = ["1", "2"].map(|at| (format!("c{at}"), "f".to_owned(), format!("{{\"x\":{at}}}")));
        for (at, (id, _, arguments)) in calls.iter().enumerate() {
            assert_eq!(
                (&output[at + 1]["call_id"], &output[at + 1]["arguments"]),
                (&json!(id), &json!(arguments)),
                "{name}"
            );
        }
        let viewed = view(&played);
        assert_eq!((viewed.text.as_str(), viewed.calls.as_slice()), ("Hi", &calls[..]), "{name}");
    }
}

#[test]
fn other_ids_in_the_last_event_bring_nothing_twice() {
    for index in [|at: usize| json!(at), |_: usize| json!(0), |_: usize| Value::Null] {
        let mut events = three_items(|at| json!(format!("i{at}")), index, true);
        let last = events.last_mut().unwrap();
        for (at, item) in last["response"]["output"].as_array_mut().unwrap().iter_mut().enumerate() {
            item["id"] = json!(format!("final-{at}"));
        }
        let viewed = view(&finished(&events));
        assert_eq!((viewed.text.as_str(), viewed.calls.len(), viewed.done.len()), ("Hi", 2, 1));
    }
}

#[test]
fn what_was_hollow_at_first_comes_late() {
    let hollow = json!({"id": "m", "type": "message", "role": "assistant", "content": []});
    let call = |arguments: &str| json!({"id": "f", "type": "custom_tool_call", "call_id": "c", "name": "f", "input": arguments});
    for first in [
        vec![event("output_text.done", json!({"item_id": "m", "text": ""}))],
        vec![event(
            "content_part.done",
            json!({"item_id": "m", "part": {"type": "output_text", "text": ""}}),
        )],
        vec![event("output_item.done", json!({"item": hollow}))],
        vec![
            event("output_text.delta", json!({"item_id": "m", "delta": "Hi"})),
            event("output_text.done", json!({"item_id": "m", "text": ""})),
        ],
    ] {
        let mut events = first.clone();
        events.push(event("output_item.done", json!({"output_index": 1, "item": call("")})));
        events.push(completed(json!({"output": [message("m", "Hi you"), call("x y")]})));
        let played = finished(&events);
        let viewed = view(&played);
        assert_eq!(
            (viewed.text.as_str(), viewed.done.as_slice()),
            ("Hi you", &["Hi you".to_owned()][..]),
            "{first:?}"
        );
        assert_eq!(viewed.calls, [("c".to_owned(), "f".to_owned(), "x y".to_owned())], "{first:?}");
        let output = &played.response()["output"];
        assert_eq!(
            (&output[0]["content"][0]["text"], &output[1]["input"]),
            (&json!("Hi you"), &json!("x y")),
            "{first:?}"
        );
    }
}

#[test]
fn tokens_that_were_told_before_the_last_event_count() {
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    let hollow = json!({"input_tokens": null, "output_tokens": null, "total_tokens": null});
    let response = |usage: Value| json!({"id": "r", "object": "response", "model": "m", "created_at": 7, "status": "in_progress", "output": [], "usage": usage});
    let told = |usage: &Value| event("in_progress", json!({"response": response(usage.clone())}));
    let last = |usage: &Value| {
        let mut response = response(usage.clone());
        response["status"] = json!("completed");
        json!({"type": "response.completed", "response": response})
    };
    let tokens = |events: &[Value]| finished(events).end.unwrap().usage.map(|tokens| tokens.total);
    for nothing in [json!(null), json!({}), hollow] {
        assert_eq!(tokens(&[told(&usage), last(&nothing)]), Some(5), "{nothing}");
        assert_eq!(tokens(&[told(&usage), told(&nothing), last(&nothing)]), Some(5), "{nothing}");
        assert_eq!(tokens(&[told(&nothing), last(&nothing)]), None, "{nothing}");
        assert_eq!(tokens(&[told(&nothing), last(&usage)]), Some(5), "{nothing}");
        let cut = play::<ResponseEvent>(&cut(&[told(&nothing)]));
        assert!(cut.response()["usage"].is_null(), "{nothing}");
    }
}

#[test]
fn an_event_that_says_less_takes_nothing_away() {
    let streamed = [
        event(
            "output_item.added",
            json!({"item": {"id": "m", "type": "message", "role": "assistant", "content": []}}),
        ),
        event("output_text.delta", json!({"item_id": "m", "delta": "Hi"})),
        event("output_text.delta", json!({"item_id": "m", "delta": " you"})),
    ];
    let hollow = json!({"id": "m", "type": "message", "role": "assistant", "content": []});
    for last in [
        vec![event("output_text.done", json!({"item_id": "m", "text": ""}))],
        vec![event("output_text.done", json!({"item_id": "m", "text": "Hi"}))],
        vec![event(
            "content_part.done",
            json!({"item_id": "m", "part": {"type": "output_text", "text": ""}}),
        )],
        vec![event("output_item.done", json!({"item": hollow}))],
        vec![event("output_item.done", json!({"item": null}))],
        vec![completed(json!({"output": [hollow]}))],
        vec![completed(json!({"output": [{"id": "other", "type": "message", "content": null}]}))],
        vec![completed(json!({"output": null}))],
    ] {
        let mut events = streamed.to_vec();
        events.extend(last.clone());
        if last[0]["type"] != "response.completed" {
            events.push(completed(json!({})));
        }
        let played = finished(&events);
        let output = &played.response()["output"];
        assert_eq!(
            (output.as_array().unwrap().len(), &output[0]["content"][0]["text"]),
            (1, &json!("Hi you")),
            "{last:?}"
        );
        assert_eq!(view(&played).text, "Hi you", "{last:?}");
    }
}

#[test]
fn a_hollow_last_event_keeps_what_came_before() {
    let created = event(
        "created",
        json!({"response": {"id": "r", "object": "response", "model": "m", "created_at": 7, "status": "in_progress",
        "metadata": {"a": "b"}, "output": []}}),
    );
    let response = finished(&[created, completed(json!({}))]).response();
    assert_eq!(
        (&response["model"], &response["created_at"], &response["metadata"]["a"]),
        (&json!("m"), &json!(7), &json!("b"))
    );
    assert_eq!(response["status"], "completed");
    for hollow in [json!({}), json!(null), json!({"input_tokens": null})] {
        assert_eq!(
            finished(&[completed(json!({"usage": hollow}))])
                .response()
                .get("usage")
                .filter(|usage| !usage.is_null()),
            None,
            "{hollow}"
        );
    }
}

#[test]
fn texts_that_come_late_reach_the_view_and_the_response() {
    let delta = || event("output_text.delta", json!({"item_id": "m", "delta": "Hi"}));
    for events in [
        vec![event("output_text.done", json!({"item_id": "m", "text": "Hi you"})), completed(json!({}))],
        vec![event("output_item.done", json!({"item": message("m", "Hi you")})), completed(json!({}))],
        vec![completed(json!({"output": [message("m", "Hi you")]}))],
        vec![
            event(
                "content_part.done",
                json!({"item_id": "m", "part": {"type": "output_text", "text": "Hi you"}}),
            ),
            event("output_item.done", json!({"item": message("m", "Hi you")})),
            completed(json!({})),
        ],
        vec![
            delta(),
            event("output_text.done", json!({"item_id": "m", "text": "Hi you"})),
            completed(json!({})),
        ],
        vec![
            delta(),
            event("output_item.done", json!({"item": message("m", "Hi you")})),
            completed(json!({})),
        ],
        vec![delta(), completed(json!({"output": [message("m", "Hi you")]}))],
        vec![delta(), completed(json!({"output": [message("other", "Hi you")]}))],
    ] {
        let played = finished(&events);
        let viewed = view(&played);
        assert_eq!((viewed.text.as_str(), viewed.done.len()), ("Hi you", 1), "{events:?}");
        assert_eq!(viewed.done, ["Hi you"]);
        assert_eq!(played.response()["output"][0]["content"][0]["text"], "Hi you", "{events:?}");
    }
    let call =
        json!({"id": "f", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"x\":1}"});
    for events in [
        vec![event("output_item.done", json!({"item": call})), completed(json!({}))],
        vec![completed(json!({"output": [call]}))],
        vec![
            event(
                "output_item.added",
                json!({"item": {"id": "f", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}}),
            ),
            event("function_call_arguments.delta", json!({"item_id": "f", "delta": "{\"x\""})),
            completed(json!({"output": [call]})),
        ],
    ] {
        let played = finished(&events);
        assert_eq!(
            view(&played).calls,
            [("c".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())],
            "{events:?}"
        );
        assert_eq!(played.response()["output"][0]["arguments"], "{\"x\":1}", "{events:?}");
    }
}

#[test]
fn reasoning_is_one_text_however_its_parts_are_counted() {
    let added = event("output_item.added", json!({"item": {"id": "rs", "type": "reasoning", "summary": []}}));
    let reasoning = |text: &str| json!({"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]});
    let text = |index: u64, delta: &str| {
        event("reasoning_text.delta", json!({"item_id": "rs", "content_index": index, "delta": delta}))
    };
    let summary = |index: u64, delta: &str| {
        event(
            "reasoning_summary_text.delta",
            json!({"item_id": "rs", "summary_index": index, "delta": delta}),
        )
    };
    for events in [
        vec![
            added.clone(),
            text(0, "th"),
            text(1, "ink"),
            event("reasoning_text.done", json!({"item_id": "rs", "content_index": 2, "text": "think"})),
        ],
        vec![added.clone(), text(0, "th"), text(0, "ink")],
        vec![text(0, "th"), text(3, "ink")],
        vec![added.clone(), event("reasoning_text.done", json!({"item_id": "rs", "text": "think"}))],
        vec![
            added.clone(),
            summary(0, "th"),
            summary(0, "ink"),
            event("reasoning_summary_text.done", json!({"item_id": "rs", "text": "think"})),
        ],
        vec![summary(0, "th"), summary(0, "ink")],
        vec![
            added.clone(),
            summary(0, "th"),
            summary(1, "ink"),
            event(
                "reasoning_summary_text.done",
                json!({"item_id": "rs", "summary_index": 2, "text": "think"}),
            ),
        ],
        vec![event("output_item.done", json!({"item": reasoning("think")}))],
        vec![
            added.clone(),
            summary(0, "th"),
            summary(1, "ink"),
            event("output_item.done", json!({"item": reasoning("think")})),
        ],
        vec![
            added.clone(),
            summary(0, ""),
            summary(1, "think"),
            event("output_item.done", json!({"item": reasoning("think")})),
        ],
        vec![
            added.clone(),
            summary(0, "think"),
            event("output_item.done", json!({"item": reasoning("think")})),
            event(
                "reasoning_summary_text.done",
                json!({"item_id": "rs", "summary_index": 1, "text": "think"}),
            ),
        ],
        vec![
            added.clone(),
            summary(0, "t"),
            summary(1, "h"),
            event("output_item.done", json!({"item": reasoning("think")})),
        ],
    ] {
        let mut events = events;
        events.push(completed(json!({})));
        let played = finished(&events);
        assert_eq!(view(&played).reasoning, "think", "{events:?}");
        let item = &played.response()["output"][0];
        let texts: String = ["summary", "content"]
            .iter()
            .flat_map(|list| item[*list].as_array().cloned().unwrap_or_default())
            .filter_map(|part| Some(part["text"].as_str()?.to_owned()))
            .collect();
        assert_eq!(texts, "think", "{events:?}");
    }
}

#[test]
fn a_part_that_begins_as_all_parts_together_is_a_part() {
    let delta = |part: u64, text: &str| {
        event("output_text.delta", json!({"item_id": "m", "content_index": part, "delta": text}))
    };
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let whole =
        json!({"id": "m", "type": "message", "role": "assistant", "content": [text("abc"), text("b")]});
    let played = finished(&[delta(0, "a"), delta(1, "b"), completed(json!({"output": [whole]}))]);
    assert_eq!(view(&played).done, ["abc", "b"]);
    let content = &played.response()["output"][0]["content"];
    assert_eq!((&content[0]["text"], &content[1]["text"]), (&json!("abc"), &json!("b")));
}

#[test]
fn items_that_are_none_are_left_out() {
    for none in [json!(null), json!(7), json!("x"), json!([])] {
        let events = [
            event("output_item.added", json!({"item": none})),
            event(
                "output_item.added",
                json!({"output_index": 1, "item": {"id": "m", "type": "message", "content": []}}),
            ),
            event("output_text.delta", json!({"item_id": "m", "output_index": 1, "delta": "Hi"})),
            completed(json!({})),
        ];
        let output = finished(&events).response()["output"].clone();
        assert_eq!(
            (output.as_array().unwrap().len(), &output[0]["content"][0]["text"]),
            (1, &json!("Hi")),
            "{none}"
        );
    }
}

#[test]
fn shell_calls_and_what_they_print_add_up() {
    let events = [
        event(
            "output_item.added",
            json!({"item": {"id": "s", "type": "shell_call", "call_id": "c", "action": {"commands": []}}}),
        ),
        event("shell_call_command.added", json!({"command_index": 0, "command": ""})),
        event("shell_call_command.delta", json!({"command_index": 0, "delta": "ls"})),
        event("shell_call_command.delta", json!({"command_index": 0, "delta": " -l"})),
        event("shell_call_command.done", json!({"command_index": 0, "command": "ls -l"})),
        event("shell_call_command.delta", json!({"command_index": 1, "delta": "pwd"})),
        event(
            "output_item.added",
            json!({"output_index": 1, "item": {"id": "o", "type": "shell_call_output", "call_id": "c", "output": []}}),
        ),
        event(
            "shell_call_output_content.delta",
            json!({"item_id": "o", "output_index": 1, "command_index": 0, "delta": {"stdout": "to"}}),
        ),
        event(
            "shell_call_output_content.delta",
            json!({"item_id": "o", "output_index": 1, "command_index": 0, "delta": {"stdout": "tal", "stderr": "e"}}),
        ),
        event(
            "shell_call_output_content.done",
            json!({"item_id": "o", "output_index": 1, "command_index": 0,
              "output": [{"stdout": "total", "stderr": "e", "outcome": {"type": "exit", "exit_code": 0}}]}),
        ),
        event(
            "shell_call_output_content.delta",
            json!({"item_id": "o", "output_index": 1, "command_index": 1, "delta": {"stdout": "/"}}),
        ),
        completed(json!({})),
    ];
    let output = finished(&events).response()["output"].clone();
    assert_eq!(output[0]["action"]["commands"], json!(["ls -l", "pwd"]));
    let printed = &output[1]["output"];
    assert_eq!(
        (&printed[0]["stdout"], &printed[0]["stderr"], &printed[0]["outcome"]["exit_code"]),
        (&json!("total"), &json!("e"), &json!(0))
    );
    assert_eq!(printed[1], json!({"stdout": "/"}));
}

#[test]
fn annotations_have_their_places() {
    let note = |url: &str| json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": url, "title": "t"});
    let added = |index: Value, url: &str| {
        event(
            "output_text.annotation.added",
            json!({"item_id": "m", "annotation_index": index, "annotation": note(url)}),
        )
    };
    for (events, urls) in [
        (vec![added(json!(0), "a"), added(json!(1), "b")], vec!["a", "b"]),
        (vec![added(json!(0), "a"), added(json!(0), "b")], vec!["b"]),
        (vec![added(json!(0), "a"), added(json!(0), "a")], vec!["a"]),
        (vec![added(json!(null), "a"), added(json!(null), "b")], vec!["a", "b"]),
        (vec![added(json!(3), "a")], vec!["a"]),
    ] {
        let mut all = vec![event("output_text.delta", json!({"item_id": "m", "delta": "Hi"}))];
        all.extend(events.clone());
        all.push(completed(json!({})));
        let response = finished(&all).response();
        let annotations = response["output"][0]["content"][0]["annotations"].as_array().unwrap();
        assert_eq!(
            annotations.iter().map(|note| note["url"].as_str().unwrap()).collect::<Vec<_>>(),
            urls,
            "{events:?}"
        );
    }
}

#[test]
fn absent_fields_of_an_item_stay_absent() {
    let text = event("output_text.delta", json!({"delta": "Hi"}));
    let response = finished(&[text, completed(json!({}))]).response();
    assert_eq!(
        response["output"],
        json!([{"type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}])
    );
    let call = json!({"type": "function_call", "name": "f", "arguments": "{}"});
    let response =
        finished(&[event("output_item.done", json!({"item": call})), completed(json!({}))]).response();
    assert_eq!(response["output"], json!([call]));
}
