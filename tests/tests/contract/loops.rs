//! Random tool loops, checked against an oracle that derives requests, runs and results from the plan alone.

use std::sync::{Arc, Mutex};

use actorstream::proto::answer::tools::CallsTools;
use actorstream::proto::endpoint::event::Event;
use actorstream::{Call, Endpoint, FunctionDefinition, Outcome, Round, Tools};
use actorstream_test::{Gate, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{client, within};

const RUNS: u64 = 400;

/// The target of a planned call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Echo,
    Fails,
    Unknown,
    Hangs,
}

#[derive(Debug, Clone)]
struct Planned {
    what: What,
    /// `None` if the server sends none.
    id: Option<String>,
    arguments: String,
}

#[derive(Debug, Clone, Default)]
struct Answer {
    text: bool,
    calls: Vec<Planned>,
    /// An item that only the caller can answer.
    foreign: Option<usize>,
}

/// The response to the last request, or the event that interrupts it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Last {
    Text,
    Length,
    ContentFilter,
    Refused,
    CutAtOnce,
    CutLater,
    Provider,
    Malformed,
    /// The stream is cancelled while a tool of the last response with calls hangs.
    Cancel,
}

#[derive(Debug, Clone)]
struct Plan {
    chat: bool,
    max_rounds: u32,
    answers: Vec<Answer>,
    last: Last,
}

impl Plan {
    fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let chat = random.bool();
        let lasts = [
            Last::Text,
            Last::Text,
            Last::Length,
            Last::ContentFilter,
            Last::Refused,
            Last::CutAtOnce,
            Last::CutLater,
            Last::Provider,
            Last::Malformed,
            Last::Cancel,
        ];
        let last = *random.choice(&lasts).unwrap();
        let mut answers: Vec<_> = (0..random.usize(0..5))
            .map(|round| Answer {
                text: random.bool(),
                calls: (0..random.usize(1..4))
                    .map(|at| Planned {
                        what: *random.choice(&[What::Echo, What::Echo, What::Fails, What::Unknown]).unwrap(),
                        // Some servers number calls from the start in every response.
                        id: match random.u8(0..4) {
                            0 => None,
                            1 => Some(format!("call_{at}")),
                            _ => Some(format!("id_{round}_{at}")),
                        },
                        arguments: format!("{{\"z\":\"{round}\",\"a\":{at}}}"),
                    })
                    .collect(),
                foreign: (random.u8(0..10) == 0).then(|| random.usize(0..FOREIGN)),
            })
            .collect();
        if let (Last::Cancel, Some(answer)) = (last, answers.last_mut()) {
            answer.foreign = None;
            let at = random.usize(..=answer.calls.len());
            let hangs = Planned { what: What::Hangs, id: Some("hangs".into()), arguments: "{}".into() };
            answer.calls.insert(at, hangs);
        }
        Self { chat, max_rounds: random.u32(1..7), answers, last }
    }
}

/// The number of kinds of items that only the caller can answer.
const FOREIGN: usize = 5;

fn foreign_of_a_response(which: usize) -> Value {
    match which {
        0 => json!({"type": "function_call", "id": "f", "call_id": "x", "name": "mine", "arguments": "{}"}),
        1 => {
            json!({"type": "local_shell_call", "id": "l", "call_id": "x", "action": {"type": "exec", "command": ["ls"], "env": {}}})
        }
        2 => {
            json!({"type": "computer_call", "id": "c", "call_id": "x", "action": {"type": "wait"}, "pending_safety_checks": []})
        }
        3 => {
            json!({"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "n", "arguments": "{}"})
        }
        _ => json!({"type": "unheard_of_call", "id": "u", "call_id": "x"}),
    }
}

impl Planned {
    fn name(&self) -> &'static str {
        match self.what {
            What::Echo => "echo",
            What::Fails => "fails",
            What::Unknown => "unknown",
            What::Hangs => "hangs",
        }
    }

    /// Returns the result for the model; `None` if the tool never ends.
    fn result(&self) -> Option<(String, bool)> {
        match self.what {
            What::Echo => Some((self.arguments.clone(), false)),
            What::Fails => Some(("error: no".into(), true)),
            What::Unknown => {
                Some(("error: there is no tool \"unknown\"; the tools are: echo, fails, hangs".into(), true))
            }
            What::Hangs => None,
        }
    }
}

/// Returns the reply for a planned response.
fn reply(plan: &Plan, answer: &Answer, end: &str) -> Reply {
    let text = answer.text.then_some("Let me see.");
    if plan.chat {
        let mut calls: Vec<Value> = Vec::new();
        for (index, call) in answer.calls.iter().enumerate() {
            let mut sent = json!({"index": index, "type": "function", "extra_content": {"n": index},
                "function": {"name": call.name(), "arguments": call.arguments}});
            if let Some(id) = &call.id {
                sent["id"] = id.as_str().into();
            }
            calls.push(sent);
        }
        if let Some(which) = answer.foreign {
            let index = calls.len();
            calls.push(match which {
                0 | 1 => json!({"index": index, "id": "x", "function": {"name": "mine", "arguments": "{}"}}),
                2 => json!({"index": index, "id": "x", "type": "custom", "custom": {"name": "mine", "input": "x"}}),
                _ => json!({"index": index, "id": "x", "type": "unheard_of", "unheard_of": {}}),
            });
        }
        let mut delta = json!({"role": "assistant", "content": text});
        if !calls.is_empty() {
            delta["tool_calls"] = calls.into();
        }
        let choice = json!({"index": 0, "delta": delta, "finish_reason": end});
        let usage = json!({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5});
        return Reply::sse().event(json!({"id": "c", "choices": [choice], "usage": usage})).done().end();
    }
    let mut output: Vec<Value> = Vec::new();
    if let Some(text) = text {
        output.push(json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}));
    }
    for call in &answer.calls {
        let mut sent = json!({"type": "function_call", "name": call.name(), "arguments": call.arguments});
        if let Some(id) = &call.id {
            sent["call_id"] = id.as_str().into();
        }
        output.push(sent);
    }
    output.extend(answer.foreign.map(foreign_of_a_response));
    let (status, details) = match end {
        "length" => ("incomplete", json!({"reason": "max_output_tokens"})),
        "content_filter" => ("incomplete", json!({"reason": "content_filter"})),
        _ => ("completed", Value::Null),
    };
    let usage = json!({"input_tokens": 2, "output_tokens": 3, "total_tokens": 5});
    let response =
        json!({"id": "r", "status": status, "incomplete_details": details, "output": output, "usage": usage});
    Reply::sse().event(json!({"type": format!("response.{status}"), "response": response})).end()
}

/// Returns the beginning of a response.
fn beginning(plan: &Plan) -> Reply {
    if plan.chat {
        Reply::sse().event(crate::common::chunk("Do"))
    } else {
        let delta = json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0,
            "content_index": 0, "delta": "Do"});
        Reply::sse().event(delta)
    }
}

fn script(plan: &Plan) -> Script {
    let mut replies: Vec<_> = plan.answers.iter().map(|answer| reply(plan, answer, "tool_calls")).collect();
    let half = Answer {
        text: true,
        calls: vec![Planned { what: What::Echo, id: Some("half".into()), arguments: "{\"z\"".into() }],
        foreign: None,
    };
    replies.push(match plan.last {
        Last::Text | Last::Cancel => reply(plan, &Answer { text: true, ..Answer::default() }, "stop"),
        Last::Length => reply(plan, &half, "length"),
        Last::ContentFilter => reply(plan, &half, "content_filter"),
        Last::Refused => Reply::error(400, "invalid_request_error", "No."),
        Last::CutAtOnce => Reply::sse().cut(),
        Last::CutLater => beginning(plan).cut(),
        Last::Provider => beginning(plan).event(json!({"error": {"message": "No."}})).end(),
        Last::Malformed => beginning(plan).event("{malformed").end(),
    });
    Script::sequence(replies)
}

/// A result: its id (`None` if it was generated), its output, and whether the tool failed.
type Told = (Option<String>, String, bool);

/// The expected events.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    /// The calls and results in each request.
    asked: Vec<Vec<(String, Option<String>, String)>>,
    /// The arguments of the tool runs.
    ran: Vec<String>,
    end: &'static str,
    /// The results of each round.
    rounds: Vec<Vec<Told>>,
    unfinished: usize,
    /// The results in the last response.
    results: Vec<Told>,
    /// The tokens that the finish reports.
    tokens: Option<u64>,
}

fn expected(plan: &Plan) -> Expected {
    let mut expected = Expected::default();
    let mut conversation = Vec::new();
    for (round, answer) in plan.answers.iter().enumerate() {
        expected.asked.push(conversation.clone());
        let told =
            |call: &&Planned| call.result().map(|(output, is_error)| (call.id.clone(), output, is_error));
        let is_last = round + 1 == plan.answers.len();
        if answer.foreign.is_some() {
            let ours: Vec<_> = answer.calls.iter().filter(|call| call.what != What::Unknown).collect();
            expected.ran.extend(ours.iter().map(|call| call.arguments.clone()));
            expected.results = ours.iter().copied().filter_map(|call| told(&call)).collect();
            expected.end = "finish";
            expected.tokens = Some(5 * (round as u64 + 1));
            return expected;
        }
        if round + 1 >= plan.max_rounds as usize {
            expected.end = "too_many_rounds";
            return expected;
        }
        let runs = answer.calls.iter().filter(|call| call.what != What::Unknown);
        expected.ran.extend(runs.map(|call| call.arguments.clone()));
        expected.rounds.push(answer.calls.iter().filter_map(|call| told(&call)).collect());
        if is_last && plan.last == Last::Cancel {
            expected.end = "cancelled";
            expected.unfinished = 1;
            return expected;
        }
        for call in &answer.calls {
            conversation.push(("call".to_owned(), call.id.clone(), call.arguments.clone()));
        }
        for call in &answer.calls {
            let (output, _) = call.result().unwrap();
            conversation.push(("result".to_owned(), call.id.clone(), output));
        }
    }
    expected.asked.push(conversation);
    expected.end = match plan.last {
        Last::Text | Last::Length | Last::ContentFilter | Last::Cancel => "finish",
        Last::Refused => "refused",
        Last::CutAtOnce | Last::CutLater => "truncated",
        Last::Provider => "provider",
        Last::Malformed => "malformed",
    };
    if expected.end == "finish" {
        expected.tokens = Some(5 * (plan.answers.len() as u64 + 1));
    }
    expected
}

/// Returns the calls and results in a request; generated ids are `None`.
fn asked(body: &Value, plan: &Plan) -> Vec<(String, Option<String>, String)> {
    let given: Vec<_> =
        plan.answers.iter().flat_map(|answer| &answer.calls).filter_map(|call| call.id.clone()).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found = Vec::new();
    if plan.chat {
        for message in body["messages"].as_array().unwrap() {
            for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
                assert_eq!(call["extra_content"]["n"], index, "what came with a call goes back with it");
                found.push(("call".to_owned(), text(&call["id"]), text(&call["function"]["arguments"])));
            }
            if message["role"] == "tool" {
                found.push(("result".to_owned(), text(&message["tool_call_id"]), text(&message["content"])));
            }
        }
    } else {
        for item in body["input"].as_array().into_iter().flatten() {
            match item["type"].as_str() {
                Some("function_call") => {
                    found.push(("call".to_owned(), text(&item["call_id"]), text(&item["arguments"])));
                }
                Some("function_call_output") => {
                    found.push(("result".to_owned(), text(&item["call_id"]), text(&item["output"])));
                }
                _ => {}
            }
        }
    }
    // Each generated id belongs to one call and one result.
    let made_up: Vec<_> = found.iter().filter(|(_, id, _)| !given.contains(id)).collect();
    for (_, id, _) in &made_up {
        let mut uses: Vec<_> =
            made_up.iter().filter(|(_, other, _)| other == id).map(|(kind, ..)| kind).collect();
        uses.sort();
        assert_eq!(uses, ["call", "result"], "{id} in {body}");
    }
    found.into_iter().map(|(kind, id, text)| (kind, Some(id).filter(|id| given.contains(id)), text)).collect()
}

fn told<R>(rounds: &[Round<R>]) -> Vec<Vec<Told>> {
    rounds.iter().map(|round| round.results.iter().map(result).collect()).collect()
}

fn result(result: &actorstream::ToolResult) -> Told {
    let id = Some(result.call.id.clone()).filter(|_| !result.call.has_made_up_id);
    (id, result.output.clone(), result.is_error)
}

async fn play<P>(plan: &Plan, call: Call<P>, request: Value, upstream: &Upstream) -> Expected
where
    P: CallsTools + Endpoint + Sync + std::fmt::Debug,
    <P::Event as Event>::Response: 'static,
{
    let ran = Arc::new(Mutex::new(Vec::new()));
    let gate = Gate::new();
    let (echoed, failed, arrived) = (Arc::clone(&ran), Arc::clone(&ran), gate.clone());
    let hung = Arc::clone(&ran);
    let tools = Tools::new()
        .function(FunctionDefinition::new("echo"), move |arguments: Value| {
            echoed.lock().unwrap().push(arguments.to_string());
            async move { Ok::<_, String>(arguments) }
        })
        .function(FunctionDefinition::new("fails"), move |arguments: Value| {
            failed.lock().unwrap().push(arguments.to_string());
            async { Err::<(), _>("no") }
        })
        .function(FunctionDefinition::new("hangs"), move |arguments: Value| {
            hung.lock().unwrap().push(arguments.to_string());
            let gate = arrived.clone();
            async move {
                gate.open();
                std::future::pending::<()>().await;
                Ok::<_, String>(())
            }
        })
        .max_rounds(plan.max_rounds);
    let ends = Arc::new(Mutex::new(0));
    let count = Arc::clone(&ends);
    let handle = call.tools(tools).stream_fn(request, move |event| {
        *count.lock().unwrap() += usize::from(event.is_end());
    });
    let stream = handle.stream().clone();
    let cancelling = actix_rt::spawn(async move {
        gate.wait().await;
        // Let the tools that take no time finish.
        tokio::task::yield_now().await;
        stream.cancel();
    });
    let outcome: Outcome<<P::Event as Event>::Response> = within(handle).await;
    cancelling.abort();
    assert_eq!(*ends.lock().unwrap(), 1, "one end");
    let mut seen = Expected::default();
    match &outcome {
        Ok(finish) => {
            seen.end = "finish";
            seen.rounds = told(&finish.rounds);
            seen.results = finish.results.iter().map(result).collect();
            seen.tokens = finish.usage.as_ref().map(|usage| usage.total);
        }
        Err(error) => {
            let rounds = error.rounds::<<P::Event as Event>::Response>();
            seen.end = error.kind.name();
            seen.rounds = told(rounds);
            seen.unfinished = rounds.iter().map(|round| round.unfinished.len()).sum();
            assert!(rounds.iter().all(|round| round.usage.is_some_and(|usage| usage.total == 5)));
            assert!(rounds.is_empty() || error.partial::<<P::Event as Event>::Response>().is_some());
        }
    }
    seen.ran = ran.lock().unwrap().clone();
    seen.asked = upstream.requests().iter().map(|request| asked(&request.json(), plan)).collect();
    seen
}

#[actix_rt::test]
async fn random_loops_ask_run_and_tell_what_the_plan_says() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("ACTORSTREAM_SEED").unwrap_or_else(|| fastrand::u64(..1 << 40));
    println!("ACTORSTREAM_SEED={first}");
    for seed in first..first + number("ACTORSTREAM_RUNS").unwrap_or(RUNS) {
        let plan = Plan::draw(seed);
        let upstream = Upstream::start(script(&plan));
        let openai = client(&upstream.base_url());
        let seen = if plan.chat {
            let request = json!({"model": "m", "messages": [{"role": "user", "content": "Go."}], "tools": [
                {"type": "function", "function": {"name": "mine"}}]});
            play(&plan, openai.chat(), request, &upstream).await
        } else {
            let request =
                json!({"model": "m", "input": "Go.", "tools": [{"type": "function", "name": "mine"}]});
            play(&plan, openai.responses(), request, &upstream).await
        };
        assert_eq!(seen, expected(&plan), "ACTORSTREAM_SEED={seed} ACTORSTREAM_RUNS=1: {plan:#?}");
    }
}
