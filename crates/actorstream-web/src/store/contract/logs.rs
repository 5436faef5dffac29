//! Logs: entries are read once and in the order of writing.

use std::time::Duration;

use serde_json::json;

use super::{
    LONG, Make, SHORT, append, created, eventually, finish, json, new_generation, numbered, read_all,
    upstream, with_generation,
};
use crate::event::{End, Event, Failure, Part};
use crate::id::GenerationId;
use crate::store::{StoreError, StoreLimit, StoreLimits, UpstreamPosition};

/// Entries are numbered from 1 without gaps, and can be read from any number.
pub async fn entries_are_numbered_from_one_without_gaps(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let empty = store.read(&id, 0, 1000).await.unwrap();
    assert_eq!((empty.entries.len(), empty.tail, empty.ended), (0, 0, false));
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await.unwrap().tail, 1);
    assert_eq!(store.append(&id, &append(1, 2, numbered(2..=9))).await.unwrap().tail, 9);
    assert_eq!(read_all(&*store, &id).await.len(), 9);
    for after in 0..=12 {
        let page = store.read(&id, after, 1 << 20).await.unwrap();
        let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, (after + 1..=9).collect::<Vec<_>>(), "after {after}");
        assert_eq!((page.tail, page.ended), (9, false));
    }
    let one = store.read(&id, 3, 1).await.unwrap();
    assert_eq!(one.entries.len(), 1, "a page has an entry, however large it is");
}

/// Entries of every kind are read as they were written, with upstream's JSON verbatim.
pub async fn what_is_written_is_read(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let failure = Failure {
        message: "naïve \u{1f980} \n\"quoted\"".into(),
        kind: "server_error".into(),
        code: Some("x".into()),
        param: Some("messages[0]".into()),
        status: 502,
    };
    let events = vec![
        upstream("{ \"b\":1.50, \"a\" : \"\\u00e9 \u{1f980}\\ud83d\", \"n\":12345678901234567890123 }"),
        Event::Part(Part::ToolOutput { tool_call_id: "c".into(), output: json!({"x": [1, null]}) }),
        Event::Part(Part::ToolError { tool_call_id: "c".into(), error: "no".into() }),
        Event::Part(Part::Source { id: "s".into(), url: "https://example.com".into(), title: None }),
        Event::Part(Part::File { url: "data:,x".into(), media_type: "text/plain".into() }),
        Event::Part(Part::Data { name: "d".into(), id: Some("i".into()), data: json!("v"), transient: true }),
        Event::Reset,
        Event::End(End::Error(failure)),
    ];
    let written: Vec<String> = events.iter().map(json).collect();
    store.append(&id, &append(1, 1, events)).await.unwrap();
    assert_eq!(read_all(&*store, &id).await, written);
    assert!(store.read(&id, 8, 1000).await.unwrap().ended);

    let new = new_generation(LONG);
    store.create(&new).await.unwrap();
    let at = UpstreamPosition { id: "resp_1".into(), seq: Some(41) };
    let mut first = append(1, 1, numbered([1]));
    first.upstream = Some(at.clone());
    store.append(&new.id, &first).await.unwrap();
    store.append(&new.id, &append(1, 2, numbered([2]))).await.unwrap();
    let generation = store.generation(&new.id).await.unwrap();
    assert_eq!(generation.upstream, Some(at));
    assert_eq!((generation.id, generation.owner, generation.api), (new.id, new.owner, new.api));
    assert_eq!((generation.request, generation.epoch, generation.tail), (new.request, 1, 2));
    assert_eq!((generation.ended, generation.leased, generation.takeovers), (false, true, 0));
    assert_eq!(generation.stop, None);
}

/// Entries that do not follow the last one are refused, and the refusal names the last one.
pub async fn a_gap_is_told(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    assert_eq!(store.append(&id, &append(1, 2, numbered([2]))).await, Err(StoreError::Gap { tail: 0 }));
    store.append(&id, &append(1, 1, numbered(1..=3))).await.unwrap();
    assert_eq!(store.append(&id, &append(1, 5, numbered([5]))).await, Err(StoreError::Gap { tail: 3 }));
    assert_eq!(store.append(&id, &append(1, 0, numbered([0]))).await, Err(StoreError::Gap { tail: 3 }));
    // An append that is only partly in the log is not a repetition.
    assert_eq!(store.append(&id, &append(1, 3, numbered([3, 4]))).await, Err(StoreError::Gap { tail: 3 }));
    assert_eq!(read_all(&*store, &id).await.len(), 3);
}

/// Repeating an append whose reply was lost has no effect.
pub async fn a_repeated_append_is_no_second_one(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let one = append(1, 1, numbered([1, 2]));
    let mut last = append(1, 3, numbered([3]));
    last.events.push(finish());
    for _ in 0..3 {
        assert_eq!(store.append(&id, &one).await.unwrap().tail, 2);
    }
    for _ in 0..3 {
        assert_eq!(store.append(&id, &last).await.unwrap().tail, 4);
    }
    assert_eq!(read_all(&*store, &id).await.len(), 4);
}

/// The end closes a log, and is its last entry.
pub async fn the_end_closes_the_log(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let invalid = |result| matches!(result, Err(StoreError::Invalid(_)));
    assert!(invalid(store.append(&id, &append(1, 1, Vec::new())).await));
    assert!(invalid(store.append(&id, &append(1, 1, vec![finish(), Event::Reset])).await));
    assert!(read_all(&*store, &id).await.is_empty());
    store.append(&id, &append(1, 1, vec![upstream("{}"), finish()])).await.unwrap();
    let page = store.read(&id, 0, 1000).await.unwrap();
    assert_eq!((page.entries.len(), page.tail, page.ended), (2, 2, true));
    assert_eq!(store.append(&id, &append(1, 3, numbered([3]))).await, Err(StoreError::Closed));
    assert_eq!(store.append(&id, &append(1, 3, vec![finish()])).await, Err(StoreError::Closed));
    assert_eq!(store.renew(&id, 1, LONG).await, Err(StoreError::Closed));
    assert_eq!(store.release(&id, 1).await, Err(StoreError::Closed));
    let generation = store.generation(&id).await.unwrap();
    assert_eq!((generation.ended, generation.leased), (true, false));
}

/// A log does not exceed its limits; nothing of it is trimmed, and it accepts its end.
pub async fn a_full_log_takes_its_end_alone(make: Make<'_>) {
    let store = make(StoreLimits { max_events: 4, max_bytes: 2000, ..StoreLimits::default() }).await;
    let by_events = created(&*store, LONG).await;
    let full = |limit| Err(StoreError::Full(limit));
    store.append(&by_events, &append(1, 1, numbered(1..=4))).await.unwrap();
    assert_eq!(store.append(&by_events, &append(1, 5, numbered([5]))).await, full(StoreLimit::Events));
    let by_bytes = created(&*store, LONG).await;
    let long = format!("\"{}\"", "x".repeat(1500));
    store.append(&by_bytes, &append(1, 1, vec![upstream(&long)])).await.unwrap();
    let too_long = append(1, 2, vec![upstream(&long)]);
    assert_eq!(store.append(&by_bytes, &too_long).await, full(StoreLimit::Bytes));
    for (id, entries) in [(by_events, 4), (by_bytes, 1)] {
        assert_eq!(read_all(&*store, &id).await.len(), entries);
        let mut with_end = append(1, entries as u64 + 1, vec![upstream(&long)]);
        with_end.events.push(finish());
        assert!(matches!(store.append(&id, &with_end).await, Err(StoreError::Full(_))));
        store.append(&id, &append(1, entries as u64 + 1, vec![finish()])).await.unwrap();
        assert_eq!(read_all(&*store, &id).await.len(), entries + 1);
    }
}

/// A generation that runs for too long accepts only its end.
pub async fn an_old_log_takes_its_end_alone(make: Make<'_>) {
    let store = make(StoreLimits { max_age: SHORT, ..StoreLimits::default() }).await;
    let id = created(&*store, LONG).await;
    let mut next = 1;
    while let Ok(appended) = store.append(&id, &append(1, next, numbered([next]))).await {
        next = appended.tail + 1;
        assert!(next < 1000, "it does not grow old");
        tokio::time::sleep(SHORT / 10).await;
    }
    assert_eq!(
        store.append(&id, &append(1, next, numbered([next]))).await,
        Err(StoreError::Full(StoreLimit::Age))
    );
    store.append(&id, &append(1, next, vec![finish()])).await.unwrap();
}

/// A watch notifies of appended entries, and of the end.
pub async fn a_watch_tells_of_what_was_appended(make: Make<'_>) {
    let (store, id) = with_generation(make, LONG).await;
    let mut watches: Vec<_> = (0..5).map(|_| store.watch(&id)).collect();
    let mut batches: Vec<_> = (1..=20).map(|number| append(1, number, numbered([number]))).collect();
    batches.push(append(1, 21, vec![finish()]));
    let writing = async {
        for batch in &batches {
            store.append(&id, batch).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let reading = watches.iter_mut().map(|watch| async {
        let mut after = 0;
        loop {
            watch.borrow_and_update();
            let page = store.read(&id, after, 1 << 20).await.unwrap();
            after += page.entries.len() as u64;
            if page.ended && after == page.tail {
                return after;
            }
            watch.changed().await.expect("the log is there");
        }
    });
    let net = tokio::time::timeout(Duration::from_secs(20), async {
        futures_util::future::join(writing, futures_util::future::join_all(reading)).await
    });
    let ((), read) = net.await.expect("a watch does not tell");
    assert_eq!(read, [21; 5]);
}

/// Any operation on a missing generation fails with `NotFound`.
pub async fn what_is_not_there_is_not_found(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let id = GenerationId::random();
    let none = || StoreError::NotFound;
    assert_eq!(store.append(&id, &append(1, 1, numbered([1]))).await, Err(none()));
    assert_eq!(store.read(&id, 0, 100).await.err(), Some(none()));
    assert_eq!(store.generation(&id).await, Err(none()));
    assert_eq!(store.renew(&id, 1, LONG).await, Err(none()));
    assert_eq!(store.claim(&id, LONG).await, Err(none()));
    assert_eq!(store.release(&id, 1).await, Err(none()));
    assert_eq!(store.request_stop(&id, "x").await, Err(none()));
    assert_eq!(store.attend(&id, LONG).await, Err(none()));
    assert_eq!(store.remove(&id).await, Ok(()));
}

/// An id can be used once; repeating the same creation has no effect.
pub async fn an_id_is_taken_once(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let new = new_generation(LONG);
    store.create(&new).await.unwrap();
    store.create(&new).await.unwrap();
    let mut other = new.clone();
    other.owner = "bob".into();
    assert_eq!(store.create(&other).await, Err(StoreError::Exists));
    store.append(&new.id, &append(1, 1, numbered([1]))).await.unwrap();
    assert_eq!(store.create(&new).await, Err(StoreError::Exists));
    store.remove(&new.id).await.unwrap();
    assert_eq!(store.generation(&new.id).await, Err(StoreError::NotFound));
}

/// An ended log is kept for its time, then deleted.
pub async fn an_ended_log_expires(make: Make<'_>) {
    let ttl = Duration::from_secs(1);
    let store = make(StoreLimits { ttl, ..StoreLimits::default() }).await;
    let (ended, live) = (created(&*store, LONG).await, created(&*store, LONG).await);
    store.append(&ended, &append(1, 1, vec![finish()])).await.unwrap();
    assert_eq!(read_all(&*store, &ended).await.len(), 1);
    eventually(|| async {
        let read = store.read(&ended, 0, 100).await;
        matches!(read, Err(StoreError::NotFound)).then_some(())
    })
    .await;
    assert_eq!(store.generation(&live).await.unwrap().tail, 0);
}

/// The number of running generations is bounded; one that has ended makes room.
pub async fn generations_are_counted(make: Make<'_>) {
    let store = make(StoreLimits { max_generations: 2, ..StoreLimits::default() }).await;
    let one = created(&*store, LONG).await;
    let two = created(&*store, LONG).await;
    let full = Err(StoreError::Full(StoreLimit::Generations));
    assert_eq!(store.create(&new_generation(LONG)).await, full);
    store.append(&one, &append(1, 1, vec![finish()])).await.unwrap();
    created(&*store, LONG).await;
    assert_eq!(store.create(&new_generation(LONG)).await, full);
    store.remove(&two).await.unwrap();
    created(&*store, LONG).await;
    assert_eq!(read_all(&*store, &one).await.len(), 1);
}
