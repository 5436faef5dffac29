//! Recordings: what is in their files, and that they play back.

use std::fs;
use std::time::Duration;

use actorstream::proto::endpoint::event::Event;
use actorstream::{
    Backend, Call, ChatRequest, Endpoint, EventStream, OpenAi, Recording, ResponseRequest, RetryPolicy,
    StreamEvent, Timeouts, ToRequestBody,
};
use actorstream_test::{ChatStream, Gate, Reply, ResponseStream, Script, Upstream};
use futures_util::StreamExt as _;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{chunk, client, hello, within};
use crate::compress::compress;

const KEY: &str = "sk-planted+0123/456789abcdef=";

fn recorder() -> (TempDir, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::new(folder.path().join("exchanges"));
    (folder, recording)
}

/// The files that end like this, in the order of their names.
fn files(recording: &Recording, extension: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(recording.folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name.ends_with(extension))
        .collect();
    files.sort();
    files
}

/// The events of a stream as JSON, and its end in words.
async fn outcome<E: Event + serde::Serialize>(mut events: EventStream<E>) -> (Vec<String>, String) {
    let mut data = Vec::new();
    loop {
        match events.next().await.unwrap() {
            StreamEvent::Start(_) => {}
            StreamEvent::Data(event) => data.push(serde_json::to_string(&event).unwrap()),
            StreamEvent::Error(error) => {
                return (data, format!("{} {:?}", error.kind.name(), error.status()));
            }
            StreamEvent::Finish(end) => return (data, format!("{:?} {}", end.finish_reasons, end.sentinel)),
        }
    }
}

/// Records a stream of a reply, plays the recording, and checks that both give the same.
async fn plays_back<P>(reply: Reply, call: fn(&OpenAi) -> Call<P>, request: impl ToRequestBody + Clone)
where
    P: Endpoint<Event: Event + serde::Serialize>,
{
    let (_folder, recording) = recorder();
    let upstream = Upstream::spawn(reply);
    let recorded = client(&upstream.base_url());
    let timeouts = Timeouts::default().idle(Duration::from_secs(50));
    let call_of = |openai: &OpenAi| call(openai).timeouts(timeouts.clone());
    let began = tokio::time::Instant::now();
    let first = outcome(call_of(&recorded).record(recording.clone()).events(request.clone())).await;
    let took = began.elapsed();
    assert_eq!(recording.flush().await.unwrap(), 1);
    let files = files(&recording, ".http");
    let upstream = Upstream::spawn(Script::parse(&files[0].1).unwrap());
    let began = tokio::time::Instant::now();
    let second = outcome(call_of(&client(&upstream.base_url())).events(request)).await;
    assert_eq!(first, second, "{}", String::from_utf8_lossy(&files[0].1));
    let difference = took.abs_diff(began.elapsed());
    assert!(difference < Duration::from_millis(20), "{took:?}, and then {:?}", began.elapsed());
}

#[actix_rt::test]
async fn a_recorded_stream_plays_back_to_the_same_events_with_its_timing() {
    tokio::time::pause();
    let stream = || ChatStream::new().content("Hello, 😀 world").usage(7, 5);
    let paced = || stream().reply().pace(Duration::from_secs(3));
    for reply in [
        stream().reply(),
        paced(),
        stream().reply().split_every(5),
        // Broken, silent, refused, compressed, and neither chunked nor with a length.
        Reply::sse().event(chunk("a")).wait(Duration::from_secs(2)).event(chunk("b")).reset(),
        Reply::sse().event(chunk("a")).bytes("40\r\ndata: {\"cho").close(),
        Reply::sse().event(chunk("a")).hold(),
        Reply::error(429, "rate_limit_error", "Slow down").header("retry-after", 7),
        Reply::sse()
            .header("content-encoding", "gzip")
            .piece(compress("gzip", format!("data: {}\n\n", chunk("a"))))
            .end(),
        Reply::sse_until_close().event(chunk("a")).done(),
        Reply::status(200)
            .header("content-type", "text/event-stream")
            .content_length(900)
            .event(chunk("a"))
            .close(),
    ] {
        plays_back(reply, OpenAi::chat, hello()).await;
    }
    let responses = ResponseStream::new().text("Hello").reply().pace(Duration::from_secs(1));
    plays_back(responses, OpenAi::responses, ResponseRequest::new("m").input("Hi")).await;
}

#[actix_rt::test]
async fn no_secret_is_in_a_recording() {
    let (_folder, recording) = recorder();
    let percent = "sk-planted%2B0123%2F456789abcdef%3D";
    let upstream = Upstream::start(Script::sequence([
        Reply::sse()
            .header("set-cookie", "session=cookie-of-the-server; path=/")
            .header("x-api-key", KEY)
            .header("x-echo", format!("Bearer {KEY}"))
            .event(chunk(&format!("you sent {KEY}")))
            .bytes(format!("{:x}\r\ndata: {{\"error\": \"wrong key {}", KEY.len() + 2, &KEY[..9]))
            .bytes(format!("{} {percent}", &KEY[9..]))
            .close(),
        Reply::error(401, "invalid", &format!("Incorrect API key provided: {KEY}, {percent}")),
        Reply::json(
            200,
            &json!({"id": "r", "output": [], "note": KEY, "tools": [{"headers": {"x": "of-a-tool"}}]}),
        ),
    ]));
    let openai = OpenAi::builder()
        .base_url(format!("{}?sig=a-signature&k={percent}", upstream.base_url()))
        .api_key(KEY)
        .header("api-key", KEY)
        .header("x-own", "set-by-the-application")
        .retry(RetryPolicy::none())
        .record(recording.clone())
        .build()
        .unwrap();
    let request = || {
        ChatRequest::new("m").user(format!("my key is {KEY}")).field(
            "tools",
            json!([{"type": "mcp", "authorization": "mcp-key", "headers": {"x-any": "of-a-tool"}}]),
        )
    };
    within(openai.chat().stream_fn(request(), |_| {})).await.unwrap_err();
    within(openai.chat().query("api_key", KEY).stream_fn(request(), |_| {})).await.unwrap_err();
    within(openai.responses().create(ResponseRequest::new("m").input(KEY))).await.unwrap();
    assert_eq!(within(recording.flush()).await.unwrap(), 3);
    let files = [files(&recording, ".request.txt"), files(&recording, ".http")].concat();
    assert_eq!(files.len(), 6);
    for (name, file) in files {
        let text = String::from_utf8(file).unwrap();
        for secret in [
            "planted",
            "456789",
            "a-signature",
            "cookie-of-the-server",
            "set-by-the-application",
            "mcp-key",
            "of-a-tool",
        ] {
            assert!(!text.contains(secret), "{name} has {secret}: {text}");
        }
        assert!(text.contains("***") && !text.is_empty(), "{name}: {text}");
    }
}

#[actix_rt::test]
async fn what_observers_change_is_recorded_without_the_secrets_that_they_set() {
    let (_folder, recording) = recorder();
    let token = "tok-51H8xQ2eZvKYlo2C";
    let upstream = Upstream::start(Reply::sse().event(chunk("you sent tok-51H8xQ2eZvKYlo2C")).hold());
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .retry(RetryPolicy::none())
        .record(recording.clone())
        .observer(move |request: &mut actorstream::ObservedRequest| {
            let body = String::from_utf8_lossy(request.body()).replace("Hello", "Good morning");
            request.set_body(body);
            request.set_header("authorization", format!("Bearer {token}"));
            Ok(())
        })
        .build()
        .unwrap();
    let (sent, mut began) = tokio::sync::mpsc::unbounded_channel();
    let handle = openai.chat().stream_fn(hello(), move |event| {
        let _ = sent.send(event.is_end());
    });
    within(began.recv()).await.unwrap();
    handle.cancel();
    within(handle).await.unwrap_err();
    within(recording.flush()).await.unwrap();
    let [request, response] = [".request.txt", ".http"].map(|extension| {
        let files = files(&recording, extension);
        String::from_utf8(files[0].1.clone()).unwrap()
    });
    assert!(request.contains("Good morning") && !request.contains("Hello"), "{request}");
    assert!(!request.contains("51H8xQ2e") && !response.contains("51H8xQ2e"), "{request} {response}");
}

#[actix_rt::test]
async fn a_disk_that_fails_or_a_full_recording_harms_no_stream() {
    let upstream = Upstream::start(ChatStream::new().content("Hello"));
    let openai = client(&upstream.base_url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let broken = Recording::new(&file);
    let full = Recording::new(folder.path().join("full")).max_bytes(900);
    for _ in 0..2 {
        for recording in [&broken, &full] {
            let call = openai.chat().record(recording.clone());
            let finish = within(call.stream_fn(hello(), |_| {})).await.unwrap();
            assert_eq!(finish.response.content(), Some("Hello"));
        }
    }
    within(broken.flush()).await.unwrap_err();
    // The beginning is there.
    assert!(within(full.flush()).await.unwrap() > 0);
    assert!(full.is_full() && !broken.is_full());
    let (_, first) = &files(&full, ".http")[0];
    assert!(first.starts_with(b"HTTP/1.1 200 OK\r\n") && !first.ends_with(b"\r\n0\r\n\r\n"));
}

#[actix_rt::test]
async fn each_attempt_and_a_request_without_a_response_are_recorded() {
    let (_folder, recording) = recorder();
    let gate = Gate::new();
    let upstream = Upstream::start(Script::sequence([
        Reply::error(500, "x", "busy").header("retry-after-ms", 1),
        ChatStream::new().content("Hello").reply(),
        Reply::raw().gate(&gate).hold(),
        ChatStream::new().content("Hello").reply(),
    ]));
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .api_key(KEY)
        .record(recording.clone())
        .build()
        .unwrap();
    within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap();
    let handle = openai.chat().stream_fn(hello(), |_| {});
    within(gate.reached()).await;
    handle.cancel();
    within(handle).await.unwrap_err();
    assert_eq!(within(recording.flush()).await.unwrap(), 3);
    let names =
        |extension| files(&recording, extension).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(".http"), ["0001-v1-chat-completions.http", "0002-v1-chat-completions.http"]);
    assert_eq!(names(".request.txt").len(), 3);
    // A backend is recorded too: the client's own server and the one that answers.
    let (_folder, both) = recorder();
    let reserve = OpenAi::builder().base_url(upstream.base_url()).api_key("sk-other").build().unwrap();
    let failing = OpenAi::builder().base_url(Upstream::refused_url()).backend(Backend::new(&reserve));
    let failing = failing.record(both.clone()).build().unwrap();
    within(failing.chat().stream_fn(hello(), |_| {})).await.unwrap();
    assert_eq!(within(both.flush()).await.unwrap(), 2);
    assert_eq!(files(&both, ".http").len(), 1);
    // Another recording in the same folder goes on with its numbers.
    let next = Recording::new(recording.folder());
    within(openai.chat().record(next.clone()).stream_fn(hello(), |_| {})).await.unwrap();
    within(next.flush()).await.unwrap();
    assert!(names(".request.txt")[3].starts_with("0004-"));
}
