//! Images, recordings and speech.

use std::fs;
use std::path::Path;

use actorstream_test::{ImageStream, Reply, SpeechStream, TranscriptionStream, Upstream};
use serde_json::json;

use crate::common::{ask, at, file, hello, run};

/// A path in a folder of its own.
pub(crate) fn out(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("out-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What is in the folder of a path.
pub(crate) fn beside(path: &Path) -> Vec<String> {
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
        json!({"model": "gpt-image-2.6-flare", "prompt": "An otter", "output_format": "webp", "partial_images": 1, "stream": true})
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
fn unwritable_and_unreadable_files_fail_before_the_request() {
    let upstream = Upstream::start(hello().reply());
    for (arguments, why) in [
        (["image", "x", "--out", "/nowhere/a.png"], "cannot write /nowhere/a.png"),
        (["speak", "x", "--out", "/dev/null"], "cannot write /dev/null: it is not a regular file"),
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

#[test]
fn speech_always_ends_with_its_end_line() {
    let delta = |audio: &str| json!({"type": "speech.audio.delta", "audio": audio});
    let done = json!({"type": "speech.audio.done"});
    for (reply, kind) in [
        (Reply::sse().event(delta("<html>")).event(&done).end(), "malformed"),
        (Reply::sse().event(delta("AAAA")).event(delta("A")).event(&done).end(), "malformed"),
        (Reply::sse().event(&done).end(), "malformed"),
        (Reply::sse().event(delta("<html>")).end(), "truncated"),
        (Reply::sse().event(delta("A")).reset(), "truncated"),
        (Reply::sse().event(delta("AAAA")).event("{").end(), "malformed"),
        (Reply::text(200, "audio/mpeg", "sound"), "not_a_stream"),
        (Reply::error(500, "x", "no").header("x-should-retry", "false"), "refused"),
    ] {
        let path = out("line.mp3");
        let arguments = ["speak", "Hi", "--out", path.to_str().unwrap(), "--jsonl"];
        let (ran, _upstream) = ask(reply, &arguments);
        assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""), "{kind}");
        assert_eq!(ran.end()["error"]["kind"], kind, "{}", ran.out);
        assert!(beside(&path).is_empty());
    }
}
