//! The tests that every store must pass. Each function is one test; it creates its stores with `make`, which returns
//! an empty one for each call, and panics if a store violates the contract of [`Store`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use actorstream_web::store::{MemoryStore, Store, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let make: contract::Make<'_> = &|limits| Box::pin(async { Arc::new(MemoryStore::new(limits)) as Arc<dyn Store> });
//! contract::logs::entries_are_numbered_from_one_without_gaps(make).await;
//! # }
//! ```
//!
//! Leases and times are short, because a distributed store has its own clock. The tests do not measure time.

#![allow(clippy::unwrap_used)]

pub mod chats;
pub mod lives;
pub mod logs;
pub mod producers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::value::RawValue;

use super::{Append, NewGeneration, Store, StoreLimits};
use crate::event::{Api, End, Event};
use crate::id::GenerationId;

/// Creates an empty store with these limits.
pub type Make<'a> = &'a (dyn Fn(StoreLimits) -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync);

/// A lease that expires soon.
pub(crate) const SHORT: Duration = Duration::from_millis(400);
/// A lease that outlives the test.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Returns a store with the default limits and one generation.
pub(crate) async fn with_generation(make: Make<'_>, lease: Duration) -> (Arc<dyn Store>, GenerationId) {
    let store = make(StoreLimits::default()).await;
    let id = created(&*store, lease).await;
    (store, id)
}

/// Creates a generation.
pub(crate) async fn created(store: &dyn Store, lease: Duration) -> GenerationId {
    let new = new_generation(lease);
    store.create(&new).await.expect("a generation is created");
    new.id
}

pub(crate) fn new_generation(lease: Duration) -> NewGeneration {
    NewGeneration {
        id: GenerationId::random(),
        owner: "alice".to_owned(),
        api: Api::Chat,
        request: Bytes::from_static(br#"{"model":"m","messages":[]}"#),
        lease,
        attended: LONG,
    }
}

/// Returns an upstream event.
pub(crate) fn upstream(json: &str) -> Event {
    let json = RawValue::from_string(json.to_owned()).expect("the test writes JSON");
    Event::Upstream(json.into())
}

/// Returns upstream events that contain these numbers.
pub(crate) fn numbered(numbers: impl IntoIterator<Item = u64>) -> Vec<Event> {
    numbers.into_iter().map(|number| upstream(&format!("{{\"n\":{number}}}"))).collect()
}

pub(crate) fn finish() -> Event {
    Event::End(End::Finish { reason: Some("stop".to_owned()) })
}

pub(crate) fn append(epoch: u64, first: u64, events: Vec<Event>) -> Append {
    Append { epoch, first, events, upstream: None, lease: LONG }
}

/// Returns all entries of a log as JSON, read in small pages.
pub(crate) async fn read_all(store: &dyn Store, id: &GenerationId) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = store.read(id, all.len() as u64, 100).await.expect("the log is read");
        if page.entries.is_empty() {
            assert_eq!(page.tail, all.len() as u64, "the tail is the number of the last entry");
            return all;
        }
        for entry in page.entries {
            assert_eq!(entry.seq, all.len() as u64 + 1, "the numbers are dense");
            all.push(json(&entry.event));
        }
    }
}

pub(crate) fn json(event: &Event) -> String {
    serde_json::to_string(event).expect("an event is JSON")
}

/// Repeats `ask` until it returns a value, for at most 20 s.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to pass")
}
