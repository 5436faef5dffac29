//! The command-line client, run as a process against scripted upstreams.

// Nothing but tests is here, also where a function is no test itself.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actorstream_test::{
    ChatStream, CompletionStream, Gate, ImageStream, Reply, Script, SpeechStream, TestCa,
    TranscriptionStream, Upstream,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Given to every run as the key, and in no output.
const KEY: &str = "sk-secret-0123456789";

/// Nothing here depends on time; this only ends a test that hangs.
const SAFETY_NET: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_actorstream"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OPENAI_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A finished run.
#[derive(Debug)]
struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn new(child: Child) -> Self {
        let id = child.id();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(SAFETY_NET) else {
            let _ = Command::new("kill").arg(id.to_string()).status();
            panic!("the command does not end");
        };
        let output = output.unwrap();
        let ran = Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!format!("{ran:?}").contains("secret"), "a key is shown: {ran:?}");
        ran
    }

    /// The lines of `--jsonl`.
    #[track_caller]
    fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last line, which is the only one that is no event.
    #[track_caller]
    fn end(&self) -> Value {
        let mut records = self.records();
        let end = records.pop().unwrap();
        assert!(records.iter().all(|record| keys(record) == ["data", "raw"]), "{records:?}");
        end
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn run(arguments: &[&str]) -> Ran {
    Ran::new(command(arguments).spawn().unwrap())
}

/// Runs the command against an upstream that does `script`, with the key.
fn ask(script: impl Into<Script>, arguments: &[&str]) -> (Ran, Upstream) {
    let upstream = Upstream::start(script);
    let ran = run(&at(&upstream.base_url(), arguments));
    (ran, upstream)
}

fn at<'a>(base_url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--base-url", base_url, "--api-key", KEY]].concat()
}

fn hello() -> ChatStream {
    ChatStream::new().reasoning_content("Let me see.").content("Hello, world").usage(9, 3)
}

fn chunk(text: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}

fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(SAFETY_NET, future).await.unwrap() })
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The first line, and the rest of the output to be read.
fn first_line<R: Read>(from: R) -> (String, BufReader<R>) {
    let mut from = BufReader::new(from);
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    (line, from)
}

fn pipes(child: &mut Child) -> (ChildStdout, ChildStderr) {
    (child.stdout.take().unwrap(), child.stderr.take().unwrap())
}

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
                "budget": null,
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
        assert_eq!(end["error"]["budget"], if kind == "timeout" { json!("idle") } else { json!(null) });
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
fn what_cannot_be_configured_ends_with_status_2() {
    for wrong in [
        &["--base-url", "ftp://host"] as &[_],
        &["--base-url", "http://host", "--header", "a b: secret"],
        &["--base-url", "http://host", "--api-key", "secret\n1"],
        &["--base-url", "http://host", "--ca-certificate", "/nowhere/at all"],
        &["--body", "not JSON"],
        &["--body", "@/nowhere/at all"],
        &["--body", "[]"],
    ] {
        let ran = run(&[&["chat", "Hi", "--jsonl"], wrong].concat());
        assert_eq!(ran.status, Some(2), "{wrong:?}");
        assert_eq!(ran.end()["error"]["kind"], "config", "{wrong:?}");
        let ran = run(&[&["chat", "Hi"], wrong].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for (wrong, why) in [
        (&[] as &[_], "Usage: actorstream"),
        (&["talk"], "unrecognized subcommand"),
        (&["chat"], "no PROMPT is given and stdin is empty"),
        (&["chat", "Hi", "--loudly"], "--loudly"),
        (&["chat", "Hi", "--header", "Authorization Bearer secret"], "no colon"),
        (&["chat", "Hi", "--idle-timeout", "soon"], "a number of seconds"),
        (&["stream", "/responses"], "--body"),
    ] {
        let ran = run(wrong);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    let help = run(&["chat", "--help"]);
    assert_eq!((help.status, help.err.as_str()), (Some(0), ""));
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
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello, world\n", ""));
    let request = &upstream.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(
        request.json(),
        json!({
            "model": "gpt-4o-mini",
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
fn a_server_with_a_private_ca() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(hello().reply()).unwrap();
    let (url, pem) = (upstream.base_url(), file("ca.pem", &ca.pem()));
    let ran = run(&at(&url, &["chat", "Hi", "--ca-certificate", &pem]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello, world\n"), "{}", ran.err);
    assert_eq!(run(&at(&url, &["chat", "Hi", "--retries", "0"])).status, Some(1));
}

#[test]
fn any_other_endpoint_gives_its_payloads() {
    let delta = r#"{"type":"response.output_text.delta", "delta":"Hi", "n":1.50}"#;
    let last = r#"{"type":"response.completed","response":{"id":"r"}}"#;
    let reply = Reply::sse()
        .named_event("response.output_text.delta", delta)
        .named_event("response.completed", last.replace(",\"response\"", "\n,\"response\""))
        .end();
    let arguments = ["stream", "responses?a=b", "--body", r#"{"input":"Hi"}"#];
    let (ran, upstream) = ask(reply.clone(), &arguments);
    let spaced = last.replace(",\"response\"", " ,\"response\"");
    assert_eq!((ran.status, ran.out), (Some(0), format!("{delta}\n{spaced}\n")));
    let request = &upstream.requests()[0];
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/v1/responses", Some("a=b")));
    assert_eq!(request.text(), r#"{"input":"Hi","stream":true}"#);

    let (ran, _upstream) = ask(reply, &[&arguments as &[_], &["--jsonl"]].concat());
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.out.lines().next().unwrap(), format!("{{\"data\":{delta},\"raw\":{delta}}}"));
    let end = ran.end();
    assert_eq!(end["finish"]["status"], "completed");
    assert_eq!((&end["finish"]["usage"], &end["response"]), (&json!(null), &json!(null)));
}

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
            "model": "gpt-4o-mini",
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
fn without_a_server_the_scripted_one_answers() {
    let ran = run(&["stream", "/nothing", "--body", "{}", "--jsonl"]);
    assert_eq!((ran.status, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
    assert!(ran.err.starts_with("no OPENAI_API_KEY and no OPENAI_BASE_URL: "), "{}", ran.err);
    assert_eq!(ran.end()["error"]["status"], 404);
}

#[test]
fn an_interrupt_cancels_the_stream() {
    let gate = Gate::new();
    let upstream = Upstream::start(Reply::sse().event(chunk("Hel")).gate(&gate).done().end());
    for (arguments, text) in [(&["chat", "Hi", "--jsonl"] as &[_], false), (&["chat", "Hi"], true)] {
        let url = upstream.base_url();
        let mut child = command(&at(&url, arguments)).spawn().unwrap();
        // The event has been printed: the stream runs.
        let mut out = child.stdout.take().unwrap();
        let mut first = [0; 3];
        out.read_exact(&mut first).unwrap();
        interrupt(&child);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let ran = Ran::new(child);
        assert_eq!(ran.status, Some(130));
        if text {
            assert_eq!(
                (first, rest.as_str(), ran.err.as_str()),
                (*b"Hel", "\n", "error: the stream was cancelled\n")
            );
        } else {
            let end: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
            assert_eq!((rest.lines().count(), &end["error"]["kind"]), (2, &json!("cancelled")));
            assert_eq!(end["partial"]["choices"][0]["message"]["content"], "Hel");
        }
    }
    wait(upstream.peer_closed(1));
}

#[test]
fn an_interrupt_stops_a_response_in_the_background_at_the_server() {
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "background": true, "status": "in_progress"}});
    let upstream = Upstream::start(Script::with(move |request| {
        if request.path.ends_with("/cancel") {
            Reply::json(200, &json!({}))
        } else {
            Reply::sse().event(&created).hold()
        }
    }));
    let base_url = upstream.base_url();
    let mut child = command(&at(&base_url, &["respond", "Hi", "--background", "--jsonl"])).spawn().unwrap();
    let (out, _err) = pipes(&mut child);
    let (line, _out) = first_line(out);
    assert!(line.contains("response.created"), "{line}");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(upstream.requests().last().unwrap().path, "/v1/responses/resp_1/cancel");
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

#[test]
fn a_second_interrupt_kills() {
    let upstream = Upstream::start(Reply::sse().event(chunk("Hel")).hold());
    let url = upstream.base_url();
    // The actor sleeps for an hour over its first event.
    let child = command(&at(&url, &["chat", "Hi", "--slow", "3600000"])).spawn().unwrap();
    wait(upstream.request(0));
    interrupt(&child);
    // The first one was taken: the request is gone though the actor blocks.
    wait(upstream.peer_closed(0));
    interrupt(&child);
    let ran = Ran::new(child);
    assert_eq!((ran.status, ran.out.as_str()), (Some(130), ""));
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly() {
    for arguments in [&["chat", "Hi", "--jsonl"] as &[_], &["chat", "Hi"]] {
        let gate = Gate::new();
        // It goes on: a process that another test starts may hold the reader's end for the moment of one event.
        let more = format!("data: {}\n\n", chunk("lo"));
        let upstream = Upstream::start(
            Reply::sse().event(chunk("Hel\n")).gate(&gate).forever(more, Duration::from_millis(20)),
        );
        let url = upstream.base_url();
        let mut child = command(&at(&url, arguments)).spawn().unwrap();
        let (out, mut err) = pipes(&mut child);
        drop(first_line(out));
        gate.open();
        let mut told = String::new();
        err.read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(1), ""));
        wait(upstream.peer_closed(0));
    }
}

#[test]
fn a_mock_serves_until_an_interrupt() {
    let script = file(
        "script.jsonl",
        &format!("{{\"event\": {}}}\n{{\"done\": true}}\n{{\"end\": true}}\n", chunk("Ho")),
    );
    let mut child = command(&["mock", "--script", &script]).spawn().unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, mut err) = first_line(err);
    let url = line.strip_prefix("listening on ").unwrap().trim().to_owned();
    let port = url.rsplit(':').next().unwrap();
    assert_eq!(url, format!("http://127.0.0.1:{port}"));

    let ran = run(&at(&format!("{url}/v1"), &["chat", "Hi"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Ho\n"), "{}", ran.err);
    let taken = run(&["mock", "--port", port]);
    assert_eq!((taken.status, taken.out.as_str()), (Some(1), ""));
    assert!(taken.err.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", taken.err);

    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(&format!("--base-url {url}/v1")), "{rest}");
}

#[test]
fn a_mock_without_a_script_that_can_be_read_does_not_start() {
    let script = file("wrong.jsonl", "{\"done\": true}\n{\"dnoe\": true}\n");
    let ran = run(&["mock", "--script", &script]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("wrong.jsonl: line 2: "), "{}", ran.err);
}

/// What a server answers to a request that is given to the letter.
fn ask_raw(address: &str, request: &str) -> String {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// The request of a chat with one message, with more headers.
fn chat_post(address: &str, more: &str) -> String {
    let body = r#"{"id":"c","trigger":"submit-message","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"Hi"}]}]}"#;
    format!(
        "POST /api/chat HTTP/1.1\r\nhost: {address}\r\n{more}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn serve_is_a_page_and_a_relay_until_an_interrupt() {
    let upstream = Upstream::start(ChatStream::new().content("Hello there"));
    let base_url = upstream.base_url();
    let line = at(&base_url, &["serve", "--port", "0", "--model", "my-model"]);
    let mut child = command(&line).spawn().unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, mut err) = first_line(err);
    let url = line.strip_prefix("listening on ").unwrap().trim().to_owned();
    let address = url.strip_prefix("http://").unwrap();

    let get = |path: &str, more: &str| {
        ask_raw(
            address,
            &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}\r\n"),
        )
    };
    assert!(get("/", "").contains("<title>actorstream chat</title>"));
    assert!(get("/page/chat.js", "").starts_with("HTTP/1.1 200 "));
    assert!(get("/api/chat/none/stream", "").starts_with("HTTP/1.1 204 "));
    let other = get("/api/chat/none/stream", "origin: https://evil.example\r\n");
    assert!(other.starts_with("HTTP/1.1 403 ") && other.contains("other sites"), "{other}");
    let own = get("/api/chat/none/stream", &format!("origin: {url}\r\n"));
    assert!(own.starts_with("HTTP/1.1 204 "), "{own}");

    let ran = run(&at(&format!("{url}/v1"), &["chat", "Hi"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello there\n"), "{}", ran.err);
    let answer = ask_raw(address, &chat_post(address, "connection: close\r\n"));
    assert!(answer.contains("\"type\":\"text-delta\"") && answer.contains("[DONE]"), "{answer}");
    assert_eq!(upstream.requests().last().unwrap().json()["model"], "my-model");

    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn serve_without_its_redis_says_so_and_serves() {
    let upstream = Upstream::start(ChatStream::new().content("Hello there"));
    let base_url = upstream.base_url();
    let redis = Upstream::refused_url().replace("http://", "redis://u:secret@").replace("/v1", "");
    let mut child = command(&at(&base_url, &["serve", "--port", "0", "--redis", &redis, "--lease", "5"]))
        .spawn()
        .unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, err) = first_line(err);
    assert!(line.contains("kept in this process alone") && !line.contains("secret"), "{line}");
    let (line, _err) = first_line(err);
    let url = line.strip_prefix("listening on ").unwrap().trim().to_owned();
    let ran = run(&at(&format!("{url}/v1"), &["chat", "Hi"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello there\n"), "{}", ran.err);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let ran = run(&at(&base_url, &["serve", "--port", "0", "--redis", "http://u:secret@localhost"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("redis://") && !ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn serve_stops_answers_that_nobody_watches_and_asks_responses() {
    let upstream = Upstream::start(
        Reply::sse()
            .event(r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}"#)
            .hold(),
    );
    let base_url = upstream.base_url();
    let line = at(&base_url, &["serve", "--port", "0", "--endpoint", "responses", "--on-last-viewer", "0.2"]);
    let mut child = command(&line).spawn().unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, _err) = first_line(err);
    let address = line.strip_prefix("listening on http://").unwrap().trim().to_owned();
    let mut socket = std::net::TcpStream::connect(&address).unwrap();
    socket.write_all(chat_post(&address, "").as_bytes()).unwrap();
    let mut start = [0; 12];
    socket.read_exact(&mut start).unwrap();
    assert_eq!(wait(upstream.request(0)).path, "/v1/responses");
    drop(socket);
    wait(upstream.peer_closed(0));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Captures of real servers, and how each ends: the table of the tests that replay them.
const CAPTURES: &[(&str, &str, usize, &str)] = include!("../../../tests/tests/captures.table");

#[test]
fn every_capture_ends_as_the_table_says() {
    for (name, path, events, end) in CAPTURES {
        let file = format!("{}/../../tests/fixtures/captures/{name}.http", env!("CARGO_MANIFEST_DIR"));
        let capture = fs::read(file).unwrap();
        let arguments: &[&str] = match *path {
            "/chat/completions" => &["chat", "hi", "--jsonl", "--retries", "0"],
            "/completions" => &["complete", "hi", "--jsonl", "--retries", "0"],
            "/responses" => &["respond", "hi", "--jsonl", "--retries", "0"],
            path => &["stream", path, "--body", "{}", "--jsonl", "--retries", "0"],
        };
        let (ran, _upstream) = ask(Reply::recorded(capture), arguments);
        let lines: Vec<&str> = ran.out.lines().collect();
        let (last, data) = lines.split_last().unwrap();
        assert_eq!(data.len(), *events, "{name}");
        for line in data {
            // The payload as it came may hold half a surrogate pair, which no `Value` can.
            let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(line).unwrap();
            assert!(
                fields["raw"].get().starts_with('{') && fields["data"].get().starts_with('{'),
                "{name}: {line}"
            );
        }
        let last: Value = serde_json::from_str(last).unwrap();
        let got = match (last.get("finish"), last.get("error")) {
            (Some(finish), None) => {
                let reasons: Vec<&str> = finish["finish_reasons"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|reason| reason.as_str().unwrap())
                    .collect();
                let sentinel = if finish["sentinel"] == true { "sentinel" } else { "no sentinel" };
                format!("{} {} ({sentinel})", finish["status"].as_str().unwrap(), reasons.join(","))
            }
            (None, Some(error)) => {
                let status = error["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
                format!("{}{status}", error["kind"].as_str().unwrap())
            }
            _ => panic!("{name}: {last}"),
        };
        let failed = last.get("error").is_some();
        // The table tells the message of an error too.
        assert!(
            if failed { end.split(": ").next() == Some(&got) } else { *end == got },
            "{name}: {got}, not {end}"
        );
        assert_eq!(ran.status, Some(i32::from(failed)), "{name}");
    }
}

/// A path in a folder of its own.
fn out(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("out-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What is in the folder of a path.
fn beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_image_is_written_to_a_file() {
    let stream = ImageStream::new().partial("half").image("whole").usage(3, 200);
    let path = out("otter.webp");
    let file = path.to_str().unwrap();
    let arguments = ["image", "An otter", "--out", file, "--partial", "1", "--jsonl"];
    let (ran, upstream) = ask(stream.reply(), &arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(beside(&path), ["otter.webp"]);
    let request = &upstream.requests()[0];
    assert_eq!(request.path, "/v1/images/generations");
    assert_eq!(
        request.json(),
        json!({"model": "gpt-image-1", "prompt": "An otter", "output_format": "webp", "partial_images": 1, "stream": true})
    );
    let records = ran.records();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["data"]["partial_image_index"], 0);
    let end = ran.end();
    assert_eq!(end["response"], stream.response());
    assert_eq!(end["finish"]["usage"]["output_tokens"], 200);

    // As text there is nothing to be shown.
    let (ran, _upstream) = ask(stream.reply(), &["image", "An otter", "--out", file]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
}

#[test]
fn an_image_is_made_of_others() {
    let path = out("hat.png");
    let (one, two) = (file("one.png", "one"), file("two.png", "two"));
    let arguments = ["image", "A hat", "--out", path.to_str().unwrap(), "--edit", &one, "--edit", &two];
    let (ran, upstream) = ask(ImageStream::edit().image("hat"), &arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&path).unwrap(), b"hat");
    let request = &upstream.requests()[0];
    assert_eq!(request.path, "/v1/images/edits");
    let parts = request.parts().unwrap();
    let images: Vec<_> =
        parts.iter().filter(|part| part.name == "image[]").map(actorstream_test::Part::text).collect();
    assert_eq!(images, ["one", "two"]);
    assert_eq!(request.part("stream").unwrap().text(), "true");
}

#[test]
fn an_image_that_does_not_come_leaves_no_file() {
    let begun: Vec<String> = ImageStream::new().partial("half").events().collect();
    let wrong = json!({"type": "image_generation.completed", "b64_json": "<html>"});
    let none = json!({"type": "image_generation.completed"});
    for (reply, kind) in [
        (Reply::sse().events(&begun).end(), "truncated"),
        (Reply::error(400, "x", "no"), "refused"),
        (Reply::sse().event(wrong).end(), "malformed"),
        (Reply::sse().event(none).end(), "malformed"),
    ] {
        let path = out("none.png");
        let arguments = ["image", "x", "--out", path.to_str().unwrap(), "--jsonl"];
        let (ran, _upstream) = ask(reply.clone(), &arguments);
        assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
        assert_eq!(ran.end()["error"]["kind"], kind);
        assert!(beside(&path).is_empty());
        // One that was there stays.
        fs::write(&path, "old").unwrap();
        let (ran, _upstream) = ask(reply, &arguments[..4]);
        assert_eq!((ran.status, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
        assert_eq!((beside(&path).len(), fs::read(&path).unwrap()), (1, b"old".to_vec()));
    }
}

#[test]
fn what_cannot_be_written_or_read_is_told_before_anybody_is_asked() {
    let upstream = Upstream::start(hello().reply());
    for (arguments, why) in [
        (["image", "x", "--out", "/nowhere/a.png"], "cannot write /nowhere/a.png"),
        (["speak", "x", "--out", "/dev/null"], "cannot write /dev/null: it is no regular file"),
        (["transcribe", "/nowhere/a.mp3", "--model", "m"], "the file /nowhere/a.mp3 cannot be read"),
    ] {
        let url = upstream.base_url();
        let ran = run(&at(&url, &arguments));
        assert_eq!((ran.status, ran.out.as_str(), ran.err.lines().count()), (Some(2), "", 1), "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
        let ran = run(&at(&url, &[&arguments as &[_], &["--jsonl"]].concat()));
        assert_eq!((ran.status, &ran.end()["error"]["kind"]), (Some(2), &json!("config")));
    }
    assert_eq!(upstream.accepted(), 0);
}

#[test]
fn a_recording_is_transcribed() {
    let stream = TranscriptionStream::new().text("Hello, world").usage(9, 3);
    let recording = file("talk.mp3", "sound");
    let (ran, upstream) = ask(stream.reply(), &["transcribe", &recording, "--language", "en"]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello, world\n", ""));
    let request = &upstream.requests()[0];
    assert_eq!(request.path, "/v1/audio/transcriptions");
    assert_eq!(request.part("file").unwrap().file_name.as_deref(), Some("talk.mp3"));
    assert_eq!(request.part("language").unwrap().text(), "en");

    let (ran, _upstream) = ask(stream.reply(), &["transcribe", &recording, "--jsonl"]);
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.records().len(), stream.events().count() + 1);
    let end = ran.end();
    assert_eq!(end["response"], stream.transcript());
    assert_eq!(end["finish"]["usage"]["output_tokens"], 3);
}

#[test]
fn speech_is_written_to_a_file() {
    let sound = b"\xff\xfb\x00sound\xfe".to_vec();
    let stream = SpeechStream::new(sound.clone()).piece_bytes(4).usage(2, 9);
    for (format, reply) in [("sse", stream.reply()), ("audio", stream.audio_reply("audio/mpeg"))] {
        let path = out("morning.mp3");
        let file = path.to_str().unwrap();
        let arguments = ["speak", "Good morning", "--out", file, "--stream-format", format, "--jsonl"];
        let (ran, upstream) = ask(reply.clone(), &arguments);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        assert_eq!(fs::read(&path).unwrap(), sound);
        let request = upstream.requests()[0].json();
        assert_eq!((&request["input"], &request["voice"]), (&json!("Good morning"), &json!("alloy")));
        assert_eq!(request["stream_format"], if format == "sse" { json!("sse") } else { json!(null) });
        let records = ran.records();
        let end = records.last().unwrap();
        assert_eq!(end["response"]["audio"], "//sAc291bmT+");
        if format == "audio" {
            assert_eq!(records[0]["data"]["audio"], records[0]["raw"]);
        }
        let (ran, _upstream) = ask(reply, &arguments[..6]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    }
}

#[test]
fn without_a_server_the_scripted_one_draws_listens_and_speaks() {
    let (image, sound) = (out("story.png"), out("story.wav"));
    let said = "no OPENAI_API_KEY and no OPENAI_BASE_URL: ";
    let ran = run(&["image", "An otter", "--out", image.to_str().unwrap()]);
    assert!(ran.status == Some(0) && ran.err.starts_with(said), "{}", ran.err);
    assert!(fs::read(&image).unwrap().starts_with(b"\x89PNG"));
    for format in ["sse", "audio"] {
        let ran =
            run(&["speak", "Good morning", "--out", sound.to_str().unwrap(), "--stream-format", format]);
        assert!(ran.status == Some(0) && ran.err.starts_with(said), "{}", ran.err);
        assert!(fs::read(&sound).unwrap().starts_with(b"RIFF"));
    }
    let ran = run(&["transcribe", sound.to_str().unwrap()]);
    assert!(ran.status == Some(0) && ran.out.contains("story.wav"), "{} {}", ran.out, ran.err);
}
