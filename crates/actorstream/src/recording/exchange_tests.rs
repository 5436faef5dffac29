use std::time::Duration;

use super::*;

const KEY: &str = "sk-planted-0123456789abcdef";

fn request() -> Request {
    let header = |name: &str, value: &str, is_secret| (name.to_owned(), value.to_owned(), is_secret);
    Request {
        method: "POST",
        target: format!("/v1/chat/completions?sig=abc&api-version=1&x={KEY}"),
        headers: vec![
            header("authorization", &format!("Bearer {KEY}"), true),
            header("api-key", "short", false),
            header("x-own", "chosen by the application", true),
            header("accept", "text/event-stream", false),
        ],
        body: Some(format!(r#"{{"user":"{KEY}","tools":[{{"authorization":"mcp-key"}}]}}"#).into()),
        secrets: vec![Secret::new(KEY)],
    }
}

fn exchange(head: &str, reads: &[(&str, u64)], end: End) -> Exchange {
    let began = Instant::now();
    let mut exchange = Exchange::new(request(), began);
    exchange.head = head.as_bytes().to_vec();
    for (bytes, after) in reads {
        exchange.body.extend_from_slice(bytes.as_bytes());
        exchange.reads.push((exchange.body.len(), began + Duration::from_millis(*after)));
    }
    exchange.end = end;
    exchange
}

fn response(exchange: &Exchange) -> String {
    String::from_utf8(exchange.response_file().unwrap()).unwrap()
}

#[test]
fn a_request_is_written_without_its_secrets() {
    let file = String::from_utf8(exchange("", &[], End::Left).request_file()).unwrap();
    assert_eq!(
        file,
        "POST /v1/chat/completions?sig=***&api-version=1&x=*** HTTP/1.1\r\nauthorization: ***\r\napi-key: ***\r\n\
         x-own: ***\r\naccept: text/event-stream\r\n\r\n{\"user\":\"***\",\"tools\":[{\"authorization\":\"***\"}]}"
    );
    assert_eq!(exchange("", &[], End::Left).response_file(), None);
    assert_eq!(exchange("", &[], End::Left).name(), "v1-chat-completions");
}

#[test]
fn chunks_are_the_lines_that_a_read_completed_with_their_waits() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nset-cookie: id=cookie-value; path=/\r\n\
                x-ratelimit-remaining-tokens: 7\r\n\r\n";
    let half = &KEY[..9];
    let reads = [
        (format!("data: 1\n\ndata: {half}"), 5),
        (format!("{}\n", &KEY[9..]), 5),
        ("\ndata: cookie-value".to_owned(), 25),
    ];
    let reads: Vec<_> = reads.iter().map(|(bytes, after)| (bytes.as_str(), *after)).collect();
    let file = |end| response(&exchange(head, &reads, end));
    let start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nset-cookie: ***\r\n\
                 x-ratelimit-remaining-tokens: 7\r\n\r\n9;wait_ms=5\r\ndata: 1\n\n\r\na\r\ndata: ***\n\r\n\
                 1;wait_ms=20\r\n\n\r\n9\r\ndata: ***\r\n";
    assert_eq!(file(End::Clean), format!("{start}0\r\n\r\n"));
    assert_eq!(file(End::Cut), start);
    assert_eq!(file(End::Left), format!("{start}0;hold\r\n"));
}

#[test]
fn a_length_is_that_of_what_is_written_and_what_is_missing() {
    let body = format!(r#"{{"error":"wrong key {KEY}"}}"#);
    let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\n\r\n", body.len());
    let whole = response(&exchange(&head, &[(&body, 0)], End::Clean));
    assert!(whole.ends_with("content-length: 25\r\n\r\n{\"error\":\"wrong key ***\"}"), "{whole}");
    let cut = response(&exchange(&head, &[(&body[..5], 0)], End::Cut));
    assert!(cut.ends_with(&format!("content-length: {}\r\n\r\n{{\"err", body.len())), "{cut}");
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n";
    let mut decoded = exchange(head, &[("12345", 0)], End::Clean);
    decoded.decoded = true;
    assert_eq!(response(&decoded), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345");
}

#[test]
fn what_is_no_text_is_kept() {
    let mut exchange = exchange("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", &[], End::Clean);
    exchange.body = b"\xff\xfb\0sound\xfe".to_vec();
    assert!(exchange.response_file().unwrap().ends_with(b"\r\n\r\n\xff\xfb\0sound\xfe"));
}

#[test]
fn a_body_that_only_the_connection_ends_keeps_its_pace_and_its_end_in_chunks() {
    let head = "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n";
    let start = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                 2;wait_ms=5\r\na\n\r\n2;wait_ms=300\r\nb\r\r\n";
    let file = |end| response(&exchange(head, &[("a\n", 5), ("b\r", 305)], end));
    assert_eq!(file(End::Clean), format!("{start}0\r\n\r\n"));
    assert_eq!(file(End::Left), format!("{start}0;hold\r\n"));
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(response(&exchange(no_content, &[], End::Clean)), no_content);
}

#[test]
fn a_key_in_the_path_is_in_no_name() {
    let mut exchange = exchange("", &[], End::Left);
    exchange.request.target = format!("/{KEY}/v1/chat");
    assert_eq!(exchange.name(), "v1-chat");
    assert!(exchange.request_file().starts_with(b"POST /***/v1/chat HTTP/1.1"));
}
