//! Scripted logs of cases that no recorded response has.

use actorstream_web::event::{Api, End, Event, Failure, Logged, Part};
use serde_json::{Value, json};

/// A log with a name.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) api: Api,
    pub(crate) log: Vec<Logged>,
}

pub(crate) fn logged(events: Vec<Event>) -> Vec<Logged> {
    (1..).zip(events).map(|(seq, event)| Logged { seq, event }).collect()
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure::new(502, "server_error", message)
}

fn up(json: &Value) -> Event {
    text(&json.to_string())
}

fn text(json: &str) -> Event {
    Event::Upstream(serde_json::from_str(json).unwrap())
}

fn delta(delta: Value) -> Event {
    choice(0, delta)
}

fn choice(index: u32, delta: Value) -> Event {
    up(&json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
               "choices": [{"index": index, "delta": delta, "finish_reason": null}]}))
}

fn finish_reason(index: u32, reason: &str) -> Event {
    up(&json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
               "choices": [{"index": index, "delta": {}, "finish_reason": reason}]}))
}

fn usage(input: u32, output: u32) -> Event {
    up(&json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output,
        "total_tokens": input + output, "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3}}}))
}

fn finish(reason: &str) -> Event {
    Event::End(End::Finish { reason: Some(reason.into()) })
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]})
}

fn more(index: u32, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
}

fn part(part: Part) -> Event {
    Event::Part(part)
}

fn data(name: &str, id: Option<&str>, data: Value, transient: bool) -> Event {
    part(Part::Data { name: name.into(), id: id.map(str::to_owned), data, transient })
}

fn tool_output(id: &str, output: Value) -> Event {
    part(Part::ToolOutput { tool_call_id: id.into(), output })
}

fn item(r#type: &str, output_index: u32, item: Value) -> Event {
    up(&json!({"type": format!("response.output_item.{type}"), "output_index": output_index, "item": item}))
}

fn response(r#type: &str, more: Value) -> Event {
    let mut response = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [],
                              "status": r#type});
    response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    up(&json!({"type": format!("response.{type}"), "response": response}))
}

fn output_text(output_index: u32, delta: &str) -> Event {
    up(
        &json!({"type": "response.output_text.delta", "item_id": "i", "output_index": output_index, "content_index": 0,
               "delta": delta}),
    )
}

/// Returns a long response, and its end.
pub(crate) fn long(deltas: usize) -> Vec<Logged> {
    let mut log: Vec<Event> = (0..deltas).map(|_| delta(json!({"content": "words "}))).collect();
    log.push(finish_reason(0, "stop"));
    log.push(finish("stop"));
    logged(log)
}

/// Returns a long response whose last events repeat it as a whole, and its end.
pub(crate) fn long_response(deltas: usize) -> Vec<Logged> {
    let mut log =
        vec![response("created", json!({})), item("added", 0, json!({"type": "message", "id": "m"}))];
    log.extend((0..deltas - 2).map(|_| output_text(0, "words ")));
    let text = "words ".repeat(deltas - 2);
    let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
    let message = json!({"type": "message", "id": "m", "role": "assistant", "content": content});
    log.push(up(
        &json!({"type": "response.output_text.done", "item_id": "m", "output_index": 0, "content_index": 0,
                        "text": text}),
    ));
    log.push(item("done", 0, message.clone()));
    log.push(response("completed", json!({"output": [message]})));
    log.push(finish("completed"));
    logged(log)
}

pub(crate) fn all() -> Vec<Scene> {
    let chat = |name, log| Scene { name, api: Api::Chat, log: logged(log) };
    let responses = |name, log| Scene { name, api: Api::Responses, log: logged(log) };
    vec![
        chat(
            "text_and_reasoning",
            vec![
                delta(json!({"role": "assistant", "content": ""})),
                delta(json!({"reasoning_content": "Let me "})),
                delta(json!({"reasoning_content": "think."})),
                delta(json!({"content": "A line\nand \"another\": "})),
                text(r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#),
                text(r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"\ude00"}}]}"#),
                delta(json!({"reasoning": "Wait."})),
                delta(json!({"content": "Done."})),
                finish_reason(0, "length"),
                usage(10, 20),
                finish("length"),
            ],
        ),
        chat(
            "tools",
            vec![
                delta(json!({"content": "I look."})),
                delta(call(0, "call_a", "weather", "")),
                delta(more(0, "{\"city\":")),
                delta(call(1, "call_b", "clock", "{\"zone\":\"CET\"")),
                delta(more(0, "\"Rome\"}")),
                delta(more(1, "}")),
                delta(call(2, "call_c", "broken", "{oops")),
                delta(call(3, "", "nameless", "")),
                finish_reason(0, "tool_calls"),
                finish("tool_calls"),
            ],
        ),
        chat(
            "tools_that_the_service_runs",
            vec![
                delta(call(0, "call_a", "weather", "{\"city\":\"Rome\"}")),
                delta(call(1, "call_b", "clock", "{}")),
                finish_reason(0, "tool_calls"),
                usage(10, 20),
                data("progress", Some("p"), json!({"percent": 50}), true),
                tool_output("call_a", json!({"sun": true})),
                part(Part::ToolError {
                    tool_call_id: "call_b".into(),
                    error: "The clock stands still.".into(),
                }),
                data("progress", Some("p"), json!({"percent": 100}), false),
                delta(json!({"content": "It is sunny."})),
                delta(call(0, "call_a", "weather", "{\"city\":\"Oslo\"}")),
                finish_reason(0, "tool_calls"),
                usage(30, 5),
                delta(json!({"content": "In Oslo too."})),
                finish_reason(0, "stop"),
                usage(40, 5),
                finish("stop"),
            ],
        ),
        chat(
            "parts_of_the_service",
            vec![
                part(Part::Source {
                    id: "s1".into(),
                    url: "https://a.example".into(),
                    title: Some("A".into()),
                }),
                part(Part::Source { id: "s2".into(), url: "https://b.example".into(), title: None }),
                part(Part::File {
                    url: "data:text/plain;base64,QUJD".into(),
                    media_type: "text/plain".into(),
                }),
                data("note", None, json!("line\nline"), false),
                tool_output("call_of_nobody", json!("x")),
                delta(json!({"content": "Here."})),
                delta(json!({"annotations": [{"type": "url_citation",
                    "url_citation": {"url": "https://c.example", "title": "C", "start_index": 0, "end_index": 1}}]})),
                finish_reason(0, "stop"),
                finish("stop"),
            ],
        ),
        chat(
            "two_choices",
            vec![
                choice(1, json!({"content": "Second"})),
                choice(0, json!({"content": "First"})),
                choice(1, call(0, "call_x", "other", "{}")),
                finish_reason(1, "tool_calls"),
                finish_reason(0, "stop"),
                finish("stop"),
            ],
        ),
        chat(
            "refusal",
            vec![delta(json!({"refusal": "I will not."})), finish_reason(0, "stop"), finish("stop")],
        ),
        chat(
            "stopped_in_a_tool_call",
            vec![
                delta(json!({"content": "I "})),
                delta(json!({"content": "look."})),
                delta(call(0, "call_a", "weather", "{\"ci")),
                usage(3, 4),
                Event::End(End::Abort { reason: "stopped by the user".into() }),
            ],
        ),
        chat(
            "failed_in_a_text",
            vec![
                delta(json!({"reasoning": "Hm."})),
                delta(json!({"content": "I "})),
                Event::End(End::Error(failure("The model is overloaded.\nTry later."))),
            ],
        ),
        chat("failed_before_anything", vec![Event::End(End::Error(failure("No such model.")))]),
        chat("stopped_before_anything", vec![Event::End(End::Abort { reason: "stopped".into() })]),
        chat(
            "begun_again",
            vec![
                delta(json!({"content": "Half an ans"})),
                delta(call(0, "call_a", "weather", "{")),
                Event::Reset,
                delta(json!({"content": "The answer."})),
                delta(call(0, "call_a", "weather", "{}")),
                finish_reason(0, "tool_calls"),
                finish("tool_calls"),
            ],
        ),
        chat(
            "begun_again_before_anything",
            vec![
                Event::Reset,
                delta(json!({"content": "The answer."})),
                finish_reason(0, "stop"),
                finish("stop"),
            ],
        ),
        chat(
            "json_on_several_lines",
            vec![
                text(
                    "{\"choices\":\n[{\"index\": 0,\r\n\"delta\": {\"content\": \"ok\"},\r\"finish_reason\": \"stop\"}]}",
                ),
                finish("stop"),
            ],
        ),
        Scene {
            name: "completions",
            api: Api::Completions,
            log: logged(vec![
                up(
                    &json!({"id": "cmpl", "object": "text_completion", "choices": [{"index": 0, "text": "Once "}]}),
                ),
                up(&json!({"id": "cmpl", "choices": [{"index": 1, "text": "Twice "}]})),
                up(
                    &json!({"id": "cmpl", "choices": [{"index": 0, "text": "upon.", "finish_reason": "stop"}]}),
                ),
                up(&json!({"id": "cmpl", "choices": [{"index": 1, "text": "", "finish_reason": "length"}]})),
                finish("stop"),
            ]),
        },
        responses(
            "response_with_everything",
            vec![
                response("created", json!({})),
                response("in_progress", json!({})),
                item("added", 0, json!({"type": "reasoning", "id": "rs", "summary": []})),
                up(
                    &json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs", "output_index": 0,
                           "summary_index": 0, "delta": "Search."}),
                ),
                up(
                    &json!({"type": "response.reasoning_summary_text.done", "item_id": "rs", "output_index": 0,
                           "summary_index": 0, "text": "Search."}),
                ),
                item("done", 0, json!({"type": "reasoning", "id": "rs", "summary": []})),
                item("added", 1, json!({"type": "web_search_call", "id": "ws", "status": "in_progress"})),
                item(
                    "done",
                    1,
                    json!({"type": "web_search_call", "id": "ws", "status": "completed",
                    "action": {"type": "search", "query": "q", "sources": [
                        {"type": "url", "url": "https://a.example"}, {"type": "url", "url": "https://b.example"}]}}),
                ),
                item(
                    "added",
                    2,
                    json!({"type": "mcp_call", "id": "mcp", "name": "ask", "server_label": "s",
                    "arguments": "", "status": "in_progress"}),
                ),
                up(&json!({"type": "response.mcp_call_arguments.done", "item_id": "mcp", "output_index": 2,
                           "arguments": "{\"q\":1}"})),
                item(
                    "done",
                    2,
                    json!({"type": "mcp_call", "id": "mcp", "name": "ask", "server_label": "s",
                    "arguments": "{\"q\":1}", "output": "42", "status": "completed"}),
                ),
                item(
                    "added",
                    3,
                    json!({"type": "custom_tool_call", "id": "ct", "call_id": "call_s", "name": "sql",
                    "input": ""}),
                ),
                up(
                    &json!({"type": "response.custom_tool_call_input.delta", "item_id": "ct", "output_index": 3,
                           "delta": "SELECT"}),
                ),
                up(
                    &json!({"type": "response.custom_tool_call_input.delta", "item_id": "ct", "output_index": 3,
                           "delta": " 1"}),
                ),
                item(
                    "done",
                    3,
                    json!({"type": "custom_tool_call", "id": "ct", "call_id": "call_s", "name": "sql",
                    "input": "SELECT 1"}),
                ),
                item(
                    "done",
                    4,
                    json!({"type": "image_generation_call", "id": "ig", "status": "completed",
                    "result": "QUJD", "output_format": "jpeg"}),
                ),
                item("added", 5, json!({"type": "message", "id": "msg", "role": "assistant", "content": []})),
                output_text(5, "See "),
                output_text(5, "there."),
                up(
                    &json!({"type": "response.output_text.annotation.added", "item_id": "msg", "output_index": 5,
                    "content_index": 0, "annotation_index": 0, "annotation": {"type": "url_citation",
                    "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3}}),
                ),
                up(
                    &json!({"type": "response.output_text.done", "item_id": "msg", "output_index": 5, "content_index": 0,
                           "text": "See there."}),
                ),
                up(&json!({"type": "response.output_text.done", "item_id": "msg2", "output_index": 6,
                           "content_index": 0, "text": "Whole at once."})),
                response(
                    "completed",
                    json!({"usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12,
                    "input_tokens_details": {"cached_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 2}}}),
                ),
                finish("completed"),
            ],
        ),
        responses(
            "response_with_a_function",
            vec![
                response("created", json!({})),
                item(
                    "added",
                    0,
                    json!({"type": "function_call", "id": "fc", "call_id": "call_f", "name": "weather",
                    "arguments": ""}),
                ),
                up(
                    &json!({"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 0,
                           "delta": "{}", "sequence_number": 7}),
                ),
                item(
                    "done",
                    0,
                    json!({"type": "function_call", "id": "fc", "call_id": "call_f", "name": "weather",
                    "arguments": "{}", "status": "completed"}),
                ),
                response("completed", json!({})),
                finish("completed"),
            ],
        ),
        responses(
            "response_that_is_incomplete",
            vec![
                response("created", json!({})),
                output_text(0, "Half"),
                response("incomplete", json!({"incomplete_details": {"reason": "max_output_tokens"}})),
                finish("incomplete"),
            ],
        ),
        responses(
            "response_that_failed",
            vec![
                response("created", json!({})),
                output_text(0, "Half"),
                Event::End(End::Error(failure("The connection to the model broke."))),
            ],
        ),
        responses("response_that_never_began", vec![Event::End(End::Error(failure("No such model.")))]),
        responses(
            "response_that_was_stopped",
            vec![
                response("created", json!({})),
                output_text(0, "Half"),
                Event::End(End::Abort { reason: "stopped by the user".into() }),
            ],
        ),
        responses(
            "response_begun_again",
            vec![
                response("created", json!({})),
                output_text(0, "Half"),
                Event::Reset,
                response("created", json!({"id": "resp_2"})),
                output_text(0, "Whole"),
                response("completed", json!({"id": "resp_2"})),
                finish("completed"),
            ],
        ),
    ]
}
