//! Chats and text completions.

use std::io::Write;
use std::process::Stdio;

use actorstream_test::{CompletionStream, Reply, Script, TestCa, Upstream};
use serde_json::{Value, json};

use crate::common::{KEY, Ran, ask, at, chunk, command, file, hello, keys, run};

#[test]
fn a_complete_stream_as_json_lines() {
    let stream = hello();
    let (ran, _upstream) = ask(stream.reply().header("x-request-id", "req_1"), &["chat", "Hi", "--jsonl"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));

    let events: Vec<_> = stream.events().collect();
    let records = ran.records();
    assert_eq!(records.len(), events.len() + 1);
    for (line, event) in ran.out.lines().zip(&events) {
        assert!(line.ends_with(&format!(",\"raw\":{event}}}")), "{line}");
    }
    for (record, event) in records.iter().zip(&events) {
        assert_eq!(record["data"], serde_json::from_str::<Value>(event).unwrap());
    }

    let end = ran.end();
    assert_eq!(keys(&end), ["finish", "response", "timings"]);
    assert_eq!(
        end["finish"],
        json!({
            "status": "completed",
            "finish_reasons": ["stop"],
            "sentinel": true,
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
            "request_id": "req_1",
        })
    );
    assert_eq!(end["response"]["choices"][0]["message"]["content"], "Hello, world");
    assert_eq!(end["timings"]["events"], events.len());
    for time in ["head_ms", "first_event_ms", "total_ms"] {
        assert!(end["timings"][time].is_number(), "{time}");
    }
}

#[test]
fn a_refusal_as_json_lines() {
    let body = json!({"error": {"message": "No", "type": "t", "code": "c", "param": "p"}});
    let reply = Reply::json(400, &body).header("x-request-id", "req_1");
    let (ran, _upstream) = ask(reply, &["chat", "Hi", "--jsonl"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    assert_eq!(
        ran.end(),
        json!({
            "error": {
                "kind": "refused",
                "message": "the server answered 400: No (type t, code c, param p)",
                "status": 400,
                "type": "t",
                "code": "c",
                "param": "p",
                "request_id": "req_1",
                "retryable": false,
                "timeout": null,
            },
            "partial": null,
        })
    );
}

#[test]
fn other_errors_as_json_lines() {
    let begun = || Reply::sse().event(chunk("Hel"));
    for (kind, retryable, partial, reply) in [
        ("truncated", true, true, begun().close()),
        (
            "provider",
            false,
            true,
            begun().event(json!({"error": {"message": "No", "code": "c"}})).done().end(),
        ),
        ("malformed", false, true, begun().event("{\"choices\":").done().end()),
        ("timeout", true, true, begun().hold()),
        ("not_a_stream", false, false, Reply::text(200, "text/html", "<html>")),
    ] {
        let (ran, _upstream) = ask(reply, &["chat", "Hi", "--jsonl", "--idle-timeout", "0.2"]);
        assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""), "{kind}");
        let end = ran.end();
        assert_eq!(keys(&end), ["error", "partial"]);
        assert_eq!(end["error"]["kind"], kind, "{end}");
        assert_eq!(end["error"]["retryable"], retryable, "{end}");
        assert_eq!(end["error"]["timeout"], if kind == "timeout" { json!("idle") } else { json!(null) });
        let text = &end["partial"]["choices"][0]["message"]["content"];
        assert_eq!(*text, if partial { json!("Hel") } else { json!(null) }, "{end}");
    }
}

#[test]
fn no_server_as_json_lines() {
    let ran = run(&at(&Upstream::refused_url(), &["chat", "Hi", "--jsonl", "--retries", "0"]));
    assert_eq!(ran.status, Some(1));
    let end = ran.end();
    assert_eq!((&end["error"]["kind"], &end["error"]["retryable"]), (&json!("transport"), &json!(true)));
}

#[test]
fn retries_are_counted_out() {
    let refusal = Reply::error(503, "server_error", "Later").header("retry-after-ms", "1");
    let script = || Script::sequence([refusal.clone(), hello().reply()]);
    let (ran, upstream) = ask(script(), &["chat", "Hi", "--retries", "1"]);
    assert_eq!((ran.status, upstream.request_count()), (Some(0), 2));
    let (ran, upstream) = ask(script(), &["chat", "Hi", "--retries", "0"]);
    assert_eq!((ran.status, upstream.request_count()), (Some(1), 1));
    assert!(ran.err.starts_with("error: the server answered 503: Later"), "{}", ran.err);
}

#[test]
fn plain_text_is_the_text_alone() {
    let (ran, upstream) = ask(hello().reply(), &["chat", "Hi", "--system", "Be brief", "--usage"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello, world\n"));
    let request = &upstream.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(
        request.json(),
        json!({
            "model": "gpt-6-luna",
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn plain_text_of_a_stream_that_fails_ends_its_line() {
    let (ran, _upstream) = ask(Reply::sse().event(chunk("Hel")).close(), &["chat", "Hi"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), "Hel\n"));
    assert!(
        ran.err.starts_with("error: the answer is cut off") && ran.err.lines().count() == 1,
        "{}",
        ran.err
    );
}

#[test]
fn the_prompt_may_come_from_stdin_and_the_text_of_a_completion_goes_out() {
    let upstream = Upstream::start(CompletionStream::new().text("a time.\n").reply());
    let url = upstream.base_url();
    let mut child = command(&at(&url, &["complete", "--model", "m"])).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("Once upön\n".as_bytes()).unwrap();
    let ran = Ran::new(child);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "a time.\n", ""));
    let request = &upstream.requests()[0];
    assert_eq!(request.path, "/v1/completions");
    assert_eq!(request.json(), json!({"model": "m", "prompt": "Once upön", "stream": true}));
}

#[test]
fn a_body_may_come_from_a_file_or_stdin() {
    let text = r#"{"model":"m","temperature":0.70,"messages":[]}"#;
    let upstream = Upstream::start(hello().reply());
    let (url, from_file) = (upstream.base_url(), format!("@{}", file("body.json", text)));
    assert_eq!(run(&at(&url, &["chat", "--body", &from_file])).status, Some(0));
    let mut child = command(&at(&url, &["chat", "--body", "-"])).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert_eq!(Ran::new(child).status, Some(0));
    for request in upstream.requests() {
        assert_eq!(request.text(), r#"{"model":"m","temperature":0.70,"messages":[],"stream":true}"#);
    }
}

#[test]
fn options_and_environment_make_headers() {
    let upstream = Upstream::start(hello().reply());
    let url = upstream.base_url();
    let options =
        ["chat", "Hi", "--organization", "o", "--project", "p", "--header", "x-a: b: c", "--header", "x-d:e"];
    assert_eq!(run(&at(&url, &options)).status, Some(0));
    let child = command(&["chat", "Hi"])
        .env("OPENAI_BASE_URL", &url)
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_ORG_ID", "o")
        .env("OPENAI_PROJECT_ID", "p")
        .spawn()
        .unwrap();
    assert_eq!(Ran::new(child).status, Some(0));
    let requests = upstream.requests();
    for request in &requests {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(request.header("openai-organization"), Some("o"));
        assert_eq!(request.header("openai-project"), Some("p"));
    }
    assert_eq!((requests[0].header("x-a"), requests[0].header("x-d")), (Some("b: c"), Some("e")));
}

#[test]
fn the_environment_names_the_model_of_texts() {
    let upstream = Upstream::start(hello().reply());
    for (arguments, model) in [
        (&["chat", "Hi"][..], "mine"),
        (&["chat", "Hi", "--model", "other"], "other"),
        (&["chat", "--body", r#"{"model":"theirs","messages":[]}"#], "theirs"),
    ] {
        let mut command = command(&at(&upstream.base_url(), arguments));
        let child = command.env("OPENAI_MODEL", "mine").stdin(Stdio::null()).spawn().unwrap();
        assert_eq!(Ran::new(child).status, Some(0));
        assert_eq!(upstream.requests().last().unwrap().json()["model"], model);
    }
}

#[test]
fn a_server_with_a_private_ca() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(hello().reply()).unwrap();
    let (url, pem) = (upstream.base_url(), file("ca.pem", &ca.pem()));
    let ran = run(&at(&url, &["chat", "Hi", "--ca-certificate", &pem]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello, world\n"), "{}", ran.err);
    assert_eq!(run(&at(&url, &["chat", "Hi", "--retries", "0"])).status, Some(1));
}
