//! Pooled connections that end, or receive unsolicited data.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use actix::Actor;
use actorstream::{ChatRequest, Custom, OpenAi, RetryPolicy, TranscriptionRequest};
use actorstream_test::{ChatStream, Gate, Reply, Script, TestCa, TranscriptionStream, Upstream};
use tokio::time::{Instant, sleep};

use crate::common::{Noting, client, hello, within};

fn good() -> Reply {
    // The end of the body arrives together with the end of the stream.
    ChatStream::new().content("Hello").finish_reason("stop").reply().split_every(1 << 20)
}

async fn ask(openai: &OpenAi) {
    let finish = openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!((finish.attempts, finish.response.content()), (1, Some("Hello")));
}

/// Retries are off: this does not count as one.
#[actix_rt::test]
async fn a_request_that_dies_on_a_kept_connection_goes_to_a_fresh_one_at_once() {
    tokio::time::pause();
    for last in [
        Reply::raw().reset(),
        Reply::raw().close(),
        Reply::raw().fin(),
        Reply::raw().wait(Duration::from_secs(1)).reset(),
    ] {
        let whole = Reply::json(200, &ChatStream::new().content("Hello").completion());
        for which in 0..3 {
            let second = if which == 0 { good() } else { whole.clone() };
            let upstream = Upstream::spawn(Script::by_connection([
                Script::sequence([good(), last.clone()]),
                second.into(),
            ]));
            let openai = client(&upstream.base_url());
            ask(&openai).await;
            let start = Instant::now();
            let attempts = match which {
                0 => openai.chat().stream(hello(), Noting::default().start()).await.unwrap().attempts,
                1 => openai.chat().create(hello()).await.unwrap().attempts,
                _ => openai.endpoint(Custom::get("/models")).create(()).await.unwrap().attempts,
            };
            assert_eq!(attempts, 1);
            assert!(start.elapsed() < Duration::from_millis(1100), "{:?}", start.elapsed());
            assert_eq!((upstream.accepted(), upstream.request_count()), (2, 3));
            let requests = upstream.requests();
            assert_eq!(requests[1].body, requests[2].body);
        }
    }
}

#[actix_rt::test]
async fn a_file_is_read_again_for_the_fresh_connection() {
    let file = std::env::temp_dir().join(format!("actorstream-kept-{}.mp3", std::process::id()));
    std::fs::write(&file, vec![7; 200_000]).unwrap();
    let good = || TranscriptionStream::new().text("Hello").reply().split_every(1 << 20);
    let first = Script::sequence([good(), Reply::raw().reset()]);
    let upstream = Upstream::start(Script::by_connection([first, good().into()]));
    let openai = client(&upstream.base_url());
    for _ in 0..2 {
        let request = TranscriptionRequest::new("m", file.as_path());
        let finish = within(openai.transcriptions().stream_fn(request, |_| {})).await.unwrap();
        assert_eq!((finish.attempts, finish.response.text.as_str()), (1, "Hello"));
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(upstream.accepted(), 2);
    assert!(upstream.request(2).await.part("file").unwrap().body == vec![7; 200_000]);
}

/// Reads a request, or only half of its body. Returns whether one arrived.
fn read_request(socket: &mut std::net::TcpStream, half: bool) -> bool {
    let (mut read, mut wanted) = (Vec::new(), None);
    let mut bytes = vec![0; 64 << 10];
    while wanted.is_none_or(|wanted| read.len() < wanted) {
        match socket.read(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(len) => read.extend_from_slice(&bytes[..len]),
        }
        if wanted.is_none()
            && let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            wanted = Some(end + 4 + if half { length / 2 } else { length });
        }
    }
    true
}

fn answer() -> String {
    let stream = ChatStream::new().content("Hello").finish_reason("stop");
    let events: String = stream.events().map(|event| format!("data: {event}\n\n")).collect();
    let events = events + "data: [DONE]\n\n";
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{events}",
        events.len()
    )
}

#[actix_rt::test]
async fn a_request_of_which_half_was_sent_on_a_kept_connection_is_sent_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let openai = client(&format!("http://{}/v1", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        assert!(read_request(&mut socket, false));
        socket.write_all(answer().as_bytes()).unwrap();
        assert!(read_request(&mut socket, true));
        // Unread data turns the close into a reset.
        drop(socket);
        let (mut socket, _) = listener.accept().unwrap();
        assert!(read_request(&mut socket, false));
        socket.write_all(answer().as_bytes()).unwrap();
    });
    within(ask(&openai)).await;
    let request = ChatRequest::new("m").user("x".repeat(8 << 20));
    let finish = within(openai.chat().stream(request, Noting::default().start())).await.unwrap();
    assert_eq!((finish.attempts, finish.response.content()), (1, Some("Hello")));
    server.join().unwrap();
}

/// Node's servers and many proxies close idle connections at any moment.
#[actix_rt::test]
async fn a_server_that_closes_right_after_its_answers_fails_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let openai = client(&format!("http://{}/v1", listener.local_addr().unwrap()));
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            std::thread::spawn(move || {
                if read_request(&mut socket, false) {
                    socket.write_all(answer().as_bytes()).unwrap();
                    std::thread::sleep(Duration::from_micros(600));
                }
            });
        }
    });
    for _ in 0..600 {
        within(ask(&openai)).await;
    }
}

#[actix_rt::test]
async fn a_request_is_not_sent_again_once_a_byte_of_an_answer_came() {
    tokio::time::pause();
    let first = Script::sequence([good(), Reply::raw().bytes("H").reset()]);
    let upstream = Upstream::spawn(Script::by_connection([first, good().into()]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    ask(&openai).await;
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!((error.kind.name(), upstream.request_count()), ("transport", 2), "{error}");
}

#[actix_rt::test]
async fn a_fresh_connection_that_dies_is_an_error() {
    tokio::time::pause();
    let first = Script::sequence([good(), Reply::raw().reset()]);
    let upstream = Upstream::spawn(Script::by_connection([first, Reply::raw().reset().into()]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).retry(RetryPolicy::none()).build().unwrap();
    ask(&openai).await;
    let error = openai.chat().stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.to_string(), "the connection was reset by the server before it answered");
    assert_eq!((upstream.accepted(), upstream.request_count()), (2, 3));
}

/// An overrun is recorded whenever it is detected: with the response, when a request takes a connection, and when
/// idle connections are checked.
#[actix_rt::test]
async fn a_server_that_once_wrote_past_the_end_of_an_answer_gets_one_request_a_connection() {
    tokio::time::pause();
    let second = || Reply::raw().bytes(answer()).hold();
    for when in 0..3 {
        let gate = Gate::new();
        let first = if when == 0 { good().then(second()) } else { good().gate(&gate).then(second()) };
        let upstream = Upstream::spawn(Script::by_connection([first.into(), Script::from(good())]));
        let openai = client(&upstream.base_url());
        ask(&openai).await;
        if when > 0 {
            gate.reached().await;
            gate.open();
            sleep(if when == 1 { Duration::from_millis(1) } else { Duration::from_secs(3) }).await;
        }
        for asked in 2..5 {
            ask(&openai).await;
            assert_eq!(upstream.accepted(), asked, "{when}");
        }
        // It is remembered after the thread has dropped its pool, and for all clones and threads.
        sleep(Duration::from_secs(60)).await;
        ask(&openai.clone()).await;
        assert_eq!(upstream.accepted(), 5);
        let url = upstream.base_url();
        let other = client(&url);
        ask(&other).await;
        ask(&other).await;
        assert_eq!(upstream.accepted(), 6, "another client knows nothing of it");
    }
}

#[actix_rt::test]
async fn a_server_that_says_why_it_closes_is_kept_connections_to() {
    tokio::time::pause();
    let gate = Gate::new();
    let goodbye = Reply::raw().bytes("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n").close();
    let first = good().gate(&gate).then(goodbye);
    let upstream = Upstream::spawn(Script::by_connection([first.into(), Script::from(good())]));
    let openai = client(&upstream.base_url());
    ask(&openai).await;
    gate.reached().await;
    gate.open();
    sleep(Duration::from_millis(1)).await;
    for _ in 0..3 {
        ask(&openai).await;
        assert_eq!(upstream.accepted(), 2);
    }
}

/// Session tickets and the like on a TLS connection are not response data.
#[actix_rt::test]
async fn connections_with_tls_are_kept_and_overruns_on_them_noted() {
    let ca = TestCa::new();
    let openai = |upstream: &Upstream| {
        let builder = OpenAi::builder().base_url(upstream.base_url()).ca_certificate(ca.pem());
        builder.retry(RetryPolicy::none()).build().unwrap()
    };
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(good()).unwrap();
    let kept = openai(&upstream);
    for _ in 0..5 {
        within(ask(&kept)).await;
    }
    assert_eq!(upstream.accepted(), 1);

    let gate = Gate::new();
    let first = good().gate(&gate).then(Reply::raw().bytes(answer()).hold());
    let script = Script::by_connection([first.into(), Script::from(good())]);
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(script).unwrap();
    let overrun = openai(&upstream);
    within(ask(&overrun)).await;
    gate.open();
    // Until the data has arrived and idle connections have been checked.
    sleep(Duration::from_secs(3)).await;
    for asked in 2..4 {
        within(ask(&overrun)).await;
        assert_eq!(upstream.accepted(), asked);
    }

    let first = Script::sequence([good(), Reply::raw().reset()]);
    let script = Script::by_connection([first, good().into()]);
    let upstream = Upstream::builder().tls(&ca.identity(&["127.0.0.1"])).start(script).unwrap();
    let dies = openai(&upstream);
    for _ in 0..2 {
        within(ask(&dies)).await;
    }
    assert_eq!(upstream.accepted(), 2);
}
