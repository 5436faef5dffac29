//! Tool rounds over sockets: the messages sent back to the model, and the reports to the caller.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use actorstream::output::{Call, Tokens};
use actorstream::proto::api::chat::request::ToolChoice;
use actorstream::proto::api::responses::Response;
use actorstream::{
    ChatCompletion, ChatCompletionChunk, Finish, FunctionDefinition, OpenAi, OutputClient, ResponseEvent,
    ResponseRequest, Round, StreamError, StreamEvent, StreamRef, StreamingClient, Timeouts, Tools,
    output_client, streaming_client,
};
use actorstream_test::{ChatStream, Gate, Recorder, Reply, Script, Upstream};
use serde_json::{Value, json};

use crate::common::{client, hello, within};

/// Returns a tool that returns its arguments and counts its runs.
fn echo() -> (Tools, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let tools = Tools::new().function(FunctionDefinition::new("echo"), move |arguments: Value| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, String>(arguments) }
    });
    (tools, runs)
}

/// Returns a complete response with this output.
fn completed(id: &str, output: &Value) -> Reply {
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    let response = json!({"id": id, "status": "completed", "output": output, "usage": usage});
    Reply::sse().event(json!({"type": "response.completed", "response": response})).end()
}

fn text(text: &str) -> Value {
    json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn function_call(id: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": "echo", "arguments": "{\"n\":1}",
        "status": "completed"})
}

/// Returns a chat response with one event that contains this message.
fn chat(message: &Value, finish_reason: &str) -> Reply {
    let choice = json!({"index": 0, "delta": message, "finish_reason": finish_reason});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    Reply::sse().event(json!({"id": "c", "choices": [choice], "usage": usage})).done().end()
}

fn chat_calls(calls: &Value) -> Reply {
    chat(&json!({"role": "assistant", "content": null, "tool_calls": calls}), "tool_calls")
}

fn chat_call(id: &str) -> Value {
    json!({"index": 0, "id": id, "type": "function", "function": {"name": "echo", "arguments": "{\"n\":1}"}})
}

#[actix_rt::test]
async fn a_call_for_the_caller_ends_the_loop() {
    for foreign in [
        json!({"type": "local_shell_call", "id": "l", "call_id": "x", "action": {"type": "exec", "command": ["ls"], "env": {}}, "status": "completed"}),
        json!({"type": "shell_call", "id": "s", "call_id": "x", "action": {"commands": ["ls"]}, "status": "completed"}),
        json!({"type": "shell_call", "id": "s", "call_id": "x", "action": {"commands": ["ls"]}, "status": "completed", "environment": {"type": "local"}}),
        json!({"type": "apply_patch_call", "id": "a", "call_id": "x", "operation": {"type": "delete_file", "path": "f"}, "status": "completed"}),
        json!({"type": "computer_call", "id": "c", "call_id": "x", "action": {"type": "screenshot"}, "status": "completed",
            "pending_safety_checks": [{"id": "sc", "code": "malicious", "message": "Look out."}]}),
        json!({"type": "computer_call", "id": "c", "action": {"type": "screenshot"}, "status": "completed", "pending_safety_checks": []}),
        json!({"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "n", "arguments": "{}"}),
        json!({"type": "tool_search_call", "id": "t", "call_id": "x", "execution": "client", "arguments": {}, "status": "completed"}),
        json!({"type": "browser_call", "id": "b", "call_id": "x", "url": "/"}),
        json!({"type": "skill_approval_request", "id": "k"}),
        json!({"type": "custom_tool_call", "id": "u", "call_id": "x", "name": "mine", "input": "text"}),
        json!({"type": "function_call", "id": "f", "call_id": "x", "name": "mine", "arguments": "{}"}),
        json!({"type": "function_call", "id": "f", "call_id": "x", "name": "inner", "namespace": "space", "arguments": "{}"}),
    ] {
        let output = json!([text("Let me see."), foreign, function_call("a")]);
        let upstream =
            Upstream::start(Script::sequence([completed("one", &output), completed("two", &json!([]))]));
        let (tools, runs) = echo();
        let request = json!({"model": "m", "input": "Go.", "tools": [
            {"type": "function", "name": "mine"}, {"type": "custom", "name": "mine"},
            {"type": "namespace", "name": "space", "tools": [{"type": "function", "name": "inner"}]},
        ]});
        let handle = client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {});
        let finish = within(handle).await.unwrap();
        assert_eq!((upstream.request_count(), finish.response.id.as_str()), (1, "one"), "{foreign}");
        assert_eq!(finish.rounds.len(), 0, "{foreign}");
        let results: Vec<_> =
            finish.results.iter().map(|result| (&*result.call.id, &*result.output)).collect();
        assert_eq!((results, runs.load(Ordering::SeqCst)), (vec![("a", "{\"n\":1}")], 1), "{foreign}");
        let told = serde_json::to_value(&finish.response.output[1]).unwrap();
        for (name, value) in foreign.as_object().unwrap() {
            assert_eq!(&told[name], value, "with all that came");
        }
    }
    // The same in chat.
    for message in [
        json!({"tool_calls": [chat_call("a"), {"index": 1, "id": "x", "type": "computer", "computer": {"action": 1}}]}),
        json!({"tool_calls": [chat_call("a")], "function_call": {"name": "old", "arguments": "{}"}}),
    ] {
        let upstream = Upstream::start(chat(&message, "tool_calls"));
        let (tools, _) = echo();
        let finish = within(client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {}))
            .await
            .unwrap();
        assert_eq!((upstream.request_count(), finish.results.len()), (1, 1), "{message}");
    }
}

#[actix_rt::test]
async fn hosted_calls_do_not_end_the_loop() {
    let hosted = json!([
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "file_search_call", "id": "f", "status": "completed", "queries": []},
        {"type": "code_interpreter_call", "id": "c", "status": "completed", "code": "1", "container_id": "k", "outputs": []},
        {"type": "image_generation_call", "id": "i", "status": "completed", "result": "aGk="},
        {"type": "mcp_call", "id": "m", "server_label": "s", "name": "n", "arguments": "{}", "output": "1"},
        {"type": "mcp_approval_request", "id": "ar", "server_label": "s", "name": "n", "arguments": "{}"},
        {"type": "mcp_approval_response", "id": "ap", "approval_request_id": "ar", "approve": true},
        {"type": "shell_call", "id": "s", "call_id": "h1", "action": {"commands": ["ls"]}, "status": "completed",
            "environment": {"type": "container_reference", "container_id": "k"}},
        {"type": "shell_call", "id": "s2", "call_id": "h2", "action": {"commands": ["ls"]}, "status": "completed"},
        {"type": "shell_call_output", "id": "so", "call_id": "h2", "output": [], "status": "completed"},
        {"type": "tool_search_call", "id": "t", "call_id": "h3", "execution": "server", "arguments": {}, "status": "completed"},
        {"type": "future_call", "id": "n", "status": "completed"},
        {"type": "function_call", "id": "g", "call_id": "h4", "name": "gateway", "arguments": "{}"},
        {"type": "function_call_output", "id": "go", "call_id": "h4", "output": "done", "status": "completed"},
    ]);
    let mut output = hosted.clone();
    output.as_array_mut().unwrap().push(function_call("a"));
    let upstream = Upstream::start(Script::sequence([
        completed("one", &output),
        completed("two", &json!([text("Done.")])),
    ]));
    let (tools, runs) = echo();
    let request = ResponseRequest::new("m").input("Go.");
    let handle = client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {});
    let finish = within(handle).await.unwrap();
    assert_eq!((finish.response.id.as_str(), runs.load(Ordering::SeqCst)), ("two", 1));
    assert_eq!(finish.rounds[0].results.len(), 1, "what is answered already is not run");
    let sent = upstream.request(1).await.json();
    assert_eq!(sent["input"].as_array().unwrap()[1..=14], hosted.as_array().unwrap()[..]);
}

#[actix_rt::test]
async fn half_a_call_runs_nothing() {
    let calls = json!({"tool_calls": [chat_call("a")]});
    for reason in ["content_filter", "length"] {
        let upstream = Upstream::start(chat(&calls, reason));
        let (tools, runs) = echo();
        let finish = within(client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {}))
            .await
            .unwrap();
        assert_eq!((upstream.request_count(), runs.load(Ordering::SeqCst)), (1, 0), "{reason}");
        assert_eq!(finish.finish_reasons, [reason]);
    }
    let mut half = function_call("a");
    half["status"] = "incomplete".into();
    let response = json!({"id": "r", "status": "incomplete", "incomplete_details": {"reason": "content_filter"},
        "output": [function_call("a")]});
    for reply in [
        completed("one", &json!([half])),
        Reply::sse().event(json!({"type": "response.incomplete", "response": response})).end(),
    ] {
        let upstream = Upstream::start(reply);
        let (tools, runs) = echo();
        let request = ResponseRequest::new("m").input("Go.");
        within(client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {}))
            .await
            .unwrap();
        assert_eq!((upstream.request_count(), runs.load(Ordering::SeqCst)), (1, 0));
    }
}

/// Responds like Gemini: each call that is sent back must have its signature, in the field where it was.
fn gemini(message: Value) -> Script {
    Script::with(move |request| {
        let body = request.json();
        let messages = body["messages"].as_array().unwrap().clone();
        let rounds = messages.iter().filter(|message| message["role"] == "assistant").count();
        for said in messages.iter().filter(|message| message["role"] == "assistant") {
            let text = said.to_string();
            if text.matches("sig==").count() != message.to_string().matches("sig==").count() {
                return Reply::error(400, "INVALID_ARGUMENT", "Function call is missing a thought_signature");
            }
        }
        if rounds < 2 { chat(&message, "tool_calls") } else { chat(&json!({"content": "Done."}), "stop") }
    })
}

#[actix_rt::test]
async fn extra_fields_of_a_call_go_back_with_it() {
    let signature = json!({"google": {"thought_signature": "sig=="}});
    let mut on_call = chat_call("a");
    on_call["extra_content"] = signature.clone();
    let mut on_function = chat_call("a");
    on_function["function"]["thought_signature"] = "sig==".into();
    let mut twice = chat_call("b");
    twice["index"] = 1.into();
    twice["extra_content"] = signature.clone();
    for message in [
        json!({"role": "assistant", "content": null, "tool_calls": [on_call]}),
        json!({"role": "assistant", "content": "Hm.", "tool_calls": [on_call, twice]}),
        json!({"role": "assistant", "tool_calls": [on_function]}),
        json!({"role": "assistant", "tool_calls": [chat_call("a")], "extra_content": signature}),
        json!({"role": "assistant", "tool_calls": [chat_call("a")], "reasoning_details": [{"type": "x", "data": "sig=="}]}),
        json!({"role": "assistant", "tool_calls": [chat_call("a")], "reasoning_content": "sig=="}),
    ] {
        let upstream = Upstream::start(gemini(message.clone()));
        let (tools, _) = echo();
        let finish =
            within(client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {})).await;
        assert_eq!(finish.unwrap().rounds.len(), 2, "{message}");
    }
}

#[actix_rt::test]
async fn thoughts_go_back_only_where_the_server_can_know_them() {
    let plain = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    let sealed = json!({"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "x"});
    let output = json!([plain, function_call("a"), sealed]);
    for (store, knows) in [(json!(true), true), (json!(null), true), (json!(false), false)] {
        // Responds like OpenAI.
        let calls = output.clone();
        let stores = store.clone();
        let script = Script::with(move |request| {
            let body = request.json();
            let Some(items) = body["input"].as_array() else { return completed("one", &calls) };
            let unknown = items
                .iter()
                .find(|item| item["type"] == "reasoning" && item.get("encrypted_content").is_none())
                .filter(|_| stores == json!(false));
            match unknown {
                Some(item) => {
                    let message = format!("Item with id '{}' not found.", item["id"]);
                    Reply::error(404, "invalid_request_error", &message)
                }
                None => completed("two", &json!([text("Done.")])),
            }
        });
        let upstream = Upstream::start(script);
        let (tools, _) = echo();
        let request = json!({"model": "m", "input": "Go.", "store": store});
        let handle = client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {});
        within(handle).await.unwrap();
        let sent = upstream.request(1).await.json();
        let thoughts: Vec<_> =
            sent["input"].as_array().unwrap().iter().filter(|item| item["type"] == "reasoning").collect();
        assert_eq!(thoughts, if knows { vec![&plain, &sealed] } else { vec![&sealed] }, "store: {store}");
    }
}

#[actix_rt::test]
async fn an_async_call_is_answered_as_any_other() {
    let (tools, ran) = echo();
    let mut call = function_call("a");
    call["async"] = json!(true);
    let output = json!([text("I go on meanwhile."), call]);
    let upstream = Upstream::start(Script::sequence([
        completed("one", &output),
        completed("two", &json!([text("Done.")])),
    ]));
    let request = ResponseRequest::new("m").input("Go.");
    let handle = client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {});
    let finish = within(handle).await.unwrap();
    assert_eq!((finish.response.id.as_str(), ran.load(Ordering::SeqCst)), ("two", 1));
    let input = upstream.request(1).await.json()["input"].clone();
    let sent = input.as_array().unwrap().iter().find(|item| item["type"] == "function_call").unwrap();
    assert_eq!(sent["async"], true);
    assert!(input.as_array().unwrap().iter().any(|item| item["type"] == "function_call_output"));
}

#[actix_rt::test]
async fn output_only_fields_do_not_go_back() {
    let mut call = function_call("a");
    call["created_by"] = "user_1".into();
    let upstream = Upstream::start(Script::sequence([
        completed("one", &json!([call])),
        completed("two", &json!([text("Done.")])),
    ]));
    let (tools, _) = echo();
    let request = ResponseRequest::new("m").input("Go.");
    within(client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {})).await.unwrap();
    assert_eq!(upstream.request(1).await.json()["input"][1], function_call("a"));

    let message = json!({"role": "assistant", "content": "Hm.", "annotations": [{"type": "url_citation"}],
        "tool_calls": [chat_call("a")]});
    let upstream = Upstream::start(Script::sequence([
        chat(&message, "tool_calls"),
        chat(&json!({"content": "x"}), "stop"),
    ]));
    let (tools, _) = echo();
    within(client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    let sent = upstream.request(1).await.json();
    let said = sent["messages"][1].as_object().unwrap();
    assert_eq!(said.keys().collect::<Vec<_>>(), ["role", "content", "tool_calls"]);
    assert_eq!(
        said["tool_calls"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "type", "function"]
    );
}

#[actix_rt::test]
async fn ids_that_are_made_up_are_each_used_once() {
    let nameless = |name: &str| json!({"type": "function", "function": {"name": name, "arguments": "{}"}});
    let calls = || chat_calls(&json!([nameless("echo"), nameless("echo"), chat_call("call_1")]));
    let upstream = Upstream::start(Script::sequence([
        calls(),
        calls(),
        calls(),
        chat(&json!({"content": "x"}), "stop"),
    ]));
    let (tools, _) = echo();
    let request = json!({"model": "m", "messages": [
        {"role": "assistant", "tool_calls": [{"id": "call_0", "type": "function", "function": {"name": "echo", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "1"},
    ]});
    let call = client(&upstream.base_url()).chat();
    let finish = within(call.tools(tools).stream_fn(request, |_| {})).await.unwrap();
    let made_up: Vec<_> = finish
        .rounds
        .iter()
        .flat_map(|round| &round.results)
        .filter(|result| result.call.has_made_up_id)
        .map(|result| result.call.id.clone())
        .collect();
    let mut each = made_up.clone();
    each.extend(["call_0".to_owned(), "call_1".to_owned()]);
    each.sort_unstable();
    each.dedup();
    assert_eq!((made_up.len(), each.len()), (6, 8), "{made_up:?}");
    let sent = upstream.request(3).await.json();
    let of = |role: &str, id: fn(&Value) -> Vec<Value>| {
        let messages = sent["messages"].as_array().unwrap().iter().filter(|message| message["role"] == role);
        messages.flat_map(id).collect::<Vec<_>>()
    };
    let called = of("assistant", |message| {
        message["tool_calls"].as_array().unwrap().iter().map(|call| call["id"].clone()).collect()
    });
    assert_eq!(called, of("tool", |message| vec![message["tool_call_id"].clone()]));

    // The same for responses.
    let nameless = json!({"type": "function_call", "name": "echo", "arguments": "{}"});
    let calls = || completed("r", &json!([nameless, nameless]));
    let upstream = Upstream::start(Script::sequence([calls(), calls(), completed("r", &json!([text("x")]))]));
    let (tools, _) = echo();
    let request = ResponseRequest::new("m").input("Go.");
    within(client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {})).await.unwrap();
    let sent = upstream.request(2).await.json();
    let of = |kind: &str| {
        let items = sent["input"].as_array().unwrap().iter().filter(|item| item["type"] == kind);
        items.map(|item| item["call_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut ids = of("function_call");
    assert_eq!(ids, of("function_call_output"));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

/// Returns the ways in which a later round can fail, and the kinds of the errors.
fn failures() -> Vec<(&'static str, Reply)> {
    let chunk = crate::common::chunk("Do");
    vec![
        ("refused", Reply::error(400, "invalid_request_error", "No.")),
        ("timeout", Reply::sse().hold()),
        ("timeout", Reply::raw().hold()),
        ("timeout", Reply::sse().event(&chunk).hold()),
        ("truncated", Reply::sse().event(&chunk).cut()),
        ("truncated", Reply::sse().event(&chunk).end()),
        ("malformed", Reply::sse().event("{malformed").hold()),
        ("provider", Reply::sse().event(json!({"error": {"message": "No."}})).end()),
        ("not_a_stream", Reply::text(200, "text/html", "<p>Log in</p>")),
        ("transport", Reply::raw().reset()),
        ("too_many_rounds", chat_calls(&json!([chat_call("z")]))),
    ]
}

#[track_caller]
fn remembers(error: &StreamError, rounds: usize, what: &str) {
    let told = error.rounds::<ChatCompletion>();
    assert_eq!(told.len(), rounds, "{what}");
    for (round, id) in told.iter().zip(["a", "b"]) {
        assert_eq!(round.response.tool_calls()[0].id, id, "{what}");
        assert_eq!((&*round.results[0].call.id, &*round.results[0].output), (id, "{\"n\":1}"), "{what}");
        assert!(round.unfinished.is_empty(), "{what}");
        assert_eq!(round.usage.map(|usage| usage.total), Some(5), "{what}");
    }
    assert!(error.rounds::<Response>().is_empty(), "of another endpoint");
}

#[actix_rt::test]
async fn nothing_that_ran_is_forgotten_when_a_later_round_fails() {
    tokio::time::pause();
    for (kind, reply) in failures() {
        let upstream = Upstream::spawn(Script::sequence([
            chat_calls(&json!([chat_call("a")])),
            chat_calls(&json!([chat_call("b")])),
            reply,
        ]));
        let openai = OpenAi::builder()
            .base_url(upstream.base_url())
            .retry(actorstream::RetryPolicy::none())
            .timeouts(Timeouts::default().total(Duration::from_secs(5)))
            .build()
            .unwrap();
        let (tools, _) = echo();
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let handle = openai.chat().tools(tools.max_rounds(3)).stream_fn(hello(), move |event| {
            if let StreamEvent::Error(error) = event {
                *tell.lock().unwrap() = Some(error);
            }
        });
        let error = handle.await.unwrap_err();
        assert_eq!(error.kind.name(), kind);
        remembers(&error, 2, kind);
        let partial = error.partial::<ChatCompletion>().unwrap();
        match partial.content() {
            Some(text) => assert_eq!(text, "Do", "{kind}"),
            // If nothing of it arrived, the partial response is the last complete one.
            None => assert!(["b", "z"].contains(&partial.tool_calls()[0].id.as_str()), "{kind}"),
        }
        remembers(told.lock().unwrap().as_ref().unwrap(), 2, kind);
    }
}

#[actix_rt::test]
async fn finished_tools_are_reported_when_the_loop_is_cancelled() {
    let calls =
        json!([chat_call("a"), {"index": 1, "id": "slow", "function": {"name": "slow", "arguments": "{}"}}]);
    let upstream = Upstream::start(chat_calls(&calls));
    let (tools, _) = echo();
    let gate = Gate::new();
    let arrived = gate.clone();
    let tools = tools.function(FunctionDefinition::new("slow"), move |(): ()| {
        let gate = arrived.clone();
        async move {
            gate.open();
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        }
    });
    let handle = client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {});
    within(gate.wait()).await;
    handle.cancel();
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind.name(), "cancelled");
    let [round] = error.rounds::<ChatCompletion>() else { panic!("one round") };
    assert_eq!((round.results.len(), &*round.results[0].call.id), (1, "a"));
    assert_eq!((round.unfinished.len(), &*round.unfinished[0].name), (1, "slow"));
    assert_eq!(error.partial::<ChatCompletion>().unwrap().tool_calls().len(), 2);
}

#[actix_rt::test]
async fn a_cancellation_in_a_later_round_forgets_nothing() {
    let upstream =
        Upstream::start(Script::sequence([chat_calls(&json!([chat_call("a")])), Reply::sse().hold()]));
    let (tools, _) = echo();
    let handle = client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {});
    upstream.request(1).await;
    handle.cancel();
    let error = within(handle).await.unwrap_err();
    assert_eq!(error.kind.name(), "cancelled");
    remembers(&error, 1, "cancelled");
    assert_eq!(error.partial::<ChatCompletion>().unwrap().tool_calls()[0].id, "a");
}

#[actix_rt::test]
async fn the_tokens_of_all_rounds_are_told() {
    let upstream = Upstream::start(Script::sequence([
        chat_calls(&json!([chat_call("a")])),
        chat_calls(&json!([chat_call("b")])),
        ChatStream::new().content("x").finish_reason("stop").usage(10, 7).reply(),
    ]));
    let (tools, _) = echo();
    let finish =
        within(client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), |_| {})).await.unwrap();
    let each: Vec<_> = finish.rounds.iter().map(|round| round.usage.unwrap().total).collect();
    let Tokens { input, output, total, .. } = *finish.usage.unwrap();
    assert_eq!((each, input, output, total), (vec![5, 5], 16, 11, 27));

    // The usage of a response is what it reports; if it reports none, the usage is unknown.
    let plain = ChatStream::new().content("x").finish_reason("stop");
    for (reply, total) in [(plain.clone().usage(1, 2).reply(), Some(3)), (plain.reply(), None)] {
        let upstream = Upstream::start(reply);
        let finish = within(client(&upstream.base_url()).chat().stream_fn(hello(), |_| {})).await.unwrap();
        assert_eq!(finish.usage.map(|usage| usage.total), total);
    }
}

/// Records its calls as text.
struct Told(Recorder<String>);

impl Actor for Told {
    type Context = Context<Self>;
}

#[output_client]
impl OutputClient<ChatCompletionChunk> for Told {
    fn text_done(
        &mut self,
        _: actorstream::output::Position,
        text: &str,
        _: &StreamRef,
        _: &mut Context<Self>,
    ) {
        self.0.push(format!("text {text}"));
    }

    fn tool_output(
        &mut self,
        call: Call<'_>,
        output: Result<&str, &str>,
        _: &StreamRef,
        _: &mut Context<Self>,
    ) {
        self.0.push(format!("{} {} {output:?}", call.index, call.id));
    }

    fn handle_round(&mut self, round: Round<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("round of {}", round.results.len()));
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("end {}", error.kind.name()));
    }

    fn handle_finish(&mut self, finish: Finish<ChatCompletion>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("end after {}", finish.rounds.len()));
    }
}

#[streaming_client]
impl StreamingClient<ResponseEvent> for Told {
    fn handle_data(&mut self, data: ResponseEvent, _: &StreamRef, ctx: &mut Context<Self>) {
        self.0.push(serde_json::to_value(&data).unwrap()["type"].as_str().unwrap().to_owned());
        // No waiting message is lost.
        ctx.wait(tokio::task::yield_now().into_actor(self));
    }

    fn handle_round(&mut self, round: Round<Response>, _: &StreamRef, _: &mut Context<Self>) {
        let results: Vec<_> = round.results.iter().map(|result| result.output.as_str()).collect();
        self.0.push(format!("{} {results:?}", round.response.id));
    }

    fn handle_error(&mut self, _: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push("end error".to_owned());
    }

    fn handle_finish(&mut self, _: Finish<Response>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push("end".to_owned());
    }
}

#[actix_rt::test]
async fn actors_are_told_of_results_and_where_a_round_ends() {
    let fails = json!({"index": 1, "id": "no", "function": {"name": "nosuch", "arguments": "{}"}});
    let first = json!({"content": "Hm.", "tool_calls": [chat_call("a"), fails]});
    let upstream = Upstream::start(Script::sequence([
        chat(&first, "tool_calls"),
        chat_calls(&json!([chat_call("b")])),
        chat(&json!({"content": "Done."}), "stop"),
    ]));
    let (tools, _) = echo();
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let target = Told(recorder.clone()).start();
    let request = hello();
    within(client(&upstream.base_url()).chat().tools(tools).stream(request, target)).await.unwrap();
    recorder.assert_one_end();
    assert_eq!(
        recorder.events(),
        [
            "text Hm.",
            "0 a Ok(\"{\\\"n\\\":1}\")",
            "1 no Err(\"error: there is no tool \\\"nosuch\\\"; the tools are: echo\")",
            "round of 2",
            "0 b Ok(\"{\\\"n\\\":1}\")",
            "round of 1",
            "text Done.",
            "end after 2"
        ]
    );

    let upstream = Upstream::start(Script::sequence([
        completed("one", &json!([function_call("a"), function_call("b")])),
        completed("two", &json!([text("Done.")])),
    ]));
    let (tools, _) = echo();
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let target = Told(recorder.clone()).start();
    let request = ResponseRequest::new("m").input("Go.");
    within(client(&upstream.base_url()).responses().tools(tools).stream(request, target)).await.unwrap();
    recorder.assert_one_end();
    let round = "one [\"{\\\"n\\\":1}\", \"{\\\"n\\\":1}\"]";
    assert_eq!(recorder.events(), ["response.completed", round, "response.completed", "end"]);
}

#[actix_rt::test]
async fn the_tools_that_are_allowed_stay_so_in_every_round() {
    let upstream = Upstream::start(Script::sequence([
        chat_calls(&json!([chat_call("a")])),
        chat_calls(&json!([chat_call("b")])),
        chat(&json!({"content": "Done."}), "stop"),
    ]));
    let (tools, _) = echo();
    let request =
        hello().tool_choice(ToolChoice::allowed_tools("required", [FunctionDefinition::new("echo")]));
    within(client(&upstream.base_url()).chat().tools(tools).stream_fn(request, |_| {})).await.unwrap();
    let mut choice = upstream.request(0).await.json()["tool_choice"].clone();
    assert_eq!(choice["allowed_tools"]["mode"], "required");
    choice["allowed_tools"]["mode"] = "auto".into();
    for round in [1, 2] {
        assert_eq!(upstream.request(round).await.json()["tool_choice"], choice);
    }
}

#[actix_rt::test]
async fn tools_that_are_given_twice_are_both() {
    let upstream = Upstream::start(Script::sequence([
        chat_calls(
            &json!([chat_call("a"), {"index": 1, "id": "b", "function": {"name": "more", "arguments": "{}"}}]),
        ),
        chat(&json!({"content": "Done."}), "stop"),
    ]));
    let openai = client(&upstream.base_url());
    let more =
        || Tools::new().function(FunctionDefinition::new("more"), |(): ()| async { Ok::<_, String>(7) });
    let call = openai.chat().tools(echo().0.max_rounds(2)).tools(more());
    let finish = within(call.stream_fn(hello(), |_| {})).await.unwrap();
    let outputs: Vec<_> = finish.rounds[0].results.iter().map(|result| result.output.as_str()).collect();
    assert_eq!(outputs, ["{\"n\":1}", "7"]);
    let error =
        within(openai.chat().tools(more()).tools(more()).stream_fn(hello(), |_| {})).await.unwrap_err();
    assert_eq!((error.kind.name(), upstream.request_count()), ("config", 2), "{error}");
}

#[actix_rt::test]
async fn the_next_request_does_not_wait_for_the_rest_of_a_body() {
    tokio::time::pause();
    let open = |message: &Value, reason: &str| {
        let choice = json!({"index": 0, "delta": message, "finish_reason": reason});
        Reply::sse().event(json!({ "choices": [choice] })).done().hold()
    };
    let calls = json!({"tool_calls": [chat_call("a")]});
    let upstream = Upstream::spawn(Script::sequence([
        open(&calls, "tool_calls"),
        open(&calls, "tool_calls"),
        open(&calls, "tool_calls"),
        chat(&json!({"content": "Done."}), "stop"),
    ]));
    let (tools, _) = echo();
    let started = tokio::time::Instant::now();
    let handle = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let handle = handle.chat().tools(tools).stream_fn(hello(), |_| {});
    let finish = handle.await.unwrap();
    assert_eq!(finish.rounds.len(), 3);
    assert!(started.elapsed() < Duration::from_millis(50), "{:?}", started.elapsed());
}

#[actix_rt::test]
async fn cancelling_tools_leaves_a_response_alone_that_is_complete() {
    let created = json!({"type": "response.created", "sequence_number": 0,
        "response": {"id": "resp_1", "status": "in_progress", "background": true, "output": []}});
    let done = json!({"type": "response.completed", "sequence_number": 1,
        "response": {"id": "resp_1", "status": "completed", "background": true, "output": [function_call("a")]}});
    let upstream = Upstream::start(Reply::sse().event(created).event(done).end());
    let gate = Gate::new();
    let arrived = gate.clone();
    let tools = Tools::new().function(FunctionDefinition::new("echo"), move |_: Value| {
        let gate = arrived.clone();
        async move {
            gate.open();
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        }
    });
    let request = json!({"model": "m", "input": "Go.", "background": true});
    let handle = client(&upstream.base_url()).responses().tools(tools).stream_fn(request, |_| {});
    within(gate.wait()).await;
    handle.cancel();
    within(handle).await.unwrap_err();
    // Any request would have been sent by then, because a stream sends it before it ends.
    within(client(&upstream.base_url()).shutdown(Duration::from_secs(5))).await;
    let paths: Vec<_> = upstream.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/v1/responses"]);
}

#[actix_rt::test]
async fn calls_that_may_not_run_side_by_side_run_one_after_another() {
    let upstream = Upstream::start(Script::sequence([
        chat_calls(
            &json!([chat_call("a"), {"index": 1, "id": "b", "function": {"name": "echo", "arguments": "{}"}}]),
        ),
        chat(&json!({"content": "Done."}), "stop"),
    ]));
    let running = Arc::new(AtomicUsize::new(0));
    let tools = Tools::new().function(FunctionDefinition::new("echo"), move |_: Value| {
        let running = Arc::clone(&running);
        async move {
            let beside = running.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, String>(beside)
        }
    });
    let request = hello().parallel_tool_calls(false);
    let finish =
        within(client(&upstream.base_url()).chat().tools(tools).stream_fn(request, |_| {})).await.unwrap();
    let outputs: Vec<_> = finish.rounds[0].results.iter().map(|result| result.output.as_str()).collect();
    assert_eq!(outputs, ["0", "0"]);
}

#[actix_rt::test]
async fn two_choices_are_two_however_they_are_written() {
    let upstream = Upstream::start(chat(&json!({"content": "x"}), "stop"));
    let openai = client(&upstream.base_url());
    for n in [json!(2), json!(2.0)] {
        let request = json!({"model": "m", "messages": [], "n": n});
        let error = within(openai.chat().tools(echo().0).stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "config", "{n}");
        // One of two choices has arrived.
        let one = json!({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]});
        let half = Upstream::start(Reply::sse().event(one).end());
        let error = within(client(&half.base_url()).chat().stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "truncated", "{n}");
    }
    assert_eq!(upstream.request_count(), 0);
}

/// Cancels the stream at the end of its first round.
struct Cancels(Recorder<String>);

impl Actor for Cancels {
    type Context = Context<Self>;
}

#[streaming_client]
impl StreamingClient<ResponseEvent> for Cancels {
    fn handle_data(&mut self, _: ResponseEvent, _: &StreamRef, _: &mut Context<Self>) {}

    fn handle_round(&mut self, _: Round<Response>, stream: &StreamRef, _: &mut Context<Self>) {
        self.0.push("round".to_owned());
        stream.cancel();
    }

    fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push(format!("end {} {}", error.kind.name(), error.rounds::<Response>().len()));
    }

    fn handle_finish(&mut self, _: Finish<Response>, _: &StreamRef, _: &mut Context<Self>) {
        self.0.push("end".to_owned());
    }
}

#[actix_rt::test]
async fn cancelling_between_two_rounds_keeps_the_one_that_is_over() {
    let response =
        json!({"id": "one", "status": "completed", "background": true, "output": [function_call("a")]});
    let created = json!({"type": "response.created", "sequence_number": 0, "response": {"id": "one", "background": true,
        "status": "in_progress", "output": []}});
    let done = json!({"type": "response.completed", "sequence_number": 1, "response": response});
    let upstream = Upstream::start(Reply::sse().event(created).event(done).end());
    let openai = client(&upstream.base_url());
    let recorder = Recorder::new(|line: &String| line.starts_with("end"));
    let target = Cancels(recorder.clone()).start();
    let request = json!({"model": "m", "input": "Go.", "background": true});
    let handle = openai.responses().tools(echo().0).stream(request, target);
    let error = within(handle).await.unwrap_err();
    recorder.assert_one_end();
    assert_eq!(recorder.events(), ["round", "end cancelled 1"]);
    let partial = error.partial::<Response>().unwrap();
    assert_eq!((partial.id.as_str(), partial.output.len()), ("one", 1), "the last answer there is");
    within(openai.shutdown(Duration::from_secs(5))).await;
    assert_eq!(upstream.request_count(), 1, "neither goes it on, nor is a response stopped that is complete");
}

#[actix_rt::test]
async fn a_cancelled_answer_adds_no_round() {
    let (tools, runs) = echo();
    let stream = Arc::new(Mutex::new(None::<StreamRef>));
    let cancel = Arc::clone(&stream);
    let gate = Gate::new();
    let calls = json!({"choices": [{"index": 0, "delta": {"tool_calls": [chat_call("a")]}, "finish_reason": "tool_calls"}]});
    let upstream = Upstream::start(Reply::sse().gate(&gate).event(calls).done().end());
    let handle = client(&upstream.base_url()).chat().tools(tools).stream_fn(hello(), move |event| {
        if let (StreamEvent::Data(_), Some(stream)) = (event, &*cancel.lock().unwrap()) {
            stream.cancel();
        }
    });
    *stream.lock().unwrap() = Some(handle.stream().clone());
    gate.open();
    let error = within(handle).await.unwrap_err();
    assert_eq!((error.kind.name(), runs.load(Ordering::SeqCst)), ("cancelled", 0));
    assert!(error.rounds::<ChatCompletion>().is_empty());
}
