//! Connections: TLS, HTTP framing, reuse.

use actix::Actor;
use actorstream::{OpenAi, RetryPolicy, StreamError};
use actorstream_test::{ChatStream, Reply, Script, TestCa, Upstream};

use crate::common::{Noting, chunk, client, hello, stop, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

async fn over_tls(
    upstream: &Upstream,
    ca: &TestCa,
) -> Result<actorstream::Finish<actorstream::ChatCompletion>, StreamError> {
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .ca_certificate(ca.pem())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    within(openai.chat().stream(hello(), Noting::default().start())).await
}

#[actix_rt::test]
async fn tls_with_a_private_ca() {
    let ca = TestCa::new();
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(good()).unwrap();
    assert_eq!(over_tls(&upstream, &ca).await.unwrap().response.content(), Some("Hello"));
    assert_eq!(over_tls(&upstream, &ca).await.unwrap().response.content(), Some("Hello"));
}

#[actix_rt::test]
async fn certificates_that_are_not_valid_say_so() {
    let ca = TestCa::new();
    for (identity, trusted, what) in [
        (ca.identity(&["other.example"]), &ca, "not valid for name"),
        (ca.expired_identity(&["127.0.0.1"]), &ca, "expired"),
        (ca.identity(&["127.0.0.1"]), &TestCa::new(), "the server's certificate is not valid"),
    ] {
        let upstream = Upstream::builder().tls(&identity).start(good()).unwrap();
        let error = over_tls(&upstream, trusted).await.unwrap_err();
        assert_eq!(error.kind.name(), "transport");
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(upstream.request_count(), 0);
    }
}

#[actix_rt::test]
async fn tls_to_a_server_that_does_not_speak_it() {
    let upstream =
        Upstream::start(Script::on_accept(Reply::raw().bytes("HTTP/1.1 400 Bad Request\r\n\r\n").close()));
    let url = upstream.base_url().replace("http:", "https:");
    let openai = OpenAi::builder().base_url(url).retry(RetryPolicy::none()).build().unwrap();
    let error = within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    assert!(error.to_string().contains("should it be http://"), "{error}");
}

#[actix_rt::test]
async fn tls_that_breaks_in_the_handshake_says_so() {
    for (end, what) in [
        (Reply::raw().close(), "the server closed the connection in the handshake"),
        // An alert: handshake failure.
        (Reply::raw().bytes(&b"\x15\x03\x03\0\x02\x02\x28"[..]).close(), "HandshakeFailure"),
    ] {
        let upstream = Upstream::start(Script::on_accept(end));
        let url = upstream.base_url().replace("http:", "https:");
        let error = within(client(&url).chat().stream(hello(), Noting::default().start())).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("no TLS connection to 127.0.0.1") && said.contains(what), "{said}");
        assert_eq!(error.kind.name(), "transport");
    }
}

#[actix_rt::test]
async fn a_server_that_speaks_tls_alone_says_so() {
    let upstream = Upstream::builder().tls(&TestCa::new().identity(&["127.0.0.1"])).start(good()).unwrap();
    let url = upstream.base_url().replace("https:", "http:");
    let error = within(client(&url).chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    assert!(error.to_string().contains("should the URL begin with https://"), "{error}");
}

#[actix_rt::test]
async fn a_tls_stream_cut_without_a_goodbye_is_truncated() {
    let ca = TestCa::new();
    let identity = ca.identity(&["127.0.0.1"]);
    for reply in [
        Reply::sse().event(chunk("a")).cut(),
        Reply::sse().event(chunk("a")).event(stop()).reset(),
        Reply::sse_until_close().event(chunk("a")).event(stop()).cut(),
    ] {
        let upstream = Upstream::builder().tls(&identity).start(reply).unwrap();
        assert_eq!(over_tls(&upstream, &ca).await.unwrap_err().kind.name(), "truncated");
    }
}

#[actix_rt::test]
async fn an_answer_that_ends_with_its_connection_is_read() {
    let reply = Reply::sse_until_close().event(chunk("Hello")).event(stop()).done().fin();
    let upstream = Upstream::start(reply);
    let finish =
        within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start())).await.unwrap();
    assert_eq!((finish.response.content(), finish.sentinel), (Some("Hello"), true));
    let reply = Reply::sse_until_close().event(chunk("Hello")).event(stop()).fin();
    let upstream = Upstream::start(reply);
    let finish =
        within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start())).await.unwrap();
    assert!(!finish.sentinel);
}

#[actix_rt::test]
async fn interim_answers_are_passed_over() {
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"] {
        let upstream = Upstream::start(Reply::raw().bytes(interim).bytes(interim).then(good()));
        let finish =
            within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start())).await;
        assert_eq!(finish.unwrap().response.content(), Some("Hello"));
    }
}

#[actix_rt::test]
async fn an_answer_to_half_a_request_is_heard() {
    // The server answers before it has read the request, and closes.
    let refusal = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig";
    let upstream = Upstream::start(Script::on_accept(Reply::raw().bytes(refusal).fin()));
    let openai = client(&upstream.base_url());
    let request = actorstream::ChatRequest::new("m").user("x".repeat(8 << 20));
    let error = within(openai.chat().stream(request, Noting::default().start())).await.unwrap_err();
    assert_eq!(error.status(), Some(413), "{error}");
}

#[actix_rt::test]
async fn a_server_that_closes_its_side_under_a_request_is_not_waited_for() {
    tokio::time::pause();
    // It does not read further, so the rest of the request can never be sent.
    for answer in ["", "HTTP/1.1 200 O"] {
        let script = Script::on_accept(Reply::raw().bytes(answer).fin());
        let upstream = Upstream::builder().receive_buffer(4096).spawn(script).unwrap();
        let openai = client(&upstream.base_url());
        let request = actorstream::ChatRequest::new("m").user("x".repeat(1 << 20));
        let start = tokio::time::Instant::now();
        let error = openai.chat().stream(request, Noting::default().start()).await.unwrap_err();
        assert_eq!(error.kind.name(), "transport", "{error}");
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "{:?}", start.elapsed());
    }
}

#[actix_rt::test]
async fn an_answer_that_is_not_http_says_so() {
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "\0\0\0\0garbage\r\n\r\n"] {
        let upstream = Upstream::start(Reply::raw().bytes(answer).close());
        let error = within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start()))
            .await
            .unwrap_err();
        assert_eq!(error.kind.name(), "transport");
        assert!(error.to_string().contains("not HTTP"), "{error}");
    }
}

#[actix_rt::test]
async fn a_finished_stream_gives_its_connection_back_and_another_does_not() {
    // The end of the body arrives together with the end of the stream.
    let upstream = Upstream::start(good().split_every(1 << 20));
    let openai = client(&upstream.base_url());
    for _ in 0..5 {
        within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
    }
    assert_eq!(upstream.accepted(), 1);

    let upstream =
        Upstream::start(Reply::sse().event(chunk("a")).event(r#"{"error":{"message":"x"}}"#).hold());
    let openai = client(&upstream.base_url());
    within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn a_host_that_cannot_be_resolved_says_so() {
    let openai = OpenAi::builder()
        .base_url("http://no-such-host.invalid/v1")
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap_err();
    assert!(error.to_string().contains("no-such-host.invalid cannot be resolved"), "{error}");
}
