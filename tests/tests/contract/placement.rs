//! The threads that streams can be started from, and the end of such threads.

use actix::{Actor, Arbiter};
use actorstream::{ErrorKind, OpenAi, StreamEvent};
use actorstream_test::{ChatStream, Recorder, Reply, Upstream};

use crate::common::{Noting, chunk, client, hello, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").reply()
}

#[test]
fn from_a_system() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let finish = actix::System::new()
        .block_on(async { openai.chat().stream(hello(), Noting::default().start()).await });
    assert_eq!(finish.unwrap().response.content(), Some("Hello"));
}

#[test]
fn from_one_system_after_another_on_the_same_thread() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    for _ in 0..3 {
        let finish = actix::System::new()
            .block_on(async { openai.chat().stream(hello(), Noting::default().start()).await });
        assert_eq!(finish.unwrap().response.content(), Some("Hello"));
    }
}

#[actix_rt::test]
async fn from_an_arbiter_to_an_actor_on_another() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let address = Noting::default().start();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let arbiter = Arbiter::new();
    arbiter.spawn(async move {
        let thread = std::thread::current().id();
        let outcome = openai.chat().stream(hello(), address).await;
        sender.send((thread, outcome)).unwrap();
    });
    let (thread, outcome) = within(receiver).await.unwrap();
    assert_ne!(thread, std::thread::current().id());
    assert_eq!(outcome.unwrap().response.content(), Some("Hello"));
    arbiter.stop();
    arbiter.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_plain_tokio() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let streams = (0..50).map(|_| {
        let openai = openai.clone();
        tokio::spawn(async move { openai.chat().stream_fn(hello(), |_| {}).await })
    });
    for stream in streams.collect::<Vec<_>>() {
        assert_eq!(within(stream).await.unwrap().unwrap().response.content(), Some("Hello"));
    }
}

#[test]
fn from_no_runtime_at_all() {
    let upstream = Upstream::start(good());
    let recorder = Recorder::new(StreamEvent::is_end);
    let openai = OpenAi::builder().base_url(upstream.base_url()).threads(2).build().unwrap();
    drop(openai.chat().stream(hello(), recorder.sink()));
    // The client is dropped before its streams end.
    drop(openai);
    futures_util::FutureExt::now_or_never(async {}).unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(within(recorder.ended()));
    recorder.assert_one_end();
}

#[test]
fn the_clients_own_threads_end_with_it() {
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| {
                let name = task.as_ref().unwrap().path().join("comm");
                std::fs::read_to_string(name).is_ok_and(|name| name.starts_with("actorstream-"))
            })
            .count()
    }
    // Run in a separate process, because other tests of this process start such threads too.
    if std::env::var_os("ACTORSTREAM_ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "placement::the_clients_own_threads_end_with_it", "--nocapture"])
            .env("ACTORSTREAM_ALONE", "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let upstream = Upstream::start(good());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let openai = client(&upstream.base_url());
    runtime.block_on(async { openai.chat().stream_fn(hello(), |_| {}).await }).unwrap();
    assert_eq!(threads(), 1);
    drop(openai);
    for _ in 0..10_000 {
        if threads() == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the thread is still there");
}

#[test]
fn from_an_actix_web_worker_under_tokio_main() {
    use actix_web::{App, HttpServer, web};

    async fn handler(openai: web::Data<OpenAi>) -> String {
        let finish = openai.chat().stream_fn(hello(), |_| {}).await.unwrap();
        finish.response.content().unwrap_or_default().to_owned()
    }

    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async move {
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(openai.clone())).route("/", web::get().to(handler))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        let server = tokio::spawn(server);
        let body = within(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
            socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            answer
        })
        .await;
        assert!(body.ends_with("Hello"), "{body}");
        handle.stop(true).await;
        server.await.unwrap().unwrap();
    });
}

#[actix_rt::test]
async fn an_arbiter_that_ends_aborts_its_streams() {
    let upstream = Upstream::start(Reply::sse().event(chunk("a")).hold());
    let openai = client(&upstream.base_url());
    let recorder = Recorder::new(StreamEvent::is_end);
    let sink = recorder.sink();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || sender.send(openai.chat().stream(hello(), sink)).unwrap());
    let handle = within(receiver).await.unwrap();
    within(recorder.reached(1)).await;
    arbiter.stop();
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Aborted);
    assert!(error.partial::<actorstream::ChatCompletion>().is_some());
    recorder.assert_one_end();
    within(upstream.peer_closed(0)).await;
    arbiter.join().unwrap();
}

#[actix_rt::test]
async fn a_puller_is_told_that_the_arbiter_ended_though_its_channel_was_full() {
    use futures_util::StreamExt as _;
    let upstream = Upstream::start(Reply::sse().events((0..1000).map(|_| chunk("a"))).hold());
    let openai = client(&upstream.base_url());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || drop(sender.send(openai.chat().events(hello()))));
    let mut events = within(receiver).await.unwrap();
    within(events.next()).await.unwrap();
    arbiter.stop();
    arbiter.join().unwrap();
    let rest: Vec<_> = within(events.collect()).await;
    let ends = rest.iter().filter(|event| event.is_end()).count();
    assert!(
        ends == 1
            && matches!(rest.last(), Some(StreamEvent::Error(error)) if error.kind == ErrorKind::Aborted)
    );
}

#[actix_rt::test]
async fn a_stream_started_on_an_arbiter_that_has_ended_is_aborted() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream.base_url());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let recorder = Recorder::new(StreamEvent::is_end);
    let sink = recorder.sink();
    let arbiter = Arbiter::new();
    let handle = arbiter.handle();
    arbiter.spawn_fn(move || {
        handle.stop();
        // The arbiter accepts no more work after this.
        sender.send(openai.chat().stream(hello(), sink)).unwrap();
    });
    let stream = within(receiver).await.unwrap();
    assert_eq!(within(stream).await.unwrap_err().kind, ErrorKind::Aborted);
    recorder.assert_one_end();
    arbiter.join().unwrap();
}
