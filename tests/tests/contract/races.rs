//! Concurrent events: each race is run step by step, so that every order occurs. A step is one turn of the runtime,
//! which the streams and their upstream share.

use std::cell::RefCell;
use std::rc::Rc;

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, ErrorKind, Outcome, StreamError, StreamEvent, StreamHandle,
    streaming_client,
};
use actorstream_test::{ChatStream, Gate, Recorder, Reply, Upstream};
use tokio::sync::oneshot;

use crate::common::{Noting, chunk, client, hello, one_stream, stop, within};

/// The maximum number of steps of a race.
const MOST_STEPS: usize = 2000;

/// After this many consecutive runs in which the stream was first, it will always be first.
const WON: usize = 20;

fn reply() -> Reply {
    ChatStream::new().content("one two three four").finish_reason("stop").reply()
}

/// Runs a race with a head start of 0, 1, 2 … steps for the stream, until the stream always finishes first. `race`
/// returns how the stream ended. Returns the names of all ends that occurred.
async fn run_through<F>(race: impl Fn(usize) -> F) -> Vec<&'static str>
where
    F: Future<Output = Outcome<ChatCompletion>>,
{
    let mut met: Vec<&'static str> = Vec::new();
    let mut won = 0;
    for steps in 0..MOST_STEPS {
        let name = match within(race(steps)).await {
            Ok(_) => "finish",
            Err(error) => error.kind.name(),
        };
        if !met.contains(&name) {
            met.push(name);
        }
        won = if name == "finish" { won + 1 } else { 0 };
        if won == WON {
            met.sort_unstable();
            return met;
        }
    }
    panic!("the stream never finishes; met {met:?}");
}

async fn take(steps: usize) {
    for _ in 0..steps {
        tokio::task::yield_now().await;
    }
}

/// Asserts that the handle and the target report the same end.
#[track_caller]
fn agree(outcome: &Outcome<ChatCompletion>, end: &StreamEvent<ChatCompletionChunk>) {
    match (outcome, end) {
        (Ok(finish), StreamEvent::Finish(same)) => assert_eq!(finish.response, same.response),
        (Err(error), StreamEvent::Error(same)) => assert_eq!(error.kind, same.kind),
        other => panic!("the handle and the target disagree: {other:?}"),
    }
}

#[actix_rt::test]
async fn cancel_against_finish() {
    // An actor, cancelled through the handle.
    let met = run_through(|steps| async move {
        let upstream = Upstream::spawn(reply());
        let actor = Noting::default();
        let log = actor.chat.clone();
        let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
        let (id, stream) = (handle.id(), handle.stream().clone());
        take(steps).await;
        stream.cancel();
        let outcome = handle.await;
        let before = log.lock().unwrap().len();
        take(20).await;
        assert_eq!(log.lock().unwrap().len(), before, "an event arrived after the handle resolved");
        agree(&outcome, &one_stream(&log, id).2);
        outcome
    })
    .await;
    assert_eq!(met, ["cancelled", "finish"]);

    // A closure.
    let met = run_through(|steps| async move {
        let upstream = Upstream::spawn(reply());
        let recorder = Recorder::new(StreamEvent::is_end);
        let handle = client(&upstream.base_url()).chat().stream(hello(), recorder.sink());
        take(steps).await;
        handle.cancel();
        let outcome = handle.await;
        take(20).await;
        recorder.assert_one_end();
        agree(&outcome, recorder.events().last().unwrap());
        outcome
    })
    .await;
    assert_eq!(met, ["cancelled", "finish"]);

    // A polled stream.
    let met = run_through(|steps| async move {
        use futures_util::StreamExt as _;
        let upstream = Upstream::spawn(reply());
        let events = client(&upstream.base_url()).chat().events(hello());
        let stream = events.stream().clone();
        let cancelling = async {
            take(steps).await;
            stream.cancel();
        };
        let (events, ()) = tokio::join!(events.collect::<Vec<_>>(), cancelling);
        let (end, data) = events.split_last().unwrap();
        assert!(end.is_end() && data.iter().all(|event| !event.is_end()));
        match end.clone() {
            StreamEvent::Finish(finish) => Ok(finish),
            StreamEvent::Error(error) => Err(error),
            StreamEvent::Start(_) | StreamEvent::Data(_) => unreachable!(),
        }
    })
    .await;
    assert_eq!(met, ["cancelled", "finish"]);
}

/// A message to an actor from outside its stream.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
enum Tell {
    Stop,
    Panic,
}

impl Handler<Tell> for Noting {
    type Result = ();

    fn handle(&mut self, tell: Tell, ctx: &mut Self::Context) {
        match tell {
            Tell::Stop => ctx.stop(),
            Tell::Panic => panic!("on purpose"),
        }
    }
}

/// Sends an actor a message while its stream runs.
async fn told(tell: Tell) -> Vec<&'static str> {
    run_through(|steps| async move {
        let upstream = Upstream::spawn(reply());
        let actor = Noting::default();
        let log = actor.chat.clone();
        let address = actor.start();
        let handle = client(&upstream.base_url()).chat().stream(hello(), address.clone());
        let id = handle.id();
        take(steps).await;
        address.do_send(tell);
        let outcome = handle.await;
        take(20).await;
        match &outcome {
            Err(error) if matches!(error.kind, ErrorKind::TargetStopped | ErrorKind::TargetPanicked) => {
                let log = log.lock().unwrap();
                assert!(log.iter().all(|(_, event)| !event.is_end()), "an end, and the handle knows of none");
            }
            outcome => agree(outcome, &one_stream(&log, id).2),
        }
        if outcome.is_err() {
            upstream.all_closed().await;
        }
        outcome
    })
    .await
}

#[actix_rt::test]
async fn target_stop_against_finish() {
    assert_eq!(told(Tell::Stop).await, ["finish", "target_stopped"]);
}

#[actix_rt::test]
async fn panic_against_finish() {
    // Without a message of the stream in the mailbox, a panic is indistinguishable from a stop.
    let met = told(Tell::Panic).await;
    assert!(
        met.contains(&"finish") && met.iter().all(|name| name.starts_with("target_") || *name == "finish"),
        "{met:?}"
    );
    assert!(met.len() > 1, "{met:?}");
}

#[actix_rt::test]
async fn handle_drop_against_everything() {
    for steps in 0..200 {
        let upstream = Upstream::spawn(reply());
        let recorder = Recorder::new(StreamEvent::is_end);
        let handle = client(&upstream.base_url()).chat().stream(hello(), recorder.sink());
        take(steps).await;
        drop(handle);
        within(recorder.ended()).await;
        take(20).await;
        recorder.assert_one_end();
        assert!(matches!(recorder.events().last(), Some(StreamEvent::Finish(_))), "after {steps} steps");
    }
}

#[test]
fn two_systems_on_one_thread() {
    // A stream that began under one System waits while another one runs on its thread, and then continues.
    let upstream = Upstream::start(reply());
    let gate = Gate::new();
    let held = Upstream::start(Reply::sse().event(chunk("a")).gate(&gate).event(stop()).done().end());
    let (openai, held_openai) = (client(&upstream.base_url()), client(&held.base_url()));
    let recorder = Recorder::new(StreamEvent::is_end);
    let sink = recorder.sink();

    let first = System::new();
    let (handle, ()) = first.block_on(async {
        within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
        (held_openai.chat().stream(hello(), sink), within(recorder.reached(1)).await)
    });
    let second = System::new();
    second.block_on(async {
        within(openai.chat().stream(hello(), Noting::default().start())).await.unwrap();
        let stopped = Noting::default().start();
        let stopping = held_openai.chat().stream(hello(), stopped.clone());
        stopped.do_send(Tell::Stop);
        assert_eq!(within(stopping).await.unwrap_err().kind, ErrorKind::TargetStopped);
    });
    drop(second);
    assert!(recorder.with(|events| !events.iter().any(StreamEvent::is_end)));
    let finish = first.block_on(async {
        gate.open();
        within(handle).await
    });
    assert_eq!(finish.unwrap().response.content(), Some("a"));
    recorder.assert_one_end();
}

#[test]
fn a_system_that_ends_under_a_live_stream() {
    // The System stops after each number of steps; the next System on the thread works.
    let upstream = Upstream::start(reply());
    let openai = client(&upstream.base_url());
    for steps in 0..100 {
        let recorder = Recorder::new(StreamEvent::is_end);
        let sink = recorder.sink();
        let system = System::new();
        let (handle, ()) =
            system.block_on(async { (openai.chat().stream(hello(), sink), take(steps).await) });
        drop(system);
        recorder.assert_one_end();
        let outcome = futures_util::FutureExt::now_or_never(handle).expect("the handle knows");
        agree(&outcome, recorder.events().last().unwrap());
        if let Err(error) = outcome {
            assert_eq!(error.kind, ErrorKind::Aborted, "after {steps} steps");
        }
    }
}

#[actix_rt::test]
async fn an_arbiter_stopped_under_live_streams() {
    // The System stops after each number of steps, with streams at every stage.
    let whole = Upstream::start(reply());
    let silent = Upstream::start(Reply::sse().event(chunk("a")).hold());
    let headless = Upstream::start(Reply::raw().hold());
    for steps in 0..60 {
        let clients = [&whole, &silent, &headless].map(|upstream| client(&upstream.base_url()));
        let recorders: Vec<_> = (0..9).map(|_| Recorder::new(StreamEvent::is_end)).collect();
        let sinks: Vec<_> = recorders.iter().map(Recorder::sink).collect();
        let (sender, receiver) = oneshot::channel::<Vec<StreamHandle<ChatCompletion>>>();
        let arbiter = Arbiter::new();
        arbiter.spawn(async move {
            let mut handles = Vec::new();
            for (number, sink) in sinks.into_iter().enumerate() {
                // The streams start one after another.
                handles.push(clients[number % 3].chat().stream(hello(), sink));
                tokio::task::yield_now().await;
            }
            take(steps).await;
            let _ = sender.send(handles);
            Arbiter::current().stop();
        });
        let handles = within(receiver).await.unwrap();
        arbiter.join().unwrap();
        for (handle, recorder) in handles.into_iter().zip(&recorders) {
            let outcome = within(handle).await;
            recorder.assert_one_end();
            agree(&outcome, recorder.events().last().unwrap());
            if let Err(error) = outcome {
                assert_eq!(error.kind, ErrorKind::Aborted);
            }
        }
    }
    for upstream in [&silent, &headless] {
        within(upstream.all_closed()).await;
    }
}

/// Cancels its stream when it stops, like an actor that cleans up.
struct CancelsInStopped(Rc<RefCell<Vec<StreamEvent<ChatCompletionChunk>>>>, Option<actorstream::StreamRef>);

impl Actor for CancelsInStopped {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(stream) = self.1.take() {
            stream.cancel();
        }
    }
}

#[streaming_client]
impl actorstream::StreamingClient<ChatCompletionChunk> for CancelsInStopped {
    fn handle_data(
        &mut self,
        data: ChatCompletionChunk,
        stream: &actorstream::StreamRef,
        ctx: &mut Self::Context,
    ) {
        self.0.borrow_mut().push(StreamEvent::Data(data));
        self.1 = Some(stream.clone());
        ctx.stop();
    }

    fn handle_error(&mut self, error: StreamError, _: &actorstream::StreamRef, _: &mut Self::Context) {
        self.0.borrow_mut().push(StreamEvent::Error(error));
    }

    fn handle_finish(
        &mut self,
        finish: actorstream::Finish<ChatCompletion>,
        _: &actorstream::StreamRef,
        _: &mut Self::Context,
    ) {
        self.0.borrow_mut().push(StreamEvent::Finish(finish));
    }
}

#[actix_rt::test]
async fn a_target_that_stops_and_cancels_at_once() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let upstream = Upstream::spawn(Reply::sse().event(chunk("a")).event(chunk("b")).hold());
    let actor = CancelsInStopped(Rc::clone(&seen), None).start();
    let error = within(client(&upstream.base_url()).chat().stream(hello(), actor)).await.unwrap_err();
    within(upstream.all_closed()).await;
    // Either is correct; the target is gone and receives nothing more.
    assert!(matches!(error.kind, ErrorKind::Cancelled | ErrorKind::TargetStopped), "{error}");
    assert_eq!(seen.borrow().len(), 1);
}
