//! What is shown of an answer that ends, and the exit status.

use actorstream_test::{ChatStream, CompletionStream, Reply};
use serde_json::{Value, json};

use crate::common::{ask, hello};

fn chat(chunks: &[Value]) -> Reply {
    Reply::sse().events(chunks).done().end()
}

fn choice(index: u32, delta: &Value, finish_reason: &Value) -> Value {
    json!({"choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}]})
}

#[test]
fn an_answer_that_was_ended_early_says_so_and_has_a_status_of_its_own() {
    let call = json!({"id": "r", "status": "incomplete", "output": []});
    let incomplete = |reason: &str| {
        let mut response = call.clone();
        response["incomplete_details"] = json!({"reason": reason});
        let event = json!({"type": "response.incomplete", "response": response});
        Reply::sse().named_event("response.incomplete", event).end()
    };
    for (command, reply, why) in [
        (
            "chat",
            ChatStream::new().content("Hel").finish_reason("length").reply(),
            "the token limit was reached (length)",
        ),
        (
            "chat",
            ChatStream::new().content("Hel").finish_reason("content_filter").reply(),
            "a content filter stopped it (content_filter)",
        ),
        (
            "complete",
            CompletionStream::new().text("Hel").finish_reason("length").reply(),
            "the token limit was reached (length)",
        ),
        ("respond", incomplete("max_output_tokens"), "the token limit was reached (max_output_tokens)"),
        ("respond", incomplete("content_filter"), "a content filter stopped it (content_filter)"),
    ] {
        let (ran, _upstream) = ask(reply.clone(), &[command, "Hi"]);
        assert_eq!(ran.status, Some(3), "{command}: {}", ran.err);
        assert_eq!(ran.err, format!("warning: the answer is incomplete: {why}\n"), "{command}");
        // As JSON the end line says it.
        let (ran, _upstream) = ask(reply, &[command, "Hi", "--jsonl"]);
        assert_eq!((ran.status, ran.err.as_str()), (Some(3), ""), "{command}");
        assert!(ran.end()["finish"].is_object());
    }
    let (ran, _upstream) = ask(hello().reply(), &["chat", "--help"]);
    assert!(ran.out.contains("3 ended early"), "{}", ran.out);
}

#[test]
fn an_answer_of_calls_alone_prints_them() {
    let stream = ChatStream::new()
        .tool_call("call_1", "get_weather", "{\"city\":\"Paris\"}")
        .tool_call("call_1", "get_time", "{}")
        .finish_reason("tool_calls");
    let (ran, _upstream) = ask(stream.reply(), &["chat", "Hi"]);
    let calls = "get_weather({\"city\":\"Paris\"})\nget_time({})\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), calls, ""));

    // Behind a text they have lines of their own.
    let stream =
        ChatStream::new().content("Let me see.").tool_call("call_1", "f", "{}").finish_reason("tool_calls");
    let (ran, _upstream) = ask(stream.reply(), &["chat", "Hi"]);
    assert_eq!(ran.out, "Let me see.\nf({})\n");

    let item = |item: Value| json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let completed = json!({"type": "response.completed", "response": {"id": "r", "status": "completed"}});
    for (done, line) in [
        (json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}), "f({})\n"),
        (
            json!({"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"}),
            "sql(select 1)\n",
        ),
    ] {
        let reply = Reply::sse().event(item(done)).event(&completed).end();
        let (ran, _upstream) = ask(reply, &["respond", "Hi"]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(0), line), "{}", ran.err);
    }
}

#[test]
fn every_choice_is_shown() {
    let stop = json!("stop");
    let chunks = [
        choice(1, &json!({"content": "Good "}), &Value::Null),
        choice(0, &json!({"content": "Hel"}), &Value::Null),
        choice(1, &json!({"content": "day"}), &stop),
        choice(0, &json!({"content": "lo"}), &stop),
    ];
    let body = r#"{"n":2,"messages":[]}"#;
    let (ran, _upstream) = ask(chat(&chunks), &["chat", "Hi", "--body", body]);
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (Some(0), "Hello\n--- choice 2 of 2 ---\nGood day\n"),
        "{}",
        ran.err
    );
    // Also where the answer is cut off.
    let (ran, _upstream) = ask(Reply::sse().events(&chunks[..3]).close(), &["chat", "Hi", "--body", body]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), "Hel\n--- choice 2 of 2 ---\nGood day\n"));
}

#[test]
fn texts_that_come_with_the_last_event_alone_are_shown() {
    let response = json!({"id": "r", "status": "completed", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello there"}]}]});
    let completed = json!({"type": "response.completed", "response": response});
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hello"});
    for reply in [Reply::sse().event(&completed).end(), Reply::sse().event(delta).event(&completed).end()] {
        let (ran, _upstream) = ask(reply, &["respond", "Hi"]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(0), "Hello there\n", ""));
    }
    let done = json!({"type": "transcript.text.done", "text": "Hello"});
    let recording = crate::common::file("late.mp3", "sound");
    let (ran, _upstream) = ask(Reply::sse().event(done).end(), &["transcribe", &recording]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello\n"), "{}", ran.err);
}

#[test]
fn usage_is_told_on_a_pipe_too() {
    for (arguments, streamed) in [
        (&["chat", "Hi", "--usage"] as &[_], true),
        (&["chat", "Hi", "--usage", "--no-stream"], false),
        (&["chat", "Hi"], true),
    ] {
        let reply = if streamed { hello().reply() } else { Reply::json(200, &hello().completion()) };
        let (ran, _upstream) = ask(reply, arguments);
        assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Hello, world\n"), "{}", ran.err);
        match arguments.contains(&"--usage") {
            true => assert!(
                ran.err.starts_with("3 tokens (9 in the prompt) in ") && ran.err.lines().count() == 1,
                "{}",
                ran.err
            ),
            false => assert_eq!(ran.err, ""),
        }
    }
}
