//! The targets: delivery of events, and backpressure.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{
    Actor, ActorContext as _, AsyncContext as _, Context, Handler, Message, Running, WrapFuture as _,
};
use actorstream::{
    ChatCompletionChunk, Custom, ErrorKind, RawEvent, StreamEvent, StreamMessage, StreamRef, receive_stream,
};
use actorstream_test::{ChatStream, Gate, Recorder, Reply, Upstream};
use futures_util::StreamExt as _;

use crate::common::{Noting, chunk, client, hello, one_stream, stop, within};

fn ten() -> Reply {
    let events: Vec<String> = (0..10).map(|number| chunk(&number.to_string())).collect();
    let all: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    // All in one read, so that they arrive as one message.
    Reply::sse().chunk(format!("{all}data: {}\n\ndata: [DONE]\n\n", stop())).end()
}

#[actix_rt::test]
async fn an_actor_that_waits_loses_nothing_and_keeps_the_order() {
    let upstream = Upstream::start(ten());
    let actor = Noting::with(|_, _, ctx| {
        ctx.wait(tokio::task::yield_now().into_actor(&Noting::default()));
    });
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    within(handle).await.unwrap();
    let (events, text, end) = one_stream(&log, id);
    assert_eq!((events, text.as_str()), (11, "0123456789"));
    assert!(matches!(end, StreamEvent::Finish(_)));
}

#[actix_rt::test]
async fn no_event_reaches_an_actor_while_it_waits() {
    #[derive(Default)]
    struct Waiting {
        waits: Arc<Mutex<bool>>,
        seen: usize,
    }
    impl Actor for Waiting {
        type Context = Context<Self>;
    }
    impl actorstream::StreamingClient<ChatCompletionChunk> for Waiting {
        fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, ctx: &mut Context<Self>) {
            assert!(!*self.waits.lock().unwrap(), "an event came while the actor waits");
            self.seen += 1;
            *self.waits.lock().unwrap() = true;
            let waits = self.waits.clone();
            let wait = async move {
                tokio::task::yield_now().await;
                *waits.lock().unwrap() = false;
            };
            ctx.wait(wait.into_actor(self));
        }
        fn handle_error(&mut self, error: actorstream::StreamError, _: &StreamRef, _: &mut Context<Self>) {
            panic!("{error}");
        }
        fn handle_finish(
            &mut self,
            _: actorstream::Finish<actorstream::ChatCompletion>,
            _: &StreamRef,
            _: &mut Context<Self>,
        ) {
            assert_eq!(self.seen, 11);
        }
    }
    receive_stream!(Waiting: ChatCompletionChunk);

    let upstream = Upstream::start(ten());
    let handle = client(&upstream.base_url()).chat().stream(hello(), Waiting::default().start());
    within(handle).await.unwrap();
}

#[actix_rt::test]
async fn cancelling_inside_a_handler_ends_the_data_at_once() {
    let upstream = Upstream::start(ten());
    let actor = Noting::with(|count, stream, _| {
        if count == 3 {
            stream.cancel();
        }
    });
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    // All ten events and the end arrived in one message.
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
    let (_, text, end) = one_stream(&log, id);
    let StreamEvent::Error(error) = end else { panic!("{end:?}") };
    assert_eq!((text.as_str(), error.kind.clone()), ("012", ErrorKind::Cancelled));
    assert_eq!(error.partial::<actorstream::ChatCompletion>().unwrap().content(), Some("0123456789"));

    let gate = Gate::new();
    let upstream = Upstream::start(Reply::sse().event(chunk("a")).gate(&gate).hold());
    let actor = Noting::with(|_, stream, _| stream.cancel());
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    let id = handle.id();
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
    within(upstream.peer_closed(0)).await;
    assert_eq!(one_stream(&log, id).1, "a");
}

#[actix_rt::test]
async fn an_actor_that_stops_in_the_middle_of_a_batch_gets_no_more() {
    let upstream = Upstream::start(ten());
    let actor = Noting::with(|count, _, ctx| {
        if count == 3 {
            ctx.stop();
        }
    });
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::TargetStopped);
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[actix_rt::test]
async fn an_actor_that_declines_to_stop_loses_nothing() {
    struct Stubborn(Recorder<StreamEvent<ChatCompletionChunk>>);
    impl Actor for Stubborn {
        type Context = Context<Self>;
        fn stopping(&mut self, _: &mut Self::Context) -> Running {
            Running::Continue
        }
    }
    impl actorstream::StreamingClient<ChatCompletionChunk> for Stubborn {
        fn handle_data(&mut self, data: ChatCompletionChunk, _: &StreamRef, ctx: &mut Context<Self>) {
            self.0.push(StreamEvent::Data(data));
            ctx.stop();
        }
        fn handle_error(&mut self, error: actorstream::StreamError, _: &StreamRef, _: &mut Context<Self>) {
            self.0.push(StreamEvent::Error(error));
        }
        fn handle_finish(
            &mut self,
            finish: actorstream::Finish<actorstream::ChatCompletion>,
            _: &StreamRef,
            _: &mut Context<Self>,
        ) {
            self.0.push(StreamEvent::Finish(finish));
        }
    }
    receive_stream!(Stubborn: ChatCompletionChunk);

    let recorder = Recorder::new(StreamEvent::is_end);
    let upstream = Upstream::start(ten());
    let handle = client(&upstream.base_url()).chat().stream(hello(), Stubborn(recorder.clone()).start());
    within(handle).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(recorder.len(), 12);
}

#[actix_rt::test]
async fn one_actor_many_streams_and_several_types_of_event() {
    let upstream = Upstream::start(ten());
    let openai = client(&upstream.base_url());
    let actor = Noting::default();
    let (chat, raw) = (actor.chat.clone(), actor.raw.clone());
    let address = actor.start();
    let handles: Vec<_> = (0..100).map(|_| openai.chat().stream(hello(), address.clone())).collect();
    let raws: Vec<_> = (0..10)
        .map(|_| {
            openai.endpoint(Custom::<RawEvent>::post("/chat/completions")).stream(hello(), address.clone())
        })
        .collect();
    for handle in handles {
        let id = handle.id();
        within(handle).await.unwrap();
        assert_eq!(one_stream(&chat, id).1, "0123456789");
    }
    for handle in raws {
        let id = handle.id();
        within(handle).await.unwrap();
        let raw = raw.lock().unwrap();
        let events: Vec<_> = raw.iter().filter(|(stream, _)| *stream == id).collect();
        assert_eq!(events.len(), 12);
        let StreamEvent::Data(first) = &events[0].1 else { panic!("{:?}", events[0]) };
        assert_eq!(&*first.payload.text(), chunk("0"));
    }
}

#[actix_rt::test]
async fn a_slow_actor_stops_the_reading() {
    let upstream = Upstream::start(
        Reply::sse().forever(format!("data: {}\n\n", chunk(&"x".repeat(1000))), Duration::ZERO),
    );
    let gate = Gate::new();
    let waits = gate.clone();
    let actor = Noting::with(move |count, _, ctx| {
        if count == 1 {
            let waits = waits.clone();
            ctx.wait(async move { waits.wait().await }.into_actor(&Noting::default()));
        }
    });
    let log = actor.chat.clone();
    let handle = client(&upstream.base_url()).chat().stream(hello(), actor.start());
    while log.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    // Once the number of bytes written no longer changes, the sockets' buffers are full.
    let mut written = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if upstream.bytes_written() == written {
            break;
        }
        written = upstream.bytes_written();
    }
    assert_eq!(log.lock().unwrap().len(), 1);
    assert!(written < 16 << 20, "{written} bytes were taken");
    handle.cancel();
    within(handle).await.unwrap_err();
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn closures() {
    let upstream = Upstream::start(ten());
    let recorder = Recorder::new(StreamEvent::is_end);
    let handle = client(&upstream.base_url()).chat().stream(hello(), recorder.sink());
    within(handle).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(recorder.len(), 12);

    let mut text = String::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let handle = client(&upstream.base_url()).chat().stream_fn(hello(), move |event| match event {
        StreamEvent::Start(_) => {}
        StreamEvent::Data(chunk) => text.push_str(chunk.content().unwrap_or_default()),
        end => sender.send((std::mem::take(&mut text), end.is_end())).unwrap(),
    });
    within(handle).await.unwrap();
    assert_eq!(receiver.recv().unwrap(), ("0123456789".to_owned(), true));
}

#[actix_rt::test]
async fn a_closure_that_panics_ends_its_stream_alone() {
    let upstream = Upstream::start(Reply::sse().event(chunk("a")).hold());
    let handle = client(&upstream.base_url()).chat().stream_fn(hello(), |_| panic!("on purpose"));
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::TargetPanicked);
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn a_recipient_takes_the_messages_apart() {
    struct Own(Recorder<StreamEvent<ChatCompletionChunk>>);
    impl Actor for Own {
        type Context = Context<Self>;
    }
    impl Handler<StreamMessage<ChatCompletionChunk>> for Own {
        type Result = ();
        fn handle(&mut self, message: StreamMessage<ChatCompletionChunk>, _: &mut Self::Context) {
            message.into_events().for_each(|event| self.0.push(event));
        }
    }
    let recorder = Recorder::new(StreamEvent::is_end);
    let upstream = Upstream::start(ten());
    let recipient = Own(recorder.clone()).start().recipient::<StreamMessage<ChatCompletionChunk>>();
    within(client(&upstream.base_url()).chat().stream(hello(), recipient)).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(recorder.len(), 12);
}

#[actix_rt::test]
async fn a_bounded_channel_is_a_brake_and_dropping_it_cancels() {
    let upstream = Upstream::start(ten());
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let handle = client(&upstream.base_url()).chat().stream(hello(), sender);
    let mut events = 0;
    let mut ends = 0;
    while let Some(event) = within(receiver.recv()).await {
        if event.is_end() {
            ends += 1;
        } else {
            assert_eq!(ends, 0, "data after the end");
            events += 1;
        }
    }
    assert_eq!((events, ends), (11, 1));
    within(handle).await.unwrap();

    let upstream = Upstream::start(Reply::sse().event(chunk("a")).hold());
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<StreamEvent<ChatCompletionChunk>>(1);
    let handle = client(&upstream.base_url()).chat().stream(hello(), sender);
    within(receiver.recv()).await.unwrap();
    drop(receiver);
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::TargetStopped);
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn a_stream_to_be_pulled() {
    let upstream = Upstream::start(ten());
    let events: Vec<_> = within(client(&upstream.base_url()).chat().events(hello()).collect()).await;
    assert_eq!(events.len(), 12);
    assert!(events.iter().rev().skip(1).all(|event| !event.is_end()) && events[11].is_end());

    // A failed stream returns its end, and then nothing.
    let upstream = Upstream::start(Reply::error(400, "x", "no"));
    let events: Vec<_> = within(client(&upstream.base_url()).chat().events(hello()).collect()).await;
    assert!(matches!(events.as_slice(), [StreamEvent::Error(_)]));

    // Dropping it cancels the stream.
    let upstream = Upstream::start(Reply::sse().event(chunk("a")).hold());
    let mut events = client(&upstream.base_url()).chat().events(hello());
    within(events.next()).await.unwrap();
    drop(events);
    within(upstream.peer_closed(0)).await;
}

#[actix_rt::test]
async fn dropping_the_handle_changes_nothing() {
    let upstream = Upstream::start(ten());
    let recorder = Recorder::new(StreamEvent::is_end);
    drop(client(&upstream.base_url()).chat().stream(hello(), recorder.sink()));
    within(recorder.ended()).await;
    assert_eq!(recorder.len(), 12);
}

#[actix_rt::test]
async fn the_handle_resolves_after_the_target_had_its_end() {
    #[derive(Message)]
    #[rtype(result = "usize")]
    struct Count;
    impl Handler<Count> for Noting {
        type Result = usize;
        fn handle(&mut self, _: Count, _: &mut Self::Context) -> usize {
            self.chat.lock().unwrap().len()
        }
    }
    let upstream = Upstream::start(ChatStream::new().content("Hello").finish_reason("stop").reply());
    let address = Noting::default().start();
    let handle = client(&upstream.base_url()).chat().stream(hello(), address.clone());
    let finish = within(handle).await.unwrap();
    assert_eq!(address.send(Count).await.unwrap(), usize::try_from(finish.timings.events).unwrap() + 1);
}
