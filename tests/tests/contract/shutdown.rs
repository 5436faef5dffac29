//! `OpenAi::shutdown` in every state of a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, Arbiter};
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ErrorKind, OpenAi, RetryPolicy, StreamEvent, StreamHandle,
};
use actorstream_test::{Blackhole, ChatStream, Gate, Recorder, Reply, Request, Script, Upstream};
use serde_json::json;

use super::pool::{ESTABLISHED, sockets};
use crate::common::{Noting, chunk, client, hello, within};

const SECONDS: Duration = Duration::from_secs(10);

type Recorded = Recorder<StreamEvent<ChatCompletionChunk>>;

fn silent() -> Reply {
    Reply::sse().event(chunk("Hel")).event(chunk("lo")).hold()
}

fn start(openai: &OpenAi, base_url: &str) -> (Recorded, StreamHandle<ChatCompletion>) {
    let recorder = Recorder::new(StreamEvent::is_end);
    let handle = openai.chat().base_url(base_url).stream(hello(), recorder.sink());
    (recorder, handle)
}

/// Returns how a stream ended: once, and with the same end for target and handle.
async fn ended(recorder: &Recorded, handle: StreamHandle<ChatCompletion>) -> (ErrorKind, Option<String>) {
    let error = within(handle).await.unwrap_err();
    recorder.assert_one_end();
    let Some(StreamEvent::Error(told)) = recorder.events().pop() else {
        panic!("the target received another end")
    };
    assert_eq!(told.kind, error.kind);
    let text = told.partial::<ChatCompletion>().and_then(|partial| Some(partial.content()?.to_owned()));
    (error.kind.clone(), text)
}

#[actix_rt::test]
async fn every_stream_is_cancelled_with_what_arrived() {
    let upstream = Upstream::start(silent());
    let openai = client(&upstream.base_url());
    let streams: Vec<_> = (0..200).map(|_| start(&openai, &upstream.base_url())).collect();
    for (recorder, _) in &streams {
        within(recorder.reached(2)).await;
    }
    let begun = std::time::Instant::now();
    assert_eq!(within(openai.clone().shutdown(SECONDS)).await, 0);
    println!("200 streams in {:?}", begun.elapsed());
    // When shutdown returns, each target has received its end.
    for (recorder, handle) in streams {
        recorder.assert_one_end();
        assert_eq!(ended(&recorder, handle).await, (ErrorKind::Cancelled, Some("Hello".into())));
    }
    within(upstream.all_closed()).await;
}

#[actix_rt::test]
async fn whatever_a_stream_waits_for() {
    let blackhole = Blackhole::new();
    let later = || Reply::error(429, "x", "later").header("retry-after", "30");
    let refuses = Upstream::start(Script::with(move |_| later()));
    let mute = Upstream::start(Reply::raw().hold());
    let heads = Upstream::start(Reply::sse().hold());
    let shakes_no_hands = Upstream::start(Script::on_accept(Reply::raw().hold()));
    let half = Upstream::start(Reply::sse().chunk("data: {\"id\"").hold());
    let reads_nothing = Upstream::start(Script::on_accept(Reply::raw().hold()));
    let openai = client(&blackhole.base_url());
    let mut streams = Vec::new();
    for url in [
        blackhole.base_url(),
        shakes_no_hands.base_url().replace("http:", "https:"),
        mute.base_url(),
        heads.base_url(),
        half.base_url(),
    ] {
        streams.push(start(&openai, &url));
    }
    // The wait before a retry.
    let recorder = Recorder::new(StreamEvent::is_end);
    let call = openai.chat().base_url(refuses.base_url()).retry(RetryPolicy::default());
    let handle = call.stream(hello(), recorder.sink());
    streams.push((recorder, handle));
    // A request that the server does not read.
    let recorder = Recorder::new(StreamEvent::is_end);
    let request = actorstream::ChatRequest::new("m").user("x".repeat(16 << 20));
    let handle = openai.chat().base_url(reads_nothing.base_url()).stream(request, recorder.sink());
    streams.push((recorder, handle));
    let whole = openai.chat().base_url(mute.base_url()).create(hello());
    within(refuses.request(0)).await;
    within(mute.request(1)).await;
    within(heads.request(0)).await;
    within(half.request(0)).await;
    within(shakes_no_hands.has_accepted(1)).await;
    within(reads_nothing.has_accepted(1)).await;
    assert_eq!(within(openai.shutdown(SECONDS)).await, 0);
    for (recorder, handle) in streams {
        assert_eq!(ended(&recorder, handle).await.0, ErrorKind::Cancelled);
    }
    assert_eq!(within(whole).await.unwrap_err().kind, ErrorKind::Cancelled);
    for upstream in [refuses, mute, heads, half, shakes_no_hands] {
        within(upstream.all_closed()).await;
    }
    // This upstream cannot detect the close.
    assert_eq!(sockets(ESTABLISHED, reads_nothing.addr().port()), 0);
}

#[actix_rt::test]
async fn a_stream_in_the_queue_is_cancelled_too() {
    let upstream = Upstream::start(silent());
    let openai = OpenAi::builder().base_url(upstream.base_url()).max_streams(1).build().unwrap();
    let (first, first_handle) = start(&openai, &upstream.base_url());
    within(first.reached(1)).await;
    let (second, second_handle) = start(&openai, &upstream.base_url());
    // A stream that no thread has begun to run.
    let (third, third_handle) = start(&openai, &upstream.base_url());
    assert_eq!(within(openai.shutdown(SECONDS)).await, 0);
    assert_eq!(ended(&first, first_handle).await.0, ErrorKind::Cancelled);
    assert_eq!(ended(&second, second_handle).await, (ErrorKind::Cancelled, None));
    assert_eq!(ended(&third, third_handle).await, (ErrorKind::Cancelled, None));
    assert_eq!((upstream.request_count(), openai.available_permits()), (1, 1));
}

#[actix_rt::test]
async fn streams_started_after_shutdown_are_refused() {
    let upstream = Upstream::start(silent());
    let openai = client(&upstream.base_url());
    let call = openai.chat();
    let clone = openai.clone();
    assert_eq!(openai.shutdown(SECONDS).await, 0);
    let (recorder, handle) = start(&clone, &upstream.base_url());
    assert_eq!(ended(&recorder, handle).await, (ErrorKind::ShutDown, None));
    // A call that was prepared before the shutdown.
    let error = within(call.create(hello())).await.unwrap_err();
    assert!(error.kind == ErrorKind::ShutDown && error.to_string().contains("was shut down"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(upstream.accepted(), 0);
    assert_eq!(openai.shutdown(Duration::ZERO).await, 0);
}

#[actix_rt::test]
async fn a_target_that_does_not_take_its_end_is_counted() {
    tokio::time::pause();
    let upstream = Upstream::spawn(silent());
    let openai = client(&upstream.base_url());
    let actor = Noting::with(|_, _, ctx| {
        use actix::{AsyncContext as _, WrapFuture as _};
        ctx.wait(tokio::time::sleep(Duration::from_secs(60)).into_actor(&Noting::default()));
    });
    let log = actor.chat.clone();
    let waiting = openai.chat().stream(hello(), actor.start());
    let (recorder, quick) = start(&openai, &upstream.base_url());
    recorder.reached(2).await;
    let start = tokio::time::Instant::now();
    assert_eq!(openai.shutdown(Duration::from_secs(2)).await, 1);
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_secs(2) && elapsed < Duration::from_millis(2500), "{elapsed:?}");
    assert_eq!(ended(&recorder, quick).await.0, ErrorKind::Cancelled);
    // Its connection is closed nevertheless, and the end is in its mailbox.
    upstream.all_closed().await;
    assert_eq!(waiting.await.unwrap_err().kind, ErrorKind::Cancelled);
    assert!(!log.lock().unwrap().iter().any(|(_, event)| event.is_end()));
    assert_eq!(openai.shutdown(Duration::from_secs(300)).await, 0);
    assert!(matches!(log.lock().unwrap().last(), Some((_, StreamEvent::Error(_)))));
}

#[actix_rt::test]
async fn a_puller_that_does_not_pull_has_its_end_when_it_does() {
    use futures_util::StreamExt as _;
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::sse().events((0..1000).map(|_| chunk("a"))).hold());
    let openai = client(&upstream.base_url());
    let mut events = openai.chat().events(hello());
    events.next().await.unwrap();
    // The clock advances when all tasks wait: by then there is no room for more events.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(openai.shutdown(Duration::from_secs(1)).await, 1);
    let rest: Vec<_> = events.collect().await;
    assert!(matches!(rest.last(), Some(StreamEvent::Error(error)) if error.kind == ErrorKind::Cancelled));
    assert_eq!(openai.shutdown(SECONDS).await, 0);
}

#[test]
fn from_all_threads_to_a_thread_without_a_timer() {
    let upstream = Upstream::start(silent());
    let openai = client(&upstream.base_url());
    let mut streams = Vec::new();
    // On plain tokio, and outside any runtime: both run on the client's own thread.
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    streams.push(tokio.block_on(async { start(&openai, &upstream.base_url()) }));
    streams.push(start(&openai, &upstream.base_url()));
    // On arbiters.
    let (sender, receiver) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (client, url) = (openai.clone(), upstream.base_url());
    let system = std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            for arbiter in [Arbiter::new().handle(), Arbiter::new().handle(), Arbiter::current()] {
                let (sender, client, url) = (sender.clone(), client.clone(), url.clone());
                arbiter.spawn_fn(move || sender.send(start(&client, &url)).unwrap());
            }
            stopped.await.unwrap();
        });
    });
    streams.extend((0..3).map(|_| receiver.recv().unwrap()));
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (recorder, _) in &streams {
        bare.block_on(recorder.reached(2));
    }
    assert_eq!(bare.block_on(openai.shutdown(SECONDS)), 0);
    for (recorder, handle) in streams {
        recorder.assert_one_end();
        assert_eq!(bare.block_on(handle).unwrap_err().kind, ErrorKind::Cancelled);
    }
    stop.send(()).unwrap();
    system.join().unwrap();
}

#[actix_rt::test]
async fn an_arbiter_that_has_ended_is_not_waited_for() {
    let upstream = Upstream::start(silent());
    let openai = client(&upstream.base_url());
    let arbiter = Arbiter::new();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (client, url) = (openai.clone(), upstream.base_url());
    arbiter.spawn_fn(move || drop(sender.send(start(&client, &url))));
    let (recorder, handle) = within(receiver).await.unwrap();
    within(recorder.reached(1)).await;
    arbiter.stop();
    assert_eq!(within(openai.shutdown(Duration::MAX)).await, 0);
    let (kind, _) = ended(&recorder, handle).await;
    assert!(matches!(kind, ErrorKind::Aborted | ErrorKind::Cancelled), "{kind:?}");
    arbiter.join().unwrap();
}

#[actix_rt::test]
async fn a_response_in_background_mode_is_stopped_at_the_server() {
    let created = json!({"type": "response.created", "sequence_number": 0, "response":
        {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "background": true,
         "status": "in_progress", "output": []}});
    let gone = Gate::new();
    for breaks in [false, true] {
        let (created, gone) = (created.to_string(), gone.clone());
        let upstream = Upstream::start(Script::with(move |request: &Request| {
            match (request.method.as_str(), request.path.ends_with("/cancel")) {
                ("POST", true) => Reply::json(200, &json!({"id": "resp_1", "status": "cancelled"})),
                ("POST", false) if breaks => Reply::sse().event(&created).reset(),
                ("POST", false) => Reply::sse().event(&created).hold(),
                // While the stream waits to resume.
                _ => Reply::status(503).gate(&gone),
            }
        }));
        let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
        let recorder = Recorder::new(StreamEvent::is_end);
        let request = json!({"model": "m", "input": "Hi", "background": true});
        let handle = openai.responses().stream(request, recorder.sink());
        within(recorder.reached(1)).await;
        if breaks {
            within(upstream.request(1)).await;
        }
        assert_eq!(within(openai.shutdown(SECONDS)).await, 0);
        let last = upstream.requests().pop().unwrap();
        assert_eq!((last.method.as_str(), last.path.as_str()), ("POST", "/v1/responses/resp_1/cancel"));
        assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
        recorder.assert_one_end();
    }
}

#[actix_rt::test]
async fn against_streams_that_start_and_finish() {
    let upstream = Upstream::start(ChatStream::new().content("Hello").finish_reason("stop").reply());
    let refused = Arc::new(AtomicUsize::new(0));
    for round in 0..50 {
        let openai = client(&upstream.base_url());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (openai, url, refused) = (openai.clone(), upstream.base_url(), Arc::clone(&refused));
                std::thread::spawn(move || {
                    let mut streams = Vec::new();
                    for _ in 0..10 {
                        streams.push(start(&openai, &url));
                    }
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    for (recorder, handle) in streams {
                        let outcome = runtime.block_on(within(handle));
                        recorder.assert_one_end();
                        match outcome.map_err(|error| error.kind.clone()) {
                            Ok(_) | Err(ErrorKind::Cancelled) => {}
                            Err(ErrorKind::ShutDown) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                            Err(kind) => panic!("{kind:?}"),
                        }
                    }
                })
            })
            .collect();
        for _ in 0..round % 10 {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        assert_eq!(within(openai.shutdown(SECONDS)).await, 0, "round {round}");
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(openai.shutdown(Duration::ZERO).await, 0);
    }
}

#[actix_rt::test]
async fn an_actix_web_service_stops_without_waiting_for_its_streams() {
    use actix_web::{App, HttpResponse, HttpServer, web};
    use futures_util::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn handler(openai: web::Data<OpenAi>) -> HttpResponse {
        let texts = openai.chat().events(hello()).map(|event| {
            Ok::<_, actix_web::Error>(web::Bytes::from(match event {
                StreamEvent::Start(_) => String::new(),
                StreamEvent::Data(chunk) => chunk.content().unwrap_or_default().to_owned(),
                StreamEvent::Error(error) => format!(" [{}]", error.kind.name()),
                StreamEvent::Finish(_) => " [finish]".to_owned(),
            }))
        });
        HttpResponse::Ok().streaming(texts)
    }

    let upstream = Upstream::start(silent());
    let openai = client(&upstream.base_url());
    let data = web::Data::new(openai.clone());
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).route("/", web::get().to(handler)))
            .workers(2)
            // Longer than this test's own timeout.
            .shutdown_timeout(60)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let server = actix_rt::spawn(server);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("lo\r\n") {
            let mut bytes = [0; 1024];
            let len = within(socket.read(&mut bytes)).await.unwrap();
            answer.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
        }
        clients.push(socket);
    }
    // First shut down the streams, then the server.
    let begun = std::time::Instant::now();
    assert_eq!(within(openai.shutdown(SECONDS)).await, 0);
    within(handle.stop(true)).await;
    within(server).await.unwrap().unwrap();
    println!("4 streams and the service in {:?}", begun.elapsed());
    for mut socket in clients {
        let mut rest = String::new();
        within(socket.read_to_string(&mut rest)).await.unwrap();
        assert!(rest.ends_with(" [cancelled]\r\n0\r\n\r\n"), "{rest:?}");
    }
}
