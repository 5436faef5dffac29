//! Chats: which generation is the current one.

use futures_util::future::join_all;

use super::{LONG, Make, created};
use crate::id::GenerationId;
use crate::store::{Bound, ChatKey, StoreLimits, Turn};

fn chat(owner: &str, chat: &str) -> ChatKey {
    ChatKey { owner: owner.to_owned(), chat: chat.to_owned() }
}

fn turn(key: &str, again: bool) -> Turn {
    Turn { key: key.to_owned(), again }
}

/// A turn has one generation. Another turn, or a turn that is to be answered again, gets a new one.
pub async fn a_chat_has_one_generation_for_each_turn(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let mut ids: Vec<GenerationId> = Vec::new();
    for _ in 0..4 {
        ids.push(created(&*store, LONG).await);
    }
    let key = chat("alice", "a.b:c/d {e}");
    assert_eq!(store.current(&key).await, Ok(None));
    assert_eq!(store.bind(&key, &turn("1", false), &ids[0]).await, Ok(Bound::New { previous: None }));
    assert_eq!(store.bind(&key, &turn("1", false), &ids[1]).await, Ok(Bound::Same(ids[0].clone())));
    assert_eq!(store.current(&key).await, Ok(Some(ids[0].clone())));
    let previous = |id: &GenerationId| Ok(Bound::New { previous: Some(id.clone()) });
    assert_eq!(store.bind(&key, &turn("1", true), &ids[2]).await, previous(&ids[0]));
    assert_eq!(store.bind(&key, &turn("2", false), &ids[3]).await, previous(&ids[2]));
    assert_eq!(store.current(&key).await, Ok(Some(ids[3].clone())));
    // Repeated, as if the reply had been lost.
    assert!(matches!(store.bind(&key, &turn("2", false), &ids[3]).await, Ok(Bound::New { .. })));
}

/// A chat of another owner is another chat.
pub async fn chats_of_two_owners_are_apart(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let (one, two) = (created(&*store, LONG).await, created(&*store, LONG).await);
    store.bind(&chat("a", "b:c"), &turn("1", false), &one).await.unwrap();
    assert_eq!(store.current(&chat("a:b", "c")).await, Ok(None));
    assert_eq!(
        store.bind(&chat("a:b", "c"), &turn("1", false), &two).await,
        Ok(Bound::New { previous: None })
    );
    assert_eq!(store.current(&chat("a", "b:c")).await, Ok(Some(one)));
}

/// Of concurrent generations for the same turn, one is bound, and the other calls return it.
pub async fn of_many_at_once_one_is_bound(make: Make<'_>) {
    let store = make(StoreLimits::default()).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(created(&*store, LONG).await);
    }
    let (key, turn) = (chat("alice", "c"), turn("1", false));
    let bound = join_all(ids.iter().map(|id| store.bind(&key, &turn, id))).await;
    let current = store.current(&key).await.unwrap().expect("one is bound");
    for (id, bound) in ids.iter().zip(bound) {
        if *id == current {
            assert_eq!(bound, Ok(Bound::New { previous: None }));
        } else {
            assert_eq!(bound, Ok(Bound::Same(current.clone())));
        }
    }
}
