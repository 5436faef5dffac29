//! The same bytes, split into other writes.

use crate::raw_client::RawClient;
use actorstream_test::{Gate, Reply, Upstream};

use std::time::Duration;

/// Returns the reads of a client on the upstream's runtime.
async fn reads(reply: Reply) -> Vec<String> {
    let upstream = Upstream::spawn(reply.close());
    let mut client = RawClient::posting(&upstream, "").await;
    let mut reads = Vec::new();
    loop {
        match client.read().await {
            read if read.is_empty() => return reads,
            read => reads.push(read),
        }
    }
}

fn reply() -> Reply {
    Reply::raw().bytes("0123").bytes("4567").bytes("89")
}

#[tokio::test]
async fn each_step_is_a_read() {
    assert_eq!(reads(reply()).await, ["0123", "4567", "89"]);
}

#[tokio::test]
async fn every_so_many_bytes() {
    assert_eq!(reads(reply().split_every(3)).await, ["012", "345", "678", "9"]);
    assert_eq!(reads(reply().split_every(1)).await.len(), 10);
    assert_eq!(reads(reply().split_every(100)).await, ["0123456789"]);
}

#[tokio::test]
async fn at_offsets() {
    assert_eq!(reads(reply().split_at(&[1, 6])).await, ["0", "12345", "67", "89"]);
    assert_eq!(reads(reply().split_at(&[])).await, ["0123", "4567", "89"]);
    assert_eq!(reads(reply().split_at(&[99])).await, ["0123456789"]);
}

#[tokio::test]
async fn at_random_but_the_same_for_a_seed() {
    let (once, again) = (reads(reply().split_random(7)), reads(reply().split_random(7)));
    let (once, again) = (once.await, again.await);
    assert_eq!(once, again);
    assert_eq!(once.concat(), "0123456789");
    let mut others = Vec::new();
    for seed in 0..8 {
        others.push(reads(reply().split_random(seed)).await);
    }
    assert!(others.iter().any(|other| *other != once));
}

#[tokio::test]
async fn a_step_that_waits_sends_what_there_is() {
    let gate = Gate::new();
    gate.open();
    let split = |reply: Reply| reply.bytes("012").gate(&gate).bytes("3456");
    assert_eq!(reads(split(Reply::raw()).split_every(99)).await, ["012", "3456"]);
    assert_eq!(reads(split(Reply::raw()).split_every(2)).await, ["01", "2", "3", "45", "6"]);
    assert_eq!(reads(split(Reply::raw()).split_at(&[5])).await, ["012", "34", "56"]);
}

#[tokio::test(start_paused = true)]
async fn at_a_pace() {
    let start = tokio::time::Instant::now();
    let paced = reply().pace(Duration::from_secs(60));
    assert_eq!(reads(paced).await, ["0123", "4567", "89"]);
    assert_eq!(start.elapsed().as_secs(), 120);
}
