//! Requests through a SOCKS5 proxy.

use std::net::{IpAddr, SocketAddr};

use actorstream_test::{Reply, TestCa, Upstream};

use super::proxies::{ask, client, good};
use crate::socks::{Rules, Socks};

#[actix_rt::test]
async fn a_socks5h_proxy_receives_the_name() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["api.test"])).start(good()).unwrap();
    let socks = Socks::start(upstream.addr(), Rules::default()).await;
    let url = format!("socks5h://{}", socks.addr);
    let openai = client("https://api.test:8443/v1", &url).ca_certificate(ca.pem()).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    // The connection is pooled and reused.
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(socks.asked(), ["name api.test:8443"]);
    let request = upstream.request(1).await;
    assert_eq!(request.header("host"), Some("api.test:8443"));
    assert_eq!(request.header("proxy-authorization"), None);
}

#[actix_rt::test]
async fn an_http_url_is_not_forwarded_by_a_socks_proxy() {
    let upstream = Upstream::start(good());
    let login = Some(("user", "p@ss"));
    let socks = Socks::start(upstream.addr(), Rules { login, ..Rules::default() }).await;
    let url = format!("socks5h://user:p%40ss@{}", socks.addr);
    let openai = client("http://api.test/v1", &url).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(socks.asked(), ["name api.test:80"]);
    let request = upstream.request(0).await;
    assert_eq!((request.origin.as_deref(), request.path.as_str()), (None, "/v1/chat/completions"));
    assert_eq!(request.header("proxy-authorization"), None);
}

#[actix_rt::test]
async fn a_socks5_proxy_receives_addresses() {
    let upstream = Upstream::start(good());
    let addresses: [IpAddr; 3] = ["::2".parse().unwrap(), [192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    // The proxy cannot reach the first two addresses.
    let socks = Socks::start(upstream.addr(), Rules { replies: vec![3, 4, 0], ..Rules::default() }).await;
    let url = format!("socks5://{}", socks.addr);
    let openai = client("http://api.test:81/v1", &url).resolve("api.test", addresses).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(socks.asked(), ["address [::2]:81", "address 192.0.2.1:81", "address 192.0.2.2:81"]);
    // An IP address in the URL is passed as an address.
    let openai = client("http://[::3]:82/v1", &url).build().unwrap();
    assert_eq!(ask(&openai).await.unwrap(), "Hello");
    assert_eq!(socks.asked().last().unwrap(), "address [::3]:82");
}

#[actix_rt::test]
async fn an_error_of_a_socks_proxy_is_reported() {
    let upstream = Upstream::start(good());
    let locked = || Rules { login: Some(("user", "secret")), ..Rules::default() };
    let answers = |reply| Rules { replies: vec![reply], ..Rules::default() };
    for (rules, user, kind, what) in [
        (locked(), "", "config", "asks for a user and password; put them in its URL, as in socks5h://"),
        (locked(), "user:wrong-secret@", "config", "does not accept the user and password in its URL"),
        (answers(2), "", "config", "does not allow connections to api.test:443; have it allowed"),
        (answers(1), "", "transport", "made no connection to api.test:443: it failed"),
        (answers(4), "", "transport", "the host is unreachable"),
        (answers(5), "", "transport", "the connection was refused"),
        (answers(99), "", "transport", "made no connection to api.test:443"),
    ] {
        let socks = Socks::start(upstream.addr(), rules).await;
        let url = format!("socks5h://{user}{}", socks.addr);
        let error = ask(&client("https://api.test/v1", &url).build().unwrap()).await.unwrap_err();
        let said = error.to_string();
        assert!(error.kind.name() == kind && said.contains(what), "{what}: {said}");
        assert!(said.contains(&format!("the proxy socks5h://{}", socks.addr)), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    // A server that is not a SOCKS proxy, and one that closes the connection.
    let http = Upstream::start(Reply::raw().bytes("HTTP/1.1 400 Bad Request\r\n\r\n").close());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = listener.local_addr().unwrap();
    let task = actix_rt::spawn(async move { while listener.accept().await.is_ok() {} });
    for (addr, what) in [(http.addr(), "is it a SOCKS proxy?"), (closing, "broke the connection")] {
        let url = format!("socks5h://{addr}");
        let error = ask(&client("https://api.test/v1", &url).build().unwrap()).await.unwrap_err();
        assert!(error.kind.name() == "transport" && error.to_string().contains(what), "{error}");
    }
    task.abort();
    let nobody: SocketAddr = ([127, 0, 0, 1], 1).into();
    let error = ask(&client("https://api.test/v1", &format!("socks5h://{nobody}")).build().unwrap()).await;
    assert!(error.unwrap_err().to_string().contains("the proxy socks5h://127.0.0.1:1 cannot be reached"));
}
