//! The behaviour of `RedisStore` beyond the contract of all stores.

use std::time::Duration;

use actorstream_web::event::Event;
use actorstream_web::store::{RedisOptions, RedisStore, Store, StoreError, StoreLimits};
use futures_util::future::{join, join_all};
use serde_json::value::RawValue;

use crate::server::{Server, store};
use crate::work::{LONG, append, created, eventually, finish, follow, numbered, within, write, written};

/// Returns the number of connections, except the one that asks.
fn clients(server: &Server) -> usize {
    let clients = server.command(&["CLIENT", "LIST"]);
    clients.lines().filter(|line| line.contains("id=") && !line.contains("cmd=client")).count()
}

#[tokio::test]
async fn many_viewers_share_two_connections_and_one_subscription() {
    let server = Server::start();
    let store = server.store().await;
    let id = created(&store).await;
    let viewers = join_all((0..50).map(|_| follow(&store, &id)));
    let looking = async {
        assert_eq!(clients(&server), 2);
        eventually(async || {
            let channels = server.command(&["PUBSUB", "CHANNELS", "*"]);
            let channel = channels.lines().find(|line| line.contains(id.as_str()))?;
            let count = server.command(&["PUBSUB", "NUMSUB", channel]);
            (count.lines().nth(1) == Some("1")).then_some(())
        })
        .await;
        write(&store, &id, 100, Duration::ZERO).await;
    };
    let (viewed, ()) = within(join(viewers, looking)).await;
    assert!(viewed.iter().all(|read| *read == written(100)));
    // There are no watchers left.
    eventually(async || (server.command(&["PUBSUB", "CHANNELS", "*"]).trim().is_empty()).then_some(())).await;
}

#[tokio::test]
async fn nothing_is_left_of_what_has_expired() {
    let server = Server::start();
    let limits = StoreLimits { ttl: Duration::from_secs(1), ..StoreLimits::default() };
    let store = store(&server.url(), limits).await;
    let id = created(&store).await;
    store.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
    for key in server.command(&["KEYS", "*"]).lines().filter(|key| key.contains(id.as_str())) {
        let left: i64 = server.command(&["PTTL", key]).trim().parse().unwrap();
        assert!(left > 0, "{key} expires");
    }
    store.append(&id, &append(2, vec![finish()])).await.unwrap();
    let removed = created(&store).await;
    store.remove(&removed).await.unwrap();
    eventually(async || (server.command(&["DBSIZE"]).trim() == "0").then_some(())).await;
}

#[tokio::test]
async fn a_store_outlives_the_runtime_that_connected_it() {
    let server = Server::start();
    let url = server.url();
    let connected = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = RedisStore::connect(&url).await.unwrap();
            let id = created(&store).await;
            store.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
            (store, id)
        })
    });
    let (store, id) = connected.join().unwrap();
    let ending = append(2, vec![finish()]);
    let (ended, read) = within(join(store.append(&id, &ending), follow(&store, &id))).await;
    assert_eq!((ended.unwrap().tail, read), (2, written(1)));
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_connection() {
    let server = Server::start();
    let store = server.store().await;
    let (id, clone) = (created(&store).await, store.clone());
    drop(store);
    let watch = clone.watch(&id);
    clone.append(&id, &append(1, vec![finish()])).await.unwrap();
    drop(clone);
    eventually(async || (clients(&server) == 0).then_some(())).await;
    drop(watch);
}

#[tokio::test]
async fn entries_too_large_to_be_published_are_read() {
    let server = Server::start();
    let url = server.url();
    let (producer, viewer) =
        (RedisStore::connect(&url).await.unwrap(), RedisStore::connect(&url).await.unwrap());
    let id = created(&producer).await;
    let large = |length: usize| {
        let json = format!("\"{}\"", "x".repeat(length));
        Event::Upstream(RawValue::from_string(json).unwrap().into())
    };
    let mut lengths = vec![10, 40_000, 40_000, 200_000, 10, 70_000, 1_000_000, 10];
    lengths.extend([20_000; 40]);
    let writing = async {
        for (next, length) in (1..).zip(&lengths) {
            producer.append(&id, &append(next, vec![large(*length)])).await.unwrap();
        }
        producer.append(&id, &append(lengths.len() as u64 + 1, vec![finish()])).await.unwrap();
    };
    let ((), read) = within(join(writing, follow(&viewer, &id))).await;
    let expected: Vec<String> = lengths
        .iter()
        .map(|length| large(*length))
        .chain([finish()])
        .map(|event| serde_json::to_string(&event).unwrap())
        .collect();
    assert!(read == expected, "what was written is read");
}

#[tokio::test]
async fn the_producer_reads_its_own_appends_at_once() {
    let server = Server::start();
    let store = server.store().await;
    let id = created(&store).await;
    let _watch = store.watch(&id);
    for next in 1..=200 {
        store.append(&id, &append(next, vec![numbered(next)])).await.unwrap();
        for after in [0, next / 2, next - 1] {
            let page = store.read(&id, after, 1 << 20).await.unwrap();
            assert_eq!((page.entries.len() as u64, page.tail), (next - after, next));
        }
    }
}

#[tokio::test]
async fn expired_generations_make_room() {
    let server = Server::start();
    let url = server.url();
    let limits = StoreLimits {
        max_generations: 3,
        max_age: Duration::from_millis(500),
        ttl: Duration::from_millis(500),
        ..StoreLimits::default()
    };
    let options = RedisOptions::new(&url).limits(limits);
    let store = options.connect().await.unwrap();
    for _ in 0..3 {
        let mut new = crate::work::new_generation();
        new.lease = Duration::from_millis(100);
        store.create(&new).await.unwrap();
    }
    // Their instance is gone, and they expire eventually.
    eventually(async || store.create(&crate::work::new_generation()).await.ok()).await;
    assert_eq!(store.renew(&created(&store).await, 1, LONG).await.unwrap().stop, None);
}

#[tokio::test]
async fn an_id_that_somebody_else_asked_for_too_is_still_looked_after() {
    let server = Server::start();
    let store = server.store().await;
    let new = crate::work::new_generation();
    store.create(&new).await.unwrap();
    let mut other = new.clone();
    other.owner = "bob".into();
    assert_eq!(store.create(&other).await, Err(StoreError::Exists));
    store.release(&new.id, 1).await.unwrap();
    assert_eq!(store.orphans(10).await.unwrap(), [new.id]);
}
