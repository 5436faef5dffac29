//! Responses.

use actorstream_test::{Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{ask, at, keys, run};

/// The events of a response, up to the end of its text.
fn response_events() -> Vec<Value> {
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let delta = |number: u64, text: &str| {
        json!({
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": text,
        })
    };
    vec![
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", &json!({}))}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item}),
        delta(2, "Hel"),
        delta(3, "lo"),
    ]
}

fn response(status: &str, more: &Value) -> Value {
    let mut response = json!({
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "background": true,
        "output": [],
    });
    response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    response
}

/// The last event of a response that is complete.
fn response_completed() -> Value {
    let content = json!([{"type": "output_text", "text": "Hello", "annotations": []}]);
    let more = json!({
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}],
        "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
    });
    json!({"type": "response.completed", "sequence_number": 4, "response": response("completed", &more)})
}

fn response_reply(events: &[Value]) -> Reply {
    let named = |reply: Reply, event: &Value| reply.named_event(event["type"].as_str().unwrap(), event);
    events.iter().fold(Reply::sse(), named)
}

#[test]
fn a_response_as_json_lines() {
    let events = [response_events(), vec![response_completed()]].concat();
    let arguments = ["respond", "Hi", "--system", "Be brief", "--background", "--jsonl"];
    let (ran, upstream) = ask(response_reply(&events).end(), &arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let request = &upstream.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/responses"));
    assert_eq!(
        request.json(),
        json!({
            "model": "gpt-6-luna",
            "instructions": "Be brief",
            "input": "Hi",
            "background": true,
            "stream": true,
        })
    );

    let records = ran.records();
    assert_eq!(records.len(), events.len() + 1);
    for (record, event) in records.iter().zip(&events) {
        assert_eq!(record["raw"], *event);
        assert_eq!(record["data"]["type"], event["type"]);
        assert_eq!(record["data"]["sequence_number"], event["sequence_number"]);
        assert_eq!(record["data"]["delta"], event["delta"]);
    }
    let end = ran.end();
    assert_eq!(keys(&end), ["finish", "response", "timings"]);
    assert_eq!(end["finish"]["status"], "completed");
    assert_eq!(end["response"]["id"], "resp_1");
    assert_eq!(end["response"]["output"][0]["content"][0]["text"], "Hello");
    let usage = &end["finish"]["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(9), &json!(3)));
    assert_eq!(*usage, end["response"]["usage"]);
}

#[test]
fn a_response_as_plain_text() {
    let events = [response_events(), vec![response_completed()]].concat();
    let (ran, upstream) = ask(response_reply(&events).end(), &["respond", "Hi", "--model", "m"]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello\n", ""));
    assert_eq!(upstream.requests()[0].json(), json!({"model": "m", "input": "Hi", "stream": true}));
}

#[test]
fn a_response_is_resumed() {
    let rest = [response_events().split_off(3), vec![response_completed()]].concat();
    let arguments = ["respond", "--resume", "resp_1", "--after", "2"];
    let (ran, upstream) = ask(response_reply(&rest).end(), &arguments);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "lo\n", ""));
    let request = &upstream.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v1/responses/resp_1"));
    assert_eq!(request.query.as_deref(), Some("stream=true&starting_after=2"));
    assert_eq!(request.text(), "");

    for (wrong, why) in [
        (&["Hi", "--resume", "resp_1"] as &[_], "--resume <ID>"),
        (&["--resume", "resp_1", "--background"], "--background"),
        (&["Hi", "--after", "2"], "--after <N>"),
        (&["--after", "2"], "--resume <ID>"),
    ] {
        let ran = run(&at(&upstream.base_url(), &[&["respond"], wrong].concat()));
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    assert_eq!(upstream.request_count(), 1);
}

#[test]
fn a_response_that_fails() {
    let more = json!({"error": {"code": "server_error", "message": "No"}});
    let failed =
        json!({"type": "response.failed", "sequence_number": 4, "response": response("failed", &more)});
    let reply = response_reply(&[response_events(), vec![failed]].concat()).end();
    let (ran, _upstream) = ask(reply.clone(), &["respond", "Hi", "--jsonl"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    let end = ran.end();
    assert_eq!(keys(&end), ["error", "partial"]);
    let error = &end["error"];
    assert_eq!((&error["kind"], &error["code"]), (&json!("provider"), &json!("server_error")));
    assert_eq!(end["partial"]["id"], "resp_1");

    let (ran, _upstream) = ask(reply, &["respond", "Hi"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), "Hello\n"));
    assert!(ran.err.starts_with("error: ") && ran.err.lines().count() == 1, "{}", ran.err);
}

#[test]
fn the_scripted_server_knows_responses() {
    let ran = run(&["respond", "Tell me", "--background", "--jsonl"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let response = &ran.end()["response"];
    assert_eq!((&response["status"], &response["background"]), (&json!("completed"), &json!(true)));
    assert!(response["output"][0]["content"][0]["text"].as_str().unwrap().contains("“Tell me”"));
    let ran = run(&["respond", "--resume", "resp_1", "--jsonl"]);
    assert_eq!((ran.status, &ran.end()["error"]["status"]), (Some(1), &json!(404)), "{}", ran.err);
}

#[test]
fn a_background_stream_that_breaks_goes_on() {
    let stream = actorstream_test::ResponseStream::new().background(true).text("Hello there");
    let head: Vec<_> = stream.events().into_iter().take(6).collect();
    let upstream = Upstream::start(Script::with(move |request| {
        if request.method == "GET" {
            stream.reply_after(Some(5))
        } else {
            Reply::sse().events(head.clone()).reset()
        }
    }));
    let ran = run(&at(&upstream.base_url(), &["respond", "Hi", "--background"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello there\n"), "{}", ran.err);
    assert_eq!(upstream.requests().last().unwrap().query.as_deref(), Some("stream=true&starting_after=5"));
}
