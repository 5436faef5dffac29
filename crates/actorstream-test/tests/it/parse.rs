//! Scripts in files.

use crate::raw_client::{RawClient, is_reset};
use actorstream_test::{Script, Upstream};

async fn answer(file: &str) -> String {
    let upstream = Upstream::spawn(Script::parse(file.as_bytes()).unwrap());
    RawClient::posting(&upstream, "").await.rest_to_fin().await
}

#[tokio::test]
async fn an_event_stream_needs_no_status() {
    let file = r#"
        {"event": {"b": 1, "a": "\ud83d"}}
        {"event": {}, "name": "response.created"}
        {"data": "two\nlines"}

        {"comment": "hi"}
        {"wait_ms": 0}
        {"done": true}
        {"end": true}
        {"close": true}"#;
    assert_eq!(
        answer(file).await,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
         transfer-encoding: chunked\r\n\r\n\
         1f\r\ndata: {\"b\": 1, \"a\": \"\\ud83d\"}\n\n\r\n\
         22\r\nevent: response.created\ndata: {}\n\n\r\n\
         17\r\ndata: two\ndata: lines\n\n\r\n6\r\n: hi\n\n\r\n\
         e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn a_status_and_bytes_make_a_response() {
    let file = "{\"status\": 429, \"headers\": {\"retry-after\": 1}}\n{\"bytes\": \"{}\"}\n{\"cut\":true}";
    assert_eq!(
        answer(file).await,
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}"
    );
    let file = "{\"status\": 500, \"headers\": {\"Content-Type\": \"text/plain\"}}\n{\"data\": \"x\"}";
    assert_eq!(
        answer(file).await,
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
         transfer-encoding: chunked\r\n\r\n9\r\ndata: x\n\n\r\n"
    );
    assert_eq!(answer("{\"bytes\": \"raw\\r\\n\"}").await, "raw\r\n");
}

#[tokio::test]
async fn a_recording_is_played() {
    let recorded = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut";
    assert_eq!(answer(recorded).await, recorded);
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_played_with_its_timing() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (first, second) = ("2;wait_ms=40000\r\na\n\r\n", "2;wait_ms=2000;x=y\r\nb\n\r\n");
    let began = tokio::time::Instant::now();
    for end in ["0\r\n\r\n", "5\r\ncut", "no chunk", ""] {
        let recorded = format!("{head}{first}{second}{end}");
        let upstream = Upstream::spawn(Script::parse(recorded.as_bytes()).unwrap());
        assert_eq!(RawClient::posting(&upstream, "").await.read_until(&recorded).await, recorded);
    }
    assert_eq!(began.elapsed().as_secs(), 4 * 42);
    let upstream = Upstream::spawn(Script::parse(format!("{head}{first}0;hold\r\n").as_bytes()).unwrap());
    let mut client = RawClient::posting(&upstream, "").await;
    let played = format!("{head}{first}");
    assert_eq!(client.read_until(&played).await, played);
    assert_eq!(upstream.open(), 1);
}

#[tokio::test]
async fn the_connection_can_be_reset_or_held() {
    let upstream = Upstream::spawn(Script::parse(b"{\"reset\": true}").unwrap());
    assert!(is_reset(RawClient::posting(&upstream, "").await.rest().await.1));
    let upstream = Upstream::spawn(Script::parse(b"{\"fin\":true}\n{\"hold\":true}").unwrap());
    let mut client = RawClient::posting(&upstream, "").await;
    client.rest_to_fin().await;
    assert_eq!(upstream.open(), 1);
}

#[test]
fn errors_name_the_line() {
    for (file, error) in [
        ("", "line 1: the script has no steps"),
        ("\n{\"evnt\": 1}", "line 2: no step of this name"),
        ("{\"done\": true}\n\nhi", "line 3: not a JSON object: expected value at line 1 column 1"),
        ("{\"done\": false}", "line 1: `done` must be true"),
        ("{\"done\": 1}", "line 1: `done` must be true"),
        ("{\"data\": 1}", "line 1: `data` must be a string"),
        ("{\"wait_ms\": -1}", "line 1: `wait_ms` must be a whole number"),
        ("{\"status\": 99}", "line 1: `status` must be a number from 100 to 999"),
        ("{\"status\": 99999}", "line 1: `status` must be a number from 100 to 999"),
        (
            "{\"status\": 200, \"headers\": {\"a\": []}}",
            "line 1: `headers` must be an object of strings, numbers or booleans",
        ),
        ("{\"done\": true, \"end\": true}", "line 1: `end` does not belong here"),
    ] {
        let found = Script::parse(file.as_bytes()).unwrap_err();
        assert_eq!(found.to_string(), error, "{file}");
    }
    let found = Script::parse(b"{\"done\":true}\n{\"data\":\"\xff\"}").unwrap_err();
    assert_eq!(found.to_string(), "line 2: not UTF-8");
}
