//! The examples, each run as a user would run it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use actorstream_test::{ChatStream, CompletionStream, Gate, Reply, Upstream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here depends on time; this only ends a test that hangs.
const SAFETY_NET: Duration = Duration::from_secs(60);

/// The binary of an example, which is built with the tests of its package.
fn binary(example: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test knows where it is");
    let profile = this.ancestors().nth(2).expect("a test is in PROFILE/deps");
    profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

/// Returns the command of an example that uses `upstream`, or else its built-in upstream.
fn command(example: &str, upstream: Option<&Upstream>) -> Command {
    let mut command = Command::new(binary(example));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OPENAI_")) {
        command.env_remove(name);
    }
    if let Some(upstream) = upstream {
        command.env("OPENAI_BASE_URL", upstream.base_url());
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output of an example.
struct Run {
    success: bool,
    stdout: String,
    stderr: String,
}

/// Runs an example to its end.
fn run(example: &str, upstream: Option<&Upstream>) -> Run {
    let child = command(example, upstream).spawn().expect("the example starts");
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(SAFETY_NET) else {
        let _ = Command::new("kill").arg(id.to_string()).status();
        panic!("{example} does not end");
    };
    let Output { status, stdout, stderr } = output.expect("the example can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("examples write UTF-8");
    let run = Run { success: status.success(), stdout: text(stdout), stderr: text(stderr) };
    println!("--- {example}: {status}\n{}\n{}", run.stdout, run.stderr);
    run
}

#[test]
fn chat_interface_shows_the_answer_and_keeps_it() {
    let text = "Qubits are both,\nuntil one looks.";
    let upstream = Upstream::start(ChatStream::new().content(text).usage(7, 5));
    let run = run("chat_interface", Some(&upstream));
    assert!(run.success);
    let shown = format!("{text}\n\nChat response complete.\nIt took 12 tokens, 7 of them for the prompt.\n");
    assert_eq!(run.stdout, format!("{shown}\nThe actor keeps 33 characters:\n\n{text}\n"));
    assert_eq!(run.stderr, "");
    let request = upstream.requests()[0].json();
    assert_eq!(request["messages"][0]["content"], "Tell me about quantum computing");
    assert_eq!((&request["model"], &request["stream"]), (&"gpt-6-luna".into(), &true.into()));
}

#[test]
fn chat_interface_keeps_what_came_before_an_error() {
    let events: Vec<_> = ChatStream::new().content("Qubits are both.").events().take(3).collect();
    let upstream = Upstream::start(Reply::sse().events(events).end());
    let run = run("chat_interface", Some(&upstream));
    assert_eq!(run.stdout, "Qubits a\n\nThe actor keeps 8 characters:\n\nQubits a\n");
    assert!(run.stderr.starts_with("Error: the answer is cut off"), "{}", run.stderr);
}

#[test]
fn callback_prints_data_and_end() {
    let text = "Once there was a robot.";
    let upstream = Upstream::start(CompletionStream::new().text(text).finish_reason("length").reply());
    let run = run("callback", Some(&upstream));
    assert!(run.success);
    assert_eq!(run.stdout, format!("{text}\n\nStream finished after 7 events; reason: length.\n"));
    let request = upstream.requests()[0].json();
    assert_eq!(request["model"], "gpt-3.5-turbo-instruct");
    assert_eq!(request["prompt"], "Tell me a story about a robot");
}

#[test]
fn callback_prints_an_error() {
    let upstream = Upstream::start(Reply::error(401, "invalid_request_error", "No such key"));
    let run = run("callback", Some(&upstream));
    assert!(!run.success);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("Error: the server answered 401: No such key"), "{}", run.stderr);
}

#[test]
fn supervised_goes_on_after_its_restart_with_no_event_twice() {
    // The built-in upstream stores its responses.
    let run = run("supervised", None);
    assert!(run.success);
    assert!(run.stdout.contains("the first stream: "), "{}", run.stdout);
    assert!(run.stdout.contains("(restarted: going on after event 7)"), "{}", run.stdout);
    assert!(run.stdout.trim_end().ends_with("1 restart"), "{}", run.stdout);
}

#[test]
fn many_streams_finishes_all_but_the_one_it_cancels() {
    // Each stream waits after its 20th event, so that the one cancelled then has not ended before.
    let gate = Gate::new();
    let stream = ChatStream::new().deltas(30, "word ");
    let first: Vec<_> = stream.events().take(20).collect();
    let rest: Vec<_> = stream.events().skip(20).collect();
    let reply = Reply::sse().events(first).gate(&gate).events(rest).done().end();
    let upstream = Upstream::start(reply);
    let run = thread::scope(|scope| {
        let running = scope.spawn(|| run("many_streams", Some(&upstream)));
        wait(async {
            // The client closes one of a hundred connections before any response continues.
            upstream.has_accepted(100).await;
            any_peer_closed(&upstream, 100).await;
        });
        gate.open();
        running.join().expect("the example runs")
    });
    assert!(run.success);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("each stream had its first event within "), "{}", run.stdout);
    assert!(lines[1].contains(" was cancelled after 20 events, with this text: word word"), "{}", run.stdout);
    assert_eq!(lines[2], "99 of 100 streams finished");
    // A role, 30 deltas and a finish reason; for the cancelled stream, 20 events including the role.
    assert_eq!(lines[3], format!("{} events brought {} characters", 99 * 32 + 20, (99 * 30 + 19) * 5));
    assert_eq!(lines.len(), 4);
}

#[test]
fn many_streams_runs_on_the_upstream_that_it_brings_along() {
    let run = run("many_streams", None);
    assert!(run.success);
    assert!(run.stdout.contains("99 of 100 streams finished\n"));
    assert!(run.stderr.contains("talking to a scripted upstream on this machine"));
}

#[test]
fn tokio_main_awaits_one_stream_and_pulls_another() {
    let upstream = Upstream::start(ChatStream::new().content("A light. ").deltas(2, "On. "));
    let run = run("tokio_main", Some(&upstream));
    assert!(run.success);
    let text = "A light. On. On. ";
    let (first, rest) = run.stdout.split_once("\n\nAwaited: 17 characters in ").expect("the first end");
    assert_eq!(first, text);
    let (_, second) = rest.split_once(" ms.\n\n").expect("how long it took");
    assert_eq!(second, format!("{text}\n\nPulled: 7 events.\n"));
}

/// An example that serves; dropping it stops it.
struct Service {
    child: Child,
    address: String,
    stderr: BufReader<ChildStderr>,
}

impl Service {
    fn start(upstream: &Upstream) -> Self {
        Self::of("actix_web_handler", upstream)
    }

    fn of(example: &str, upstream: &Upstream) -> Self {
        Self::spawn(command(example, Some(upstream)))
    }

    /// Runs an example with this command.
    fn spawn(mut command: Command) -> Self {
        let mut child = command.env("PORT", "0").stdout(Stdio::null()).spawn().expect("the example starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("the example writes");
        let address = line.trim_end().strip_prefix("listening on http://").expect(&line).to_owned();
        Self { child, address, stderr }
    }

    /// Requests a response to a prompt, which is inserted into the URL verbatim.
    async fn get(&self, prompt: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).await.expect("the service listens");
        let host = &self.address;
        let request = format!("GET /?prompt={prompt} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("the service reads");
        socket
    }

    /// Stops the service, and returns its output after the address.
    fn stop(mut self) -> String {
        self.child.kill().expect("the service runs");
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).expect("examples write UTF-8");
        rest
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a response until `enough`, or its end.
async fn read_until(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut response = Vec::new();
    loop {
        let read = socket.read_buf(&mut response).await;
        let text = String::from_utf8_lossy(&response).into_owned();
        // A truncated response may end in a reset.
        if !matches!(read, Ok(1..)) || enough(&text) {
            return text;
        }
    }
}

/// Returns the head of a chunked response, the text of its chunks, and whether the last chunk arrived.
fn unchunk(response: &str) -> (&str, String, bool) {
    let (head, mut body) = response.split_once("\r\n\r\n").expect("a response has a head");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a chunk begins with its length");
        if length == 0 {
            return (head, text, true);
        }
        text.push_str(&rest[..length]);
        body = rest[length..].strip_prefix("\r\n").expect("a chunk ends with CRLF");
    }
    (head, text, false)
}

#[tokio::test]
async fn actix_web_handler_passes_the_text_on() {
    let text = "A façade of 204 steps, and a lamp.";
    let upstream = Upstream::start(ChatStream::new().content(text));
    let service = Service::start(&upstream);
    let response =
        guarded(async { read_until(&mut service.get("two%20words").await, |_| false).await }).await;
    let (head, body, complete) = unchunk(&response);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; charset=utf-8"), "{head}");
    assert_eq!((body.as_str(), complete), (text, true));
    assert_eq!(upstream.requests()[0].json()["messages"][0]["content"], "two words");
    assert_eq!(service.stop(), "");
}

#[tokio::test]
async fn actix_web_handler_passes_the_text_on_as_it_comes() {
    let gate = Gate::new();
    let stream = ChatStream::new().content("duskdawn");
    let head: Vec<_> = stream.events().take(2).collect();
    let rest: Vec<_> = stream.events().skip(2).collect();
    let upstream = Upstream::start(Reply::sse().events(head).gate(&gate).events(rest).done().end());
    let service = Service::start(&upstream);
    guarded(async {
        let mut socket = service.get("x").await;
        let start = read_until(&mut socket, |response| response.contains("dusk")).await;
        gate.open();
        let response = start + &read_until(&mut socket, |_| false).await;
        let (_, body, complete) = unchunk(&response);
        assert_eq!((body.as_str(), complete), ("duskdawn", true));
    })
    .await;
}

#[tokio::test]
async fn actix_web_handler_cancels_when_its_client_leaves() {
    let gate = Gate::new();
    let first: Vec<_> = ChatStream::new().content("lamp").events().take(2).collect();
    let upstream = Upstream::start(Reply::sse().events(first).gate(&gate));
    let service = Service::start(&upstream);
    guarded(async {
        let mut socket = service.get("x").await;
        read_until(&mut socket, |response| response.contains("lamp")).await;
        drop(socket);
        upstream.peer_closed(0).await;
    })
    .await;
    assert!(!gate.is_open());
}

#[tokio::test]
async fn actix_web_handler_cancels_when_its_client_leaves_before_the_first_text() {
    let upstream = Upstream::start(Reply::raw().hold());
    let service = Service::start(&upstream);
    guarded(async {
        let socket = service.get("x").await;
        upstream.request(0).await;
        drop(socket);
        upstream.peer_closed(0).await;
    })
    .await;
}

/// How a client disconnects.
#[derive(Debug, Clone, Copy)]
enum Leaves {
    Fin,
    Reset,
    HalfClose,
}

#[tokio::test]
async fn actix_web_handler_stops_asking_within_250_ms_however_its_client_leaves() {
    const NOTICED: Duration = Duration::from_millis(250);
    // The machine may be busy, so the best of a few tries counts.
    const TRIES: usize = 5;
    let first: Vec<_> = ChatStream::new().content("lamp").events().take(2).collect();
    let silent_after_a_text = Reply::sse().events(first).hold();
    for (reply, has_begun) in
        [(Reply::raw().hold(), false), (Reply::sse().hold(), false), (silent_after_a_text, true)]
    {
        let upstream = Upstream::start(reply);
        let service = Service::start(&upstream);
        let mut connection = 0;
        for leaves in [Leaves::Fin, Leaves::Reset, Leaves::HalfClose] {
            let mut took = Vec::new();
            while took.len() < TRIES && took.iter().all(|took| *took > NOTICED) {
                guarded(async {
                    let mut socket = service.get("x").await;
                    upstream.request(connection).await;
                    if has_begun {
                        read_until(&mut socket, |response| response.contains("lamp")).await;
                    }
                    let start = Instant::now();
                    // The reading side of a kept socket stays open.
                    let mut kept = None;
                    match leaves {
                        Leaves::Fin => drop(socket),
                        Leaves::Reset => {
                            socket.set_zero_linger().unwrap();
                            drop(socket);
                        }
                        Leaves::HalfClose => {
                            socket.shutdown().await.unwrap();
                            kept = Some(socket);
                        }
                    }
                    upstream.peer_closed(connection).await;
                    took.push(start.elapsed());
                    drop(kept);
                })
                .await;
                connection += 1;
            }
            assert!(took.iter().any(|took| *took <= NOTICED), "{leaves:?}: {took:?}");
        }
    }
}

#[tokio::test]
async fn actix_web_handler_answers_502_for_an_error_before_the_text() {
    let role: Vec<_> = ChatStream::new().events().take(1).collect();
    let error = r#"{"error":{"message":"The model is overloaded","type":"server_error"}}"#;
    let upstream = Upstream::start(Reply::sse().events(role).event(error).end());
    let service = Service::start(&upstream);
    let response = guarded(async { read_until(&mut service.get("x").await, |_| false).await }).await;
    assert!(response.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{response}");
    let message = "the server reported an error: The model is overloaded (type server_error)\n";
    assert!(response.ends_with(&format!("\r\n\r\n{message}")), "{response}");
    assert_eq!(service.stop(), message);
}

#[tokio::test]
async fn actix_web_handler_cuts_the_body_for_an_error_after_the_text() {
    let gate = Gate::new();
    let first: Vec<_> = ChatStream::new().content("lamp").events().take(2).collect();
    let upstream = Upstream::start(Reply::sse().events(first).gate(&gate).reset());
    let service = Service::start(&upstream);
    let response = guarded(async {
        let mut socket = service.get("x").await;
        let start = read_until(&mut socket, |response| response.contains("lamp")).await;
        gate.open();
        start + &read_until(&mut socket, |_| false).await
    })
    .await;
    let (head, body, complete) = unchunk(&response);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!((body.as_str(), complete), ("lamp", false));
    assert!(service.stop().starts_with("the answer is cut off"));
}

async fn guarded<F: Future>(future: F) -> F::Output {
    timeout(SAFETY_NET, future).await.expect("what the test waits for happens")
}

fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(guarded(future))
}

/// Waits until the client has closed one of the first `count` connections.
async fn any_peer_closed(upstream: &Upstream, count: usize) {
    let closed = (0..count).map(|connection| Box::pin(upstream.peer_closed(connection)));
    futures_util::future::select_all(closed).await;
}

/// Returns the body of a chat request with one message.
fn said(chat: &str, text: &str) -> String {
    format!(
        r#"{{"id":"{chat}","trigger":"submit-message","messages":[{{"id":"m1","role":"user","parts":[{{"type":"text","text":"{text}"}}]}}]}}"#
    )
}

#[tokio::test]
async fn web_chat_serves_a_page_and_an_answer_that_outlives_its_reader() {
    let gate = Gate::new();
    let stream = ChatStream::new().content("duskdawn");
    let head: Vec<_> = stream.events().take(2).collect();
    let rest: Vec<_> = stream.events().skip(2).collect();
    let upstream = Upstream::start(Reply::sse().events(head).gate(&gate).events(rest).done().end());
    let service = Service::of("web_chat", &upstream);
    let ask = async |request: String| {
        let mut socket = TcpStream::connect(&service.address).await.expect("the service listens");
        socket.write_all(request.as_bytes()).await.expect("the service reads");
        socket
    };
    guarded(async {
        let page = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", service.address);
        let page = read_until(&mut ask(page).await, |_| false).await;
        assert!(
            page.contains("content-security-policy: default-src 'none'") && page.contains("<form"),
            "{page}"
        );

        let body = said("c1", "Hi");
        let post = format!(
            "POST /api/chat HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n",
            service.address
        );
        let post = format!("{post}content-length: {}\r\n\r\n{body}", body.len());
        let mut reader = ask(post).await;
        read_until(&mut reader, |response| response.contains("dusk")).await;
        drop(reader);
        let get = format!(
            "GET /api/chat/c1/stream HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            service.address
        );
        let mut again = ask(get).await;
        let mut whole = read_until(&mut again, |response| response.contains("dusk")).await;
        // Open the gate only when the second reader is connected: after the response is complete, it would receive
        // 204.
        gate.open();
        whole += &read_until(&mut again, |response| response.contains("[DONE]")).await;
        assert!(whole.contains("dusk") && whole.contains("dawn"), "{whole}");
    })
    .await;
    assert_eq!(upstream.request_count(), 1);
}

/// The spans that a collector has received, by their names.
fn exported(collector: &Upstream) -> BTreeMap<String, Value> {
    let mut spans = BTreeMap::new();
    for request in collector.requests() {
        assert_eq!(request.path, "/v1/traces");
        let body = request.json();
        let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for resource in items(&body["resourceSpans"]) {
            assert_eq!(attributes(&resource["resource"])["service.name"], "actorstream-example");
            for span in items(&resource["scopeSpans"]).iter().flat_map(|scope| items(&scope["spans"])) {
                spans.insert(span["name"].as_str().unwrap().to_owned(), span);
            }
        }
    }
    spans
}

/// The attributes of a span, with their values as texts.
fn attributes(of: &Value) -> BTreeMap<String, String> {
    let attribute = |attribute: &Value| {
        let value = attribute["value"].as_object().unwrap().values().next().unwrap();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (attribute["key"].as_str().unwrap().to_owned(), text)
    };
    of["attributes"].as_array().unwrap().iter().map(attribute).collect()
}

#[tokio::test]
async fn opentelemetry_exports_the_call_below_the_request() {
    let upstream = Upstream::start(ChatStream::new().id("chat-1").content("Two words").usage(7, 5));
    let collector = Upstream::start(Reply::json(200, &json!({})));
    let mut command = command("opentelemetry", Some(&upstream));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let service = Service::spawn(command);
    let response = guarded(async { read_until(&mut service.get("secret").await, |_| false).await }).await;
    assert!(response.ends_with("Two words"), "{response}");
    let (call, request) = guarded(async {
        loop {
            let spans = exported(&collector);
            let call = spans.get("chat gpt-6-luna").cloned();
            // The root span's name is the route.
            let request = call
                .as_ref()
                .and_then(|call| spans.values().find(|span| span["spanId"] == call["parentSpanId"]).cloned());
            match (call, request) {
                (Some(call), Some(request)) => break (call, request),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    assert_eq!((&call["traceId"], &call["kind"]), (&request["traceId"], &json!(3)));
    // The model's server gets the trace.
    let traceparent = upstream.requests()[0].header("traceparent").unwrap().to_owned();
    let text = |field: &str| call[field].as_str().unwrap().to_owned();
    assert_eq!(traceparent, format!("00-{}-{}-01", text("traceId"), text("spanId")));
    let served = attributes(&request);
    assert_eq!(served["http.route"], "/");
    let asked = attributes(&call);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "gpt-6-luna"),
        ("gen_ai.response.id", "chat-1"),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "5"),
        ("server.address", "127.0.0.1"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}: {call}");
    }
    // Neither the prompt nor the answer.
    assert!(!call.to_string().contains("secret") && !call.to_string().contains("Two words"), "{call}");
}
