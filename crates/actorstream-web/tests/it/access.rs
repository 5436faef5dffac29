//! Access control: requests from pages of other sites, rebound names and other machines.

use std::net::SocketAddr;

use actix_web::body::to_bytes;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Version};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use actorstream_web::access::{Access, Refusal};
use serde_json::Value;

const LOCAL: &str = "127.0.0.1:50000";
const REMOTE: &str = "192.0.2.7:50000";

struct Answer {
    status: u16,
    headers: actix_web::http::header::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// Returns the response to a request. `headers` are its header lines, including `host`.
async fn ask(access: &Access, peer: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(access, peer, Method::POST, Version::HTTP_11, target, headers).await
}

async fn ask_with(
    access: &Access,
    peer: &str,
    method: Method,
    version: Version,
    target: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let route = || async { HttpResponse::Ok().json("in") };
    let failing = || async { Err::<HttpResponse, _>(actix_web::error::ErrorImATeapot("no")) };
    let app = App::new()
        .wrap(access.clone())
        .route("/teapot", web::post().to(failing))
        .default_service(web::to(route));
    let app = init_service(app).await;
    let mut request = TestRequest::with_uri(target).method(method).version(version);
    request = request.peer_addr(peer.parse::<SocketAddr>().unwrap());
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request = request.append_header((name.parse::<HeaderName>().unwrap(), value));
    }
    let response = call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

#[actix_rt::test]
async fn programs_and_the_own_page_on_this_machine_are_let_in() {
    let access = Access::new().bound_to("127.0.0.1:8080".parse().unwrap());
    for host in [
        "localhost:8080",
        "LocalHost:8080",
        "localhost.",
        "127.0.0.1:8080",
        "[::1]:8080",
        "[::ffff:127.0.0.1]:8080",
        "127.8.8.8",
    ] {
        assert_eq!(ask(&access, LOCAL, "/", &[("host", host)]).await.status, 200, "{host}");
        let origin = format!("http://{host}");
        let own = [("host", host), ("origin", &*origin), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask(&access, LOCAL, "/", &own).await.status, 200, "{host}");
    }
    assert_eq!(
        ask(&access, "[::1]:1", "/", &[("host", "localhost:80"), ("origin", "http://LOCALHOST")])
            .await
            .status,
        200
    );
    assert_eq!(ask(&access, "[::ffff:127.0.0.1]:1", "/", &[("host", "localhost")]).await.status, 200);
    assert_eq!(
        ask(&access, LOCAL, "http://localhost:8080/", &[("host", "localhost:8080")]).await.status,
        200
    );
    // A user types the address, or an old program uses HTTP/1.0.
    assert_eq!(
        ask(&access, LOCAL, "/", &[("host", "localhost"), ("sec-fetch-site", "none")]).await.status,
        200
    );
    assert_eq!(ask_with(&access, LOCAL, Method::GET, Version::HTTP_10, "/", &[]).await.status, 200);
}

#[actix_rt::test]
async fn a_rebound_name_is_refused() {
    let access = Access::new().bound_to("127.0.0.1:8080".parse().unwrap());
    for host in [
        "evil.example:8080",
        "evil.example",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.evil.example:8080",
        "10.0.0.1",
        "0.0.0.0:8080",
        "[::]:8080",
        "192.0.2.1:8080",
        "notlocalhost",
    ] {
        let origin = format!("http://{host}");
        for headers in [
            vec![("host", host)],
            vec![("host", host), ("origin", &origin), ("sec-fetch-site", "same-origin")],
        ] {
            let answer = ask(&access, LOCAL, "/", &headers).await;
            assert_eq!((answer.status, answer.code()), (403, "host_not_allowed"), "{host}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    for host in [
        "",
        "xn--localhost-.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost, evil.example",
        "localhost:80:80",
        "löcalhost",
        "localhost/",
        "localhost:",
    ] {
        assert_eq!(ask(&access, LOCAL, "/", &[("host", host)]).await.status, 400, "{host}");
    }
    assert_eq!(ask(&access, LOCAL, "/", &[]).await.status, 400, "no host at all");
    let two = [("host", "localhost"), ("host", "localhost")];
    assert_eq!(ask(&access, LOCAL, "/", &two).await.status, 400);
    let two = [("host", "localhost"), ("host", "evil.example")];
    assert_eq!(ask(&access, LOCAL, "/", &two).await.status, 400);
    // The target has another host than the header.
    for (target, host, status) in [
        ("http://evil.example/", "localhost", 400),
        ("http://localhost/", "evil.example", 400),
        ("http://evil.example/", "evil.example", 403),
        ("http://u@localhost/", "localhost", 400),
    ] {
        assert_eq!(ask(&access, LOCAL, target, &[("host", host)]).await.status, status, "{target} {host}");
    }
}

#[actix_rt::test]
async fn pages_of_other_sites_are_refused() {
    let access = Access::new();
    let host = ("host", "localhost:8080");
    for origin in [
        "null",
        "http://evil.example",
        "https://evil.example",
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8080",
        "http://127.0.0.1:8080",
        "http://localhost:8080.evil.example",
        "http://localhost:8080@evil.example",
        "localhost:8080",
        "http://localhost:8080/",
        "file://",
        "",
        "chrome-extension://abcdef",
        "http://localhost:8080, http://evil.example",
        "http://localhost:8080 http://evil.example",
        "*",
    ] {
        let answer = ask(&access, LOCAL, "/", &[host, ("origin", origin)]).await;
        assert_eq!((answer.status, answer.code()), (403, "origin_not_allowed"), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    let own = ("origin", "http://localhost:8080");
    assert_eq!(ask(&access, LOCAL, "/", &[host, own, own]).await.status, 403, "two");
    assert_eq!(ask(&access, LOCAL, "/", &[host, own, ("origin", "evil.example")]).await.status, 403);
    for site in ["cross-site", "same-site", "Same-Origin", "x", ""] {
        assert_eq!(ask(&access, LOCAL, "/", &[host, ("sec-fetch-site", site)]).await.status, 403, "{site}");
        assert_eq!(
            ask(&access, LOCAL, "/", &[host, own, ("sec-fetch-site", site)]).await.status,
            403,
            "{site}"
        );
    }
    let two = [host, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
    assert_eq!(ask(&access, LOCAL, "/", &two).await.status, 403);
    // A preflight gets no permission either.
    let preflight = [host, ("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    let answer = ask_with(&access, LOCAL, Method::OPTIONS, Version::HTTP_11, "/", &preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""));
}

#[actix_rt::test]
async fn an_origin_that_is_allowed_gets_the_answers_of_cors() {
    let access = Access::new()
        .allow_origin("https://App.example.com".parse().unwrap())
        .token("t0ken".parse().unwrap());
    let (host, origin) = (("host", "localhost"), ("origin", "https://app.example.com"));
    let asks = [
        host,
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-user"),
        ("access-control-request-private-network", "true"),
    ];
    let answer = ask_with(&access, LOCAL, Method::OPTIONS, Version::HTTP_11, "/", &asks).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.com");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type,x-user");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    assert_eq!(answer.header("access-control-allow-private-network"), "true");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    // The responses can be read, including errors.
    let shown = ("authorization", "Bearer t0ken");
    for (target, headers, status) in [
        ("/", vec![host, origin, shown, ("sec-fetch-site", "cross-site")], 200),
        ("/", vec![host, origin], 401),
        ("/teapot", vec![host, origin, shown], 418),
    ] {
        let answer = ask(&access, LOCAL, target, &headers).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.com");
        assert!(answer.header("access-control-expose-headers").contains("x-generation-id"));
        assert_eq!(answer.header("vary"), "origin");
    }
    for other in
        ["http://app.example.com", "https://app.example.com:8443", "https://a.app.example.com", "null"]
    {
        let answer = ask(&access, LOCAL, "/", &[host, shown, ("origin", other)]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""), "{other}");
    }
}

#[actix_rt::test]
async fn other_machines_and_whoever_comes_through_a_proxy_are_refused_without_a_token() {
    let access =
        Access::new().advice(|refusal| if refusal == Refusal::Remote { "set up a token" } else { "" });
    let host = ("host", "localhost:8080");
    for peer in [REMOTE, "[2001:db8::1]:1", "[::ffff:192.0.2.7]:1", "0.0.0.0:1"] {
        let answer = ask(&access, peer, "/", &[host]).await;
        assert_eq!((answer.status, answer.code()), (403, "token_not_set_up"), "{peer}");
        assert!(answer.body["error"]["message"].as_str().unwrap().ends_with("; set up a token"));
    }
    for header in [
        "forwarded",
        "x-forwarded-for",
        "X-Forwarded-Host",
        "x-forwarded-proto",
        "x-forwarded",
        "x-real-ip",
        "via",
        "cf-connecting-ip",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "fastly-client-ip",
        "x-envoy-external-address",
    ] {
        for value in ["127.0.0.1", "for=127.0.0.1", "", "::1, 127.0.0.1"] {
            assert_eq!(
                ask(&access, LOCAL, "/", &[host, (header, value)]).await.status,
                403,
                "{header}: {value}"
            );
        }
    }
    // An application that authenticates users itself accepts them.
    let elsewhere = Access::new().authorized_elsewhere();
    assert_eq!(ask(&elsewhere, REMOTE, "/", &[host, ("x-forwarded-for", "192.0.2.9")]).await.status, 200);
    assert_eq!(ask(&elsewhere, REMOTE, "/", &[("host", "evil.example")]).await.status, 403);
}

#[actix_rt::test]
async fn a_token_lets_in_from_anywhere_and_nobody_without_it() {
    let access = Access::new().bound_to("0.0.0.0:8080".parse().unwrap()).token("t0ken".parse().unwrap());
    for (peer, host) in [
        (LOCAL, "localhost:8080"),
        (REMOTE, "192.0.2.1:8080"),
        (REMOTE, "[2001:db8::2]:8080"),
        (LOCAL, "10.0.0.1"),
    ] {
        let host = ("host", host);
        for shown in ["Bearer t0ken", "bearer t0ken", "BEARER  t0ken"] {
            let answer =
                ask(&access, peer, "/", &[host, ("authorization", shown), ("x-forwarded-for", "192.0.2.9")])
                    .await;
            assert_eq!(answer.status, 200, "{host:?} {shown}");
        }
        let answer = ask(&access, peer, "/", &[host]).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
        assert_eq!(answer.code(), "missing_token");
        for wrong in [
            "Bearer t0keN",
            "Bearer t0ken2",
            "Bearer ",
            "Basic t0ken",
            "t0ken",
            "Bearert0ken",
            "Bearer t0ken, Bearer x",
        ] {
            let answer = ask(&access, peer, "/", &[host, ("authorization", wrong)]).await;
            assert_eq!(answer.status, 401, "{wrong}");
            assert!(!answer.body.to_string().contains("t0ken"), "{wrong}");
        }
        let twice = [host, ("authorization", "Bearer x"), ("authorization", "Bearer t0ken")];
        assert_eq!(ask(&access, peer, "/", &twice).await.status, 401);
        assert_eq!(ask(&access, peer, "/?token=t0ken&access_token=t0ken", &[host]).await.status, 401);
    }
    // A token gives access neither to other hosts nor to other pages.
    let shown = ("authorization", "Bearer t0ken");
    assert_eq!(ask(&access, REMOTE, "/", &[("host", "evil.example:8080"), shown]).await.status, 403);
    let other = [("host", "192.0.2.1:8080"), shown, ("origin", "http://evil.example")];
    assert_eq!(ask(&access, REMOTE, "/", &other).await.status, 403);
}

#[actix_rt::test]
async fn hosts_that_are_allowed_are_answered_to() {
    let hosts = ["Bücher.example", "chat.example.com:8443", "10.1.2.3", "[fd00::1]"];
    let access = hosts.iter().fold(Access::new(), |access, host| access.allow_host(host.parse().unwrap()));
    for (host, status) in [
        ("xn--bcher-kva.example", 200),
        ("XN--BCHER-KVA.EXAMPLE.:99", 200),
        ("chat.example.com:8443", 200),
        ("chat.example.com", 403),
        ("chat.example.com:443", 403),
        ("10.1.2.3:5", 200),
        ("10.1.2.4", 403),
        ("[FD00:0::1]:8", 200),
        ("evil.chat.example.com:8443", 403),
    ] {
        assert_eq!(ask(&access, LOCAL, "/", &[("host", host)]).await.status, status, "{host}");
    }
    // TLS may be terminated in front of the service, so both schemes count as the service's own.
    let own = [("host", "chat.example.com:8443"), ("origin", "https://chat.example.com:8443")];
    assert_eq!(ask(&access, LOCAL, "/", &own).await.status, 200);
    for wrong in ["", "a b", "http://a", "a/b", "u@a", "a:b", "a:99999", "*"] {
        assert!(wrong.parse::<actorstream_web::access::AllowedHost>().is_err(), "{wrong}");
    }
}

#[actix_rt::test]
async fn a_page_is_shown_to_all_who_reach_it_by_its_hosts() {
    let access = Access::new().token("t0ken".parse().unwrap()).page();
    let host = ("host", "localhost:8080");
    let get = |headers: Vec<(&'static str, &'static str)>| {
        let access = access.clone();
        async move { ask_with(&access, REMOTE, Method::GET, Version::HTTP_11, "/", &headers).await.status }
    };
    assert_eq!(get(vec![host]).await, 200);
    let link = vec![
        host,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(get(link).await, 200);
    let frame = vec![
        host,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
    ];
    assert_eq!(get(frame).await, 403);
    assert_eq!(get(vec![host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]).await, 403);
    assert_eq!(get(vec![host, ("origin", "null")]).await, 403);
    assert_eq!(get(vec![("host", "evil.example:8080")]).await, 403);
}
