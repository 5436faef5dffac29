//! What a test can observe of its upstream.

use crate::raw_client::RawClient;
use actorstream_test::{Gate, Reply, Script, Upstream};

use std::time::Duration;

#[tokio::test]
async fn the_client_going_away_is_noticed_whatever_the_script_does() {
    let shut = Gate::new();
    let upstream = Upstream::spawn(Script::sequence([
        Reply::sse().hold(),
        Reply::sse().gate(&shut),
        Reply::sse().wait(Duration::from_secs(3600)),
        Reply::sse().forever("x", Duration::ZERO),
        Reply::status(200).content_length(0),
    ]));
    for connection in 0..5 {
        let mut client = RawClient::posting(&upstream, "").await;
        client.read().await;
        assert_eq!(upstream.open(), 1);
        drop(client);
        upstream.peer_closed(connection).await;
        upstream.all_closed().await;
    }
    assert_eq!((upstream.accepted(), upstream.open()), (5, 0));
}

#[tokio::test]
async fn a_reset_by_the_client_is_noticed() {
    let upstream = Upstream::start(Script::on_accept(Reply::raw().hold()));
    let client = RawClient::connect(&upstream).await;
    upstream.has_accepted(1).await;
    let socket = socket2::SockRef::from(&client.socket);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    upstream.peer_closed(0).await;
    upstream.all_closed().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_writing() {
    const MEBIBYTE: usize = 1 << 20;
    const COUNT: usize = 64;
    let upstream = Upstream::spawn(Reply::sse_until_close().repeat(COUNT, vec![b'x'; MEBIBYTE]));
    let mut client = RawClient::posting(&upstream, "").await;
    upstream.request(0).await;
    // The upstream shares this thread: yield until it makes no more progress.
    let (mut written, mut still) = (0, 0);
    while still < 1000 {
        tokio::task::yield_now().await;
        let now = upstream.bytes_written();
        still = if now == written { still + 1 } else { 0 };
        written = now;
    }
    assert!(written > 0 && written < (COUNT * MEBIBYTE) as u64, "{written}");
    let answer = client.rest_to_fin().await;
    assert_eq!(answer.len() as u64, upstream.bytes_written());
    assert!(answer.len() > COUNT * MEBIBYTE);
}

#[tokio::test]
async fn a_gate_tells_that_the_script_is_there() {
    let gate = Gate::new();
    let upstream = Upstream::start(Reply::sse().event("a").gate(&gate).event("b").end());
    let mut client = RawClient::posting(&upstream, "").await;
    gate.reached().await;
    assert_eq!(gate.arrivals(), 1);
    let before = client.read_until("data: a\n\n\r\n").await;
    assert_eq!(upstream.bytes_written(), before.len() as u64);
    gate.open();
    gate.wait().await;
    client.read_until("0\r\n\r\n").await;
    client.post("/", "").await;
    client.read_until("0\r\n\r\n").await;
    assert_eq!(gate.arrivals(), 2);
}

#[tokio::test]
async fn many_at_once() {
    const COUNT: usize = 200;
    let gate = Gate::new();
    let upstream = Upstream::start(Reply::sse().gate(&gate).event("a").end());
    let mut clients = Vec::new();
    for _ in 0..COUNT {
        clients.push(RawClient::posting(&upstream, "{}").await);
    }
    upstream.request(COUNT - 1).await;
    assert_eq!(upstream.open(), COUNT);
    gate.open();
    for client in &mut clients {
        client.read_until("0\r\n\r\n").await;
    }
    drop(clients);
    upstream.all_closed().await;
}

#[test]
fn an_upstream_needs_no_runtime() {
    use std::io::{Read, Write};
    let upstream = Upstream::start(Reply::status(200).header("connection", "close").bytes("ok"));
    let mut client = std::net::TcpStream::connect(upstream.addr()).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nok"));
    assert_eq!(upstream.requests()[0].method, "GET");
    let shown = format!("{upstream:?}");
    assert!(shown.contains("accepted: 1"), "{shown}");
}

#[tokio::test]
async fn a_client_is_held_up_in_a_large_request() {
    let upstream =
        Upstream::builder().receive_buffer(4096).spawn(Script::on_accept(Reply::raw().hold())).unwrap();
    let client = RawClient::connect(&upstream).await;
    let (mut sent, mut still) = (0, 0);
    while still < 1000 {
        match client.socket.try_write(&[b'x'; 4096]) {
            Ok(bytes) => (sent, still) = (sent + bytes, 0),
            Err(_) => still += 1,
        }
        tokio::task::yield_now().await;
    }
    assert!(sent > 4096 && sent < 300 << 10, "{sent}");
}

#[tokio::test]
async fn a_connection_that_is_closed_is_seen_whoever_closed_it() {
    let upstream = Upstream::spawn(Script::sequence([Reply::sse().close(), Reply::sse().hold()]));
    let mut first = RawClient::posting(&upstream, "").await;
    upstream.closed(0).await;
    first.rest_to_fin().await;
    drop(RawClient::posting(&upstream, "").await);
    upstream.closed(1).await;
}
