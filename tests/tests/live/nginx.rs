//! The relay behind nginx with default settings: only the relay's own headers keep nginx from buffering.
//!
//! nginx forwards chunks as they arrive, as long as the viewer reads. `x-accel-buffering: no` keeps it from reading
//! ahead into a file if the viewer does not read.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream::{ChatRequest, OpenAi, RetryPolicy, StreamEvent};
use actorstream_test::{Gate, Reply, Upstream};
use actorstream_web::{Relay, store::MemoryStore};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio::sync::{Mutex, MutexGuard};

use crate::common::{chunk, client, stop, within};
use crate::variable;

/// The tests share one socket.
static TURN: Mutex<()> = Mutex::const_new(());

/// A relay behind nginx.
struct Service {
    relay: Relay,
    handle: ServerHandle,
    _turn: MutexGuard<'static, ()>,
}

impl Service {
    async fn start(upstream: &Upstream) -> Self {
        let turn = TURN.lock().await;
        let socket = variable("ACTORSTREAM_LIVE_RELAY_SOCKET");
        let _ = std::fs::remove_file(&socket);
        let relay = Relay::new(client(&upstream.base_url()), MemoryStore::default(), user);
        let routes = relay.clone();
        let server = HttpServer::new(move || {
            App::new().service(web::scope("/v1").configure(|config| routes.configure_openai(config)))
        });
        let server =
            server.workers(1).h1_allow_half_closed(false).disable_signals().bind_uds(socket).unwrap().run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { relay, handle, _turn: turn }
    }

    async fn get(&self, path: &str, last_event_id: &str) -> Answer {
        let client = awc::Client::builder().disable_timeout().finish();
        let mut request = client.get(url(path));
        if !last_event_id.is_empty() {
            request = request.insert_header(("last-event-id", last_event_id));
        }
        let response = within(request.send()).await.unwrap();
        assert!(response.headers().get("server").unwrap().to_str().unwrap().starts_with("nginx"));
        Answer { status: response.status().as_u16(), body: Box::pin(response), text: String::new() }
    }

    /// Waits until there are at most `count` viewers; fails if there are fewer.
    async fn has_viewers(&self, count: usize) {
        within(async {
            while self.relay.viewers() > count {
                actix_rt::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(self.relay.viewers(), count);
    }

    /// Starts the only generation, which has no viewers yet.
    async fn begin(&self) -> String {
        let request = actorstream_web::UpstreamRequest::new(
            actorstream_web::event::Api::Chat,
            &ChatRequest::new("m").user("Hello"),
        );
        self.relay.begin("me", request.unwrap()).await.unwrap().to_string()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The stop command is sent at once; there is no need to await it.
        drop(self.handle.stop(false));
    }
}

async fn user(_: HttpRequest) -> actix_web::Result<String> {
    Ok("me".to_owned())
}

fn url(path: &str) -> String {
    format!("{}/v1{path}", variable("ACTORSTREAM_LIVE_RELAY"))
}

/// A response that is read piece by piece.
struct Answer {
    status: u16,
    body: std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, awc::error::PayloadError>>>>,
    text: String,
}

impl Answer {
    /// Reads until `is_enough` is true for the text, or to the end.
    async fn until(mut self, is_enough: impl Fn(&str) -> bool) -> Self {
        assert!([200, 204].contains(&self.status), "{}", self.status);
        while !is_enough(&self.text)
            && let Some(bytes) = within(self.body.next()).await
        {
            self.text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        }
        self
    }

    /// Returns the ids and the data of the complete events.
    fn events(&self) -> Vec<(String, String)> {
        let whole = self.text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let events = whole.split("\n\n").filter(|event| !event.is_empty());
        events
            .map(|event| {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                (field("id: ").to_owned(), field("data: ").to_owned())
            })
            .collect()
    }
}

/// Returns a reply in which each event waits at its own gate.
fn gated(gates: &[Gate]) -> Reply {
    let events = (0..).zip(gates);
    let reply = events
        .fold(Reply::sse(), |reply, (number, gate)| reply.gate(gate).event(chunk(&format!("word {number}"))));
    reply.event(stop()).done().end()
}

fn gates(count: usize) -> Vec<Gate> {
    (0..count).map(|_| Gate::new()).collect()
}

#[actix_rt::test]
async fn events_come_one_by_one() {
    let gates = gates(20);
    let upstream = Upstream::start(gated(&gates));
    let _service = Service::start(&upstream).await;
    // An OpenAI client.
    let openai = OpenAi::builder().base_url(url("")).retry(RetryPolicy::none()).build().unwrap();
    let mut events = openai.chat().events(ChatRequest::new("m").user("Hello"));
    for (number, gate) in gates.iter().enumerate() {
        // Upstream goes on only now that all before has been seen.
        gate.open();
        let event = within(events.next()).await.unwrap();
        let StreamEvent::Data(chunk) = event else { panic!("{event:?}") };
        assert_eq!(chunk.content(), Some(format!("word {number}").as_str()));
    }
    let mut last = within(events.next()).await.unwrap();
    while let StreamEvent::Data(_) = last {
        last = within(events.next()).await.unwrap();
    }
    assert!(matches!(last, StreamEvent::Finish(_)), "{last:?}");
}

#[actix_rt::test]
async fn a_viewer_that_comes_back_gets_each_event_once() {
    for protocol in ["ui", "openai"] {
        let gates = gates(20);
        let upstream = Upstream::start(gated(&gates));
        let service = Service::start(&upstream).await;
        let path = format!("/generations/{}/stream?protocol={protocol}", service.begin().await);
        let mut seen: Vec<(String, String)> = Vec::new();
        let mut gates_left = gates.iter();
        loop {
            // Upstream goes on only now that all before has been seen.
            if let Some(gate) = gates_left.next() {
                gate.open();
            }
            // Like EventSource: it sends its position, disconnects in the middle, and stops after 204.
            let last = seen.last().map_or("", |(id, _)| id);
            let answer = service.get(&path, last).await.until(|text| text.contains("\n\n")).await;
            if answer.status == 204 {
                break;
            }
            seen.extend(answer.events());
        }
        let all = service.get(&path, "").await.until(|_| false).await.events();
        assert_eq!(seen, all, "{protocol}");
        assert_eq!(all.last().unwrap().1, "[DONE]", "{protocol}");
        let words = all.iter().filter(|(_, data)| data.contains("word ")).count();
        assert_eq!(words, gates.len(), "{protocol}");
    }
}

#[actix_rt::test]
async fn a_viewer_that_leaves_frees_its_permit() {
    let gates = gates(2);
    let upstream = Upstream::start(gated(&gates));
    let service = Service::start(&upstream).await;
    let path = format!("/generations/{}/stream", service.begin().await);
    gates[0].open();
    let viewers = [service.get(&path, "").await, service.get(&path, "").await]
        .map(|it| it.until(|text| !text.is_empty()));
    let viewers = futures_util::future::join_all(viewers).await;
    assert_eq!(service.relay.viewers(), 2);
    // Upstream is silent, so nothing is written to the viewers that have left.
    drop(viewers);
    service.has_viewers(0).await;
    assert_eq!(service.relay.running(), 1, "the generation goes on");
    gates[1].open();
    let rest = service.get(&path, "").await.until(|_| false).await;
    assert!(rest.text.ends_with("data: [DONE]\n\n"), "{}", rest.text);
}

#[actix_rt::test]
async fn nothing_is_kept_for_a_viewer_that_does_not_read() {
    // More than the sockets in between hold.
    let long = chunk(&"x".repeat(16 << 10));
    let upstream = Upstream::start(Reply::sse().events(vec![long; 1024]).event(stop()).done().end());
    let service = Service::start(&upstream).await;
    let path = format!("/generations/{}/stream", service.begin().await);
    let address = variable("ACTORSTREAM_LIVE_RELAY").replace("http://", "");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut silent = socket.connect(address.parse().unwrap()).await.unwrap();
    let request = format!("GET /v1{path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    silent.write_all(request.as_bytes()).await.unwrap();
    for _ in 0..2 {
        // Other viewers receive all of it.
        let all = service.get(&path, "").await.until(|text| text.ends_with("data: [DONE]\n\n")).await;
        assert!(all.text.len() > 16 << 20, "{}", all.text.len());
    }
    // The relay has not yet sent most of it to the viewer that does not read.
    service.has_viewers(1).await;
    drop(silent);
    service.has_viewers(0).await;
}
