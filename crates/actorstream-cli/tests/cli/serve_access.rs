//! Who may use `actorstream serve`: what pages of other sites, proxies and other machines send.

use std::io::{Read, Write};
use std::net::UdpSocket;

use actorstream_test::{ChatStream, Upstream};

use crate::common::{Serving, ask_raw, at, command, run};

const JSON: &str = "content-type: application/json";
const TOKEN: &str = "t0ken-0123456789";

fn upstream() -> Upstream {
    Upstream::start(ChatStream::new().content("Hello there"))
}

#[track_caller]
fn refused(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains(r#"{"error":{"#), "{answer}");
    assert!(!answer.to_lowercase().contains("access-control-allow-origin"), "{answer}");
}

#[track_caller]
fn answered(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("[DONE]"), "{answer}");
}

#[test]
fn pages_of_other_sites_make_no_request() {
    let upstream = upstream();
    let server = Serving::start(&upstream.base_url(), &[]);
    let host = &*format!("host: {}", server.address);
    let rebound = &*format!("host: evil.example:{}", server.port());
    let attacks = [
        // A sandboxed frame, a form of it, a page under a name that was bound anew, a page that forges.
        vec![host, "origin: null", JSON],
        vec![host, "origin: null", "content-type: text/plain"],
        vec![rebound, JSON],
        vec![host, "origin: https://evil.example", JSON],
        vec![host, "origin: https://evil.example", "origin: evil.example", JSON],
        vec![host, "origin: evil.example", JSON],
        vec![host, "sec-fetch-site: cross-site", JSON],
        vec![host, "sec-fetch-site: same-site", JSON],
        vec![host, "origin: http://localhost:1", JSON],
    ];
    for attack in attacks {
        refused(&server.chat(&attack), 403);
    }
    let rebound_origin = &*format!("origin: http://evil.example:{}", server.port());
    refused(&server.chat(&[rebound, rebound_origin, JSON]), 403);
    refused(&server.get("/", &[rebound, rebound_origin]), 403);
    refused(
        &server.get("/v1/models", &[host, "sec-fetch-site: cross-site", "sec-fetch-mode: navigate"]),
        403,
    );
    for content_type in
        ["content-type: text/plain", "content-type: application/x-www-form-urlencoded", "x: y"]
    {
        refused(&server.chat(&[host, content_type]), 415);
    }
    assert_eq!(upstream.request_count(), 0);
    // The message says what to do.
    assert!(server.chat(&[rebound, JSON]).contains("--allow-host"));
    assert!(server.chat(&[host, "origin: null", JSON]).contains("--allow-origin"));
    // What is meant to work does: a program, the own page, by each of its names.
    answered(&server.chat(&[host, JSON]));
    for name in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST."] {
        let host = format!("host: {name}:{}", server.port());
        let origin = format!("origin: http://{name}:{}", server.port());
        answered(&server.chat(&[&host, &origin, "sec-fetch-site: same-origin", JSON]));
        assert!(server.get("/", &[&host]).contains("<title>actorstream chat</title>"));
    }
}

#[test]
fn a_request_through_a_proxy_needs_a_token() {
    let upstream = upstream();
    let server = Serving::start(&upstream.base_url(), &[]);
    let host = &*format!("host: {}", server.address);
    for header in
        ["x-forwarded-for: 192.0.2.1", "forwarded: for=192.0.2.1", "x-real-ip: 192.0.2.1", "via: 1.1 nginx"]
    {
        let answer = server.chat(&[host, header, JSON]);
        refused(&answer, 403);
        assert!(answer.contains("--token"), "{answer}");
    }
    assert_eq!(upstream.request_count(), 0);
}

#[test]
fn other_addresses_need_a_token() {
    let upstream = upstream();
    for host in ["0.0.0.0", "::"] {
        let ran = run(&at(&upstream.base_url(), &["serve", "--port", "0", "--host", host]));
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
        assert!(ran.err.contains("--token") && ran.err.contains("openssl rand -hex 32"), "{}", ran.err);
        assert!(ran.err.contains("ACTORSTREAM_TOKEN"), "{}", ran.err);
    }
    let ran = run(&at(&upstream.base_url(), &["serve", "--port", "0", "--token", "with space"]));
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    assert!(!ran.err.contains("with space"));
}

/// An address of this machine that is not loopback, if it has one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

#[test]
fn with_a_token_it_works_from_another_machine_the_page_included() {
    let upstream = upstream();
    let mut line = command(&at(&upstream.base_url(), &["serve", "--port", "0", "--host", "0.0.0.0"]));
    let server = Serving::spawn(line.env("ACTORSTREAM_TOKEN", TOKEN));
    let shown = &*format!("authorization: Bearer {TOKEN}");
    let mut hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    hosts.extend(own_address().map(|address| address.to_string()));
    for name in &hosts {
        let host = &*format!("host: {name}:{}", server.port());
        let origin = &*format!("origin: http://{name}:{}", server.port());
        assert!(server.get("/", &[host]).contains("<title>actorstream chat</title>"));
        answered(&server.chat(&[host, origin, shown, "x-forwarded-for: 192.0.2.1", JSON]));
        for wrong in [
            vec![host, JSON],
            vec![host, "authorization: Bearer wrong", JSON],
            vec![host, "x-forwarded-for: ::1", JSON],
        ] {
            let answer = server.chat(&wrong);
            refused(&answer, 401);
            assert!(answer.to_lowercase().contains("\r\nwww-authenticate: bearer"), "{answer}");
        }
        refused(&server.get("/v1/models", &[host]), 401);
        refused(&server.get("/api/chat/c/stream", &[host]), 401);
    }
    if let Some(address) = own_address() {
        let there = format!("{address}:{}", server.port());
        let head = format!("GET /v1/models HTTP/1.1\r\nhost: {there}\r\nconnection: close\r\n\r\n");
        refused(&ask_raw(&there, &head), 401);
    }
    // Clients of the API show it as their key.
    let ran = run(&[
        "chat",
        "Hi",
        "--base-url",
        &format!("http://127.0.0.1:{}/v1", server.port()),
        "--api-key",
        TOKEN,
    ]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello there\n"), "{}", ran.err);
    // A token opens no other host.
    let rebound = &*format!("host: evil.example:{}", server.port());
    refused(&server.chat(&[rebound, shown, JSON]), 403);
}

#[test]
fn hosts_and_origins_can_be_allowed() {
    let upstream = upstream();
    let options =
        ["--allow-host", "chat.example.com", "--allow-origin", "https://app.example.com", "--token", TOKEN];
    let server = Serving::start(&upstream.base_url(), &options);
    let shown = &*format!("authorization: Bearer {TOKEN}");
    answered(&server.chat(&["host: chat.example.com", "origin: https://chat.example.com", shown, JSON]));
    let origin = "origin: https://app.example.com";
    let answer = server.chat(&["host: chat.example.com", origin, "sec-fetch-site: cross-site", shown, JSON]);
    answered(&answer);
    assert!(
        answer.to_lowercase().contains("access-control-allow-origin: https://app.example.com"),
        "{answer}"
    );
    let preflight = ask_raw(
        &server.address,
        &format!(
            "OPTIONS /api/chat HTTP/1.1\r\nhost: chat.example.com\r\n{origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization, content-type\r\nconnection: close\r\n\r\n"
        ),
    );
    assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
    refused(&server.chat(&["host: other.example.com", shown, JSON]), 403);
}

#[test]
fn users_are_told_apart_by_any_name_and_by_one_alone() {
    let upstream = upstream();
    let server = Serving::start(&upstream.base_url(), &[]);
    let host = &*format!("host: {}", server.address);
    // Two names with letters beyond ASCII are two users.
    let generation = |user: &str| {
        let answer = server.chat(&[host, user, JSON]);
        answered(&answer);
        answer.lines().find_map(|line| line.strip_prefix("x-generation-id: ")).unwrap().to_owned()
    };
    let (jörg, zoë) = (generation("x-user: jörg"), generation("x-user: zoë"));
    assert_ne!(jörg, zoë);
    let path = format!("/v1/generations/{jörg}/stream");
    assert!(server.get(&path, &[host, "x-user: jörg"]).starts_with("HTTP/1.1 200 "));
    for other in ["x-user: zoë", "x: y", "x-user: local"] {
        refused(&server.get(&path, &[host, other]), 404);
    }
    // A browser sends the same name in Latin-1.
    let mut socket = std::net::TcpStream::connect(&server.address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\n{host}\r\nconnection: close\r\nx-user: j");
    socket.write_all(&[head.as_bytes(), b"\xf6rg\r\n\r\n"].concat()).unwrap();
    let mut start = [0; 12];
    socket.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    for wrong in [
        vec![host, "x-user: "],
        vec![host, "x-user: a", "x-user: b"],
        vec![host, &*format!("x-user: {}", "a".repeat(300))],
    ] {
        refused(&server.get(&path, &wrong), 400);
    }
}
