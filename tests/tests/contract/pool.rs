//! Connections that are pooled for the next request.

use std::time::Duration;

use actix::Actor;
use actorstream::OpenAi;
use actorstream_test::{ChatStream, Gate, Reply, Script, Upstream};
use tokio::time::{Instant, sleep};

use crate::common::{Noting, chunk, client, hello, within};

/// `CLOSE_WAIT` in `/proc/net/tcp`.
const CLOSE_WAIT: &str = "08";

/// `ESTABLISHED`.
pub(crate) const ESTABLISHED: &str = "01";

/// Returns the number of sockets on this machine in this state whose remote port is `port`.
pub(crate) fn sockets(state: &str, port: u16) -> usize {
    let mut count = 0;
    for file in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        let Ok(table) = std::fs::read_to_string(file) else { continue };
        count += table
            .lines()
            .skip(1)
            .filter(|line| {
                let mut fields = line.split_whitespace().skip(2);
                let remote = fields.next().unwrap_or_default();
                remote.ends_with(&format!(":{port:04X}")) && fields.next() == Some(state)
            })
            .count();
    }
    count
}

fn good() -> Reply {
    // The end of the body arrives together with the end of the stream.
    ChatStream::new().content("Hello").finish_reason("stop").reply().split_every(1 << 20)
}

async fn ask(openai: &OpenAi) {
    let finish = openai.chat().stream(hello(), Noting::default().start()).await.unwrap();
    assert_eq!(finish.response.content(), Some("Hello"));
}

/// Starts a stream that does not end, so that the client stays in use.
async fn busy(openai: &OpenAi) -> (Upstream, actorstream::StreamHandle<actorstream::ChatCompletion>) {
    let upstream =
        Upstream::spawn(Reply::sse().event(chunk("a")).forever(": ping\n\n", Duration::from_secs(10)));
    let timeouts = actorstream::Timeouts::unlimited();
    let call = openai.chat().base_url(upstream.base_url()).timeouts(timeouts);
    let handle = call.stream(hello(), Noting::default().start());
    upstream.request(0).await;
    (upstream, handle)
}

#[actix_rt::test]
async fn a_kept_connection_that_the_server_closes_is_closed() {
    tokio::time::pause();
    let gate = Gate::new();
    let upstream = Upstream::spawn(good().gate(&gate).close());
    let openai = client(&upstream.base_url());
    let (_other, handle) = busy(&openai).await;
    ask(&openai).await;
    let port = upstream.addr().port();
    gate.reached().await;
    gate.open();
    upstream.all_closed().await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(sockets(CLOSE_WAIT, port), 0);
    handle.cancel();
}

#[actix_rt::test]
async fn a_kept_connection_is_closed_after_15_s() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = client(&upstream.base_url());
    let (_other, handle) = busy(&openai).await;
    ask(&openai).await;
    sleep(Duration::from_secs(10)).await;
    ask(&openai).await;
    let start = Instant::now();
    within(upstream.peer_closed(0)).await;
    let elapsed = start.elapsed();
    println!("closed after {elapsed:?}");
    assert!(elapsed >= Duration::from_secs(15) && elapsed < Duration::from_secs(18), "{elapsed:?}");
    assert_eq!(upstream.accepted(), 1);
    // The connection in use is not affected.
    handle.cancel();
    assert_eq!(handle.await.unwrap_err().kind, actorstream::ErrorKind::Cancelled);
    ask(&openai).await;
    assert_eq!(upstream.accepted(), 2);
}

#[actix_rt::test]
async fn a_kept_connection_on_which_the_server_speaks_or_closes_is_not_used() {
    tokio::time::pause();
    for (waits, last) in [
        (false, Reply::raw().bytes("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n").hold()),
        (false, Reply::raw().bytes("garbage").hold()),
        (false, Reply::raw().close()),
        (false, Reply::raw().reset()),
        (true, Reply::raw().bytes("garbage").hold()),
        (true, Reply::raw().reset()),
    ] {
        let gate = Gate::new();
        let first = good().gate(&gate).then(last);
        let upstream = Upstream::spawn(Script::by_connection([first, good()]));
        let openai = client(&upstream.base_url());
        ask(&openai).await;
        gate.reached().await;
        gate.open();
        if waits {
            // The sweep runs before the next request.
            sleep(Duration::from_secs(3)).await;
        } else {
            sleep(Duration::from_millis(1)).await;
        }
        ask(&openai).await;
        assert_eq!(upstream.accepted(), 2);
        assert_eq!(upstream.requests().iter().map(|request| request.connection).max(), Some(1));
    }
}

#[actix_rt::test]
async fn a_server_that_writes_past_the_end_of_its_answer_breaks_no_other_answer() {
    let stream = ChatStream::new().content("Hello").finish_reason("stop");
    let body = stream.completion().to_string();
    let events: String = stream.events().map(|event| format!("data: {event}\n\n")).collect();
    let events = events + "data: [DONE]\n\n";
    let answers = [
        format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        format!(
            "content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{events}\r\n0\r\n\r\n",
            events.len()
        ),
    ];
    for (streamed, answer) in [false, true].into_iter().zip(answers) {
        let answer = format!("HTTP/1.1 200 OK\r\n{answer}HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
        let upstream = Upstream::spawn(Script::by_connection([Reply::raw().bytes(answer).hold(), good()]));
        let openai = client(&upstream.base_url());
        if streamed {
            ask(&openai).await;
        } else {
            let answer = openai.chat().create(hello()).await.unwrap();
            assert_eq!(answer.response.content(), Some("Hello"));
        }
        ask(&openai).await;
        assert_eq!(upstream.accepted(), 2);
        assert_eq!(upstream.requests().iter().map(|request| request.connection).max(), Some(1));
    }
}

#[actix_rt::test]
async fn the_end_of_a_kept_connection_cuts_no_answer_on_another() {
    tokio::time::pause();
    for swept in [false, true] {
        let gate = Gate::new();
        let whole = Reply::json(200, &ChatStream::new().content("Hello").completion());
        let replies = [good().gate(&gate).close(), whole];
        let upstream = Upstream::spawn(Script::by_connection(replies));
        let openai = client(&upstream.base_url());
        ask(&openai).await;
        gate.reached().await;
        gate.open();
        upstream.all_closed().await;
        sleep(if swept { Duration::from_secs(3) } else { Duration::from_millis(1) }).await;
        // Only the end of its body marks the end of the response.
        let answer = openai.chat().create(hello()).await.unwrap();
        assert_eq!(answer.response.content(), Some("Hello"));
        assert_eq!(upstream.accepted(), 2);
    }
}

#[actix_rt::test]
async fn connections_are_shared_by_nothing_but_calls_of_one_client_to_one_server() {
    let upstream = Upstream::start(good());
    let port = upstream.addr().port();
    let here = [upstream.addr().ip()];
    let client = || OpenAi::builder().resolve("a.test", here).resolve("b.test", here);
    let openai = client().base_url(format!("http://a.test:{port}")).build().unwrap();
    within(ask(&openai)).await;
    within(ask(&openai.clone())).await;
    assert_eq!(upstream.accepted(), 1);
    // Another host at the same address.
    let call = openai.chat().base_url(format!("http://b.test:{port}"));
    within(call.stream(hello(), Noting::default().start())).await.unwrap();
    assert_eq!(upstream.accepted(), 2);
    // Another client, and one with a proxy.
    let other = client().base_url(format!("http://a.test:{port}")).build().unwrap();
    within(ask(&other)).await;
    assert_eq!(upstream.accepted(), 3);
    let proxied = client().base_url(format!("http://a.test:{port}")).proxy(upstream.url()).build().unwrap();
    within(ask(&proxied)).await;
    assert_eq!(upstream.accepted(), 4);
}

#[actix_rt::test]
async fn a_client_that_is_gone_leaves_no_connection() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let openai = client(&upstream.base_url());
    ask(&openai).await;
    assert_eq!(upstream.open(), 1);
    let start = Instant::now();
    drop(openai);
    within(upstream.peer_closed(0)).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}
