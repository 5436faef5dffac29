//! Recordings of commands.

use std::fs;

use actorstream_test::{ChatStream, Reply, Script, Upstream};

use crate::common::{KEY, Serving, at, command, hello, interrupt, run};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_recorded_chat_is_played_by_the_mock_server() {
    let upstream = Upstream::start(Script::sequence([
        hello().reply(),
        Reply::error(401, "invalid_request_error", &format!("Incorrect API key provided: {KEY}")),
    ]));
    let folder = folder();
    let out = folder.path().join("new").join("exchanges");
    let out = out.to_str().unwrap();
    let record =
        |options: &[&str]| run(&[&["record", "--out", out][..], &at(&upstream.base_url(), options)].concat());
    let ran = record(&["chat", "Hi", "--usage"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello, world\n"), "{}", ran.err);
    assert!(ran.err.ends_with(&format!("recorded 1 exchange in {out}\n")), "{}", ran.err);
    // Its own exit status stays.
    let refused = record(&["chat", "Hi"]);
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    for entry in fs::read_dir(out).unwrap() {
        let file = String::from_utf8(fs::read(entry.unwrap().path()).unwrap()).unwrap();
        assert!(!file.contains("secret"), "{file}");
    }

    let mock = Serving::spawn(&mut command(&["mock", "--script", out]));
    let base_url = format!("http://{}/v1", mock.address);
    let played = [run(&at(&base_url, &["chat", "Hi", "--usage"])), run(&at(&base_url, &["chat", "Hi"]))];
    assert_eq!((played[0].status, &*played[0].out), (Some(0), "Hello, world\n"), "{}", played[0].err);
    assert_eq!((played[1].status, &*played[1].out), (Some(1), ""), "{}", played[1].err);
    assert!(played[1].err.contains("Incorrect API key provided: ***"), "{}", played[1].err);
}

#[test]
fn serve_records_what_other_programs_ask() {
    let upstream = Upstream::start(ChatStream::new().content("Hello there"));
    let folder = folder();
    let out = folder.path().to_str().unwrap();
    let line = ["record", "--out", out, "serve", "--port", "0", "--base-url"];
    let url = upstream.base_url();
    let mut server = Serving::spawn(&mut command(&[&line[..], &[&url, "--api-key", KEY]].concat()));
    let ran = run(&at(&format!("http://{}/v1", server.address), &["chat", "Hi"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello there\n"), "{}", ran.err);
    interrupt(&server.child);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let recorded = fs::read_to_string(folder.path().join("0001-v1-chat-completions.http")).unwrap();
    assert!(
        recorded.starts_with("HTTP/1.1 200 OK\r\n") && recorded.contains("chat.completion.chunk"),
        "{recorded}"
    );
}

#[test]
fn what_cannot_be_recorded_is_told() {
    let folder = folder();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let ran = run(&["record", "--out", file.to_str().unwrap(), "chat", "Hi"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains("cannot create"), "{}", ran.err);
    let ran = run(&["record", "--out", folder.path().to_str().unwrap(), "mock"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("mock calls no server"), "{}", ran.err);
}

#[test]
fn rust_log_logs_to_stderr_beside_the_response() {
    let upstream = Upstream::start(hello().reply());
    let base_url = upstream.base_url();
    let line = at(&base_url, &["chat", "Hi"]);
    let log = |level: &str| {
        let ran = crate::common::Ran::new(command(&line).env("RUST_LOG", level).spawn().unwrap());
        assert_eq!(ran.out, if ran.status == Some(0) { "Hello, world\n" } else { "" }, "{}", ran.err);
        ran
    };
    // The key is in no line, as every run checks.
    let traced = log("trace");
    assert!(traced.err.contains("gen_ai.client.inference"), "{}", traced.err);
    assert_eq!(log("").err, "");
    assert_eq!(log("info,actorstream=off").err, "");
    let wrong = log("actorstream=loud");
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.err.contains("RUST_LOG is invalid"), "{}", wrong.err);
}

#[test]
fn what_headers_say_of_keys_and_cookies_leaves_the_response_playable() {
    let upstream = Upstream::start(
        ChatStream::new()
            .content("Be Strict: wait 3600 s, 1000 words, as the assistant of localhost.example.")
            .usage(20260, 1000)
            .reply()
            .header("set-cookie", "sid=abcDEF123456; Max-Age=3600; SameSite=Strict; Domain=localhost.example")
            .header("x-litellm-key-tpm-limit", "1000")
            .header("x-tokens-used", "20260")
            .header("x-cache-key", "assistant"),
    );
    let folder = folder();
    let out = folder.path().to_str().unwrap();
    let base_url = upstream.base_url();
    let chat = ["chat", "Hi", "--usage"];
    let ran = run(&[&["record", "--out", out][..], &at(&base_url, &chat)].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let recorded = fs::read_to_string(folder.path().join("0001-v1-chat-completions.http")).unwrap();
    assert!(!recorded.contains("abcDEF123456"), "{recorded}");
    let mock = Serving::spawn(&mut command(&["mock", "--script", out]));
    let played = run(&at(&format!("http://{}/v1", mock.address), &chat));
    assert_eq!((played.status, &played.out), (Some(0), &ran.out), "{}", played.err);
    assert!(played.err.contains("20260"), "{}", played.err);
}

#[cfg(unix)]
#[test]
fn a_command_that_is_told_to_end_leaves_its_recording() {
    use std::io::Read as _;

    let upstream = Upstream::start(Reply::sse().event(crate::common::chunk("Hel")).hold());
    let base_url = upstream.base_url();
    // Where these tests run under `nohup`, so does the command, which then goes on.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map_or(1, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    let signals = if ignored & 1 == 0 { &["-TERM", "-HUP"][..] } else { &["-TERM"] };
    for signal in signals {
        let folder = folder();
        let out = folder.path().to_str().unwrap();
        let line = [&["record", "--out", out][..], &at(&base_url, &["chat", "Hi"])].concat();
        let mut child = command(&line).spawn().unwrap();
        let mut first = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        let sent = std::process::Command::new("kill").args([*signal, &*child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ran = crate::common::Ran::new(child);
        assert_eq!(ran.status, Some(130), "{signal}: {}", ran.err);
        let recorded = fs::read_to_string(folder.path().join("0001-v1-chat-completions.http")).unwrap();
        assert!(recorded.contains("Hel"), "{recorded}");
    }
}

#[test]
fn an_interrupted_list_of_models_is_recorded() {
    let gate = actorstream_test::Gate::new();
    let upstream = Upstream::start(Reply::raw().gate(&gate).hold());
    let folder = folder();
    let base_url = upstream.base_url();
    let line = ["record", "--out", folder.path().to_str().unwrap()];
    let child = command(&[&line[..], &at(&base_url, &["models"])].concat()).spawn().unwrap();
    crate::common::wait(gate.reached());
    interrupt(&child);
    let ran = crate::common::Ran::new(child);
    assert_eq!(ran.status, Some(130), "{}", ran.err);
    assert!(folder.path().join("0001-v1-models.request.txt").exists(), "{}", ran.err);
}
