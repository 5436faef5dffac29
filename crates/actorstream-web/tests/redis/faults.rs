//! Faults are invisible: no gaps, no duplicates, and viewers continue by themselves.

use std::sync::Arc;
use std::time::Duration;

use actorstream::OpenAi;
use actorstream_web::protocol::encoder;
use actorstream_web::store::{Claim, RedisStore, Store, StoreError, StoreLimits};
use actorstream_web::{Api, Cursor, GenerationId, Protocol, Relay, Viewer};
use futures_util::future::join;

use crate::proxy::{Loss, Proxy};
use crate::server::{Server, number, store};
use crate::work::{
    LONG, append, created, eventually, finish, follow, new_generation, numbered, within, write, written,
};

/// Returns a producer's and a viewer's store, which share their logs.
async fn two(port: u16, viewers_port: u16) -> (RedisStore, RedisStore) {
    let prefix = number();
    let url = |port| format!("redis://127.0.0.1:{port}?prefix=f{prefix}");
    let limits = StoreLimits::default;
    (store(&url(port), limits()).await, store(&url(viewers_port), limits()).await)
}

/// Writes on one store and follows on the other while something happens.
async fn write_and_follow(
    producer: &RedisStore,
    viewer: &RedisStore,
    entries: u64,
    fault: impl Future<Output = ()>,
) {
    let id = created(producer).await;
    let work = join(write(producer, &id, entries, Duration::from_millis(5)), follow(viewer, &id));
    let (((), read), ()) = within(join(work, fault)).await;
    assert_eq!(read, written(entries));
}

/// Repeats an action in the background of a test.
async fn repeat(times: u32, pause: Duration, mut act: impl FnMut() + Send + 'static) {
    let acting = tokio::task::spawn_blocking(move || {
        for _ in 0..times {
            std::thread::sleep(pause);
            act();
        }
    });
    acting.await.unwrap();
}

#[tokio::test]
async fn an_append_whose_reply_is_lost_is_in_the_log_once() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (producer, viewer) = two(proxy.port, server.port).await;
    let id = created(&producer).await;
    for (next, loss) in [(1, Loss::Reply), (2, Loss::Request), (3, Loss::Reply)] {
        proxy.cut_at(&format!("{{\"n\":{next}}}"), loss);
        assert_eq!(producer.append(&id, &append(next, vec![numbered(next)])).await.unwrap().tail, next);
        assert_eq!(u64::from(proxy.cuts()), next, "the connection was cut");
    }
    proxy.cut_at("finish", Loss::Reply);
    assert_eq!(producer.append(&id, &append(4, vec![finish()])).await.unwrap().tail, 4);
    assert_eq!(proxy.cuts(), 4);
    assert_eq!(within(follow(&viewer, &id)).await, written(3));
}

#[tokio::test]
async fn a_claim_whose_reply_is_lost_is_the_claimants() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (claimant, producer) = two(proxy.port, server.port).await;
    let id = created(&producer).await;
    producer.release(&id, 1).await.unwrap();
    proxy.cut_at("EVALSHA", Loss::Reply);
    let Claim::Taken(taken) = claimant.claim(&id, LONG).await.unwrap() else {
        panic!("nobody else wants it")
    };
    assert_eq!((taken.epoch, taken.takeovers, proxy.cuts()), (2, 1, 1));
    assert_eq!(producer.claim(&id, LONG).await, Ok(Claim::Held));
}

#[tokio::test]
async fn replies_that_are_lost_again_and_again_leave_no_gap() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (producer, viewer) = two(proxy.port, proxy.port).await;
    proxy.cut_at_random(fastrand::u64(..));
    // The proxy cuts only new connections from now on, so close the existing ones.
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    write_and_follow(&producer, &viewer, 300, async {}).await;
    assert!(proxy.cuts() > 3, "{} cuts", proxy.cuts());
}

#[tokio::test]
async fn connections_that_redis_kills_are_made_again() {
    let server = Server::start();
    let (producer, viewer) = two(server.port, server.port).await;
    let port = server.port.to_string();
    let kill = repeat(30, Duration::from_millis(30), move || {
        for kind in ["normal", "pubsub"] {
            let mut kill = std::process::Command::new("redis-cli");
            kill.args(["-p", &port, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
            assert!(kill.output().unwrap().status.success());
        }
    });
    write_and_follow(&producer, &viewer, 400, kill).await;
}

#[tokio::test]
async fn a_restart_with_its_log_on_disk_loses_nothing() {
    let mut server = Server::durable();
    let (producer, viewer) = two(server.port, server.port).await;
    let id = created(&producer).await;
    let restarts = tokio::task::spawn_blocking(move || {
        for pause in [0, 300] {
            std::thread::sleep(Duration::from_millis(300));
            server.restart(Duration::from_millis(pause));
        }
        server
    });
    let work = join(write(&producer, &id, 400, Duration::from_millis(5)), follow(&viewer, &id));
    let (((), read), server) = within(join(work, restarts)).await;
    assert_eq!(read, written(400));
    drop(server);
}

#[tokio::test]
async fn a_server_that_sleeps_is_waited_for() {
    let server = Server::start();
    let (producer, viewer) = two(server.port, server.port).await;
    let port = server.port.to_string();
    let sleep = repeat(2, Duration::from_millis(100), move || {
        let mut sleep = std::process::Command::new("redis-cli");
        assert!(sleep.args(["-p", &port, "DEBUG", "SLEEP", "2"]).output().unwrap().status.success());
    });
    write_and_follow(&producer, &viewer, 200, sleep).await;
}

#[tokio::test]
async fn a_server_that_is_stopped_is_waited_for() {
    let server = Server::start();
    let (producer, viewer) = two(server.port, server.port).await;
    let id = created(&producer).await;
    let work = join(write(&producer, &id, 200, Duration::from_millis(5)), follow(&viewer, &id));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.signal("-STOP");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        server.signal("-CONT");
    };
    let (((), read), ()) = within(join(work, stop)).await;
    assert_eq!(read, written(200));
}

#[tokio::test]
async fn messages_that_are_lost_are_made_up_for() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (producer, viewer) = two(server.port, proxy.port).await;
    proxy.deaf(true);
    write_and_follow(&producer, &viewer, 100, async {}).await;
    // A stop is notified too.
    let id = created(&producer).await;
    let mut watch = producer.watch(&id);
    let mut deaf = viewer.watch(&id);
    producer.request_stop(&id, "the user").await.unwrap();
    within(watch.wait_for(|progress| progress.stop)).await.unwrap();
    within(deaf.wait_for(|progress| progress.stop)).await.unwrap();
    // The removal of a log is notified too.
    producer.remove(&id).await.unwrap();
    within(async { while deaf.changed().await.is_ok() {} }).await;
}

/// Returns a reader's store that was notified of the first entry of a log but not of later ones, and the log, which
/// has three.
async fn hard_of_hearing(server: &Server) -> (Proxy, RedisStore, RedisStore, GenerationId) {
    let proxy = Proxy::start(server.port);
    let (reader, writer) = two(proxy.port, server.port).await;
    let id = created(&writer).await;
    let mut watch = reader.watch(&id);
    eventually(async || {
        let channels = server.command(&["PUBSUB", "CHANNELS", &format!("*{id}*")]);
        (channels.lines().count() == 2).then_some(())
    })
    .await;
    writer.append(&id, &append(1, vec![numbered(1)])).await.unwrap();
    within(watch.wait_for(|progress| progress.tail == 1)).await.unwrap();
    proxy.deaf(true);
    writer.append(&id, &append(2, vec![numbered(2), numbered(3)])).await.unwrap();
    (proxy, reader, writer, id)
}

#[tokio::test]
async fn what_a_reply_has_shown_is_read_though_its_messages_are_lost() {
    let server = Server::start();
    let (_proxy, reader, _writer, id) = hard_of_hearing(&server).await;
    assert_eq!(reader.generation(&id).await.unwrap().tail, 3);
    for after in 0..3 {
        let page = reader.read(&id, after, 1 << 16).await.unwrap();
        assert_eq!((page.tail, page.entries.len() as u64), (3, 3 - after));
    }
}

#[tokio::test]
async fn a_cursor_that_another_instance_has_given_is_gone_on_from() {
    let server = Server::start();
    let (_proxy, reader, writer, id) = hard_of_hearing(&server).await;
    let encoder = encoder(Protocol::OpenAi, Api::Chat, id.as_str());
    let cursor = Cursor { generation: id.clone(), seq: 3, frames: None };
    let mut viewer = Viewer::new(Arc::new(reader), id.clone(), encoder).after(Some(cursor));
    let ending = async { writer.append(&id, &append(4, vec![finish()])).await.unwrap() };
    let viewing = async {
        let mut seen = String::new();
        while let Some(more) = viewer.next().await {
            seen.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
        }
        seen
    };
    let (seen, _) = within(join(viewing, ending)).await;
    assert_eq!(seen, format!("id: {id}.4\ndata: [DONE]\n\n"));
}

#[tokio::test]
async fn scripts_that_are_forgotten_are_loaded_again() {
    let server = Server::start();
    let (producer, viewer) = two(server.port, server.port).await;
    let port = server.port.to_string();
    let flush = repeat(20, Duration::from_millis(20), move || {
        let mut flush = std::process::Command::new("redis-cli");
        assert!(flush.args(["-p", &port, "SCRIPT", "FLUSH"]).output().unwrap().status.success());
    });
    write_and_follow(&producer, &viewer, 200, flush).await;
}

#[tokio::test]
async fn a_redis_that_is_gone_is_told_of_in_time() {
    let mut server = Server::start();
    let url = server.url();
    let options =
        actorstream_web::store::RedisOptions::new(&url).operation_timeout(Duration::from_millis(600));
    let store = options.connect().await.unwrap();
    let id = created(&store).await;
    server.kill();
    let unavailable = |error: StoreError| {
        let text = error.to_string();
        assert!(matches!(error, StoreError::Unavailable(_)), "{text}");
        assert!(
            text.contains("refused") || text.contains("closed") || text.contains("broken pipe"),
            "{text}"
        );
    };
    within(async {
        unavailable(store.append(&id, &append(1, vec![numbered(1)])).await.unwrap_err());
        // From then on, operations fail without waiting.
        eventually(async || {
            let before = tokio::time::Instant::now();
            unavailable(store.read(&id, 0, 100).await.unwrap_err());
            (before.elapsed() < Duration::from_millis(300)).then_some(())
        })
        .await;
        unavailable(store.create(&new_generation()).await.unwrap_err());
    })
    .await;
}

/// After a takeover, all acknowledged entries are in the log; others may be.
#[tokio::test]
async fn a_takeover_keeps_what_was_acknowledged_though_replies_are_lost() {
    let server = Server::start();
    let proxy = Proxy::start(server.port);
    let (zombie, heir) = two(proxy.port, server.port).await;
    for round in 0..5 {
        proxy.cut_at_random(fastrand::u64(..));
        let id = created(&zombie).await;
        let writing = async {
            let mut next = 1;
            loop {
                match zombie.append(&id, &append(next, vec![numbered(next)])).await {
                    Ok(appended) => next = appended.tail + 1,
                    Err(StoreError::Fenced) => return next - 1,
                    Err(StoreError::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                tokio::task::yield_now().await;
            }
        };
        let taking = async {
            eventually(async || (heir.generation(&id).await.unwrap().tail >= round * 7).then_some(())).await;
            eventually(async || {
                let _ = heir.release(&id, 1).await;
                match heir.claim(&id, LONG).await.unwrap() {
                    Claim::Taken(generation) => Some(generation.tail),
                    Claim::Held | Claim::Ended => None,
                }
            })
            .await
        };
        let (acknowledged, taken) = within(join(writing, taking)).await;
        assert!(
            (acknowledged..=acknowledged + 1).contains(&taken),
            "{acknowledged} acknowledged, {taken} taken"
        );
        let mut last = append(taken + 1, vec![finish()]);
        last.epoch = 2;
        heir.append(&id, &last).await.unwrap();
        assert_eq!(follow(&heir, &id).await, written(taken));
    }
}

#[tokio::test]
async fn a_relay_is_ready_while_redis_answers() {
    let mut server = Server::start();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let openai = OpenAi::builder().base_url("http://127.0.0.1:9/v1").api_key("k").build().unwrap();
    let relay = Relay::new(openai, store, async |_| Ok("alice".to_owned()));
    relay.ready().await.unwrap();
    server.kill();
    let failure = within(relay.ready()).await.unwrap_err();
    assert_eq!((failure.status, failure.code.as_deref()), (503, Some("store_unavailable")));
    server.restart(Duration::ZERO);
    eventually(async || relay.ready().await.ok()).await;
}
