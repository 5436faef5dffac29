//! Bounded time: streams that outlive their timeouts, floods, and targets that end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, OpenAi, Outcome, RetryPolicy, StreamError, StreamEvent,
    StreamHandle, StreamMessage, StreamRef, StreamingClient, Timeout, Timeouts, streaming_client,
};
use actorstream_test::{Gate, Reply, Upstream};
use futures_util::StreamExt as _;
use futures_util::future::join_all;

use crate::common::{Noting, chunk, hello, one_stream, stop, within};
use crate::compress::{CODINGS, compress_endless, header};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn client(url: &str, timeouts: Timeouts) -> OpenAi {
    OpenAi::builder().base_url(url).timeouts(timeouts).retry(RetryPolicy::none()).build().unwrap()
}

/// The kinds of targets.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Actor,
    Recipient,
    Closure,
    Channel,
    Puller,
}

const KINDS: [Kind; 5] = [Kind::Actor, Kind::Recipient, Kind::Closure, Kind::Channel, Kind::Puller];

/// A custom handler.
struct Own;

impl Actor for Own {
    type Context = Context<Self>;
}

impl Handler<StreamMessage<ChatCompletionChunk>> for Own {
    type Result = ();

    fn handle(&mut self, message: StreamMessage<ChatCompletionChunk>, _: &mut Context<Self>) {
        message.into_events().for_each(drop);
    }
}

/// Returns how a stream to a target of this kind ends.
async fn outcome(openai: &OpenAi, kind: Kind) -> Outcome<ChatCompletion> {
    let chat = openai.chat();
    let own = Own.start();
    match kind {
        Kind::Actor => chat.stream(hello(), Noting::default().start()).await,
        Kind::Recipient => chat.stream(hello(), own.recipient()).await,
        Kind::Closure => chat.stream_fn(hello(), |_| {}).await,
        Kind::Channel => {
            let (sender, mut receiver) = tokio::sync::mpsc::channel::<StreamEvent<ChatCompletionChunk>>(1);
            let handle = chat.stream(hello(), sender);
            while receiver.recv().await.is_some_and(|event| !event.is_end()) {}
            handle.await
        }
        Kind::Puller => {
            let mut events = chat.events(hello());
            loop {
                match events.next().await.unwrap() {
                    StreamEvent::Start(_) => {}
                    StreamEvent::Data(_) => {}
                    StreamEvent::Finish(finish) => return Ok(finish),
                    StreamEvent::Error(error) => return Err(error),
                }
            }
        }
    }
}

/// On the paused clock, events and timers occur at the same instant whenever possible.
#[actix_rt::test]
async fn a_stream_that_outlives_its_timeouts_ends_by_them_when_it_falls_silent() {
    tokio::time::pause();
    for kind in KINDS {
        for (gap, events) in [(1, 3000), (100, 80), (250, 40), (500, 20), (999, 10), (1000, 10)] {
            let silent = Gate::new();
            let reply = (0..events).fold(Reply::sse(), |reply, _| reply.event(chunk("a")).wait(millis(gap)));
            let upstream = Upstream::spawn(reply.event(chunk("a")).gate(&silent).hold());
            let timeouts =
                Timeouts::unlimited().first_event(millis(2000)).idle(millis(2000)).stall(millis(2000));
            let openai = client(&upstream.base_url(), timeouts.total(millis(60_000)));
            let outcome = actix_rt::spawn(async move { outcome(&openai, kind).await });
            silent.reached().await;
            let start = tokio::time::Instant::now();
            let error = outcome.await.unwrap().unwrap_err();
            let case = format!("{kind:?}, {events} events, one each {gap} ms");
            assert!(error.timeout().is_some(), "{case}: {error}");
            // The clock may advance while data is on its way through the kernel.
            let near = start.elapsed().abs_diff(millis(2000));
            assert!(near < millis(100), "{case}: {:?}", start.elapsed());
        }
    }
}

/// Keep-alives are delivered but do not end a silence, however often they arrive.
#[actix_rt::test]
async fn keepalive_events_hold_no_stream_open() {
    tokio::time::pause();
    let keepalive = "data: {\"type\":\"keepalive\"}\n\n";
    let timeouts =
        Timeouts::unlimited().idle(millis(5000)).stall(millis(2000)).tail(millis(2000)).total(millis(60_000));
    for kind in KINDS {
        for every in [300, 900, 1500] {
            let events = [
                (Reply::sse().event(chunk("a")), false),
                (Reply::sse().event(chunk("a")).event(stop()), true),
            ];
            for (reply, complete) in events {
                let upstream = Upstream::spawn(reply.forever(keepalive, millis(every)));
                let openai = client(&upstream.base_url(), timeouts.clone());
                let start = tokio::time::Instant::now();
                let outcome = outcome(&openai, kind).await;
                let case = format!("{kind:?}, each {every} ms, complete: {complete}: {:?}", start.elapsed());
                assert!(start.elapsed() >= millis(2000) && start.elapsed() < millis(2100), "{case}");
                match outcome {
                    Ok(finish) => assert!(complete && !finish.sentinel, "{case}"),
                    Err(error) => {
                        assert!(!complete && error.timeout() == Some(Timeout::Stall), "{case}: {error}");
                    }
                }
            }
        }
    }
}

/// Two threads that are always busy.
struct BusyLoops(Arc<AtomicBool>);

impl BusyLoops {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..2 {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for BusyLoops {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// In real time, next to busy loops: tokens as fast as possible, and one every 1, 5 and 20 ms.
#[actix_rt::test]
async fn no_stream_hangs_on_real_time_beside_busy_loops() {
    let _busy = BusyLoops::start();
    let paced =
        |gap, events| (0..events).fold(Reply::sse(), |reply, _| reply.event(chunk("a")).wait(millis(gap)));
    let replies = [
        Reply::sse().repeat(5000, format!("data: {}\n\n", chunk("a"))),
        paced(1, 1000),
        paced(5, 200),
        paced(20, 60),
    ];
    let mut running = Vec::new();
    let mut upstreams = Vec::new();
    for (number, reply) in replies.into_iter().enumerate() {
        for kind in KINDS {
            for _ in 0..2 {
                let upstream = Upstream::start(reply.clone().hold());
                let timeouts =
                    Timeouts::unlimited().idle(millis(500)).stall(millis(500)).total(millis(20_000));
                let openai = client(&upstream.base_url(), timeouts);
                upstreams.push(upstream);
                running.push(async move { (number, kind, within(outcome(&openai, kind)).await) });
            }
        }
    }
    for (number, kind, outcome) in join_all(running).await {
        let error = outcome.unwrap_err();
        assert!(error.timeout().is_some(), "{kind:?}, reply {number}: {error}");
    }
}

/// Data that a server may send forever, and the timeout that must end its stream.
const FLOODS: [(&str, &str); 9] = [
    ("data that are comments", "data: :\n\n"),
    ("comments", ": ping\n\n"),
    ("comments without an end", ":\n"),
    ("names without data", "event: a\n\n"),
    ("names without an end", "event: a\n"),
    ("unknown fields", ":\nx: 1\n\n"),
    ("ids", "id: 1\n\n"),
    ("line ends", "\n"),
    ("events", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"),
];

/// Each flood ends by its timeout. Meanwhile, another stream on the same thread receives its events.
#[test]
fn floods_end_in_time_and_delay_no_other_stream() {
    for (name, piece) in FLOODS {
        let flood = piece.repeat((16 << 10) / piece.len());
        flood_ends_in_time(name, Reply::sse().forever(flood, Duration::ZERO));
    }
}

/// The same for a small body that decodes to a huge one.
#[test]
fn floods_that_are_compressed_end_in_time_and_delay_no_other_stream() {
    let comments = ": ping\n\n".repeat(128 << 10);
    for coding in CODINGS {
        let (begun, piece) = compress_endless(coding, b":\n", comments.as_bytes());
        let reply = Reply::sse().header("content-encoding", header(coding)).piece(begun);
        flood_ends_in_time(coding, reply.forever(piece, Duration::ZERO));
    }
}

fn flood_ends_in_time(name: &str, flood: Reply) {
    const TIMEOUT: Duration = Duration::from_millis(700);
    System::new().block_on(async {
        let upstream = Upstream::start(flood);
        let timeouts =
            Timeouts::unlimited().first_event(TIMEOUT).idle(TIMEOUT).stall(TIMEOUT).total(TIMEOUT * 2);
        let openai = client(&upstream.base_url(), timeouts);
        let beside = Upstream::start(Reply::sse().forever(format!("data: {}\n\n", chunk("a")), millis(2)));
        let quiet = client(&beside.base_url(), Timeouts::unlimited());
        let longest = Arc::new(Mutex::new((Instant::now(), Duration::ZERO)));
        let noted = Arc::clone(&longest);
        let quiet = quiet.chat().stream_fn(hello(), move |_| {
            let (last, longest) = &mut *noted.lock().unwrap();
            *longest = (*longest).max(last.elapsed());
            *last = Instant::now();
        });
        while beside.accepted() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(millis(50)).await;
        longest.lock().unwrap().1 = Duration::ZERO;
        let start = Instant::now();
        let error = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
        let took = start.elapsed();
        let pause = longest.lock().unwrap().1;
        quiet.cancel();
        println!("{name}: {} after {took:?}; the other stream waited {pause:?} at most", error.kind.name());
        assert!(error.timeout().is_some() || error.kind.name() == "limit", "{name}: {error}");
        assert!(took < TIMEOUT * 2 + millis(1000), "{name}: {took:?}");
        assert!(pause < millis(500), "{name}: the other stream waited {pause:?}");
    });
}

#[derive(Message)]
#[rtype(result = "()")]
enum Do {
    Stop,
    Panic,
    Stream(OpenAi, Arc<Mutex<Vec<StreamHandle<ChatCompletion>>>>),
}

/// A supervised actor, and the messages that its incarnations received.
#[derive(Default)]
struct Supervisee {
    incarnation: usize,
    told: Arc<Mutex<Vec<(usize, u64)>>>,
}

impl Actor for Supervisee {
    type Context = Context<Self>;
}

impl Supervised for Supervisee {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.incarnation += 1;
    }
}

impl Handler<Do> for Supervisee {
    type Result = ();

    fn handle(&mut self, what: Do, ctx: &mut Context<Self>) {
        match what {
            Do::Stop => ctx.stop(),
            Do::Panic => panic!("on purpose"),
            Do::Stream(openai, handles) => {
                handles.lock().unwrap().push(openai.chat().stream(hello(), ctx.address()));
            }
        }
    }
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Supervisee {
    fn handle_data(&mut self, _: ChatCompletionChunk, stream: &StreamRef, _: &mut Context<Self>) {
        self.told.lock().unwrap().push((self.incarnation, stream.id()));
    }

    fn handle_error(&mut self, _: StreamError, stream: &StreamRef, _: &mut Context<Self>) {
        self.told.lock().unwrap().push((self.incarnation, stream.id()));
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, stream: &StreamRef, _: &mut Context<Self>) {
        self.told.lock().unwrap().push((self.incarnation, stream.id()));
    }
}

/// The handle reports the actor's end at once. The next incarnation receives nothing of the stream, not even
/// messages that were in the mailbox.
#[actix_rt::test]
async fn a_stream_belongs_to_the_incarnation_that_started_it() {
    tokio::time::pause();
    let upstream = Upstream::spawn(
        Reply::sse().event(chunk("a")).forever(format!("data: {}\n\n", chunk("b")), millis(10)),
    );
    let openai = client(&upstream.base_url(), Timeouts::default());
    let actor = Supervisee::default();
    let told = Arc::clone(&actor.told);
    let address = Supervisor::start(|_| actor);
    let handles = Arc::<Mutex<Vec<_>>>::default();
    for incarnation in 0..3 {
        for _ in 0..3 {
            address.send(Do::Stream(openai.clone(), Arc::clone(&handles))).await.unwrap();
        }
        tokio::time::sleep(millis(100)).await;
        let start = tokio::time::Instant::now();
        address.send(Do::Stop).await.unwrap();
        let started = std::mem::take(&mut *handles.lock().unwrap());
        for handle in started {
            let id = handle.id();
            let error = handle.await.unwrap_err();
            assert_eq!(error.kind.name(), "target_stopped", "{error}");
            assert_eq!(
                error.partial::<ChatCompletion>().unwrap().content().map(|text| &text[..1]),
                Some("a")
            );
            assert!(start.elapsed() <= millis(20), "{:?}", start.elapsed());
            let told = told.lock().unwrap();
            assert!(told.iter().any(|(_, stream)| *stream == id), "stream {id} reported nothing");
            assert!(
                told.iter().filter(|(_, stream)| *stream == id).all(|(by, _)| *by == incarnation),
                "{told:?}"
            );
        }
    }
    tokio::time::sleep(millis(1000)).await;
    assert!(told.lock().unwrap().iter().all(|(by, _)| *by < 3), "the last incarnation started none");
}

/// Whatever the actor was doing, its end is detected without any advance of the clock.
#[actix_rt::test]
async fn the_end_of_an_actor_ends_its_silent_streams_at_once() {
    for (end, name) in [(Do::Stop, "target_stopped"), (Do::Panic, "target_panicked")] {
        tokio::time::pause();
        let upstream = Upstream::spawn(Reply::raw().hold());
        let openai = client(&upstream.base_url(), Timeouts::default());
        let address = Supervisee::default().start();
        let streams: Vec<_> = (0..20).map(|_| openai.chat().stream(hello(), address.clone())).collect();
        upstream.request(19).await;
        let start = tokio::time::Instant::now();
        address.do_send(end);
        for stream in streams {
            assert_eq!(stream.await.unwrap_err().kind.name(), name);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for connection in 0..20 {
            upstream.peer_closed(connection).await;
        }
        tokio::time::resume();
    }
}

/// Counts the living actors.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn start_one(count: &Arc<AtomicUsize>) -> Addr<Self> {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count)).start()
    }
}

impl Actor for Counted {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Counted {
    fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Context<Self>) {}
    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {}
    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {}
}

/// The watch on an actor does not keep it alive: when its addresses are gone and its streams have ended, it stops,
/// as it would without streams. While it lives, it accepts more streams.
#[actix_rt::test]
async fn a_stream_keeps_its_actor_no_longer_than_it_lasts() {
    let count = Arc::<AtomicUsize>::default();
    let upstream =
        Upstream::spawn(actorstream_test::ChatStream::new().content("Hello").finish_reason("stop").reply());
    let openai = client(&upstream.base_url(), Timeouts::default());
    for rounds in [1, 3] {
        let address = Counted::start_one(&count);
        for _ in 0..rounds {
            let (one, other) = (
                openai.chat().stream(hello(), address.clone()),
                openai.chat().stream(hello(), address.clone()),
            );
            within(one).await.unwrap();
            within(other).await.unwrap();
            assert_eq!(count.load(Ordering::SeqCst), 1, "it has an address");
        }
        drop(address);
        within(async {
            while count.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(millis(1)).await;
            }
        })
        .await;
    }
    // The same on another thread than the stream's.
    let arbiter = Arbiter::new();
    count.fetch_add(1, Ordering::SeqCst);
    let counted = Counted(Arc::clone(&count));
    let address = Counted::start_in_arbiter(&arbiter.handle(), |_| counted);
    within(openai.chat().stream(hello(), address)).await.unwrap();
    within(async {
        while count.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(millis(1)).await;
        }
    })
    .await;
    arbiter.stop();
    arbiter.join().unwrap();
}

/// An actor that stops in the handler of the last event has received that event.
#[actix_rt::test]
async fn an_actor_that_stops_at_the_end_has_finished() {
    struct Last;
    impl Actor for Last {
        type Context = Context<Self>;
    }
    #[streaming_client]
    impl StreamingClient<ChatCompletionChunk> for Last {
        fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Context<Self>) {}
        fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {}
        fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, ctx: &mut Context<Self>) {
            ctx.stop();
        }
    }
    let upstream =
        Upstream::spawn(actorstream_test::ChatStream::new().content("Hello").finish_reason("stop").reply());
    let openai = client(&upstream.base_url(), Timeouts::default());
    for _ in 0..100 {
        within(openai.chat().stream(hello(), Last.start())).await.unwrap();
    }
}

/// A custom handler receives no message without events.
#[actix_rt::test]
async fn a_recipient_is_given_nothing_but_its_stream() {
    let (sender, receiver) = std::sync::mpsc::channel();
    struct Whole(std::sync::mpsc::Sender<usize>);
    impl Actor for Whole {
        type Context = Context<Self>;
    }
    impl Handler<StreamMessage<ChatCompletionChunk>> for Whole {
        type Result = ();
        fn handle(&mut self, message: StreamMessage<ChatCompletionChunk>, _: &mut Context<Self>) {
            self.0.send(message.into_events().count()).unwrap();
        }
    }
    let upstream =
        Upstream::spawn(actorstream_test::ChatStream::new().content("Hello").finish_reason("stop").reply());
    let openai = client(&upstream.base_url(), Timeouts::default());
    within(openai.chat().stream(hello(), Whole(sender).start().recipient())).await.unwrap();
    let counts: Vec<usize> = receiver.try_iter().collect();
    assert!(!counts.is_empty() && counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[actix_rt::test]
async fn a_target_that_ended_before_the_stream_began_sends_nothing() {
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let openai = client(&upstream.base_url(), Timeouts::default());
    let address = Supervisee::default().start();
    address.send(Do::Stop).await.unwrap();
    while address.connected() {
        tokio::task::yield_now().await;
    }
    let error = within(openai.chat().stream(hello(), address)).await.unwrap_err();
    assert_eq!(error.kind.name(), "target_stopped");
    assert!(upstream.requests().is_empty());
}

/// After one actor has ended, another living actor still receives the end of its stream.
#[actix_rt::test]
async fn the_end_of_one_actor_is_not_that_of_another() {
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).hold());
    let openai = client(&upstream.base_url(), Timeouts::default());
    let (one, other) = (Supervisee::default().start(), Noting::default());
    let log = other.chat.clone();
    let ends = openai.chat().stream(hello(), one.clone());
    let stays = openai.chat().stream(hello(), other.start());
    upstream.request(1).await;
    one.do_send(Do::Stop);
    assert_eq!(within(ends).await.unwrap_err().kind.name(), "target_stopped");
    tokio::time::sleep(millis(150)).await;
    let id = stays.id();
    stays.cancel();
    assert_eq!(within(stays).await.unwrap_err().kind.name(), "cancelled");
    assert_eq!(one_stream(&log, id).0, 1);
}
