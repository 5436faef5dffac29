//! On a paused clock, hours take no time.

use crate::raw_client::RawClient;
use actorstream_test::{Reply, Upstream};
use tokio::time::Instant;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn waits_are_on_the_clock_of_tokio() {
    let start = Instant::now();
    let late = Reply::raw().wait(HOUR).then(Reply::sse().wait(HOUR).event("a"));
    let upstream = Upstream::spawn(late);
    let mut client = RawClient::posting(&upstream, "").await;
    client.read_until("\r\n\r\n").await;
    assert_eq!(start.elapsed().as_secs(), 3600);
    client.read_until("data: a\n\n\r\n").await;
    assert_eq!(start.elapsed().as_secs(), 7200);
}

#[tokio::test(start_paused = true)]
async fn for_ever_until_the_client_goes() {
    let start = Instant::now();
    let upstream = Upstream::spawn(Reply::sse().forever(": ping\n\n", HOUR));
    let mut client = RawClient::posting(&upstream, "").await;
    client.read_until("\r\n\r\n").await;
    for _ in 0..3 {
        assert_eq!(client.read().await, "8\r\n: ping\n\n\r\n");
    }
    assert_eq!(start.elapsed().as_secs(), 7200);
    drop(client);
    upstream.peer_closed(0).await;
    upstream.all_closed().await;
    assert_eq!(start.elapsed().as_secs(), 7200);
}

#[tokio::test(start_paused = true)]
async fn silence_outlasts_a_client_that_gives_up() {
    let upstream = Upstream::spawn(Reply::raw().hold());
    let mut client = RawClient::posting(&upstream, "").await;
    tokio::time::timeout(HOUR, client.read()).await.unwrap_err();
    assert_eq!(upstream.open(), 1);
    drop(client);
    upstream.all_closed().await;
}
