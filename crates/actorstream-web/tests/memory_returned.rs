//! The memory of finished generations is freed. The memory of the whole process is measured, so this is a separate
//! program.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use actix_rt::System;
use actix_web::{App, HttpRequest, HttpServer};
use actorstream::{OpenAi, RetryPolicy};
use actorstream_test::{ChatStream, Upstream};
use actorstream_web::store::{ChatKey, MemoryStore, StoreLimits, Turn};
use actorstream_web::{Api, Relay, UpstreamRequest};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How long an ended generation is kept.
const TTL: Duration = Duration::from_secs(4);

async fn user(_: HttpRequest) -> actix_web::Result<String> {
    Ok("me".to_owned())
}

#[test]
fn memory_of_finished_generations_is_released_after_their_ttl() {
    System::new().block_on(async {
        let reply = ChatStream::new().content("word ".repeat(400)).delta_words().reply();
        let upstream = Upstream::builder().record_requests(false).start(reply).unwrap();
        let openai = OpenAi::builder().base_url(upstream.base_url()).api_key("k").retry(RetryPolicy::none()).build().unwrap();
        let limits = StoreLimits { ttl: TTL, ..StoreLimits::default() };
        let store = MemoryStore::new(limits);
        let relay = Relay::builder(openai, store.clone(), user).lease(Duration::from_millis(300)).build();
        // The routes start the periodic cleanup of the store.
        let mounted = relay.clone();
        let server = HttpServer::new(move || {
            let relay = mounted.clone();
            App::new().configure(move |config| relay.configure(config))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap().run();
        let handle = server.handle();
        actix_rt::spawn(server);
        let run = async |count: usize| {
            for id in 0..count {
                let request = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": "x".repeat(500)}]});
                let request = UpstreamRequest::new(Api::Chat, &request).unwrap();
                let turn = Turn { key: "t".into(), again: false };
                let chat = format!("chat {id}");
                relay.begin_in_chat("me", &chat, turn, request).await.unwrap();
                while relay.running() > 20 {
                    actix_rt::time::sleep(Duration::from_millis(1)).await;
                }
            }
            while relay.running() > 0 {
                actix_rt::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Allocations that are made only once happen before the measurement.
        run(5).await;
        actix_rt::time::sleep(2 * TTL).await;
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        run(300).await;
        let kept = MEMORY.peak_usage() - before;
        assert!(kept > 2 << 20, "{kept}");
        // Without any request, the relay cleans up by itself.
        let mut left = usize::MAX;
        for _ in 0..600 {
            left = MEMORY.current_usage().saturating_sub(before);
            if left < kept / 10 {
                break;
            }
            actix_rt::time::sleep(Duration::from_millis(100)).await;
        }
        println!("{} KiB while they are kept, {} KiB afterwards", kept >> 10, left >> 10);
        assert!(left < kept / 10, "{left} of {kept}");
        let key = ChatKey::chat("me", "chat 1");
        assert_eq!(actorstream_web::store::Store::current(&store, &key).await, Ok(None));
        handle.stop(false).await;
    });
}
