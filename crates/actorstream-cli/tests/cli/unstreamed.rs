//! Answers that are asked for as a whole.

use std::fs;

use actorstream_test::{ChatStream, CompletionStream, ImageStream, Reply, Upstream};
use serde_json::json;

use crate::common::{Ran, ask, at, command, file, hello, interrupt, wait};
use crate::media::{beside, out};

#[test]
fn text_comes_whole_in_every_form() {
    let text = json!([{"type": "output_text", "text": "Hello", "annotations": []}]);
    let response = json!({"id": "r", "object": "response", "status": "completed", "output": [
        {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": text}]});
    let completion = CompletionStream::new().text("Hello").completion();
    let chat = ChatStream::new().content("Hello").completion();
    for (command, answer) in [("chat", chat), ("complete", completion), ("respond", response)] {
        let arguments = [command, "Hi", "--model", "m", "--no-stream"];
        let (ran, upstream) = ask(Reply::json(200, &answer), &arguments);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello\n", ""), "{command}");
        let request = upstream.requests()[0].json();
        assert!(request.get("stream").is_none() && request.get("stream_options").is_none(), "{request}");
        let (ran, _upstream) =
            ask(Reply::json(200, &answer), &[&arguments as &[_], &["--jsonl", "--usage"]].concat());
        assert_eq!((ran.status, ran.records().len()), (Some(0), 1), "{}", ran.err);
        assert_eq!(ran.end()["response"]["id"], answer["id"]);
    }
    // Calls alone, and an end that came early, are told as in a stream.
    let calls = ChatStream::new().tool_call("call_1", "f", "{}").finish_reason("length").completion();
    let (ran, _upstream) = ask(Reply::json(200, &calls), &["chat", "Hi", "--no-stream"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(3), "f({})\n"), "{}", ran.err);
}

#[test]
fn an_image_comes_whole() {
    let stream = ImageStream::new().image("whole").usage(3, 200);
    let path = out("whole.png");
    let arguments = ["image", "An otter", "--out", path.to_str().unwrap(), "--no-stream"];
    let (ran, upstream) = ask(Reply::json(200, &stream.response()), &arguments);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!((fs::read(&path).unwrap(), beside(&path)), (b"whole".to_vec(), vec!["whole.png".to_owned()]));
    assert_eq!(upstream.requests()[0].json(), json!({"model": "gpt-image-2.6-flare", "prompt": "An otter"}));

    // A model that gives an address unless told otherwise is told so.
    let (ran, upstream) =
        ask(Reply::json(200, &stream.response()), &[&arguments as &[_], &["--model", "dall-e-3"]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(upstream.requests()[0].json()["response_format"], "b64_json");
}

#[test]
fn a_recording_is_transcribed_as_a_whole() {
    let recording = file("whole.mp3", "sound");
    let arguments = ["transcribe", &recording, "--model", "whisper-1", "--no-stream"];
    let (ran, upstream) = ask(Reply::json(200, &json!({"text": "Hello"})), &arguments);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello\n", ""));
    assert!(upstream.requests()[0].part("stream").is_none());
}

#[test]
fn a_refused_stream_suggests_no_stream() {
    let path = out("hint.png");
    let file = path.to_str().unwrap();
    let refused = |param: Option<&str>, message: &str| {
        Reply::json(
            400,
            &json!({"error": {"message": message, "type": "invalid_request_error", "param": param}}),
        )
    };
    for (arguments, reply, option) in [
        (
            &["image", "x", "--out", file, "--model", "dall-e-3"] as &[_],
            refused(Some("stream"), "Unknown parameter"),
            "--no-stream",
        ),
        (&["chat", "x"], refused(Some("stream"), "Your organization must be verified"), "--no-stream"),
        (&["respond", "x"], refused(None, "This model does not support streaming."), "--no-stream"),
        (
            &["speak", "x", "--out", file, "--format", "mp3"],
            refused(Some("stream_format"), "No"),
            "--stream-format audio",
        ),
        (
            &["speak", "x", "--out", file, "--format", "mp3"],
            Reply::text(200, "audio/mpeg", b"\xff\xfb".to_vec()),
            "--stream-format audio",
        ),
    ] {
        let (ran, _upstream) = ask(reply, arguments);
        assert_eq!(ran.status, Some(1), "{arguments:?}");
        assert!(ran.err.contains(&format!("; {option} requests")), "{arguments:?}: {}", ran.err);
    }
    // Not where it would be no help.
    let (ran, _upstream) = ask(refused(Some("model"), "No such model"), &["chat", "x"]);
    assert!(!ran.err.contains("--no-stream"), "{}", ran.err);
    let (ran, _upstream) = ask(refused(Some("stream"), "No"), &["chat", "x", "--no-stream"]);
    assert!(!ran.err.contains(" requests the "), "{}", ran.err);
}

#[test]
fn an_interrupt_drops_the_request() {
    for (arguments, told) in [
        (&["chat", "Hi", "--no-stream"] as &[_], "error: the stream was cancelled\n"),
        (&["chat", "Hi", "--no-stream", "--jsonl"], ""),
    ] {
        let upstream = Upstream::start(Reply::raw().hold());
        let url = upstream.base_url();
        let child = command(&at(&url, arguments)).spawn().unwrap();
        wait(upstream.request(0));
        interrupt(&child);
        let ran = Ran::new(child);
        assert_eq!((ran.status, ran.err.as_str()), (Some(130), told));
        if told.is_empty() {
            assert_eq!(ran.end()["error"]["kind"], "cancelled");
        }
        wait(upstream.peer_closed(0));
    }
}

#[test]
fn an_answer_that_is_none_is_told_and_leaves_no_file() {
    let path = out("none-whole.png");
    let arguments = ["image", "x", "--out", path.to_str().unwrap(), "--no-stream"];
    let address = json!({"created": 1, "data": [{"url": "https://a.example/x.png"}]});
    for (answer, why) in
        [(address, "https://a.example/x.png"), (json!({"created": 1, "data": []}), "no image")]
    {
        let (ran, _upstream) = ask(Reply::json(200, &answer), &arguments);
        assert_eq!(ran.status, Some(1));
        assert!(ran.err.contains(why), "{}", ran.err);
        assert!(beside(&path).is_empty());
    }
    let (ran, _upstream) = ask(hello().reply(), &["chat", "Hi", "--no-stream", "--jsonl"]);
    assert!(matches!(ran.status, Some(0 | 1)) && ran.end().is_object(), "{ran:?}");
}
