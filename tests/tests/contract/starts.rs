//! The head of a response, which targets receive before the first event.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, FunctionDefinition, OpenAi, OutputClient, ResponseHead,
    StreamError, StreamEvent, StreamRef, StreamingClient, Tools, output_client, streaming_client,
};
use actorstream_test::{ChatStream, Reply, Script, Upstream};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::common::{hello, within};

type Log = Arc<Mutex<Vec<String>>>;

fn good() -> Reply {
    ChatStream::new()
        .content("Hello")
        .finish_reason("stop")
        .reply()
        .header("x-request-id", "r-1")
        .header("x-ratelimit-remaining-requests", "59")
}

fn client(upstream: &Upstream) -> OpenAi {
    OpenAi::builder().base_url(upstream.base_url()).build().unwrap()
}

fn started(head: &ResponseHead) -> String {
    format!("start {}", head.request_id().unwrap_or("-"))
}

fn noted(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// Records its calls. It waits at the start if configured to.
#[derive(Default)]
struct Plain {
    log: Log,
    wait: bool,
}

impl Actor for Plain {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ChatCompletionChunk> for Plain {
    fn handle_start(&mut self, head: &ResponseHead, _: &StreamRef, ctx: &mut Context<Self>) {
        self.log.lock().unwrap().push(started(head));
        if self.wait {
            let pause = tokio::time::sleep(Duration::from_millis(50)).into_actor(self);
            ctx.wait(pause.map(|(), actor, _| actor.log.lock().unwrap().push("waited".into())));
        }
    }

    fn handle_data(&mut self, _: ChatCompletionChunk, _: &StreamRef, _: &mut Context<Self>) {
        self.log.lock().unwrap().push("data".into());
    }

    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.log.lock().unwrap().push("error".into());
    }

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.log.lock().unwrap().push("finish".into());
    }
}

struct Texts(Log);

impl Actor for Texts {
    type Context = Context<Self>;
}

#[output_client]
impl OutputClient<ChatCompletionChunk> for Texts {
    fn handle_start(&mut self, head: &ResponseHead, _: &StreamRef, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(started(head));
    }

    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {}

    fn handle_finish(&mut self, _: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.lock().unwrap().push("finish".into());
    }
}

#[actix_rt::test]
async fn every_target_gets_the_head_before_the_first_event() {
    let upstream = Upstream::start(good());
    let openai = client(&upstream);
    let log = Log::default();
    within(openai.chat().stream(hello(), Plain { log: Arc::clone(&log), wait: false }.start()))
        .await
        .unwrap();
    let told = noted(&log);
    assert_eq!((told[0].as_str(), told.last().unwrap().as_str()), ("start r-1", "finish"));
    assert!(told.len() > 2 && told[1..told.len() - 1].iter().all(|event| event == "data"), "{told:?}");

    let log = Log::default();
    within(openai.chat().stream(hello(), Texts(Arc::clone(&log)).start())).await.unwrap();
    assert_eq!(noted(&log), ["start r-1", "finish"]);

    let log = Log::default();
    let of_closure = Arc::clone(&log);
    let note = move |event: StreamEvent<ChatCompletionChunk>| of_closure.lock().unwrap().push(name(&event));
    let call = openai.chat().with_start(true);
    within(call.stream(hello(), note)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    let handle = call.stream(hello(), sender);
    let mut of_channel = Vec::new();
    while let Some(event) = within(receiver.recv()).await {
        of_channel.push(name(&event));
    }
    within(handle).await.unwrap();
    let of_puller: Vec<_> = within(call.events(hello()).map(|event| name(&event)).collect()).await;
    assert_eq!(noted(&log), of_puller);
    assert_eq!(of_channel, of_puller);
    assert_eq!((of_puller[0].as_str(), of_puller[1].as_str()), ("start r-1", "data"));

    // If the target does not ask for it, the handle has it.
    let mut events = openai.chat().events(hello());
    assert_eq!(events.stream().head(), None);
    assert_eq!(name(&within(events.next()).await.unwrap()), "data");
    assert_eq!(events.stream().head().unwrap().request_id(), Some("r-1"));
}

fn name(event: &StreamEvent<ChatCompletionChunk>) -> String {
    match event {
        StreamEvent::Start(head) => started(head),
        StreamEvent::Data(_) => "data".into(),
        StreamEvent::Error(_) => "error".into(),
        StreamEvent::Finish(_) => "finish".into(),
    }
}

#[actix_rt::test]
async fn an_actor_that_waits_at_the_start_gets_the_events_afterwards() {
    let upstream = Upstream::start(good());
    let log = Log::default();
    let actor = Plain { log: Arc::clone(&log), wait: true }.start();
    within(client(&upstream).chat().stream(hello(), actor)).await.unwrap();
    assert_eq!(noted(&log)[..3], ["start r-1", "waited", "data"]);
    assert_eq!(noted(&log).last().unwrap(), "finish");
}

#[actix_rt::test]
async fn a_response_that_fails_before_its_first_event_has_no_start() {
    tokio::time::pause();
    let refusal = Reply::error(429, "x", "no").header("x-request-id", "r-0");
    let upstream = Upstream::spawn(Script::sequence([refusal.clone(), good()]));
    let log = Log::default();
    let actor = Plain { log: Arc::clone(&log), wait: false }.start();
    let finish = within(client(&upstream).chat().stream(hello(), actor)).await.unwrap();
    // The start is that of the successful attempt, and the end has the same head.
    assert_eq!((noted(&log)[0].as_str(), finish.attempts), ("start r-1", 2));
    assert_eq!(noted(&log).iter().filter(|event| event.starts_with("start")).count(), 1);
    let head = finish.head.unwrap();
    assert_eq!((head.status(), head.rate_limits().requests.remaining), (200, Some(59)));

    let upstream = Upstream::spawn(refusal);
    let log = Log::default();
    let actor = Plain { log: Arc::clone(&log), wait: false }.start();
    let error = within(client(&upstream).chat().max_retries(0).stream(hello(), actor)).await.unwrap_err();
    assert_eq!(noted(&log), ["error"]);
    let head = error.head.clone().unwrap();
    assert_eq!(
        (head.status(), head.request_id(), head.header("X-Request-Id")),
        (429, Some("r-0"), Some("r-0"))
    );
}

#[actix_rt::test]
async fn each_response_of_a_tool_loop_has_a_start() {
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let upstream = Upstream::start(Script::sequence([call.header("x-request-id", "r-0"), good()]));
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    let log = Log::default();
    let actor = Plain { log: Arc::clone(&log), wait: false }.start();
    let call = client(&upstream).chat().tools(tools);
    within(call.stream(hello(), actor)).await.unwrap();
    let starts: Vec<_> = noted(&log).into_iter().filter(|event| event.starts_with("start")).collect();
    assert_eq!(starts, ["start r-0", "start r-1"]);
}

#[actix_rt::test]
async fn a_cancelled_stream_has_no_start() {
    let upstream = Upstream::start(good());
    let log = Log::default();
    let actor = Plain { log: Arc::clone(&log), wait: false }.start();
    let handle = client(&upstream).chat().stream(hello(), actor);
    handle.cancel();
    within(handle).await.unwrap_err();
    assert_eq!(noted(&log), ["error"]);
}
