//! Requests, heads, bodies, and keep-alive.

use crate::raw_client::RawClient;
use actorstream_test::{Reply, Script, Upstream};
use serde_json::json;

const END: &str = "0\r\n\r\n";

#[tokio::test]
async fn a_request_is_recorded() {
    let upstream = Upstream::spawn(Reply::status(200));
    let mut client = RawClient::connect(&upstream).await;
    client
        .send(b"POST /v1/x?a=b HTTP/1.1\r\nHost: here\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 9\r\n\r\n{\"a\"")
        .await;
    assert_eq!(upstream.request_count(), 0);
    client.send(b": [1]}").await;

    let request = upstream.request(0).await;
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/v1/x");
    assert_eq!(request.query.as_deref(), Some("a=b"));
    assert_eq!(request.header("X-a"), Some("1"));
    assert_eq!(request.header("missing"), None);
    assert_eq!(request.headers[2], ("x-a".to_owned(), "2".to_owned()));
    assert_eq!((request.connection, request.index), (0, 0));
    assert_eq!(request.text(), "{\"a\": [1]");
    request.try_json().unwrap_err();
}

#[tokio::test]
async fn a_chunked_request_is_put_together() {
    let upstream = Upstream::spawn(Reply::status(200));
    let mut client = RawClient::connect(&upstream).await;
    client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n").await;
    client.send(END.as_bytes()).await;
    assert_eq!(upstream.request(0).await.json(), json!({"a": 1}));
}

#[tokio::test]
async fn a_client_that_expects_100_is_told_to_go_on() {
    let upstream = Upstream::spawn(Reply::status(204));
    let mut client = RawClient::connect(&upstream).await;
    client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(client.read().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"ok").await;
    assert_eq!(client.read().await, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(upstream.request(0).await.text(), "ok");
}

#[tokio::test]
async fn a_malformed_request_is_refused() {
    let upstream = Upstream::spawn(Reply::status(200));
    for (request, status) in [
        (b"\x16\x03\x01\x02\x00".as_slice(), "400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", "413"),
    ] {
        let mut client = RawClient::connect(&upstream).await;
        client.send(request).await;
        let answer = client.rest_to_fin().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(upstream.request_count(), 0);
}

#[tokio::test]
async fn an_event_stream_as_scripted() {
    let reply = Reply::sse()
        .header("x-request-id", "req_1")
        .event("a")
        .named_event("named", "b\nc")
        .comment("hi")
        .done()
        .end();
    let upstream = Upstream::spawn(reply);
    let mut client = RawClient::posting(&upstream, "{}").await;
    let answer = client.read_until(END).await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
         x-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n\
         9\r\ndata: a\n\n\r\n\
         1e\r\nevent: named\ndata: b\ndata: c\n\n\r\n\
         6\r\n: hi\n\n\r\n\
         e\r\ndata: [DONE]\n\n\r\n\
         0\r\n\r\n"
    );
    assert_eq!(upstream.bytes_written(), answer.len() as u64);
}

#[tokio::test]
async fn whole_responses_count_their_length() {
    let upstream = Upstream::spawn(Script::sequence([
        Reply::json(201, &json!({"a": 1})),
        Reply::text(502, "text/html", "<html>"),
        Reply::error(429, "rate_limit_error", "Slow down").header("Retry-After", 1),
        Reply::status(200).repeat(3, "ab").piece("c"),
    ]));
    let mut client = RawClient::connect(&upstream).await;
    client.post("/", "").await;
    assert_eq!(
        client.read_until("}").await,
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}"
    );
    client.post("/", "").await;
    assert_eq!(
        client.read_until("<html>").await,
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
    );
    client.post("/", "").await;
    let answer = client.read_until("}}").await;
    assert!(answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).unwrap(),
        json!({"error": {"message": "Slow down", "type": "rate_limit_error", "param": null, "code": null}})
    );
    client.post("/", "").await;
    assert_eq!(client.read_until("c").await, "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nabababc");
    assert_eq!((upstream.accepted(), upstream.request_count()), (1, 4));
}

#[tokio::test]
async fn a_body_without_length_ends_with_the_connection() {
    let upstream = Upstream::spawn(Reply::sse_until_close().event("a").end());
    let mut client = RawClient::posting(&upstream, "").await;
    let answer = client.rest_to_fin().await;
    assert!(answer.ends_with("\r\n\r\ndata: a\n\n"), "{answer}");
    assert!(!answer.contains("transfer-encoding"), "{answer}");
}

#[tokio::test]
async fn pieces_follow_the_head_that_went_out() {
    let raw = Reply::raw().bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").event("a").end();
    let upstream = Upstream::spawn(Script::sequence([raw, Reply::status(200).event("a").end()]));
    let mut client = RawClient::posting(&upstream, "").await;
    let answer = client.read_until(END).await;
    assert!(answer.ends_with("\r\n\r\n9\r\ndata: a\n\n\r\n0\r\n\r\n"), "{answer}");
    client.post("/", "").await;
    let answer = client.read_until("a\n\n").await;
    assert!(answer.ends_with("\r\ncontent-length: 9\r\n\r\ndata: a\n\n"), "{answer}");
}

#[tokio::test]
async fn a_client_may_ask_for_the_close() {
    let upstream = Upstream::spawn(Reply::status(200).bytes("ok"));
    let mut client = RawClient::connect(&upstream).await;
    client.send(b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").await;
    assert!(client.rest_to_fin().await.ends_with("\r\n\r\nok"));
    upstream.all_closed().await;
}

#[tokio::test]
async fn recordings_are_played_as_they_are() {
    let complete = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 10:17:51 GMT\r\n\
                    Transfer-Encoding: chunked\r\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    let (cut, _) = complete.rsplit_once("0\r\n\r\n").unwrap();
    let upstream = Upstream::spawn(Script::sequence([
        Reply::recorded(complete),
        Reply::recorded(cut),
        Reply::recorded(""),
    ]));
    let mut client = RawClient::posting(&upstream, "").await;
    assert_eq!(client.read_until(END).await, complete);
    client.post("/", "").await;
    assert_eq!(client.rest_to_fin().await, cut);
    let mut client = RawClient::posting(&upstream, "").await;
    assert_eq!(client.rest_to_fin().await, "");
}

#[tokio::test]
async fn scripts_choose_by_request_and_by_connection() {
    let by_path = Script::with(|request| Reply::status(200).bytes(request.path.clone()));
    let upstream = Upstream::spawn(Script::by_connection([
        Reply::status(200).bytes("first").into(),
        Script::on_accept(Reply::raw().close()),
        by_path,
    ]));
    let mut first = RawClient::posting(&upstream, "").await;
    assert!(first.read().await.starts_with("HTTP/1.1 200 OK\r\n"));
    let mut second = RawClient::connect(&upstream).await;
    assert_eq!(second.rest_to_fin().await, "");
    for path in ["/a", "/b"] {
        let mut further = RawClient::connect(&upstream).await;
        further.post(path, "").await;
        further.read_until(path).await;
    }
    assert_eq!(upstream.accepted(), 4);
    let connections: Vec<usize> = upstream.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 2, 3]);
}

#[tokio::test]
async fn requests_need_not_be_kept() {
    let builder = Upstream::builder().record_requests(false);
    let upstream = builder.spawn(Reply::status(200)).unwrap();
    RawClient::posting(&upstream, "").await.read().await;
    assert_eq!((upstream.request_count(), upstream.requests().len()), (1, 0));
}
