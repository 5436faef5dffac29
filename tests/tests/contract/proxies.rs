//! Requests through a proxy.

use std::time::Duration;

use actix::Actor;
use actorstream::{OpenAi, OpenAiBuilder, RetryPolicy, StreamError, Timeout, Timeouts};
use actorstream_test::{ChatStream, Reply, Script, TestCa, Upstream};

use super::configuration::with_environment;
use crate::common::{Noting, hello, within};
use crate::relay::Relay;

pub(super) fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

pub(super) fn client(base_url: &str, proxy: &str) -> OpenAiBuilder {
    OpenAi::builder().base_url(base_url).api_key("sk-test").retry(RetryPolicy::none()).proxy(proxy)
}

/// Returns the text of a response.
pub(super) async fn ask(openai: &OpenAi) -> Result<String, StreamError> {
    let finish = within(openai.chat().stream(hello(), Noting::default().start())).await?;
    Ok(finish.response.content().unwrap_or_default().to_owned())
}

#[actix_rt::test]
async fn an_https_url_goes_through_a_tunnel() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["api.test"])).start(good()).unwrap();
    let relay = Relay::start(upstream.addr(), None).await;
    let proxy = format!("http://user:p%40ss@{}", relay.addr);
    let openai = client("https://api.test:8443/v1", &proxy).ca_certificate(ca.pem()).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    // The tunnel is pooled like a connection.
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    let heads = relay.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with("CONNECT api.test:8443 HTTP/1.1\r\nhost: api.test:8443\r\n"), "{heads:?}");
    assert!(heads[0].contains("\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\n"), "{heads:?}");
    assert!(!heads[0].contains("sk-test") && !heads[0].contains("/v1"), "{heads:?}");
    let request = upstream.request(0).await;
    assert_eq!(
        (request.path.as_str(), request.header("host")),
        ("/v1/chat/completions", Some("api.test:8443"))
    );
    assert_eq!(request.header("proxy-authorization"), None);
}

#[actix_rt::test]
async fn an_http_url_is_passed_on_by_the_proxy() {
    let proxy = Upstream::start(good());
    let url = format!("http://user:p%40ss@{}", proxy.addr());
    let openai = client("http://api.test/v1?api-version=1", &url).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    let request = proxy.request(0).await;
    assert_eq!(
        (request.origin.as_deref(), request.path.as_str()),
        (Some("http://api.test"), "/v1/chat/completions")
    );
    assert_eq!((request.query.as_deref(), request.header("host")), (Some("api-version=1"), Some("api.test")));
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwQHNz"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-test"));
    // Each request uses its own connection.
    assert_eq!((request.header("connection"), proxy.accepted()), (Some("close"), 2));
    // Without a user, no authorization is sent.
    ask(&client("http://api.test/v1", &proxy.url()).build().unwrap()).await.unwrap();
    assert_eq!(proxy.request(2).await.header("proxy-authorization"), None);
}

#[actix_rt::test]
async fn a_proxy_that_is_spoken_to_over_tls() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["api.test"])).start(good()).unwrap();
    let identity = ca.identity(&["127.0.0.1"]);
    let relay = Relay::start(upstream.addr(), Some(&identity)).await;
    let proxy = format!("https://user:pass@{}", relay.addr);
    let openai = client("https://api.test/v1", &proxy).ca_certificate(ca.pem()).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert!(relay.heads()[0].starts_with("CONNECT api.test:443 "));

    let passes_on = Upstream::builder().tls(&identity).start(good()).unwrap();
    let openai = client("http://api.test/v1", &passes_on.url()).ca_certificate(ca.pem()).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(passes_on.request(0).await.origin.as_deref(), Some("http://api.test"));

    let error = ask(&client("https://api.test/v1", &proxy).build().unwrap()).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("the proxy https://127.0.0.1") && said.contains("certificate is not valid"),
        "{said}"
    );
}

#[actix_rt::test]
async fn an_error_of_a_proxy_is_reported() {
    let endless = Reply::raw().bytes("HTTP/1.1 200 OK\r\nx: ").forever("x".repeat(1 << 16), Duration::ZERO);
    let asks = Reply::text(407, "text/html", "<h1>no</h1>").header("proxy-authenticate", "Basic");
    for (answer, user, kind, what) in [
        (Script::from(asks.clone()), "", "config", "asks for a user and password; put them in its URL"),
        (asks.into(), "me:secret@", "config", "does not accept the user and password in its URL"),
        (
            Reply::status(403).into(),
            "me:secret@",
            "config",
            "does not allow connections to api.test:443 (403)",
        ),
        (Reply::status(502).into(), "", "transport", "made no connection to api.test:443: it answered 502"),
        (Reply::status(301).into(), "", "transport", "it answered 301"),
        (Reply::raw().bytes("SSH-2.0-x\r\n\r\n").into(), "", "transport", "is it a proxy?"),
        (Reply::raw().close().into(), "", "transport", "closed the connection before it answered"),
        (Reply::raw().bytes("HTTP/1.1 2").close().into(), "", "transport", "in the middle of its answer"),
        (Reply::raw().reset().into(), "", "transport", "broke the connection"),
        (Reply::raw().bytes("HTTP/1.1 200 OK\r\n\r\nmore").into(), "", "transport", "more than the head"),
        (endless.into(), "", "transport", "with a head of more than"),
    ] {
        let proxy = Upstream::start(answer);
        let url = format!("http://{user}{}", proxy.addr());
        let error = ask(&client("https://api.test/v1", &url).build().unwrap()).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("the proxy {} ", proxy.url())), "{said}");
        assert!(error.kind.name() == kind && said.contains(what) && !said.contains("secret"), "{said}");
        within(proxy.all_closed()).await;
    }
    // A forwarding proxy can also respond with 407.
    let proxy = Upstream::start(Reply::status(407));
    let error = ask(&client("http://api.test/v1", &proxy.url()).build().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("asks for a user and password"), "{error}");
}

#[actix_rt::test]
async fn a_silent_proxy_is_left_after_the_connect_timeout() {
    tokio::time::pause();
    let proxy = Upstream::spawn(Reply::raw().hold());
    let timeouts = Timeouts::unlimited().connect(Duration::from_secs(3));
    let openai = client("https://api.test/v1", &proxy.url()).timeouts(timeouts).build().unwrap();
    let start = tokio::time::Instant::now();
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Connect));
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_secs(3) && elapsed < Duration::from_millis(3500), "{elapsed:?}");
    within(proxy.peer_closed(0)).await;
}

#[actix_rt::test]
async fn a_proxy_that_cannot_be_reached_is_named() {
    let refused = Upstream::refused_url().replace("/v1", "");
    for (proxy, what) in [
        (refused.replace("http://", "http://me:secret@"), format!("the proxy {refused}")),
        (
            "http://me:secret@no-such-host.invalid:1".into(),
            "the proxy http://no-such-host.invalid:1 cannot be reached: no-such-host.invalid cannot be resolved".into(),
        ),
    ] {
        for url in ["https://api.test/v1", "http://api.test/v1"] {
            let error = ask(&client(url, &proxy).build().unwrap()).await.unwrap_err();
            let said = error.to_string();
            assert!(said.starts_with(&what) && !said.contains("secret"), "{said}");
            assert_eq!(error.kind.name(), "transport");
        }
    }
}

#[actix_rt::test]
async fn no_proxy_hosts_are_reached_directly() {
    let upstream = Upstream::start(good());
    let proxy = Upstream::refused_url().replace("/v1", "");
    let builder = || client(&upstream.base_url(), &proxy);
    assert_eq!(ask(&builder().no_proxy("10.0.0.0/8, 127.0.0.0/8").build().unwrap()).await.unwrap(), "Hello");
    assert_eq!(ask(&builder().no_proxy("*").build().unwrap()).await.unwrap(), "Hello");
    let port = upstream.addr().port();
    assert_eq!(
        ask(&builder().no_proxy(format!("127.0.0.1:{port}")).build().unwrap()).await.unwrap(),
        "Hello"
    );
    for list in ["", "127.0.0.2", "127.0.0.1:1"] {
        let error = ask(&builder().no_proxy(list).build().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("the proxy"), "{error}");
    }
}

#[test]
fn the_environment_names_the_proxy() {
    if std::env::var_os("ACTORSTREAM_CHILD").is_some() {
        let answer = actix::System::new().block_on(async {
            match OpenAiBuilder::from_env().retry(RetryPolicy::none()).build() {
                Ok(openai) => ask(&openai).await,
                Err(error) => Err(error),
            }
        });
        println!("answer {answer:?}");
        match answer {
            Ok(_) => {}
            Err(error) => println!("error {error}"),
        }
        return;
    }
    let run =
        |variables: &[(&str, &str)]| with_environment("proxies::the_environment_names_the_proxy", variables);
    let proxy = Upstream::start(good());
    let url = proxy.url();
    let base = ("OPENAI_BASE_URL", "http://api.test/v1");
    let answered = "answer Ok(\"Hello\")";
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        assert!(run(&[base, (name, &url)]).contains(answered), "{name}");
    }
    assert_eq!(proxy.request_count(), 4);
    // Under CGI, the variable is a client's header.
    let shown = run(&[base, ("HTTP_PROXY", &url), ("REQUEST_METHOD", "GET")]);
    assert!(shown.contains("api.test cannot be resolved"), "{shown}");
    let shown = run(&[base, ("HTTPS_PROXY", &url)]);
    assert!(shown.contains("api.test cannot be resolved"), "{shown}");
    let shown = run(&[base, ("HTTP_PROXY", &url), ("NO_PROXY", ".test")]);
    assert!(shown.contains("api.test cannot be resolved"), "{shown}");
    // Requests to this machine do not use the proxy.
    let here = Upstream::start(good());
    assert!(run(&[("OPENAI_BASE_URL", &here.base_url()), ("HTTP_PROXY", &url)]).contains(answered));
    assert_eq!((here.request_count(), proxy.request_count()), (1, 4));

    let shown = run(&[base, ("http_proxy", "http://me:secret@x:y")]);
    assert!(shown.contains("error http_proxy: the port of the proxy URL is invalid"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}
