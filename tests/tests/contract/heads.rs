//! Response heads: the limit on headers, and the errors for invalid heads.

use actix::Actor;
use actorstream::{ErrorKind, StreamError};
use actorstream_test::{ChatStream, Reply, Upstream};

use crate::common::{Noting, client, hello, within};

async fn error(reply: Reply) -> StreamError {
    let upstream = Upstream::start(reply);
    within(client(&upstream.base_url()).chat().stream(hello(), Noting::default().start())).await.unwrap_err()
}

#[actix_rt::test]
async fn as_many_as_256_headers_are_read() {
    for (count, refused) in [(97, false), (256, false), (256, true)] {
        let good = ChatStream::new().content("Hello").finish_reason("stop");
        let reply =
            if refused { Reply::error(429, "x", "busy").header("retry-after", 7) } else { good.reply() };
        // The reply's own headers come first, and the id last.
        let padded = (0..count - 5).fold(reply, |reply, n| reply.header(&format!("x-padding-{n}"), "y"));
        let upstream = Upstream::start(padded.header("x-request-id", "req-1"));
        let call = client(&upstream.base_url()).chat();
        match within(call.stream(hello(), Noting::default().start())).await {
            Ok(finish) => {
                assert_eq!(finish.request_id.as_deref(), Some("req-1"));
                assert_eq!(finish.response.content(), Some("Hello"));
            }
            Err(error) => {
                assert!(refused, "{error}");
                assert_eq!((error.status(), error.request_id.as_deref()), (Some(429), Some("req-1")));
                assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
            }
        }
    }
    let many = (0..257).fold(Reply::sse(), |reply, n| reply.header(&format!("x-{n}"), "y"));
    let error = error(many.end()).await;
    assert!(matches!(&error.kind, ErrorKind::Limit { max: 256, .. }), "{error}");
    assert_eq!(error.to_string(), "the number of headers of the response exceeds its limit of 256");
}

#[actix_rt::test]
async fn how_a_connection_ends_before_the_head_is_told() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/ev";
    for (reply, told) in [
        (Reply::raw().reset(), "the connection was reset by the server before it answered"),
        (
            Reply::raw().bytes(head).reset(),
            "the connection was reset by the server in the head of its answer",
        ),
        (Reply::raw().close(), "the server closed the connection before it answered"),
        (Reply::raw().bytes(head).close(), "the server closed the connection in the head of its answer"),
        (Reply::raw().bytes("HTT").close(), "the server closed the connection in the head of its answer"),
        (Reply::raw().bytes("220 mail.test ESMTP\r\n").close(), "the server's answer is not HTTP/1"),
    ] {
        let error = error(reply).await;
        assert_eq!((error.kind.name(), error.to_string().as_str()), ("transport", told));
    }
}

#[actix_rt::test]
async fn a_malformed_head_names_its_flaw() {
    for (header, named) in [
        (
            "transfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "it has more than one Transfer-Encoding",
        ),
        ("content-length: 3\r\ncontent-length: 4\r\n", "it has more than one Content-Length"),
        ("content-length: many\r\n", "its Content-Length is not a length: \"many\""),
        ("transfer-encoding: gzip\r\n", "its Transfer-Encoding is one that was not asked for: \"gzip\""),
        ("oh dear\r\n", "a line of it is not a header: \"oh dear\""),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{header}\r\n");
        let error = error(Reply::raw().bytes(head).hold()).await;
        assert_eq!(error.kind.name(), "transport");
        assert_eq!(error.to_string(), format!("the head of the server's answer is wrong: {named}"));
    }
}
