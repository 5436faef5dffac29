//! Stops and attendance: signals from viewers to a producer on any instance.

use std::time::Duration;

use super::{
    LONG, Make, SHORT, append, created, eventually, finish, new_generation, numbered, with_generation,
};
use crate::store::{StoreError, StoreLimits, Tally};

/// The watch, the renewals and the appends of a producer report a stop; the first reason is kept.
pub async fn a_stop_reaches_the_producer(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let mut watch = store.watch(&id);
    assert_eq!(store.renew(&id, 1, LONG).await.unwrap().stop, None);
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await.unwrap().stop, None);
    store.request_stop(&id, "the user").await.unwrap();
    store.request_stop(&id, "another").await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), watch.wait_for(|progress| progress.stop)).await;
    told.expect("the watch does not tell of the stop").expect("the log is there");
    let reason = Some("the user".to_owned());
    assert_eq!(store.renew(&id, 1, LONG).await.unwrap().stop, reason);
    assert_eq!(store.append(&id, &append(1, 2, numbered([2]))).await.unwrap().stop, reason);
    assert_eq!(store.generation(&id).await.unwrap().stop, reason);
}

/// A producer that takes over receives an earlier stop.
pub async fn a_stop_outlives_its_producer(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    store.request_stop(&id, "the user").await.unwrap();
    store.release(&id, 1).await.unwrap();
    let crate::store::Claim::Taken(taken) = store.claim(&id, LONG).await.unwrap() else {
        panic!("it was released")
    };
    assert_eq!(taken.stop.as_deref(), Some("the user"));
}

/// A stop after the end has no effect.
pub async fn a_stop_after_the_end_changes_nothing(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    store.append(&id, &append(1, 1, vec![finish()])).await.unwrap();
    let before = store.generation(&id).await.unwrap();
    store.request_stop(&id, "the user").await.unwrap();
    let after = store.generation(&id).await.unwrap();
    assert_eq!((after.stop, after.ended, after.tail), (None, before.ended, before.tail));
}

/// A generation counts as watched for the duration of the last announcement.
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

/// A producer is notified when its generation is gone.
pub async fn a_removed_generation_is_gone_for_its_producer(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let id = created(&*store, LONG).await;
    store.remove(&id).await.unwrap();
    assert_eq!(store.renew(&id, 1, LONG).await, Err(StoreError::NotFound));
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await, Err(StoreError::NotFound));
}

/// Each process receives the sum of the other processes' tallies for an owner, as long as they are valid.
pub async fn what_processes_have_of_an_owner_is_added_up(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let tally = |generations, viewers, bytes| Tally { generations, viewers, bytes };
    let tell = async |process, here, hold| store.tally("alice", process, here, hold).await.unwrap();
    let others = if store.is_shared() { tally(1, 2, 3) } else { Tally::default() };
    assert_eq!(tell("a", tally(1, 2, 3), LONG).await, Tally::default());
    assert_eq!(tell("b", tally(10, 0, 1 << 40), LONG).await, others);
    if !store.is_shared() {
        return;
    }
    assert_eq!(tell("a", tally(2, 2, 3), LONG).await, tally(10, 0, 1 << 40));
    assert_eq!(tell("c", tally(0, 0, 1), SHORT).await, tally(12, 2, 3 + (1 << 40)));
    assert_eq!(store.tally("bob", "b", tally(1, 1, 1), LONG).await, Ok(Tally::default()));
    // Zero tallies and expired ones do not count.
    assert_eq!(tell("b", Tally::default(), LONG).await, tally(2, 2, 4));
    let mut tellings = 0;
    while tell("b", Tally::default(), LONG).await != tally(2, 2, 3) {
        tellings += 1;
        assert!(tellings < 400, "it is over some time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
