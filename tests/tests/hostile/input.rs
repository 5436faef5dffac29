//! User input reaches the server as one value, or not at all.

use actorstream::{ChatRequest, Custom, OpenAi};
use actorstream_test::{Reply, Request, Upstream};
use serde_json::json;

use crate::common::{chunk, client, hello, stop};
use crate::play::{run, turn};

fn upstream() -> Upstream {
    Upstream::start(Reply::sse().event(chunk("a")).event(stop()).done().end())
}

/// Returns the path and query of a request.
fn target(request: &Request) -> String {
    let query = request.query.as_ref().map(|query| format!("?{query}"));
    format!("{}{}", request.path, query.unwrap_or_default())
}

#[test]
fn user_values_cannot_end_a_header() {
    let _turn = turn();
    const EVIL: [&str; 4] = ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\0b"];
    run(async {
        let upstream = upstream();
        let openai = client(&upstream.base_url());
        for evil in EVIL {
            for (what, call) in [
                ("key", openai.chat().api_key(evil)),
                ("organization", openai.chat().organization(evil)),
                ("project", openai.chat().project(evil)),
                ("value", openai.chat().header("x-any", evil)),
                ("name", openai.chat().header(evil, "x")),
                ("base URL", openai.chat().base_url(format!("{}/{evil}", upstream.base_url()))),
            ] {
                let error = call.stream_fn(hello(), |_| {}).await.unwrap_err();
                assert_eq!(error.kind.name(), "config", "{what} {evil:?}");
            }
            let custom = Custom::post(format!("/x{evil}"));
            let error = openai.endpoint(custom).stream_fn(json!({}), |_| {}).await.unwrap_err();
            assert_eq!(error.kind.name(), "config", "{evil:?}");
            let builder = OpenAi::builder().base_url(upstream.base_url()).api_key_header(evil);
            assert_eq!(builder.build().unwrap_err().kind.name(), "config");
        }
        assert_eq!(upstream.request_count(), 0);
        for name in ["host", "Content-Length", "transfer-encoding", "connection"] {
            assert!(OpenAi::builder().api_key_header(name).build().is_err(), "{name}");
            assert!(OpenAi::builder().header(name, "1").build().is_err(), "{name}");
        }
        // In the body, it is ordinary text.
        let request = ChatRequest::new("m\r\nEvil: 1").user("\r\n\r\nGET / HTTP/1.1\r\n");
        openai.chat().stream_fn(request, |_| {}).await.unwrap();
        let request = upstream.request(0).await;
        assert_eq!((request.path.as_str(), request.header("evil")), ("/v1/chat/completions", None));
        assert_eq!(request.json()["model"], "m\r\nEvil: 1");
        assert_eq!(upstream.request_count(), 1);
    });
}

#[test]
fn user_values_cannot_leave_the_path() {
    let _turn = turn();
    run(async {
        let upstream = upstream();
        let openai = client(&upstream.base_url());
        openai.chat().query("a&b", "c&d=e#\r\nEvil: 1").stream_fn(hello(), |_| {}).await.unwrap();
        let path = target(&upstream.request(0).await);
        assert_eq!(path, "/v1/chat/completions?a%26b=c%26d%3De%23%0D%0AEvil%3A+1");
        for (number, id) in ["../files?x=1#y", "..", "a b\r\nEvil: 1", "é/%2e%2e"].into_iter().enumerate() {
            // The reply is not a response.
            let _ = openai.responses().resume(id, 1).stream_fn((), |_| {}).await;
            let path = target(&upstream.request(number + 1).await);
            let id = path
                .strip_prefix("/v1/responses/")
                .and_then(|path| path.strip_suffix("?stream=true&starting_after=1"))
                .unwrap_or_else(|| panic!("{path}"));
            assert!(!id.contains(['/', '?', '#', ' ']) && id != ".." && !id.is_empty(), "{path}");
        }
        assert!(upstream.requests().iter().all(|request| request.header("evil").is_none()));
    });
}
