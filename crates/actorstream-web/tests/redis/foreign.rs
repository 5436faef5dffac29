//! Keys written by another program, or of a wrong type.

use std::time::Duration;

use actorstream_web::GenerationId;
use actorstream_web::store::{ChatKey, Store, StoreError, StoreLimits, Turn};

use crate::server::{Server, number, store};
use crate::work::{
    LONG, append, created, follow, new_generation, numbered, when_available, within, write, written,
};

#[tokio::test]
async fn a_key_of_a_wrong_type_spoils_one_generation() {
    let server = Server::start();
    let prefix = format!("f{}", number());
    let url = format!("redis://127.0.0.1:{}?prefix={prefix}", server.port);
    let healthy = store(&url, StoreLimits::default()).await;
    let kinds: [&[&str]; 4] = [
        &["SET", "KEY", "x"],
        &["RPUSH", "KEY", "x"],
        &["HSET", "KEY", "epoch", "x", "tail", "y"],
        &["SADD", "KEY", "x"],
    ];
    let mut spoiled = Vec::new();
    for what in [":m", ":l", ":lease"] {
        for kind in kinds {
            let id = created(&healthy).await;
            let key = format!("{prefix}:{{{id}}}{what}");
            server.command(&["DEL", &key]);
            let command: Vec<&str> =
                kind.iter().map(|word| if *word == "KEY" { key.as_str() } else { word }).collect();
            server.command(&command);
            server.command(&["ZADD", &format!("{prefix}:live"), "0", id.as_str()]);
            spoiled.push(id);
        }
    }
    server.command(&["ZADD", &format!("{prefix}:live"), "0", "no id at all {}"]);
    let orphan = created(&healthy).await;
    healthy.release(&orphan, 1).await.unwrap();
    // Other stores connect, find the orphan, and write.
    let other = within(store(&url, StoreLimits::default())).await;
    let found = within(other.orphans(100)).await.unwrap();
    assert!(found.contains(&orphan), "{found:?}");
    let id = created(&other).await;
    assert_eq!(
        within(futures_util::future::join(write(&other, &id, 10, Duration::ZERO), follow(&healthy, &id)))
            .await
            .1,
        written(10)
    );
    // An operation on such a key fails at once, and nothing panics.
    for id in &spoiled {
        let asked = tokio::time::timeout(Duration::from_secs(10), async {
            let _ = healthy.generation(id).await;
            let _ = healthy.read(id, 0, 1000).await;
            let _ = healthy.claim(id, LONG).await;
            let _ = healthy.append(id, &append(1, vec![numbered(1)])).await;
            let _ = healthy.renew(id, 1, LONG).await;
        });
        asked.await.expect("an answer, whichever");
    }
}

#[tokio::test]
async fn a_chat_of_a_wrong_type_is_told_of() {
    let server = Server::start();
    let prefix = format!("f{}", number());
    let store =
        store(&format!("redis://127.0.0.1:{}?prefix={prefix}", server.port), StoreLimits::default()).await;
    let chat = ChatKey::chat("alice", "c");
    let key = format!("{prefix}:chat:5:alice:chat/c");
    let turn = Turn { key: "t".into(), again: false };
    let id = created(&store).await;
    server.command(&["SET", &key, "x"]);
    assert!(matches!(within(store.current(&chat)).await, Err(StoreError::Invalid(_))));
    assert!(matches!(within(store.bind(&chat, &turn, &id)).await, Err(StoreError::Invalid(_))));
    // Other keys are not affected.
    assert_eq!(store.current(&ChatKey::chat("alice", "d")).await, Ok(None));
}

#[tokio::test]
async fn an_oversized_request_is_not_read() {
    let server = Server::start();
    let prefix = format!("f{}", number());
    let store =
        store(&format!("redis://127.0.0.1:{}?prefix={prefix}", server.port), StoreLimits::default()).await;
    let id: GenerationId = created(&store).await;
    // 160 MiB of zeros, created by the server.
    let key = format!("{prefix}:{{{id}}}:m");
    let script = "return redis.call('HSET', KEYS[1], 'request', string.rep('x', 160 * 1024 * 1024))";
    assert_eq!(server.command(&["EVAL", script, "1", &key]), "0\n");
    // Redis does not answer meanwhile.
    let found = when_available(async || store.generation(&id).await).await;
    assert!(matches!(found, Err(StoreError::Invalid(_))), "{:?}", found.map(|found| found.request.len()));
    let chat = format!("{prefix}:chat:5:alice:chat/c");
    let script = "return redis.call('HSET', KEYS[1], 'id', string.rep('x', 1024 * 1024))";
    assert_eq!(server.command(&["EVAL", script, "1", &chat]), "1\n");
    let chat = ChatKey::chat("alice", "c");
    let found = when_available(async || store.current(&chat).await).await;
    assert!(matches!(found, Err(StoreError::Invalid(_))), "{found:?}");
    let new = new_generation();
    when_available(async || store.create(&new).await).await.unwrap();
}
