//! What the command says: in its own words, with nothing of a server's that a terminal would act on.

use std::fs;

use actorstream_test::{Reply, SpeechStream, Upstream};
use serde_json::json;

use crate::common::{ask, at, hello, run};
use crate::media::{beside, out};

#[test]
fn words_are_joined() {
    for (arguments, field) in [
        (&["chat", "Hello", "wide", "world", "--model", "m"] as &[_], "/messages/0/content"),
        (&["chat", "--model", "m", "Hello", "wide", "world"], "/messages/0/content"),
        (&["complete", "Hello", "--model", "m", "wide", "world"], "/prompt"),
        (&["respond", "Hello", "wide", "world"], "/input"),
    ] {
        let (_, upstream) = ask(hello().reply(), arguments);
        assert_eq!(
            upstream.requests()[0].json().pointer(field),
            Some(&json!("Hello wide world")),
            "{arguments:?}"
        );
    }
    let path = out("words.png");
    let file = path.to_str().unwrap();
    for (arguments, field) in [
        (&["image", "An", "otter", "--out", file] as &[_], "prompt"),
        (&["speak", "An", "otter", "--format", "mp3", "--out", file], "input"),
    ] {
        let (_, upstream) = ask(hello().reply(), arguments);
        assert_eq!(upstream.requests()[0].json()[field], "An otter", "{arguments:?}");
    }
}

#[test]
fn a_misspelled_option_or_command_suggests_the_right_one() {
    for (wrong, meant) in [
        (&["chta", "Hi"] as &[_], "chat"),
        (&["respnod", "Hi"], "respond"),
        (&["chat", "Hi", "--modle", "m"], "--model"),
        (&["chat", "Hi", "--jsnol"], "--jsonl"),
        (&["chat", "Hi", "--max-evnet", "1"], "--max-event"),
        (&["speak", "Hi", "--out", "a.mp3", "--stream-format", "audoi"], "audio"),
    ] {
        let ran = run(wrong);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        let tip = ran.err.lines().find(|line| line.contains("tip: ")).unwrap_or_default();
        assert!(tip.contains(&format!("'{meant}'")), "{wrong:?}: {}", ran.err);
    }
}

#[test]
fn an_extension_that_no_encoding_has_is_told_before_anybody_is_asked() {
    let upstream = Upstream::start(hello().reply());
    let url = upstream.base_url();
    for (command, name, known) in [
        ("image", "otter.xyz", ".png, .jpg, .jpeg, .webp"),
        ("image", "otter.mp3", ".png, .jpg, .jpeg, .webp"),
        ("speak", "otter.ogg", ".mp3, .opus, .aac, .flac, .wav, .pcm"),
        ("speak", "otter.PNG", ".mp3, .opus, .aac, .flac, .wav, .pcm"),
    ] {
        let path = out(name);
        let ran = run(&at(&url, &[command, "x", "--out", path.to_str().unwrap()]));
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{name}");
        for part in [name, known, "--format"] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
        assert!(beside(&path).is_empty());
    }
    assert_eq!(upstream.accepted(), 0);

    // One that is given with its encoding, and a name without any.
    let speech = SpeechStream::new("sound");
    for (name, arguments, format) in [
        ("talk.xyz", &["--format", "wav"] as &[_], json!("wav")),
        ("talk.xyz", &["--body", r#"{"response_format":"aac"}"#], json!("aac")),
        ("talk.wav", &["--body", r#"{"response_format":"aac"}"#], json!("aac")),
        ("talk", &[], json!(null)),
        ("talk.MP3", &[], json!(null)),
    ] {
        let path = out(name);
        let arguments = [&["speak", "Hi", "--out", path.to_str().unwrap()], arguments].concat();
        let (ran, upstream) = ask(speech.reply(), &arguments);
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        assert_eq!(upstream.requests()[0].json()["response_format"], format, "{arguments:?}");
    }
}

#[test]
fn nobody_hears_of_the_file_beside_the_one_that_is_written() {
    let path = out("gone.mp3");
    let folder = path.parent().unwrap().to_owned();
    let arguments = ["speak", "Hi", "--out", path.to_str().unwrap(), "--jsonl"];
    let upstream = Upstream::start(actorstream_test::Script::with(move |_| {
        // The folder goes while the answer comes.
        let _ = fs::remove_dir_all(&folder);
        SpeechStream::new("sound").reply()
    }));
    let ran = run(&at(&upstream.base_url(), &arguments));
    let message = ran.end()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("gone.mp3: there is no folder") && !message.contains(".actorstream-"),
        "{message}"
    );
    assert_eq!(ran.status, Some(2));
}

#[test]
fn errors_speak_of_options() {
    let begun = || Reply::sse().event(json!({"choices": [{"index": 0, "delta": {"content": "Hello"}}]}));
    for (arguments, reply, parts) in [
        (&["chat", "Hi"] as &[_], begun().close(), &["the answer is cut off"] as &[_]),
        (&["chat", "Hi", "--idle-timeout", "0.2"], begun().hold(), &["; --idle-timeout extends it"]),
        (
            &["chat", "Hi", "--first-event-timeout", "0.2"],
            Reply::sse().hold(),
            &["; --first-event-timeout extends"],
        ),
        (
            &["chat", "Hi", "--max-event", "20"],
            begun().done().end(),
            &["20 bytes", "; --max-event raises the limit"],
        ),
        (
            &["chat", "Hi", "--max-response", "2"],
            begun().done().end(),
            &["2 bytes", "; --max-response raises the limit"],
        ),
        (
            &["chat", "Hi", "--no-stream", "--max-body", "1K"],
            Reply::text(200, "application/json", "x".repeat(2000)),
            &["1024 bytes", "; --max-body raises the limit"],
        ),
        (&["chat", "Hi"], Reply::error(401, "t", "Incorrect API key"), &["--api-key or OPENAI_API_KEY"]),
        (&["transcribe", "/dev/null"], Reply::sse(), &["FILE: the file /dev/null is not a regular file"]),
        (&["image", "x", "--out", "a.png", "--edit", "/"], Reply::sse(), &["--edit: the file / is a folder"]),
    ] {
        let (ran, _upstream) = ask(reply, arguments);
        assert!(matches!(ran.status, Some(1 | 2)), "{arguments:?}: {ran:?}");
        for part in parts {
            assert!(ran.err.contains(part), "{arguments:?}: {part}: {}", ran.err);
        }
        for rust in ["::", "`", "partial response", "FilePart", "from_bytes", "Limits"] {
            assert!(!ran.err.contains(rust), "{arguments:?}: {rust}: {}", ran.err);
        }
    }
}

#[test]
fn server_messages_reach_stderr_without_control_characters() {
    let evil = "No\u{1b}]0;own\u{7}\u{1b}[2J\rerror: fine\u{9b}2J\nwrote a.png, 7 bytes";
    let shown = "No␛]0;own␇␛[2J␍error: fine\u{fffd}2J\n  wrote a.png, 7 bytes";
    for reply in [
        Reply::json(400, &json!({"error": {"message": evil}})),
        Reply::text(400, "text/plain", evil),
        Reply::sse().event(json!({"error": {"message": evil}})).end(),
        Reply::text(200, "text/html", format!("<html>{evil}")),
    ] {
        let (ran, _upstream) = ask(reply, &["chat", "Hi"]);
        assert_eq!(ran.status, Some(1));
        assert!(ran.err.contains(shown), "{:?}", ran.err);
        assert!(!ran.err.contains(|letter: char| letter.is_control() && letter != '\n'), "{:?}", ran.err);
        // No line but the first begins as the command's own lines do.
        assert!(ran.err.lines().skip(1).all(|line| line.starts_with("  ")), "{:?}", ran.err);
    }
    // The text of an answer goes to a pipe to the letter.
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": evil}, "finish_reason": "stop"}]});
    let (ran, _upstream) = ask(Reply::sse().event(chunk).done().end(), &["chat", "Hi"]);
    assert_eq!((ran.status, ran.out), (Some(0), format!("{evil}\n")));
    // And what ends an answer early is in the server's words, too.
    let chunk = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let (ran, _upstream) = ask(Reply::sse().event(chunk).done().end(), &["chat", "Hi", "--usage"]);
    assert!(ran.err.starts_with("warning: ") && ran.err.contains("1 tokens"), "{:?}", ran.err);
}
