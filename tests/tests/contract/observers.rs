//! Code of the application that sees each request, and what becomes of it.

use std::future::pending;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Actor;
use actorstream::{
    Backend, BeforeFuture, ChatCompletion, ChatCompletionChunk, ChatRequest, Denied, ErrorKind,
    FunctionDefinition, ObservedCall, ObservedEnd, ObservedRequest, Observer, OpenAi, OpenAiBuilder, Payload,
    Price, Prices, Purpose, ResponseHead, SpendLimits, StreamError, StreamEvent, Timeout, Timeouts, Tools,
};
use actorstream_test::{ChatStream, Recorder, Reply, Script, Upstream};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{Noting, chunk, hello, one_stream, stop, within};

fn good() -> Reply {
    ChatStream::new().content("Hello").finish_reason("stop").usage(1_000, 100).reply()
}

fn builder(upstream: &Upstream) -> OpenAiBuilder {
    OpenAi::builder().base_url(upstream.base_url()).api_key("sk-own-key").max_retries(0)
}

/// Notes all that it is told.
#[derive(Default)]
struct Notes {
    lines: Mutex<Vec<String>>,
    ends: AtomicU32,
}

impl Notes {
    fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Observer for Notes {
    fn before<'a>(&'a self, request: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        Box::pin(async move {
            // It may wait.
            tokio::task::yield_now().await;
            let (purpose, attempt) = (request.purpose(), request.attempt());
            let backend = request.backend().unwrap_or("own").to_owned();
            self.note(format!("before {purpose:?} {attempt} {backend}"));
            request.set_header("x-seen", format!("{purpose:?} {attempt}"));
            Ok(())
        })
    }

    fn head(&self, _: &ObservedCall, head: &ResponseHead) {
        self.note(format!("head {}", head.status()));
    }

    fn end(&self, _: &ObservedCall, end: &ObservedEnd<'_>) {
        self.ends.fetch_add(1, Ordering::Relaxed);
        self.note(format!("end {}", end.error.map_or("finished", |error| error.kind.name())));
    }
}

/// Streams an answer to an actor: its text, and its end.
async fn ask(openai: &OpenAi) -> (String, Result<(), StreamError>) {
    let actor = Noting::default();
    let log = actor.chat.clone();
    let handle = openai.chat().stream(hello(), actor.start());
    let id = handle.id();
    let outcome = within(handle).await.map(drop);
    let (_, text, _) = one_stream(&log, id);
    (text, outcome)
}

fn denied(error: &StreamError) -> &str {
    let ErrorKind::Denied { message } = &error.kind else { panic!("{error:?}") };
    message
}

#[actix_rt::test]
async fn every_request_of_a_call_is_shown_before_it_goes_out() {
    tokio::time::pause();
    let notes = Arc::new(Notes::default());
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").reply();
    let own = Upstream::spawn(Reply::error(500, "x", "no"));
    let other = Upstream::spawn(Script::sequence([call, good()]));
    let reserve = OpenAi::builder().base_url(other.base_url()).api_key("sk-reserve-key").build().unwrap();
    let openai = builder(&own)
        .backend(Backend::new(&reserve).name("reserve"))
        .observer(Arc::clone(&notes))
        .build()
        .unwrap();
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    within(openai.chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    assert_eq!(
        notes.take(),
        [
            "before Response 1 own",
            "head 500",
            "before Response 2 reserve",
            "head 200",
            "before Response 1 reserve",
            "head 200",
            "end finished",
        ]
    );
    assert_eq!(own.request(0).await.header("x-seen"), Some("Response 1"));
    assert_eq!(other.request(0).await.header("x-seen"), Some("Response 2"));
    assert_eq!(other.request(1).await.header("x-seen"), Some("Response 1"));
    // An unstreamed call, and one without a body.
    let upstream = Upstream::spawn(Script::sequence([
        Reply::error(500, "x", "no"),
        Reply::json(200, &json!({"id": "c", "choices": [{"index": 0, "message": {"content": "Hello"}}]})),
        Reply::json(200, &json!({"object": "list", "data": []})),
    ]));
    let openai = builder(&upstream).max_retries(1).observer(Arc::clone(&notes)).build().unwrap();
    within(openai.chat().create(hello())).await.unwrap();
    within(openai.models().list()).await.unwrap();
    assert_eq!(
        notes.take(),
        [
            "before Response 1 own",
            "head 500",
            "before Response 2 own",
            "head 200",
            "end finished",
            "before Response 1 own",
            "head 200",
            "end finished"
        ]
    );
}

/// A response in background mode, in two parts, and what its server answers then.
fn background(then: Reply) -> Script {
    let response = |status: &str| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "background": true, "status": status,
               "output": []})
    };
    let begin = json!({"type": "response.created", "response": response("queued"), "sequence_number": 0});
    let end = json!({"type": "response.completed", "response": response("completed"), "sequence_number": 1});
    Script::sequence([
        Reply::sse().event(begin.to_string()).reset(),
        then,
        Reply::sse().event(end.to_string()).end(),
    ])
}

#[actix_rt::test]
async fn resumptions_and_cancellations_are_shown_too() {
    tokio::time::pause();
    let notes = Arc::new(Notes::default());
    let request = json!({"model": "m", "input": "Hi", "background": true});
    let upstream = Upstream::spawn(background(Reply::error(503, "x", "no")));
    let openai = builder(&upstream).observer(Arc::clone(&notes)).build().unwrap();
    within(openai.responses().stream_fn(request.clone(), |_| {})).await.unwrap();
    let requests: Vec<_> =
        upstream.requests().iter().map(|request| request.header("x-seen").map(str::to_owned)).collect();
    let seen = ["Response 1", "Resumption 1", "Resumption 2"].map(|seen| Some(seen.to_owned()));
    assert_eq!(requests, seen);
    notes.take();
    // A resumption that is denied.
    let upstream = Upstream::spawn(background(Reply::error(503, "x", "no")));
    let openai = builder(&upstream)
        .observer(|request: &mut ObservedRequest| match request.purpose() {
            Purpose::Resumption => Err(Denied::new("no more")),
            _ => Ok(()),
        })
        .build()
        .unwrap();
    let error = within(openai.responses().stream_fn(request.clone(), |_| {})).await.unwrap_err();
    assert!(matches!(&error.kind, ErrorKind::Truncated { detail } if detail.contains("no more")), "{error}");
    assert_eq!(upstream.request_count(), 1);
    // A cancellation at the server.
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "object": "response", "status": "queued", "background": true, "output": []}});
    let upstream = Upstream::spawn(Script::sequence([
        Reply::sse().event(created.to_string()).hold(),
        Reply::json(200, &json!({})),
    ]));
    let openai = builder(&upstream).observer(Arc::clone(&notes)).build().unwrap();
    let (sent, mut began) = tokio::sync::mpsc::unbounded_channel();
    let handle = openai.responses().stream_fn(request, move |_| {
        let _ = sent.send(());
    });
    within(began.recv()).await.unwrap();
    handle.cancel();
    within(handle).await.unwrap_err();
    assert_eq!(within(upstream.request(1)).await.header("x-seen"), Some("Cancellation 1"));
}

#[actix_rt::test]
async fn observers_change_a_request_one_after_another() {
    let upstream = Upstream::start(good());
    let openai = builder(&upstream)
        .header("x-a", "client")
        .observer(|request: &mut ObservedRequest| {
            assert_eq!((request.call().owner(), request.call().model()), (Some("alice"), Some("gpt-4o")));
            assert_eq!((request.call().operation(), request.call().is_streamed()), ("chat", true));
            assert!(request.url().ends_with("/chat/completions"), "{request:?}");
            let mut body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
            body["user"] = "alice".into();
            request.set_body(body.to_string());
            request.set_header("x-a", "1");
            Ok(())
        })
        .build()
        .unwrap();
    let call = openai.chat().owner("alice").observer(|request: &mut ObservedRequest| {
        let body = str::from_utf8(request.body()).unwrap().replace("alice", "bob");
        request.set_body(body);
        request.set_header("x-b", "2");
        Ok(())
    });
    within(call.stream_fn(hello(), |_| {})).await.unwrap();
    let request = upstream.request(0).await;
    assert_eq!((request.header("x-a"), request.header("x-b")), (Some("1"), Some("2")));
    assert_eq!((&request.json()["user"], &request.json()["stream"]), (&json!("bob"), &json!(true)));
    // What cannot be changed.
    for (name, value) in [("host", "x"), ("bad name", "x"), ("x-a", "a\nb")] {
        let call = openai.chat().owner("alice").observer(move |request: &mut ObservedRequest| {
            request.set_header(name, value);
            Ok(())
        });
        let error = within(call.stream_fn(hello(), |_| {})).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Config { .. }), "{error}");
    }
    let plain = builder(&upstream).observer(|request: &mut ObservedRequest| {
        request.set_body("{}");
        Ok(())
    });
    let error = within(plain.build().unwrap().models().list()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Config { .. }), "{error}");
    assert_eq!(upstream.request_count(), 1);
}

#[actix_rt::test]
async fn a_denied_request_is_not_sent_and_its_stream_ends_once() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let reserve = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let notes = Arc::new(Notes::default());
    let openai = builder(&upstream)
        .max_retries(5)
        .backend(Backend::new(&reserve))
        .observer(|_: &mut ObservedRequest| Err(Denied::new("not on a Sunday")))
        .observer(Arc::clone(&notes))
        .build()
        .unwrap();
    let start = Instant::now();
    let (text, outcome) = ask(&openai).await;
    let error = outcome.unwrap_err();
    assert_eq!(
        (denied(&error), error.to_string().as_str(), text.as_str()),
        ("not on a Sunday", "not on a Sunday", "")
    );
    assert!(!error.is_retryable() && start.elapsed() < Duration::from_millis(100));
    let error = within(openai.chat().create(hello())).await.unwrap_err();
    assert_eq!((denied(&error), upstream.request_count()), ("not on a Sunday", 0));
    assert_eq!(notes.take(), ["end denied", "end denied"]);
}

/// Never lets a request go.
struct Hanging;

impl Observer for Hanging {
    fn before<'a>(&'a self, _: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        Box::pin(pending())
    }
}

#[actix_rt::test]
async fn an_observer_that_hangs_is_left_after_the_total_timeout_or_a_cancellation() {
    tokio::time::pause();
    let upstream = Upstream::spawn(good());
    let timeouts = Timeouts::default().queue(Duration::from_secs(1)).total(Duration::from_secs(5));
    let openai = builder(&upstream).timeouts(timeouts).observer(Hanging).build().unwrap();
    let start = Instant::now();
    let error = ask(&openai).await.1.unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(Timeout::Total), 5));
    let handle = openai.chat().stream_fn(hello(), |_| {});
    tokio::time::sleep(Duration::from_millis(10)).await;
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(upstream.request_count(), 0);
}

/// Panics in one place.
struct Panicking(&'static str);

impl Observer for Panicking {
    fn before<'a>(&'a self, _: &'a mut ObservedRequest) -> BeforeFuture<'a> {
        assert_ne!(self.0, "before");
        Box::pin(async {
            tokio::task::yield_now().await;
            assert_ne!(self.0, "waiting");
            Ok(())
        })
    }

    fn head(&self, _: &ObservedCall, _: &ResponseHead) {
        assert_ne!(self.0, "head");
    }

    fn wants_events(&self) -> bool {
        true
    }

    fn event(&self, _: &ObservedCall, event: &Payload) -> Result<(), Denied> {
        assert!(self.0 != "event" || !event.text().contains("two"));
        Ok(())
    }

    fn end(&self, _: &ObservedCall, _: &ObservedEnd<'_>) {
        assert_ne!(self.0, "end");
    }
}

#[actix_rt::test]
async fn an_observer_that_panics_ends_its_stream_once_and_no_other() {
    let reply = Reply::sse().event(chunk("one")).event(chunk("two")).event(stop()).event("[DONE]").end();
    let upstream = Upstream::start(reply);
    for (place, text) in [("before", ""), ("waiting", ""), ("head", ""), ("event", "one")] {
        let notes = Arc::new(Notes::default());
        let openai =
            builder(&upstream).observer(Panicking(place)).observer(Arc::clone(&notes)).build().unwrap();
        let (arrived, outcome) = ask(&openai).await;
        let error = outcome.unwrap_err();
        assert_eq!((&error.kind, arrived.as_str()), (&ErrorKind::ObserverPanicked, text), "{place}");
        assert_eq!(notes.ends.load(Ordering::Relaxed), 1);
    }
    // The end stays what it is.
    let notes = Arc::new(Notes::default());
    let openai = builder(&upstream).observer(Panicking("end")).observer(Arc::clone(&notes)).build().unwrap();
    let (arrived, outcome) = ask(&openai).await;
    assert_eq!((outcome.is_ok(), arrived.as_str()), (true, "onetwo"));
    assert_eq!(notes.ends.load(Ordering::Relaxed), 1);
}

/// Lets no event with this text pass, and counts the others.
struct Filter(&'static str, Arc<AtomicU32>);

impl Observer for Filter {
    fn wants_events(&self) -> bool {
        // Asked once for each call, whatever it says later.
        self.1.load(Ordering::Relaxed) == 0
    }

    fn event(&self, _: &ObservedCall, event: &Payload) -> Result<(), Denied> {
        if event.text().contains(self.0) {
            return Err(Denied::new("that is not for users"));
        }
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[actix_rt::test]
async fn an_event_that_is_denied_ends_the_stream_before_it_is_delivered() {
    let upstream = Upstream::start(
        Reply::sse()
            .event(chunk("one "))
            .event(chunk("two "))
            .event(chunk("three "))
            .event(stop())
            .event("[DONE]")
            .end(),
    );
    for (text, arrived) in [("one", ""), ("two", "one "), ("stop", "one two three ")] {
        let counted = Arc::new(AtomicU32::new(0));
        let openai =
            builder(&upstream).max_retries(3).observer(Filter(text, Arc::clone(&counted))).build().unwrap();
        let (delivered, outcome) = ask(&openai).await;
        let error = outcome.unwrap_err();
        assert_eq!((denied(&error), delivered.as_str()), ("that is not for users", arrived));
        assert!(error.partial::<ChatCompletion>().is_some());
        assert_eq!(counted.load(Ordering::Relaxed) as usize, arrived.split_whitespace().count());
    }
    assert_eq!(upstream.request_count(), 3, "none was sent again");
}

/// What the end of a call says.
type Ended = Arc<Mutex<Vec<(String, Option<String>, Option<u64>, Option<String>, Option<String>, u128)>>>;

#[derive(Default)]
struct Billing(Ended);

impl Observer for Billing {
    fn end(&self, call: &ObservedCall, end: &ObservedEnd<'_>) {
        let text = end.response::<ChatCompletion>().map(|response| response.choices.len().to_string());
        self.0.lock().unwrap().push((
            call.owner().unwrap_or_default().to_owned(),
            end.cost.map(|cost| cost.to_string()),
            end.usage.map(|usage| usage.total),
            end.backend().map(str::to_owned),
            text,
            end.timings.total.as_millis(),
        ));
    }
}

fn prices() -> Prices {
    let price = Price::per_million("1.25".parse().unwrap(), "10".parse().unwrap());
    Prices::new().model("gpt-4o", price)
}

#[actix_rt::test]
async fn the_end_has_the_usage_the_cost_the_owner_and_the_times() {
    tokio::time::pause();
    let ended = Ended::default();
    let call =
        ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").usage(2_000, 0).reply();
    let upstream = Upstream::spawn(Script::sequence([call, good(), Reply::error(400, "x", "no"), good()]));
    let openai = builder(&upstream)
        .owner("everybody")
        .prices(prices())
        .observer(Billing(Arc::clone(&ended)))
        .max_streams(1)
        .build()
        .unwrap();
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |_: serde_json::Value| async { Ok::<_, String>("noon") });
    within(openai.chat().owner("alice").tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
    let other = ChatRequest::new("free").user("Hi");
    within(openai.chat().stream_fn(other, |_| {})).await.unwrap();
    within(openai.chat().header("bad header", "x").stream_fn(hello(), |_| {})).await.unwrap_err();
    let ended: Vec<_> = std::mem::take(&mut *ended.lock().unwrap())
        .into_iter()
        .map(|(owner, cost, usage, backend, choices, _)| (owner, cost, usage, backend, choices))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        ended,
        [
            // 3,000 tokens of prompts at 1.25, and 100 of responses at 10.
            ("alice".to_owned(), text("0.00475"), Some(3_100), None, text("1")),
            ("everybody".to_owned(), None, None, None, None),
            ("everybody".to_owned(), None, Some(1_100), None, text("1")),
            ("everybody".to_owned(), None, None, None, None),
        ]
    );
    // The time in the queue is told.
    let slow =
        Upstream::spawn(Reply::sse().wait(Duration::from_secs(3)).event(chunk("a")).event(stop()).end());
    let openai = builder(&slow).max_streams(1).build().unwrap();
    let first = openai.chat().stream_fn(hello(), |_| {});
    let second = openai.chat().stream_fn(hello(), |_| {});
    let (first, second) = (within(first).await.unwrap(), within(second).await.unwrap());
    assert!(first.timings.queue.is_zero(), "{:?}", first.timings);
    assert!((3_000..3_200).contains(&second.timings.queue.as_millis()), "{:?}", second.timings);
}

#[actix_rt::test]
async fn an_owner_whose_spend_limit_is_reached_is_refused_before_anything_is_sent() {
    let upstream = Upstream::start(good());
    let limits = SpendLimits::new().for_each("0.004".parse().unwrap()).owner("bob", "1".parse().unwrap());
    let openai = builder(&upstream).prices(prices()).observer(limits.clone()).build().unwrap();
    let ask = async |owner: &str| within(openai.chat().owner(owner).stream_fn(hello(), |_| {})).await;
    // Each costs 0.00225.
    ask("alice").await.unwrap();
    ask("alice").await.unwrap();
    let error = ask("alice").await.unwrap_err();
    assert_eq!(denied(&error), "alice has spent 0.0045 of 0.004, so the request was not sent");
    assert_eq!((limits.spent("alice").to_string().as_str(), upstream.request_count()), ("0.0045", 2));
    // Others, and those without an owner, go on.
    for owner in ["bob", "bob", "bob", "", "", "carol"] {
        ask(owner).await.unwrap();
    }
    limits.reset("alice");
    ask("alice").await.unwrap();
}

#[actix_rt::test]
async fn what_an_observer_answers_costs_nothing() {
    let kept = |message: serde_json::Value, reason: &str| {
        json!({"id": "kept", "model": "gpt-4o",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}})
        .to_string()
    };
    let function = json!({"name": "now", "arguments": "{}"});
    let kept_call = kept(
        json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": function}]}),
        "tool_calls",
    );
    let kept_text = kept(json!({"role": "assistant", "content": "Kept"}), "stop");
    let call = ChatStream::new().tool_call("a", "now", "{}").finish_reason("tool_calls").usage(2_000, 0);
    // The server's call costs 0.0025, and its text 0.00225.
    for (answers, cost) in [
        ([Some(&kept_call), None], "0.00225"),
        ([None, Some(&kept_text)], "0.0025"),
        ([Some(&kept_call), Some(&kept_text)], "0"),
        ([None, None], "0.00475"),
    ] {
        let replies = [call.clone().reply(), good()].into_iter().zip(answers);
        let sent: Vec<_> = replies.filter_map(|(reply, kept)| kept.is_none().then_some(reply)).collect();
        let sent_count = sent.len();
        let upstream = Upstream::start(Script::sequence(sent.into_iter().chain([good()])));
        let (ended, limits) = (Ended::default(), SpendLimits::new().for_each("1".parse().unwrap()));
        let (answers, round) = (answers.map(Option::<&String>::cloned), AtomicUsize::new(0));
        let openai = builder(&upstream)
            .owner("alice")
            .prices(prices())
            .observer(limits.clone())
            .observer(Billing(Arc::clone(&ended)))
            .observer(move |request: &mut ObservedRequest| {
                if let Some(answer) = &answers[round.fetch_add(1, Ordering::Relaxed)] {
                    request.answer(answer.clone());
                }
                Ok(())
            })
            .build()
            .unwrap();
        let tools = Tools::new().function(FunctionDefinition::new("now"), |_: serde_json::Value| async {
            Ok::<_, String>("noon")
        });
        let finish = within(openai.chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
        assert_eq!((finish.rounds.len(), upstream.request_count()), (1, sent_count));
        assert_eq!(limits.spent("alice").to_string(), cost);
        assert_eq!(ended.lock().unwrap()[0].1.as_deref(), Some(cost));
    }
}

#[actix_rt::test]
async fn an_observer_answers_in_place_of_the_server() {
    let upstream = Upstream::start(good());
    let whole = json!({"id": "kept", "model": "gpt-4o", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Kept"}, "finish_reason": "stop"}]});
    let events = format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", chunk("Kept"), stop());
    for body in [whole.to_string(), events] {
        let answer = body.clone();
        let openai = builder(&upstream)
            .credentials(|_| async { panic!("no key is needed") })
            .observer(move |request: &mut ObservedRequest| {
                request.answer(answer.clone());
                Ok(())
            })
            .observer(|_: &mut ObservedRequest| -> Result<(), Denied> { panic!("it is answered") })
            .build()
            .unwrap();
        let recorder = Recorder::new(StreamEvent::<ChatCompletionChunk>::is_end);
        within(openai.chat().with_start(true).stream(hello(), recorder.sink())).await.unwrap();
        recorder.assert_one_end();
        let (text, outcome) = ask(&openai).await;
        assert_eq!((text.as_str(), outcome.is_ok()), ("Kept", true));
        if body.starts_with('{') {
            let finish = within(openai.chat().create(hello())).await.unwrap();
            assert_eq!(finish.response.id, "kept");
        }
    }
    // What is no answer is told as what it is.
    let openai = builder(&upstream)
        .max_retries(3)
        .observer(|request: &mut ObservedRequest| {
            request.answer("<html>");
            Ok(())
        })
        .build()
        .unwrap();
    assert_eq!(ask(&openai).await.1.unwrap_err().kind.name(), "not_a_stream");
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn a_credential_that_an_observer_sets_is_in_no_error() {
    let secret = "sk-live-51H8xQ2eZvKYlo2C";
    let upstream = Upstream::start(Reply::error(400, "x", "your key sk-live-51H8xQ2eZvKYlo2C is wrong"));
    let openai = builder(&upstream)
        .observer(move |request: &mut ObservedRequest| {
            request.set_header("authorization", format!("Bearer {secret}"));
            assert!(!format!("{request:?}").contains("51H8xQ2e"));
            Ok(())
        })
        .build()
        .unwrap();
    let error = within(openai.chat().stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!(upstream.request(0).await.header("authorization"), Some(&*format!("Bearer {secret}")));
    assert!(!format!("{error:?} {error} {openai:?}").contains("51H8xQ2e"), "{error:?}");
}

#[actix_rt::test]
async fn an_observer_that_panics_before_a_resumption_ends_its_stream() {
    tokio::time::pause();
    let upstream = Upstream::spawn(background(good()));
    let openai = builder(&upstream)
        .observer(|request: &mut ObservedRequest| {
            assert_ne!(request.purpose(), Purpose::Resumption);
            Ok(())
        })
        .build()
        .unwrap();
    let request = json!({"model": "m", "input": "Hi", "background": true});
    let error = within(openai.responses().stream_fn(request, |_| {})).await.unwrap_err();
    assert_eq!((&error.kind, upstream.request_count()), (&ErrorKind::ObserverPanicked, 1));
}

/// Wants events, and counts how often it is asked.
struct Wanting(Arc<AtomicU32>);

impl Observer for Wanting {
    fn wants_events(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
    }

    fn event(&self, _: &ObservedCall, _: &Payload) -> Result<(), Denied> {
        self.0.fetch_add(100, Ordering::Relaxed);
        Ok(())
    }
}

#[actix_rt::test]
async fn an_observer_is_asked_once_for_each_call_whether_it_wants_events() {
    let events = Reply::sse().event(chunk("one")).event(chunk("two")).event(stop()).event("[DONE]").end();
    let upstream = Upstream::start(events);
    let asked = Arc::new(AtomicU32::new(0));
    let openai = builder(&upstream)
        .observer(Arc::new(Notes::default()))
        .observer(Wanting(Arc::clone(&asked)))
        .build()
        .unwrap();
    for expected in [301, 302] {
        ask(&openai).await.1.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), expected);
    }
}
