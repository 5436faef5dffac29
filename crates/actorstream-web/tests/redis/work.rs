//! A producer that writes and a viewer that follows, each with a separate store, whatever happens to Redis.

use std::time::Duration;

use actorstream_web::event::{Api, End, Event};
use actorstream_web::id::GenerationId;
use actorstream_web::store::{Append, NewGeneration, RedisStore, Store, StoreError};
use bytes::Bytes;
use serde_json::value::RawValue;

/// A lease that outlives a test.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) fn new_generation() -> NewGeneration {
    NewGeneration {
        id: GenerationId::random(),
        owner: "alice".into(),
        api: Api::Chat,
        request: Bytes::from_static(b"{}"),
        lease: LONG,
        attended: LONG,
    }
}

pub(crate) async fn created(store: &RedisStore) -> GenerationId {
    let new = new_generation();
    store.create(&new).await.unwrap();
    new.id
}

pub(crate) fn numbered(number: u64) -> Event {
    Event::Upstream(RawValue::from_string(format!("{{\"n\":{number}}}")).unwrap().into())
}

pub(crate) fn finish() -> Event {
    Event::End(End::Finish { reason: Some("stop".into()) })
}

pub(crate) fn append(first: u64, events: Vec<Event>) -> Append {
    Append { epoch: 1, first, events, upstream: None, lease: LONG }
}

/// Appends the numbers from 1 on, a few at a time, and the end. Retries operations while the store is unavailable.
pub(crate) async fn write(store: &RedisStore, id: &GenerationId, entries: u64, pace: Duration) {
    let mut next = 1;
    while next <= entries {
        let last = entries.min(next + next % 4);
        let mut batch = append(next, (next..=last).map(numbered).collect());
        if last == entries {
            batch.events.push(finish());
        }
        loop {
            match store.append(id, &batch).await {
                Ok(appended) => {
                    assert_eq!(appended.tail, batch.first + batch.events.len() as u64 - 1);
                    break;
                }
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("the append of {next} to {last} failed: {error}"),
            }
        }
        next = last + 1;
        tokio::time::sleep(pace).await;
    }
}

/// Follows a log by its watch until it ends, and returns its entries.
pub(crate) async fn follow(store: &RedisStore, id: &GenerationId) -> Vec<String> {
    let mut watch = store.watch(id);
    let mut read = Vec::new();
    loop {
        watch.borrow_and_update();
        match store.read(id, read.len() as u64, 1 << 16).await {
            Ok(page) => {
                for entry in page.entries {
                    assert_eq!(entry.seq, read.len() as u64 + 1, "the numbers are dense");
                    read.push(serde_json::to_string(&entry.event).unwrap());
                }
                if page.ended && page.tail == read.len() as u64 {
                    return read;
                }
                if page.tail > read.len() as u64 {
                    continue;
                }
            }
            Err(StoreError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            Err(error) => panic!("the read after {} failed: {error}", read.len()),
        }
        watch.changed().await.expect("the log is there");
    }
}

/// The entries that [`follow`] returns for a log of [`write`].
pub(crate) fn written(entries: u64) -> Vec<String> {
    (1..=entries)
        .map(numbered)
        .chain([finish()])
        .map(|event| serde_json::to_string(&event).unwrap())
        .collect()
}

/// Repeats an operation until Redis is available.
pub(crate) async fn when_available<T>(
    mut ask: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    eventually(async || match ask().await {
        Err(StoreError::Unavailable(_)) => None,
        answer => Some(answer),
    })
    .await
}

/// Repeats `ask` until it returns a value, for at most a minute.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to pass")
}

/// A timeout that prevents a test from hanging; it measures nothing.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it comes to an end")
}
