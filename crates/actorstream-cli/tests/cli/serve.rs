//! The chat page and its relay.

use std::io::{Read, Write};

use actorstream_test::{ChatStream, Reply, Upstream};

use crate::common::{ask_raw, at, chat_post, command, first_line, interrupt, pipes, run, wait};

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
    let what = "model my-model over chat completions, responses kept in this process only, accessible to programs on this machine\n";
    assert_eq!(rest, what);
}

#[test]
fn serve_without_its_redis_does_not_start() {
    let upstream = Upstream::start(ChatStream::new().content("Hello there"));
    let base_url = upstream.base_url();
    let redis = Upstream::refused_url().replace("http://", "redis://u:secret@").replace("/v1", "");
    let line = ["serve", "--port", "0", "--redis", &redis, "--lease", "5"];
    let ran = run(&at(&base_url, &line));
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("--redis-optional") && !ran.err.contains("listening"), "{}", ran.err);

    let mut child = command(&at(&base_url, &[&line[..], &["--redis-optional"]].concat())).spawn().unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, err) = first_line(err);
    assert!(line.contains("kept in this process only") && !line.contains("secret"), "{line}");
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
