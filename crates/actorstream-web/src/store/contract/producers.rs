//! Producers: one at a time.

use std::time::Duration;

use futures_util::future::join_all;

use super::{LONG, Make, SHORT, append, eventually, finish, numbered, read_all, with_generation};
use crate::store::{Claim, Generation, StoreError};

/// Claims a generation once its lease has expired.
async fn claimed(
    store: &dyn crate::store::Store,
    id: &crate::id::GenerationId,
    lease: Duration,
) -> Generation {
    eventually(|| async {
        match store.claim(id, lease).await.unwrap() {
            Claim::Taken(generation) => Some(*generation),
            Claim::Held => None,
            Claim::Ended => panic!("it has not ended"),
        }
    })
    .await
}

/// An expired generation is taken over by one claimant, however many try.
pub async fn a_lease_that_is_over_is_claimed_by_one(make: Make<'_>) {
    let (store, id) = with_generation(make, SHORT).await;
    assert_eq!(store.claim(&id, LONG).await, Ok(Claim::Held));
    eventually(|| async { (!store.generation(&id).await.unwrap().leased).then_some(()) }).await;
    eventually(|| async { store.orphans(100).await.unwrap().contains(&id).then_some(()) }).await;
    let claims = join_all((0..20).map(|_| store.claim(&id, LONG))).await;
    let taken = claims.into_iter().filter_map(|claim| match claim.unwrap() {
        Claim::Taken(generation) => Some(generation),
        Claim::Held | Claim::Ended => None,
    });
    let taken: Vec<_> = taken.collect();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].epoch, taken[0].takeovers, taken[0].leased), (2, 1, true));
    assert!(!store.orphans(100).await.unwrap().contains(&id));
}

/// A lease lasts as long as renewals or appends renew it.
pub async fn renewals_and_appends_keep_a_lease(make: Make<'_>) {
    let (store, id) = with_generation(make, SHORT).await;
    for _ in 0..12 {
        store.renew(&id, 1, SHORT).await.unwrap();
        assert_eq!(store.claim(&id, LONG).await, Ok(Claim::Held));
        tokio::time::sleep(SHORT / 8).await;
    }
    for number in 1..=12 {
        let mut append = append(1, number, numbered([number]));
        append.lease = SHORT;
        store.append(&id, &append).await.unwrap();
        assert_eq!(store.claim(&id, LONG).await, Ok(Claim::Held));
        tokio::time::sleep(SHORT / 8).await;
    }
    claimed(&*store, &id, LONG).await;
}

/// After a takeover, every operation of the old producer is refused, and its entries are kept.
pub async fn an_old_producer_is_fenced(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    store.append(&id, &append(1, 1, numbered([1, 2]))).await.unwrap();
    store.release(&id, 1).await.unwrap();
    assert!(store.orphans(100).await.unwrap().contains(&id));
    let taken = claimed(&*store, &id, LONG).await;
    assert_eq!((taken.epoch, taken.tail), (2, 2));
    let fenced = || StoreError::Fenced;
    assert_eq!(store.append(&id, &append(1, 3, numbered([3]))).await, Err(fenced()));
    assert_eq!(store.append(&id, &append(1, 1, numbered([1, 2]))).await, Err(fenced()));
    assert_eq!(store.append(&id, &append(1, 3, vec![finish()])).await, Err(fenced()));
    assert_eq!(store.renew(&id, 1, LONG).await, Err(fenced()));
    assert_eq!(store.release(&id, 1).await, Err(fenced()));
    assert!(store.generation(&id).await.unwrap().leased, "a fenced producer does not end another's lease");
    // Entries of the old producer do not count as a repetition of the new one's.
    assert_eq!(store.append(&id, &append(2, 2, numbered([2]))).await, Err(StoreError::Gap { tail: 2 }));
    store.append(&id, &append(2, 3, vec![finish()])).await.unwrap();
    assert_eq!(store.append(&id, &append(1, 3, vec![finish()])).await, Err(fenced()));
    assert_eq!(store.claim(&id, LONG).await, Ok(Claim::Ended));
    assert_eq!(read_all(&*store, &id).await.len(), 3);
}

/// An append concurrent with a takeover is written before it, or not at all.
pub async fn nothing_is_written_across_a_takeover(make: Make<'_>) {
    for round in 0..5_u64 {
        let (store, id) = with_generation(make, LONG).await;
        let writing = async {
            let mut next = 1;
            while let Ok(appended) = store.append(&id, &append(1, next, numbered([next]))).await {
                next = appended.tail + 1;
                // Long enough for a claim between two appends, each of which renews the lease.
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            next - 1
        };
        let taking = async {
            while store.generation(&id).await.unwrap().tail < round * 5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // An append may renew the lease before the claim.
            eventually(|| async {
                let _ = store.release(&id, 1).await;
                match store.claim(&id, LONG).await.unwrap() {
                    Claim::Taken(generation) => Some(generation.tail),
                    Claim::Held | Claim::Ended => None,
                }
            })
            .await
        };
        let (written, taken) = futures_util::future::join(writing, taking).await;
        assert_eq!(written, taken, "what was acknowledged is what was taken over");
        store.append(&id, &append(2, taken + 1, vec![finish()])).await.unwrap();
        assert_eq!(read_all(&*store, &id).await.len() as u64, taken + 1);
    }
}

/// Each takeover is counted, so that attempts can be bounded.
pub async fn takeovers_are_counted(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    for count in 1..=4 {
        store.release(&id, u64::from(count)).await.unwrap();
        let taken = claimed(&*store, &id, LONG).await;
        assert_eq!((taken.epoch, taken.takeovers), (u64::from(count) + 1, count));
    }
}
