//! Responses that call tools, tested over sockets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actorstream::{
    ChatCompletion, ErrorKind, FunctionDefinition, OpenAi, ResponseRequest, StreamEvent, Timeout, Timeouts,
    Tools,
};
use actorstream_test::{ChatStream, Gate, Recorder, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{Noting, client, hello, one_stream, within};
use crate::output;

/// The model calls `double` twice, then answers.
fn two_rounds() -> Script {
    let calls = ChatStream::new()
        .id("first")
        .delta_chars(100)
        .content("Let me see.")
        .tool_call("a", "double", r#"{"n":2}"#)
        .tool_call("b", "double", r#"{"n":3}"#)
        .finish_reason("tool_calls");
    let answer = ChatStream::new().id("second").delta_chars(100).content("4 and 6.").finish_reason("stop");
    Script::sequence([calls.reply(), answer.reply()])
}

/// Returns a response that calls these tools with these arguments.
fn calling(calls: &[(&str, &str)]) -> Reply {
    let stream = calls.iter().enumerate().fold(ChatStream::new(), |stream, (index, (name, arguments))| {
        stream.tool_call(format!("call_{index}"), *name, *arguments)
    });
    stream.finish_reason("tool_calls").reply()
}

fn answering() -> Reply {
    ChatStream::new().content("Done.").finish_reason("stop").reply()
}

fn number(arguments: &Value) -> u64 {
    arguments["n"].as_u64().unwrap()
}

fn double() -> Tools {
    Tools::new().function(FunctionDefinition::new("double"), |arguments: Value| async move {
        Ok::<_, String>(number(&arguments) * 2)
    })
}

/// Returns the tool results in the last request.
fn told(upstream: &Upstream) -> Vec<String> {
    let requests = upstream.requests();
    let body = requests.last().unwrap().json();
    let messages = body["messages"].as_array().unwrap();
    let results = messages.iter().filter(|message| message["role"] == "tool");
    results.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[actix_rt::test]
async fn rounds_run_until_the_model_answers() {
    let upstream = Upstream::start(two_rounds());
    let noting = Noting::default();
    let log = noting.chat.clone();
    let handle = client(&upstream.base_url()).chat().tools(double()).stream(hello(), noting.start());
    let id = handle.id();
    let finish = within(handle).await.unwrap();

    let (_, text, end) = one_stream(&log, id);
    assert_eq!(text, "Let me see.4 and 6.", "all answers go to the same target");
    assert!(matches!(end, StreamEvent::Finish(_)));
    assert_eq!((finish.response.id.as_str(), finish.response.content()), ("second", Some("4 and 6.")));
    assert_eq!(finish.rounds.len(), 1);
    let round = &finish.rounds[0];
    assert_eq!((round.response.id.as_str(), round.response.tool_calls().len()), ("first", 2));
    let results: Vec<_> =
        round.results.iter().map(|result| (result.call.id.as_str(), result.output.as_str())).collect();
    assert_eq!(results, [("a", "4"), ("b", "6")]);

    assert_eq!(upstream.request_count(), 2);
    assert_eq!(upstream.accepted(), 1, "the connection is used again");
    let first = upstream.request(0).await.json();
    assert_eq!(first["tools"], json!([{"type": "function", "function": {"name": "double"}}]));
    let second = upstream.request(1).await.json();
    assert_eq!(
        second["messages"],
        json!([
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "double", "arguments": "{\"n\":2}"}},
                {"id": "b", "type": "function", "function": {"name": "double", "arguments": "{\"n\":3}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "4"},
            {"role": "tool", "tool_call_id": "b", "content": "6"},
        ])
    );
    assert_eq!((&second["stream"], &second["tools"]), (&json!(true), &first["tools"]));
}

#[actix_rt::test]
async fn unstreamed_calls_run_tools_too() {
    let calls = ChatStream::new().tool_call("a", "double", r#"{"n":2}"#).finish_reason("tool_calls");
    let answer = ChatStream::new().content("4").finish_reason("stop");
    let upstream = Upstream::start(Script::sequence([
        Reply::json(200, &calls.completion()),
        Reply::json(200, &answer.completion()),
    ]));
    let openai = client(&upstream.base_url());
    // The response is kept nevertheless: without it, there would be no calls to run.
    let finish = within(openai.chat().keep_response(false).tools(double()).create(hello())).await.unwrap();
    assert_eq!((finish.response.content(), finish.rounds.len()), (Some("4"), 1));
}

#[actix_rt::test]
async fn the_calls_of_a_round_run_side_by_side_and_their_results_keep_the_order() {
    let upstream = Upstream::start(two_rounds());
    let gate = Gate::new();
    let tools = Tools::new().function(FunctionDefinition::new("double"), move |arguments: Value| {
        let gate = gate.clone();
        async move {
            // The first call ends only after the second.
            if number(&arguments) == 2 {
                gate.wait().await;
            } else {
                gate.open();
            }
            Ok::<_, String>(number(&arguments) * 2)
        }
    });
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), Noting::default().start());
    within(handle).await.unwrap();
    assert_eq!(told(&upstream), ["4", "6"]);
}

#[actix_rt::test]
async fn tool_failures_are_reported_to_the_model() {
    let upstream = Upstream::start(Script::sequence([
        calling(&[
            ("fails", "{}"),
            ("panics", "{}"),
            ("typed", "{\"n\":"),
            ("typed", "{\"n\":-1}"),
            ("nosuch", ""),
        ]),
        answering(),
    ]));
    #[derive(serde::Deserialize)]
    struct Typed {
        n: u8,
    }
    let tools = Tools::new()
        .function(FunctionDefinition::new("fails"), |_: Value| async { Err::<(), _>("the disk is full") })
        .function(FunctionDefinition::new("panics"), |_: Value| async {
            if true {
                panic!("on purpose");
            }
            Ok::<_, String>(())
        })
        .function(FunctionDefinition::new("typed"), |typed: Typed| async move { Ok::<_, String>(typed.n) });
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), Noting::default().start());
    let finish = within(handle).await.unwrap();
    assert!(finish.rounds[0].results.iter().all(|result| result.is_error));
    let told = told(&upstream);
    assert_eq!(told[0], "error: the disk is full");
    assert_eq!(told[1], "error: the tool failed", "what a panic says is not for the model");
    assert!(told[2].contains("EOF while parsing"), "{}", told[2]);
    assert!(told[3].contains("expected u8"), "{}", told[3]);
    assert_eq!(told[4], "error: there is no tool \"nosuch\"; the tools are: fails, panics, typed");
}

#[actix_rt::test]
async fn too_many_rounds_are_an_error() {
    let upstream = Upstream::start(calling(&[("double", "{\"n\":1}")]));
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    let tools = Tools::new()
        .function(FunctionDefinition::new("double"), move |_: Value| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, String>(()) }
        })
        .max_rounds(3);
    let noting = Noting::default();
    let log = noting.chat.clone();
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), noting.start());
    let id = handle.id();
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooManyRounds { max: 3 });
    assert_eq!(error.partial::<ChatCompletion>().unwrap().tool_calls().len(), 1);
    assert_eq!((upstream.request_count(), ran.load(Ordering::SeqCst)), (3, 2));
    one_stream(&log, id);
}

/// Counts its drops.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns tools that never end, the number of their dropped runs, and a gate that they open when they run.
fn endless() -> (Tools, Arc<AtomicUsize>, Gate) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let (count, gate) = (Arc::clone(&dropped), Gate::new());
    let arrived = gate.clone();
    let tools = Tools::new().function(FunctionDefinition::new("double"), move |_: Value| {
        let (dropped, gate) = (Dropped(Arc::clone(&count)), arrived.clone());
        async move {
            gate.open();
            std::future::pending::<()>().await;
            drop(dropped);
            Ok::<_, String>(())
        }
    });
    (tools, dropped, gate)
}

#[actix_rt::test]
async fn cancelling_stops_the_tools() {
    let upstream = Upstream::start(two_rounds());
    let (tools, dropped, gate) = endless();
    let noting = Noting::default();
    let log = noting.chat.clone();
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), noting.start());
    let id = handle.id();
    within(gate.wait()).await;
    handle.cancel();
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(error.partial::<ChatCompletion>().unwrap().content(), Some("Let me see."));
    assert_eq!((dropped.load(Ordering::SeqCst), upstream.request_count()), (2, 1));
    one_stream(&log, id);
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Stop> for Noting {
    type Result = ();
    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

#[actix_rt::test]
async fn a_target_that_stops_stops_the_tools() {
    let upstream = Upstream::start(two_rounds());
    let (tools, dropped, gate) = endless();
    let target = Noting::default().start();
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), target.clone());
    within(gate.wait()).await;
    target.do_send(Stop);
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TargetStopped);
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
}

#[actix_rt::test]
async fn the_total_timeout_holds_for_all_rounds_and_the_tools() {
    tokio::time::pause();
    let upstream = Upstream::spawn(two_rounds());
    let (tools, dropped, _gate) = endless();
    let openai = OpenAi::builder()
        .base_url(upstream.base_url())
        .timeouts(Timeouts::default().total(Duration::from_secs(5)))
        .build()
        .unwrap();
    let noting = Noting::default();
    let log = noting.chat.clone();
    let handle = openai.chat().tools(tools).stream(hello(), noting.start());
    let id = handle.id();
    let error = handle.await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout { timeout: Timeout::Total, after: Duration::from_secs(5) });
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    one_stream(&log, id);
}

#[actix_rt::test]
async fn the_callers_own_tools_are_the_callers() {
    let upstream =
        Upstream::start(Script::sequence([calling(&[("double", "{\"n\":1}"), ("mine", "{}")]), answering()]));
    let request = hello().tool(FunctionDefinition::new("mine"));
    let handle =
        client(&upstream.base_url()).chat().tools(double()).stream(request, Noting::default().start());
    let finish = within(handle).await.unwrap();
    assert_eq!((upstream.request_count(), finish.response.tool_calls().len()), (1, 2));
    assert_eq!(finish.finish_reasons, ["tool_calls"]);
    let offered = upstream.request(0).await.json();
    assert_eq!(offered["tools"].as_array().unwrap().len(), 2);
}

#[actix_rt::test]
async fn calls_that_were_cut_short_are_not_run() {
    let cut = ChatStream::new().tool_call("a", "double", "").finish_reason("length").reply();
    let upstream = Upstream::start(Script::sequence([cut, answering()]));
    let handle =
        client(&upstream.base_url()).chat().tools(double()).stream(hello(), Noting::default().start());
    let finish = within(handle).await.unwrap();
    assert_eq!((upstream.request_count(), finish.rounds.len()), (1, 0));
    assert_eq!(finish.finish_reasons, ["length"]);
}

#[actix_rt::test]
async fn each_request_of_the_rounds_is_sent_again_where_it_may_be() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Script::sequence([
        calling(&[("double", "{\"n\":1}")]),
        Reply::error(503, "x", "busy"),
        answering(),
    ]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let noting = Noting::default();
    let log = noting.chat.clone();
    let handle = openai.chat().tools(double()).stream(hello(), noting.start());
    let id = handle.id();
    let finish = handle.await.unwrap();
    assert_eq!((finish.attempts, upstream.request_count()), (2, 3));
    assert_eq!(one_stream(&log, id).1, "Done.");

    let upstream = Upstream::spawn(Script::sequence([
        calling(&[("double", "{\"n\":1}")]),
        Reply::sse().event(crate::common::chunk("Do")).cut(),
    ]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let error = openai.chat().tools(double()).stream(hello(), Noting::default().start()).await.unwrap_err();
    assert_eq!(error.kind.name(), "truncated");
    assert_eq!(error.partial::<ChatCompletion>().unwrap().content(), Some("Do"));
}

#[actix_rt::test]
async fn tools_that_cannot_be_offered_are_told_at_once() {
    let upstream = Upstream::start(answering());
    let openai = client(&upstream.base_url());
    for (request, what) in [
        (hello().tool(FunctionDefinition::new("double")), "two tools called \"double\""),
        (hello().n(2), "leave `n` out"),
    ] {
        let error = within(openai.chat().tools(double()).create(request)).await.unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    assert_eq!(upstream.request_count(), 0);
}

#[actix_rt::test]
async fn each_answer_of_the_rounds_has_a_view_of_its_own() {
    let upstream = Upstream::start(two_rounds());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let target = output::Noting(recorder.clone()).start();
    within(client(&upstream.base_url()).chat().tools(double()).stream(hello(), target)).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(
        recorder.events(),
        [
            "Let me see.|Let me see.",
            "a calls double",
            "b calls double",
            "done Let me see.",
            "a done {\"n\":2}",
            "b done {\"n\":3}",
            "4 and 6.|4 and 6.",
            "done 4 and 6.",
            "end"
        ]
    );
}

#[actix_rt::test]
async fn responses_go_on_with_tools_too() {
    let event = |kind: &str, fields: Value| {
        let mut event = fields;
        event["type"] = kind.into();
        event.to_string()
    };
    let call = json!({"type": "function_call", "id": "fc", "call_id": "c1", "name": "double", "arguments": "{\"n\":4}"});
    let completed = |id: &str, output: Value| {
        event("response.completed", json!({"response": {"id": id, "status": "completed", "output": output}}))
    };
    let text = json!({"type": "message", "id": "m", "role": "assistant",
        "content": [{"type": "output_text", "text": "8", "annotations": []}]});
    let upstream = Upstream::start(Script::sequence([
        Reply::sse().event(completed("one", json!([call]))).end(),
        Reply::sse().event(completed("two", json!([text]))).end(),
    ]));
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    let handle = client(&upstream.base_url()).responses().tools(double()).stream_fn(
        ResponseRequest::new("gpt-5").input("Double 4."),
        move |event| {
            assert!(!matches!(event, StreamEvent::Error(_)));
            *count.lock().unwrap() += 1;
        },
    );
    let finish = within(handle).await.unwrap();
    assert_eq!((finish.response.id.as_str(), finish.rounds.len(), *seen.lock().unwrap()), ("two", 1, 3));
    let second = upstream.request(1).await.json();
    assert_eq!(second["tools"], json!([{"type": "function", "name": "double"}]));
    assert_eq!(
        second["input"],
        json!([
            {"type": "message", "role": "user", "content": "Double 4."},
            call,
            {"type": "function_call_output", "call_id": "c1", "output": "8"},
        ])
    );
}

#[actix_rt::test]
async fn written_fields_keep_their_order() {
    #[derive(serde::Serialize)]
    struct Found {
        zeta: u8,
        alpha: Value,
    }
    let upstream = Upstream::start(Script::sequence([
        calling(&[("find", r#"{"z":1,"a":{"y":2,"b":3}}"#)]),
        answering(),
    ]));
    let parameters =
        json!({"type": "object", "properties": {"z": {"type": "integer"}, "a": {"type": "object"}}});
    let tools = Tools::new()
        .function(FunctionDefinition::new("find").parameters(parameters), |what: Value| async move {
            Ok::<_, String>(Found { zeta: 1, alpha: what })
        });
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), Noting::default().start());
    within(handle).await.unwrap();
    assert_eq!(told(&upstream), [r#"{"zeta":1,"alpha":{"z":1,"a":{"y":2,"b":3}}}"#]);
    let second = upstream.request(1).await;
    let body = String::from_utf8_lossy(&second.body);
    for written in [
        r#""properties":{"z":{"type":"integer"},"a":{"type":"object"}}"#,
        r#""arguments":"{\"z\":1,\"a\":{\"y\":2,\"b\":3}}""#,
    ] {
        assert!(body.contains(written), "{body}");
    }
}

#[actix_rt::test]
async fn a_tool_may_take_nothing() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Now;
    let upstream = Upstream::start(Script::sequence([
        calling(&[("now", "{}"), ("now", ""), ("now", "null"), ("typed", "{}"), ("typed", "{\"x\":1}")]),
        answering(),
    ]));
    let tools = Tools::new()
        .function(FunctionDefinition::new("now"), |(): ()| async { Ok::<_, String>("noon") })
        .typed("typed", |_: Now| async { Ok::<_, String>("noon") });
    let handle = client(&upstream.base_url()).chat().tools(tools).stream(hello(), Noting::default().start());
    within(handle).await.unwrap();
    assert_eq!(told(&upstream), ["noon"; 5]);
    let offered = &upstream.request(0).await.json()["tools"][1]["function"];
    assert_eq!(
        offered["parameters"],
        json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false})
    );
}
