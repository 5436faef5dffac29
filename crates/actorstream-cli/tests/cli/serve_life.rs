//! How `actorstream serve` is seen, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use actorstream_test::{ChatStream, Reply, Upstream};
use serde_json::Value;

use crate::common::{Serving, at, chat_post, command};

fn signal(server: &Serving, signal: &str) {
    assert!(Command::new("kill").args([signal, &server.child.id().to_string()]).status().unwrap().success());
}

/// Clients that never go by themselves: one that watches and does not read, and requests of which a part is missing.
fn stuck(server: &Serving) -> Vec<TcpStream> {
    let connect = |sent: &str| {
        let mut socket = TcpStream::connect(&server.address).unwrap();
        socket.write_all(sent.as_bytes()).unwrap();
        socket
    };
    let host = &server.address;
    let half = format!(
        "POST /api/chat HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    let mut watching = connect(&chat_post(host, ""));
    let mut start = [0; 12];
    watching.read_exact(&mut start).unwrap();
    vec![
        watching,
        connect(&half),
        connect(&half.replace("/api/chat", "/v1/responses")),
        connect("POST /api/chat HTTP/1.1\r\nho"),
    ]
}

/// An upstream that answers with more than sockets hold: a viewer that does not read cannot be sent its end.
fn endless() -> Upstream {
    let events: Vec<String> =
        ChatStream::new().content("a".repeat(16 << 20)).delta_words().events().collect();
    Upstream::builder().record_requests(false).start(Reply::sse().events(events).hold()).unwrap()
}

#[test]
fn it_ends_within_5_s_whatever_its_clients_do() {
    let upstream = endless();
    let mut server = Serving::start(&upstream.base_url(), &[]);
    let clients = stuck(&server);
    let start = Instant::now();
    signal(&server, "-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    println!("it ended after {:?}", start.elapsed());
    // The limit leaves a second to a busy machine.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    drop(clients);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second) in [("-TERM", "-TERM"), ("-INT", "-TERM"), ("-TERM", "-INT")] {
        let upstream = endless();
        let mut server = Serving::start(&upstream.base_url(), &[]);
        let clients = stuck(&server);
        signal(&server, first);
        // Until it has heard the first: it lets nobody in any more.
        while TcpStream::connect(&server.address).is_ok() {}
        signal(&server, second);
        assert_eq!(server.child.wait().unwrap().code(), Some(130));
        drop(clients);
    }
}

#[test]
fn a_line_says_what_it_serves_and_to_whom() {
    let upstream = Upstream::start(ChatStream::new().content("Hello"));
    let says = |options: &[&str]| {
        let mut server = Serving::start(&upstream.base_url(), options);
        signal(&server, "-TERM");
        let mut rest = String::new();
        server.err.read_to_string(&mut rest).unwrap();
        rest
    };
    let said = says(&["--model", "m1", "--endpoint", "responses"]);
    assert!(
        said.contains("m1") && said.contains("responses") && said.contains("this process only"),
        "{said}"
    );
    assert!(said.contains("accessible to programs on this machine"), "{said}");
    let said = says(&["--host", "0.0.0.0", "--token", "t0ken-0123456789"]);
    assert!(said.contains("accessible to requests with the token") && !said.contains("t0ken"), "{said}");
}

#[test]
fn probes_are_answered() {
    let upstream = Upstream::start(ChatStream::new().content("Hello"));
    let server = Serving::start(&upstream.base_url(), &["--token", "t0ken-0123456789"]);
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path, &["host: localhost"]);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[test]
fn metrics_of_upstream_calls_are_served_where_asked_for() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").usage(7, 5));
    let token = "authorization: Bearer t0ken-0123456789";
    let server = Serving::start(&upstream.base_url(), &["--token", "t0ken-0123456789", "--metrics"]);
    let host = &*format!("host: {}", server.address);
    let answer = server.chat(&[host, token, "content-type: application/json"]);
    assert!(answer.contains("[DONE]"), "{answer}");
    let port = upstream.addr().port();
    let same = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",server_address=\"127.0.0.1\"";
    let text = server.get("/metrics", &[host, token]);
    for line in [
        format!("actorstream_streams_open{{{same},server_port=\"{port}\"}} 0"),
        "# TYPE gen_ai_client_operation_duration histogram".to_owned(),
        "gen_ai_token_type=\"input\",le=\"4\"} 0".to_owned(),
        "gen_ai_token_type=\"input\",le=\"16\"} 1".to_owned(),
        "# TYPE actorstream_attempts counter".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    // They tell models and servers, so they are not for everyone; and without the option there are none.
    assert!(server.get("/metrics", &[host]).starts_with("HTTP/1.1 401"));
    let server = Serving::start(&upstream.base_url(), &[]);
    assert!(server.get("/metrics", &[&format!("host: {}", server.address)]).starts_with("HTTP/1.1 404"));
}

#[test]
fn each_request_has_a_line_in_the_log_and_no_secret() {
    let reply = ChatStream::new().content("Hello").reply().header("x-request-id", "req_upstream");
    let upstream = Upstream::start(reply);
    let base_url = upstream.base_url();
    for level in ["info", "trace"] {
        let options =
            at(&base_url, &["serve", "--port", "0", "--log", "json", "--token", "t0ken-0123456789"]);
        let mut server = Serving::spawn(command(&options).env("RUST_LOG", level));
        let host = &*format!("host: {}", server.address);
        let head = [
            host,
            "authorization: Bearer t0ken-0123456789",
            "content-type: application/json",
            "cookie: s3cret",
        ];
        let answer = server.chat(&head);
        assert!(answer.contains("[DONE]"), "{answer}");
        let own = answer
            .lines()
            .find_map(|line| line.strip_prefix("x-actorstream-request-id: "))
            .unwrap()
            .to_owned();
        assert!(server.get("/v1/nothing?token=s3cret", &head).starts_with("HTTP/1.1 404"));
        signal(&server, "-TERM");
        let mut out = String::new();
        server.out.read_to_string(&mut out).unwrap();
        server.child.wait().unwrap();
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let access: Vec<&Value> =
            lines.iter().filter(|line| line["target"] == "actorstream::access").collect();
        assert_eq!(access.len(), 2, "{out}");
        assert_eq!((&access[0]["method"], &access[0]["path"]), (&"POST".into(), &"/api/chat".into()));
        assert_eq!((&access[0]["status"], &access[0]["complete"]), (&200.into(), &true.into()));
        assert_eq!(access[0]["request"], *own);
        assert_eq!((&access[1]["path"], &access[1]["status"]), (&"/v1/nothing".into(), &404.into()));
        for secret in ["t0ken", "s3cret", "sk-secret"] {
            assert!(!out.contains(secret), "{secret} is in the log");
        }
    }
}
