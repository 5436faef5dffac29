//! Request bodies: their formats and their costs.

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use actorstream_test::{ChatStream, Upstream};
use futures_util::future::join;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Service, builder, client, ui, within};

const ROUTES: [&str; 4] =
    ["/api/chat", "/api/v1/chat/completions", "/api/v1/completions", "/api/v1/responses"];

async fn post(service: &Service, path: &str, content_type: &[&str], body: &str) -> (u16, String) {
    let mut request = client().post(service.url(path)).insert_header(("x-user", "alice")).no_decompress();
    for content_type in content_type {
        request = request.append_header(("content-type", *content_type));
    }
    let mut answer = within(request.send_body(body.to_owned())).await.unwrap();
    let text = within(answer.body()).await.map(|body| String::from_utf8_lossy(&body).into_owned());
    (answer.status().as_u16(), text.unwrap_or_default())
}

#[actix_rt::test]
async fn a_key_that_stands_twice_is_refused_on_all_routes() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    // The service checks the same request that upstream receives.
    let service = Service::start(builder(&upstream.base_url()).prepare(|_, _, request| {
        let cheap = request.get::<String>("model").as_deref() == Some("cheap");
        if cheap { Ok(()) } else { Err(actorstream_web::Failure::new(403, "t", "cheap alone")) }
    }));
    for path in ROUTES {
        for body in [
            r#"{"model":"cheap","id":"c","messages":[],"model":"dear"}"#,
            r#"{"mod\u0065l":"cheap","model":"dear"}"#,
            r#"{"model":"cheap","messages":[{"role":"user","content":"a","content":"b"}]}"#,
            r#"{"model":"cheap","tools":[{"x":{"y":{"z":1,"\u007a":2}}}]}"#,
        ] {
            let (status, text) = post(&service, path, &["application/json"], body).await;
            assert_eq!(status, 400, "{path} {body} {text}");
            assert!(text.contains("occurs twice"), "{text}");
        }
    }
    for path in ["/api/v1/responses/x/cancel", "/api/v1/generations/x/stop", "/api/chat/c/stop"] {
        assert_eq!(post(&service, path, &["application/json"], r#"{"a":1,"a":1}"#).await.0, 400, "{path}");
    }
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn bodies_that_are_no_json_are_refused() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let fields = format!("{{{}\"z\":0}}", (0..2000).map(|n| format!("\"f{n}\":0,")).collect::<String>());
    for path in ROUTES {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "\u{feff}{}",
            "{}{}",
            "{} x",
            "{\"a\":01}",
            &deep(200),
            &deep(1_000_000),
            &fields,
        ] {
            let (status, text) = post(&service, path, &["application/json"], body).await;
            assert_eq!(status, 400, "{path} {} {text}", &body[..body.len().min(40)]);
            assert!(text.contains(r#""error""#), "{text}");
        }
    }
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn a_number_of_any_size_goes_to_upstream_as_it_is() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let body = r#"{"model":"m","messages":[],"stream":true,"seed":123456789012345678901234567890,"x":1e999,"t":"\ud83d"}"#;
    assert_eq!(post(&service, "/api/v1/chat/completions", &["application/json"], body).await.0, 200);
    assert_eq!(upstream.requests()[0].body, body.as_bytes());
}

#[actix_rt::test]
async fn a_body_without_a_json_content_type_is_refused() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    let body = ui("c", "m").to_string();
    for path in ROUTES {
        for types in [
            vec![],
            vec!["text/plain"],
            vec!["application/x-www-form-urlencoded"],
            vec!["multipart/form-data; boundary=x"],
            vec!["text/plain; application/json"],
            vec!["application/json, text/plain"],
            vec!["application/jsonp"],
            vec!["application/json; charset=utf-16"],
            vec!["text/json"],
            vec!["application/json", "text/plain"],
            vec![""],
        ] {
            let (status, text) = post(&service, path, &types, &body).await;
            assert_eq!(status, 415, "{path} {types:?}");
            assert!(text.contains("Content-Type: application/json"), "{text}");
        }
    }
    assert_eq!(upstream.request_count(), 0);
    for types in
        [vec!["application/json; charset=UTF-8"], vec!["Application/JSON"], vec!["application/vnd.api+json"]]
    {
        assert_eq!(post(&service, "/api/chat", &types, &body).await.0, 200, "{types:?}");
    }
    // A request without a body needs no content type.
    assert_eq!(post(&service, "/api/chat/c/stop", &[], "").await.0, 202);
    assert_eq!(post(&service, "/api/chat/c/stop", &["text/plain"], "x").await.0, 415);
}

#[actix_rt::test]
async fn a_compressed_body_is_refused() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()));
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let request =
            client().post(service.url("/api/v1/chat/completions")).insert_header(("x-user", "alice"));
        let request = request
            .insert_header(("content-encoding", coding))
            .insert_header(("content-type", "application/json"));
        assert_eq!(within(request.send_body("{}")).await.unwrap().status(), 415, "{coding}");
    }
}

/// Sends only a part of a request.
async fn half_sent(service: &Service, length: usize, sent: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(service.url("").strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/chat HTTP/1.1\r\nhost: x\r\nx-user: alice\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(sent).await.unwrap();
    socket
}

async fn status(socket: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    within(socket.read_exact(&mut start)).await.unwrap();
    std::str::from_utf8(&start[9..]).unwrap().parse().unwrap()
}

#[actix_rt::test]
async fn a_body_that_stops_or_drips_is_refused_in_time() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let (silence, whole) = (Duration::from_millis(300), Duration::from_secs(1));
    let service = Service::start(builder(&upstream.base_url()).body_timeouts(silence, whole));
    assert_eq!(status(&mut half_sent(&service, 100, b"{").await).await, 408);
    let mut drips = half_sent(&service, 1000, b"{").await;
    let (mut read, mut write) = drips.split();
    let drip = async {
        while write.write_all(b" ").await.is_ok() {
            actix_rt::time::sleep(Duration::from_millis(50)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut start = [0; 12];
    tokio::select! {
        read = within(read.read_exact(&mut start)) => drop(read.unwrap()),
        () = drip => {}
    }
    assert_eq!(&start, b"HTTP/1.1 408");
}

#[actix_rt::test]
async fn bodies_that_are_under_way_have_a_cap_together() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let service = Service::start(builder(&upstream.base_url()).max_bodies(10_000));
    let sent = vec![b' '; 6000];
    let mut first = half_sent(&service, 8000, &sent).await;
    let mut second = half_sent(&service, 8000, &sent).await;
    // Either of them may exceed the limit.
    let refused = tokio::select! {
        status = status(&mut first) => status,
        status = status(&mut second) => status,
    };
    assert_eq!(refused, 503);
    // When both are gone, there is room again.
    drop((first, second));
    within(async {
        while post(
            &service,
            "/api/chat",
            &["application/json"],
            &(ui("c", "m").to_string() + &" ".repeat(5000)),
        )
        .await
        .0 != 200
        {
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[actix_rt::test]
async fn a_large_body_holds_up_no_other_request_of_its_worker() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").reply());
    let relay = builder(&upstream.base_url()).build();
    let mounted = relay.clone();
    let server = HttpServer::new(move || {
        let relay = mounted.clone();
        App::new().service(web::scope("/api").configure(move |config| relay.configure(config)))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/api", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_rt::spawn(server);
    let objects = "{\"\":0},".repeat(1 << 18) + "0";
    let parts = format!(r#"{{"type":"text","text":"Hi"}},{{"type":"data-x","data":[{objects}]}}"#);
    let ui = format!(r#"{{"id":"c","messages":[{{"id":"m","role":"user","parts":[{parts}]}}]}}"#);
    let post = client().post(format!("{url}/chat")).insert_header(("x-user", "alice"));
    let large = post.insert_header(("content-type", "application/json")).send_body(ui);
    let start = Instant::now();
    let answered = Cell::new(false);
    let asking = async {
        let status = within(large).await.unwrap().status();
        answered.set(true);
        (status, start.elapsed())
    };
    let others = async {
        let mut longest = Duration::ZERO;
        while !answered.get() {
            let start = Instant::now();
            let request = client().get(format!("{url}/chat/none/stream")).insert_header(("x-user", "bob"));
            assert_eq!(within(request.send()).await.unwrap().status(), 204);
            longest = longest.max(start.elapsed());
        }
        longest
    };
    let ((status, all), longest) = join(asking, others).await;
    println!("{all:?} for the large one, {longest:?} at most for the others meanwhile");
    assert_eq!(status, 200);
    // If the worker parsed the body, they would wait for nearly all of that time.
    assert!(longest < all / 2, "{longest:?} of {all:?}");
    handle.stop(false).await;
}
