//! The limits of an owner apply to all instances together.

use std::time::Duration;

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actorstream::OpenAi;
use actorstream_test::{Reply, Upstream};
use actorstream_web::{Api, Relay, RelayBuilder, UpstreamRequest};
use serde_json::{Value, json};

use crate::server::Server;
use crate::work::{eventually, within};

async fn instance(redis: &str, upstream: &str, set: impl Fn(RelayBuilder) -> RelayBuilder) -> Relay {
    let openai = OpenAi::builder().base_url(upstream).api_key("k").build().unwrap();
    let store = actorstream_web::store::RedisStore::connect(redis).await.unwrap();
    set(Relay::builder(openai, store, async |_| Ok("alice".to_owned())).lease(Duration::from_secs(3))).build()
}

async fn begin(relay: &Relay, owner: &str) -> Result<actorstream_web::GenerationId, Option<String>> {
    let request = json!({"model": "m", "messages": []});
    let request = UpstreamRequest::new(Api::Chat, &request).unwrap();
    within(relay.begin(owner, request)).await.map_err(|failure| {
        assert_eq!(failure.status, 429, "{failure:?}");
        failure.code
    })
}

#[actix_rt::test]
async fn one_owner_has_so_many_generations_on_all_instances_together() {
    let (server, upstream) = (Server::start(), Upstream::start(Reply::sse().hold()));
    let (redis, upstream) = (server.url(), upstream.base_url());
    let set = |relay: RelayBuilder| relay.max_generations_of_owner(3);
    let one = instance(&redis, &upstream, set).await;
    let two = instance(&redis, &upstream, set).await;
    let first = begin(&one, "alice").await.unwrap();
    begin(&two, "alice").await.unwrap();
    begin(&one, "alice").await.unwrap();
    for relay in [&one, &two] {
        assert_eq!(begin(relay, "alice").await, Err(Some("too_many_generations".to_owned())));
        begin(relay, "bob").await.unwrap();
    }
    // Refused requests hold nothing, and an ended generation makes room on other instances.
    one.stop(&first, "stopped").await.unwrap();
    eventually(async || begin(&two, "alice").await.ok()).await;
    assert_eq!(begin(&one, "alice").await, Err(Some("too_many_generations".to_owned())));
}

#[actix_rt::test]
async fn one_owner_keeps_so_many_bytes_on_all_instances_together() {
    let server = Server::start();
    let event =
        json!({"choices": [{"index": 0, "delta": {"content": "a".repeat(5000)}, "finish_reason": "stop"}]});
    let upstream = Upstream::start(Reply::sse().event(event).done().end());
    let (redis, upstream) = (server.url(), upstream.base_url());
    let set = |relay: RelayBuilder| relay.max_bytes_of_owner(8000);
    let one = instance(&redis, &upstream, set).await;
    let two = instance(&redis, &upstream, set).await;
    for relay in [&one, &two] {
        begin(relay, "alice").await.unwrap();
        eventually(async || (relay.running() == 0).then_some(())).await;
    }
    for relay in [&one, &two] {
        eventually(async || begin(relay, "alice").await.err()).await;
        assert_eq!(begin(relay, "alice").await, Err(Some("too_many_bytes".to_owned())));
    }
}

/// Creates the routes of an instance.
macro_rules! routes {
    ($relay:expr) => {
        init_service(App::new().configure(|config| $relay.configure(config))).await
    };
}

#[actix_rt::test]
async fn one_owner_has_so_many_viewers_on_all_instances_together() {
    let (server, upstream) = (Server::start(), Upstream::start(Reply::sse().hold()));
    let (redis, upstream) = (server.url(), upstream.base_url());
    let set = |relay: RelayBuilder| relay.max_viewers_of_owner(2);
    let relay = instance(&redis, &upstream, set).await;
    let other = instance(&redis, &upstream, set).await;
    let (one, two) = (routes!(relay), routes!(other));
    let id = begin(&relay, "alice").await.unwrap();
    let request = || TestRequest::get().uri(&format!("/v1/generations/{id}/stream")).to_request();
    let first = call_service(&one, request()).await;
    let second = call_service(&two, request()).await;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    for refused in [call_service(&one, request()).await, call_service(&two, request()).await] {
        assert_eq!(refused.status(), 429);
        let error: Value = read_body_json(refused).await;
        assert_eq!(error["error"]["code"], "too_many_viewers");
    }
    // A viewer that leaves one instance makes room on the other.
    drop(first);
    eventually(async || (call_service(&two, request()).await.status() == 200).then_some(())).await;
}
