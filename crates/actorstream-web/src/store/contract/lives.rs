//! Stop and attendance: what viewers tell a producer, wherever it is.

use std::time::Duration;

use super::{
    LONG, Make, SHORT, append, created, eventually, finish, new_generation, numbered, with_generation,
};
use crate::store::{StoreError, StoreLimits};

/// A producer is told to stop by its watch, its renewals and its appends; the first reason holds.
pub async fn a_stop_reaches_the_producer(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let mut watch = store.watch(&id);
    assert_eq!(store.renew(&id, 1, LONG).await.unwrap().stop, None);
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await.unwrap().stop, None);
    store.request_stop(&id, "the user").await.unwrap();
    store.request_stop(&id, "another").await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), watch.wait_for(|hint| hint.stop)).await;
    told.expect("the watch does not tell of the stop").expect("the log is there");
    let reason = Some("the user".to_owned());
    assert_eq!(store.renew(&id, 1, LONG).await.unwrap().stop, reason);
    assert_eq!(store.append(&id, &append(1, 2, numbered([2]))).await.unwrap().stop, reason);
    assert_eq!(store.generation(&id).await.unwrap().stop, reason);
}

/// A producer that takes over is told of a stop that came before it.
pub async fn a_stop_outlives_its_producer(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    store.request_stop(&id, "the user").await.unwrap();
    store.release(&id, 1).await.unwrap();
    let crate::store::Claim::Taken(taken) = store.claim(&id, LONG).await.unwrap() else {
        panic!("it was released")
    };
    assert_eq!(taken.stop.as_deref(), Some("the user"));
}

/// A stop after the end changes nothing.
pub async fn a_stop_after_the_end_changes_nothing(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    store.append(&id, &append(1, 1, vec![finish()])).await.unwrap();
    let before = store.generation(&id).await.unwrap();
    store.request_stop(&id, "the user").await.unwrap();
    let after = store.generation(&id).await.unwrap();
    assert_eq!((after.stop, after.ended, after.tail), (None, before.ended, before.tail));
}

/// A generation is attended for as long as somebody said so last.
pub async fn attendance_lasts_as_long_as_it_was_said_to(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let mut new = new_generation(LONG);
    new.attended = SHORT;
    store.create(&new).await.unwrap();
    let attended = || async { store.renew(&new.id, 1, LONG).await.unwrap().attended };
    assert!(attended().await, "it is attended at first");
    for _ in 0..12 {
        store.attend(&new.id, SHORT).await.unwrap();
        assert!(attended().await);
        tokio::time::sleep(SHORT / 8).await;
    }
    eventually(|| async { (!attended().await).then_some(()) }).await;
    store.attend(&new.id, LONG).await.unwrap();
    store.attend(&new.id, SHORT).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    assert!(attended().await, "the longest word holds");
}

/// A producer is told when its generation is gone.
pub async fn a_removed_generation_is_gone_for_its_producer(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let id = created(&*store, LONG).await;
    store.remove(&id).await.unwrap();
    assert_eq!(store.renew(&id, 1, LONG).await, Err(StoreError::NotFound));
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await, Err(StoreError::NotFound));
}
