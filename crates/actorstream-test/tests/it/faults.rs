//! Every kind of fault.

use crate::raw_client::{RawClient, is_reset};
use actorstream_test::{Gate, Reply, Script, Upstream};

#[tokio::test]
async fn a_cut_chunk_and_a_fin() {
    let cut = Reply::sse().event("a").bytes("ff\r\ndata: half");
    let upstream = Upstream::spawn(cut);
    let mut client = RawClient::posting(&upstream, "").await;
    assert!(client.rest_to_fin().await.ends_with("\r\nff\r\ndata: half"));
    upstream.all_closed().await;
}

#[tokio::test]
async fn a_chunked_body_that_does_not_end() {
    let upstream = Upstream::spawn(Reply::sse().event("a").done());
    let mut client = RawClient::posting(&upstream, "").await;
    assert!(client.rest_to_fin().await.ends_with("data: [DONE]\n\n\r\n"));
}

#[tokio::test]
async fn a_reset_in_the_middle() {
    let gate = Gate::new();
    let upstream = Upstream::spawn(Reply::sse().event("a").gate(&gate).reset());
    let mut client = RawClient::posting(&upstream, "").await;
    client.read_until("data: a\n\n\r\n").await;
    gate.open();
    let (rest, end) = client.rest().await;
    assert_eq!(rest, "");
    assert!(is_reset(end));
}

#[tokio::test]
async fn acts_at_accept() {
    let upstream = Upstream::spawn(Script::by_connection([
        Script::on_accept(Reply::raw().reset()),
        Script::on_accept(Reply::raw().close()),
        Script::on_accept(Reply::raw().bytes("SSH-2.0-OpenSSH\r\n")),
    ]));
    assert!(is_reset(RawClient::connect(&upstream).await.rest().await.1));
    assert_eq!(RawClient::connect(&upstream).await.rest_to_fin().await, "");
    let garbage = RawClient::connect(&upstream).await.rest_to_fin().await;
    assert_eq!(garbage, "SSH-2.0-OpenSSH\r\n");
    assert_eq!(upstream.request_count(), 0);
}

#[tokio::test]
async fn a_wait_at_accept_delays_what_was_sent() {
    let gate = Gate::new();
    let door = gate.clone();
    let script = Script::from(Reply::status(200).bytes("ok"));
    let upstream = Upstream::spawn(script.at_accept(move |_| Some(Reply::raw().gate(&door))));
    let mut client = RawClient::posting(&upstream, "body").await;
    gate.reached().await;
    assert_eq!(upstream.request_count(), 0);
    gate.open();
    client.read_until("ok").await;
    assert_eq!(upstream.request(0).await.text(), "body");
}

#[tokio::test]
async fn a_fin_leaves_the_other_direction_open() {
    let upstream = Upstream::spawn(Reply::sse().event("a").fin().event("never sent"));
    let mut client = RawClient::posting(&upstream, "").await;
    assert!(client.rest_to_fin().await.ends_with("data: a\n\n\r\n"));
    client.send(b"still taken").await;
    assert_eq!(upstream.open(), 1);
    drop(client);
    upstream.peer_closed(0).await;
    upstream.all_closed().await;
}

#[tokio::test]
async fn a_reset_after_a_fin() {
    let gate = Gate::new();
    let upstream = Upstream::spawn(Reply::sse().fin().gate(&gate).reset());
    let mut client = RawClient::posting(&upstream, "").await;
    client.rest_to_fin().await;
    gate.open();
    upstream.all_closed().await;
}

#[tokio::test]
async fn a_length_that_does_not_fit() {
    let upstream = Upstream::spawn(Script::sequence([
        Reply::text(200, "text/plain", "short").content_length(9),
        Reply::text(200, "text/plain", "long").content_length(2),
    ]));
    let mut client = RawClient::posting(&upstream, "").await;
    let answer = client.rest_to_fin().await;
    assert!(answer.ends_with("content-length: 9\r\n\r\nshort"), "{answer}");
    let mut client = RawClient::posting(&upstream, "").await;
    let answer = client.rest_to_fin().await;
    assert!(answer.ends_with("content-length: 2\r\n\r\nlong"), "{answer}");
}

#[tokio::test]
async fn interim_and_unsolicited_responses() {
    let reply = Reply::status(103)
        .header("link", "</a>")
        .then(Reply::status(200).bytes("ok"))
        .then(Reply::status(408));
    let upstream = Upstream::spawn(reply);
    let mut client = RawClient::posting(&upstream, "").await;
    assert_eq!(
        client.read_until("content-length: 0\r\n\r\n").await,
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\
         HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"
    );
    client.post("/", "").await;
    client.read_until("ok").await;
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let upstream = Upstream::spawn(Reply::sse().chunk(vec![0xff, 0xfe]).end());
    let client = RawClient::posting(&upstream, "").await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"0\r\n\r\n") {
        client.socket.readable().await.unwrap();
        let _ = client.socket.try_read_buf(&mut answer);
    }
    assert!(answer.ends_with(b"\r\n\r\n2\r\n\xff\xfe\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_script_that_panics_closes_its_connection_only() {
    let upstream = Upstream::spawn(Script::with(|request| match request.path.as_str() {
        "/ok" => Reply::status(200).bytes("ok"),
        path => panic!("nothing is scripted for {path}"),
    }));
    RawClient::posting(&upstream, "").await.rest_to_fin().await;
    upstream.all_closed().await;
    let mut client = RawClient::connect(&upstream).await;
    client.post("/ok", "").await;
    client.read_until("ok").await;
}

#[tokio::test]
async fn dropping_the_upstream_closes_its_sockets() {
    let upstream = Upstream::start(Reply::sse().hold());
    let mut started = RawClient::posting(&upstream, "").await;
    started.read_until("\r\n\r\n").await;
    drop(upstream);
    started.rest_to_fin().await;

    let upstream = Upstream::spawn(Reply::sse().hold());
    let mut spawned = RawClient::posting(&upstream, "").await;
    spawned.read_until("\r\n\r\n").await;
    drop(upstream);
    spawned.rest_to_fin().await;
}

#[tokio::test]
async fn a_test_waits_for_the_nth_arrival_at_a_gate() {
    let gate = Gate::new();
    let upstream = Upstream::spawn(Reply::sse().event("a").gate(&gate).done().end());
    let mut clients = Vec::new();
    for number in 1..=3 {
        let mut waiting = std::pin::pin!(gate.reached_times(number));
        assert!(futures_pending(&mut waiting).await, "{number}");
        clients.push(RawClient::posting(&upstream, "").await);
        waiting.await;
        assert_eq!(gate.arrivals(), number);
    }
    gate.reached().await;
    gate.open();
    gate.reached_times(3).await;
}

/// Returns whether a future is pending at its first poll.
async fn futures_pending(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}
