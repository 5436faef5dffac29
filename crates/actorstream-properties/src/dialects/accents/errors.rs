//! Errors in every shape and at every place, and what only looks like one.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::plain::Endpoint;
use super::super::stream::{Event, Kind, Stream};
use super::whole::whole;

/// Where the error of the stream is.
fn at(stream: &Stream) -> Option<usize> {
    stream.events.iter().position(|event| event.kind == Kind::Error)
}

/// The whole answer came before the error; only the end did not.
pub(super) fn early(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = at(stream) else { return false };
    // What stands behind an error has no meaning any more: only what says nothing may stand there.
    let silent: Vec<usize> = (0..at)
        .rev()
        .take_while(|at| {
            let json = &stream.events[*at].json;
            let usage = json.get("usage").is_some_and(|usage| !usage.is_null());
            let ends = json.pointer("/choices/0/finish_reason").is_some_and(|reason| !reason.is_null());
            let bare = [json!({}), json!({"role": "assistant", "content": "", "refusal": null})];
            let delta = json.pointer("/choices/0/delta").is_some_and(|delta| bare.contains(delta));
            let text = json.pointer("/choices/0/text").is_some_and(|text| text == "");
            !usage && (delta || (ends && text))
        })
        .collect();
    let Some(to) = random.choice(silent) else { return false };
    let error = stream.events.remove(at);
    stream.events.insert(to, error);
    true
}

/// The error in another shape.
pub(super) fn shape(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = at(stream) else { return false };
    let first = !stream.events[..at].iter().any(Event::is_data);
    let responses = stream.answer.endpoint == Endpoint::Responses;
    let mut shapes = vec![
        data(json!({"error": "boom"})),
        data(json!({"error": {"message": "boom", "code": 502}})),
        data(
            json!({"error": {"code": 502, "message": "boom", "metadata": {"provider": "x"}}, "user_id": "u"}),
        ),
        data(json!({"error": [{"message": "boom"}]})),
        data(json!({"error": {"error": {"message": "boom"}}})),
        data(json!({"error": true, "message": "boom"})),
        data(
            json!({"errors": [{"message": "boom", "code": 3040}], "success": false, "result": {}, "messages": []}),
        ),
        data(json!({"errors": ["boom"]})),
        data(json!([{"error": {"code": 429, "message": "boom", "status": "RESOURCE_EXHAUSTED"}}])),
        data(json!({"object": "error", "message": "boom", "type": "internal_error", "code": 500})),
        data(json!({"type": "error", "message": "boom", "code": null, "param": null})),
        data(json!({"type": "error", "error": {"type": "overloaded_error", "message": "boom"}})),
        data(json!({"base_resp": {"status_code": 1004, "status_msg": "boom"}})),
        data(json!({"error": {"message": null, "code": 500}})),
        named("error", &json!({"message": "boom"})),
        named("error", &json!({"detail": "boom"})),
        named("error", &json!({"error": {"message": "boom"}})),
        Event::lines("event: error\ndata: boom\n\n"),
        Event::lines("event: error\ndata:\n\n"),
        Event::lines("event: error\ndata: {}\n\n"),
        Event::lines("error: {\"code\":400,\"message\":\"boom\",\"type\":\"t\"}\n\n"),
        Event::lines("error: boom\n\n"),
    ];
    if !first {
        // Alone these would be the body of another answer, which the session reads all the same.
        shapes.push(Event::lines("{\"error\":{\"message\":\"boom\"}}\n\n"));
        shapes.push(Event::lines("{\n  \"error\": {\n    \"message\": \"boom\"\n  }\n}\n\n"));
    }
    if responses {
        shapes.extend([
            data(json!({"type": "response.error", "message": "boom"})),
            data(json!({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "boom"}}})),
            data(json!({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": null}})),
            data(json!({"type": "response.failed", "error": {"message": "boom"}, "response": {"id": "resp_1", "status": "failed", "output": []}})),
            data(json!({"type": "response.failed"})),
            data(json!({"type": "response.completed", "response": {"id": "resp_1", "status": "failed", "error": {"message": "boom"}, "output": []}})),
            data(json!({"type": "response.done", "response": {"id": "resp_1", "status": "failed", "error": {"message": "boom"}}})),
            data(json!({"type": "response.in_progress", "response": {"id": "resp_1"}, "error": {"message": "boom"}})),
            data(json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "error": {"code": "x", "message": "boom"}}})),
        ]);
    } else {
        shapes.extend([
            data(json!({"choices": [{"index": 0, "delta": {"content": ""}, "text": "", "finish_reason": "error", "error": {"code": 502, "message": "boom"}}]})),
            data(json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]})),
            data(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "network_error"}]})),
            data(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "abort"}]})),
            data(json!({"choices": [{"index": 0, "error": {"message": "boom"}}]})),
            data(json!({"choices": [{"index": 0, "delta": {"error": {"message": "boom"}}}]})),
            data(json!({"choices": [], "error": {"message": "boom"}})),
            data(json!({"id": "c", "object": "chat.completion.chunk", "choices": null, "error": "boom"})),
            data(json!({"detail": "boom"})),
            data(json!({"code": 500, "message": "boom"})),
            data(json!({"success": false, "msg": "boom"})),
        ]);
    }
    let shape = shapes[random.usize(..shapes.len())].clone();
    if shape.json.get("detail").or(shape.json.get("message")).or(shape.json.get("msg")).is_some()
        && shape.name.is_none()
    {
        // Events of an endpoint that nobody knows may have such fields.
        stream.claim("words alone");
    }
    stream.events[at] = Event { kind: Kind::Error, ..shape };
    true
}

/// The error is the whole body, where nothing comes before it.
pub(super) fn body(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = at(stream) else { return false };
    if stream.events[..at].iter().any(Event::is_data) {
        return false;
    }
    let bodies = [
        json!({"error": {"message": "boom", "type": "server_error", "param": null, "code": "502"}}),
        json!({"error": {"code": 502, "message": "boom", "metadata": {"provider": "x"}}, "user_id": "u"}),
        json!({"error": "boom"}),
        json!({"error": {"message": "boom"}, "choices": []}),
        json!([{"error": {"code": 429, "message": "boom", "status": "RESOURCE_EXHAUSTED"}}]),
        json!({"errors": [{"message": "boom", "code": 3040}], "success": false, "result": {}, "messages": []}),
        json!({"object": "error", "message": "boom", "type": "internal_error", "code": 500}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "boom"}}),
        json!({"base_resp": {"status_code": 1004, "status_msg": "boom"}}),
    ];
    let error = bodies[random.usize(..bodies.len())].clone();
    whole(stream, &error, random);
    true
}

fn data(json: Value) -> Event {
    Event::data(json)
}

fn named(name: &str, json: &Value) -> Event {
    Event { name: Some(name.to_owned()), ..Event::data(json.clone()) }
}

/// Something follows the error, which has no meaning any more.
pub(super) fn behind(stream: &mut Stream, random: &mut Rng) -> bool {
    if at(stream).is_none() {
        return false;
    }
    let more = match random.u8(..3) {
        0 => Event::lines("data: [DONE]\n\n"),
        1 => Event::lines(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"more\"},\"finish_reason\":\"stop\"}]}\n\n",
        ),
        _ => Event::lines(
            "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\"}}\n\n",
        ),
    };
    stream.events.push(more);
    true
}

/// Errors that say nothing stand beside the answer.
pub(super) fn hollow(stream: &mut Stream, random: &mut Rng) -> bool {
    let hollow = [
        json!({}),
        json!(""),
        Value::Null,
        json!(false),
        json!([]),
        json!({"message": "", "type": "", "param": null, "code": null}),
        json!({"message": null, "code": 0}),
    ];
    let hollow = hollow[random.usize(..hollow.len())].clone();
    let name = ["error", "errors"][random.usize(..2)];
    let place = random.u8(..3);
    let mut changed = false;
    for event in stream.data() {
        if event.json.get("choices").is_some() {
            match place {
                0 => event.json[name] = hollow.clone(),
                1 => event.choices().iter_mut().for_each(|choice| choice[name] = hollow.clone()),
                _ => {
                    for choice in event.choices() {
                        if let Some(Value::Object(delta)) = choice.get_mut("delta") {
                            delta.insert(name.into(), hollow.clone());
                        }
                    }
                }
            }
            changed = true;
        } else if let Some(Value::Object(response)) = event.json.get_mut("response") {
            if place == 0 {
                response.insert("error".into(), hollow.clone());
            } else {
                event.json[name] = hollow.clone();
            }
            changed = true;
        } else if place == 2 && random.bool() {
            event.json[name] = hollow.clone();
            changed = true;
        }
    }
    changed
}
