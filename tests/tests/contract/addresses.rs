//! Hosts with several addresses, some of them dead.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use actix::Actor;
use actorstream::{OpenAi, OpenAiBuilder, RetryPolicy};
use actorstream_test::{Blackhole, ChatStream, Reply, TestCa, Upstream};
use tokio::time::Instant;

use super::pool::sockets;
use crate::common::{Noting, hello, within};

/// `SYN_SENT` in `/proc/net/tcp`.
const SYN_SENT: &str = "02";

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

fn client(url: String) -> OpenAiBuilder {
    OpenAi::builder().base_url(url).retry(RetryPolicy::none())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Returns the time until the response, on the paused clock.
async fn answered(openai: &OpenAi) -> Duration {
    let start = Instant::now();
    let finish = openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!(finish.response.content(), Some("Hello"));
    start.elapsed()
}

#[track_caller]
fn under_300_ms(elapsed: Duration) {
    assert!(elapsed >= Duration::from_millis(250) && elapsed < Duration::from_millis(300), "{elapsed:?}");
}

#[actix_rt::test]
async fn a_dead_first_address_costs_under_300_ms() {
    let dead = Blackhole::new();
    let port = dead.addr().port();
    tokio::time::pause();
    for alive in ["127.0.0.2", "::1"] {
        let upstream = Upstream::builder().host(ip(alive)).port(port).spawn(good()).unwrap();
        let openai = client(format!("http://api.test:{port}/v1"))
            .resolve("API.test", [dead.addr().ip(), ip(alive)])
            .build()
            .unwrap();
        let elapsed = answered(&openai).await;
        println!("a dead first address: {elapsed:?}");
        under_300_ms(elapsed);
        assert_eq!(upstream.request(0).await.header("host"), Some(format!("api.test:{port}").as_str()));
        // The losing attempt is dropped.
        assert_eq!(sockets(SYN_SENT, port), 0);
    }
}

#[actix_rt::test]
async fn an_address_that_refuses_costs_nothing() {
    tokio::time::pause();
    let upstream = Upstream::builder().host(Ipv6Addr::LOCALHOST.into()).spawn(good()).unwrap();
    let port = upstream.addr().port();
    let openai = client(format!("http://api.test:{port}/v1"))
        .resolve("api.test", [ip("127.0.0.3"), ip("127.0.0.4"), ip("::1")])
        .build()
        .unwrap();
    assert!(answered(&openai).await < Duration::from_millis(100));
}

#[actix_rt::test]
async fn a_server_on_one_family_of_localhost_is_found() {
    let upstream = Upstream::builder().host(Ipv6Addr::LOCALHOST.into()).start(good()).unwrap();
    let openai = client(upstream.base_url()).build().unwrap();
    within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
    assert!(upstream.base_url().starts_with("http://[::1]:"));
}

#[actix_rt::test]
async fn every_attempt_is_told_when_all_fail() {
    let port = Upstream::refused_url().replace("http://127.0.0.1:", "").replace("/v1", "");
    let openai = client(format!("http://api.test:{port}"))
        .resolve("api.test", [ip("127.0.0.1"), ip("127.0.0.2"), ip("::1")])
        .build()
        .unwrap();
    let error = within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    let said = error.to_string();
    for address in ["127.0.0.1", "127.0.0.2", "[::1]"] {
        assert!(said.contains(&format!("{address}:{port}: Connection refused")), "{said}");
    }
    assert!(said.contains("no connection to api.test") && said.ends_with("is the server running?"), "{said}");
}

#[actix_rt::test]
async fn the_host_of_a_proxy_may_have_dead_addresses_too() {
    let dead = Blackhole::new();
    let port = dead.addr().port();
    tokio::time::pause();
    let proxy = Upstream::builder().host(ip("127.0.0.2")).port(port).spawn(good()).unwrap();
    let openai = client("http://api.test/v1".into())
        .proxy(format!("http://proxy.test:{port}"))
        .resolve("proxy.test", [dead.addr().ip(), ip("127.0.0.2")])
        .build()
        .unwrap();
    under_300_ms(answered(&openai).await);
    assert_eq!(proxy.request(0).await.origin.as_deref(), Some("http://api.test"));
}

#[actix_rt::test]
async fn a_certificate_is_for_the_name_whatever_its_addresses() {
    let ca = TestCa::new();
    for (name, valid) in [("api.test", true), ("other.test", false)] {
        let upstream = Upstream::builder().tls(&ca.identity(&[name])).start(good()).unwrap();
        let openai = client(format!("https://api.test:{}/v1", upstream.addr().port()))
            .resolve("api.test", [ip("127.0.0.1")])
            .ca_certificate(ca.pem())
            .build()
            .unwrap();
        let outcome = within(openai.chat().stream(hello(), Noting::default().start())).await;
        assert_eq!(outcome.is_ok(), valid, "{outcome:?}");
    }
}
