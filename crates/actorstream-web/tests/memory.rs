//! The memory that a body takes in the service. The memory of the whole process is measured, so this is a separate
//! program.
#![allow(clippy::unwrap_used)]

use actix_rt::System;
use actix_web::{App, HttpRequest, HttpServer};
use actorstream::{OpenAi, RetryPolicy};
use actorstream_test::{Reply, Upstream};
use actorstream_web::Relay;
use actorstream_web::store::MemoryStore;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The maximum ratio of the memory taken for a body to its size.
const MOST: usize = 10;

async fn user(_: HttpRequest) -> actix_web::Result<String> {
    Ok("me".to_owned())
}

fn messages(parts: &str) -> String {
    format!(
        r#"{{"id":"c","messages":[{{"id":"m","role":"user","parts":[{{"type":"text","text":"a"}},{parts}]}}]}}"#
    )
}

/// Returns bodies of about this many bytes that take much memory or time to parse.
fn bodies(size: usize) -> Vec<(&'static str, String)> {
    let list = |item: &str| {
        let items = size / (item.len() + 1);
        format!("{item},").repeat(items) + item
    };
    let message = r#"{"id":"m","role":"user","parts":[{"type":"text","text":"a"}]}"#;
    let part = r#"{"type":"text","text":"a"}"#;
    let keys = (0..size / 12).map(|n| format!(r#""{n:06}":0,"#)).collect::<String>();
    let nested = |item: &str| messages(&format!(r#"{{"type":"data-x","data":[{}]}}"#, list(item)));
    vec![
        ("objects in a part", nested(r#"{"":0}"#)),
        ("numbers in a part", nested("0")),
        ("empty lists in a part", nested("[]")),
        (
            "a tool's input",
            messages(&format!(
                r#"{{"type":"tool-x","toolCallId":"1","state":"output-available","input":[{}],"output":0}}"#,
                list(r#"{"":0}"#)
            )),
        ),
        (
            "a field of the application's",
            format!(r#"{{"id":"c","messages":[{message}],"extra":[{}]}}"#, list(r#"{"":0}"#)),
        ),
        ("many fields", format!(r#"{{{keys}"id":"c","messages":[{message}]}}"#)),
        ("many keys in a part", messages(&format!(r#"{{"type":"data-x","data":{{{keys}"z":0}}}}"#))),
        ("many messages", format!(r#"{{"id":"c","messages":[{}]}}"#, list(message))),
        ("many parts", messages(&list(part))),
        (
            "many steps with a text",
            messages(part).replace(
                "]}]}",
                &format!(
                    r#"]}},{{"id":"a","role":"assistant","parts":[{}]}}]}}"#,
                    list(&format!(r#"{part},{{"type":"step-start"}}"#))
                ),
            ),
        ),
        ("many steps", messages(&list(r#"{"type":"step-start"}"#))),
        (
            "metadata",
            format!(
                r#"{{"id":"c","messages":[{{"id":"m","role":"user","parts":[{part}],"metadata":[{}]}}]}}"#,
                list(r#"{"":0}"#)
            ),
        ),
        ("one long text", messages(&format!(r#"{{"type":"text","text":"{}"}}"#, "a".repeat(size)))),
        (
            "one long text of escapes",
            messages(&format!(r#"{{"type":"text","text":"{}"}}"#, "\\u00e9".repeat(size / 6))),
        ),
        (
            "brackets",
            messages(&format!(r#"{{"type":"x","a":{}{}}}"#, "[".repeat(size / 2), "]".repeat(size / 2))),
        ),
    ]
}

#[test]
fn a_body_takes_no_more_than_ten_times_its_size() {
    System::new().block_on(async {
        let upstream = Upstream::builder().record_requests(false).start(Reply::sse().done().end()).unwrap();
        let openai = OpenAi::builder()
            .base_url(upstream.base_url())
            .api_key("k")
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        let client = awc::Client::builder().timeout(std::time::Duration::from_secs(60)).finish();
        let (small, large) = (bodies(1 << 20), bodies(8 << 20).into_iter().take(1));
        for (what, body) in small.into_iter().chain(large) {
            for (path, over_responses) in [("/chat", false), ("/chat", true), ("/v1/chat/completions", false)]
            {
                let relay = Relay::builder(openai.clone(), MemoryStore::default(), user);
                let relay = if over_responses { relay.chat_over_responses() } else { relay }.build();
                let mounted = relay.clone();
                let server = HttpServer::new(move || {
                    let relay = mounted.clone();
                    App::new().configure(move |config| relay.configure(config))
                });
                let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let url = format!("http://{}{path}", server.addrs()[0]);
                let server = server.run();
                let handle = server.handle();
                actix_rt::spawn(server);
                // The client's copy is allocated before the measurement.
                let body = bytes::Bytes::from(body.clone());
                let length = body.len();
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                let request = client.post(url).insert_header(("content-type", "application/json"));
                let status = request.send_body(body).await.unwrap().status();
                let grown = MEMORY.peak_usage() - before;
                println!(
                    "{path} {what}: {:.1} times {} KiB, {status}",
                    grown as f64 / length as f64,
                    length >> 10
                );
                assert!(grown < MOST * length, "{path}: {what} of {length} bytes took {grown}");
                handle.stop(false).await;
            }
        }
    });
}
