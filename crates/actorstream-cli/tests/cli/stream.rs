//! Any other endpoint.

use actorstream_test::Reply;
use serde_json::json;

use crate::common::ask;

#[test]
fn any_other_endpoint_gives_its_payloads() {
    let delta = r#"{"type":"response.output_text.delta", "delta":"Hi", "n":1.50}"#;
    let last = r#"{"type":"response.completed","response":{"id":"r"}}"#;
    let reply = Reply::sse()
        .named_event("response.output_text.delta", delta)
        .named_event("response.completed", last.replace(",\"response\"", "\n,\"response\""))
        .end();
    let arguments = ["stream", "responses?a=b", "--body", r#"{"input":"Hi"}"#];
    let (ran, upstream) = ask(reply.clone(), &arguments);
    let spaced = last.replace(",\"response\"", " ,\"response\"");
    assert_eq!((ran.status, ran.out), (Some(0), format!("{delta}\n{spaced}\n")));
    let request = &upstream.requests()[0];
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/v1/responses", Some("a=b")));
    assert_eq!(request.text(), r#"{"input":"Hi","stream":true}"#);

    let (ran, _upstream) = ask(reply, &[&arguments as &[_], &["--jsonl"]].concat());
    assert_eq!(ran.status, Some(0));
    let named = "\"event\":\"response.output_text.delta\"";
    assert_eq!(ran.out.lines().next().unwrap(), format!("{{{named},\"data\":{delta},\"raw\":{delta}}}"));
    let end = ran.end();
    assert_eq!(end["finish"]["status"], "completed");
    assert_eq!((&end["finish"]["usage"], &end["response"]), (&json!(null), &json!(null)));
}

#[test]
fn events_have_their_names_and_null_where_there_is_none() {
    let reply = Reply::sse().named_event("ping", "{}").event("{\"a\":1}").done().end();
    let (ran, _upstream) = ask(reply, &["stream", "/x", "--body", "{}", "--jsonl"]);
    let records = ran.records();
    assert_eq!((&records[0]["event"], &records[1]["event"]), (&json!("ping"), &json!(null)));
    assert_eq!(records[0].as_object().unwrap().keys().len(), 3);
}

#[test]
fn a_server_that_only_closes_is_taken_at_its_word_if_told_so() {
    let reply = || Reply::sse().event("{\"token\":\"a\"}").end();
    let arguments = ["stream", "/generate", "--body", "{}", "--jsonl", "--ends-on-close"];
    let (ran, _upstream) = ask(reply(), &arguments);
    assert_eq!((ran.status, &ran.end()["finish"]["sentinel"]), (Some(0), &json!(false)));
    let (ran, _upstream) = ask(reply(), &arguments[..5]);
    assert_eq!((ran.status, &ran.end()["error"]["kind"]), (Some(1), &json!("truncated")));
    // A close in the middle of a body is none.
    let (ran, _upstream) = ask(Reply::sse().event("{\"token\":\"a\"}").close(), &arguments);
    assert_eq!((ran.status, &ran.end()["error"]["kind"]), (Some(1), &json!("truncated")));
}

#[test]
fn messages_end_with_their_last_event() {
    let begin = || {
        Reply::sse()
            .named_event("message_start", r#"{"type":"message_start","message":{"id":"m"}}"#)
            .named_event("content_block_delta", r#"{"type":"content_block_delta","delta":{"text":"Hi"}}"#)
    };
    let arguments = ["stream", "/messages", "--body", "{}", "--jsonl"];
    let (ran, _upstream) =
        ask(begin().named_event("message_stop", r#"{"type":"message_stop"}"#).end(), &arguments);
    assert_eq!((ran.status, &ran.end()["finish"]["sentinel"]), (Some(0), &json!(true)), "{}", ran.out);
    let (ran, _upstream) = ask(begin().end(), &arguments);
    assert_eq!((ran.status, &ran.end()["error"]["kind"]), (Some(1), &json!("truncated")));
}
