//! The UI message stream, checked by the rules of the AI SDK's client.

use std::collections::BTreeMap;

use actorstream_web::event::{Api, End, Event, Logged};
use actorstream_web::protocol::Protocol;
use bytes::BytesMut;
use serde_json::{Value, json};

use crate::sent::{Got, frames, new, send, send_all};
use crate::{logs, scenes};

/// Follows a message like the client, and is even stricter: everything that begins must end.
#[derive(Default)]
struct Client {
    /// The parts in order: kind, id, text, and whether the part is open.
    parts: Vec<(String, String, String, bool)>,
    tools: BTreeMap<String, String>,
    in_step: bool,
    last: String,
}

impl Client {
    fn take(&mut self, chunk: &Value) {
        let field = |name: &str| chunk[name].as_str().unwrap_or_default().to_owned();
        let r#type = field("type");
        let (kind, step) = r#type.rsplit_once('-').unwrap_or((&r#type, ""));
        assert!(self.last.is_empty() == (r#type == "start"), "{type} after {:?}", self.last);
        let outside = ["start", "start-step", "error", "finish", "abort", "message-metadata"];
        assert!(outside.contains(&r#type.as_str()) || self.in_step, "{type} outside of a step");
        let known = self.parts.iter().rposition(|part| part.1 == field("id") && part.3);
        match (kind, step) {
            ("text" | "reasoning", "start") => {
                assert_eq!(known, None, "{chunk}");
                self.parts.push((kind.to_owned(), field("id"), String::new(), true));
            }
            ("text" | "reasoning", "delta") => {
                assert!(!field("delta").is_empty(), "{chunk}");
                self.parts[known.unwrap()].2.push_str(&field("delta"));
            }
            ("text" | "reasoning", "end") => self.parts[known.unwrap()].3 = false,
            ("start", "step") => {
                assert!(!self.in_step);
                self.in_step = true;
            }
            ("finish", "step") => {
                assert!(self.in_step && self.parts.iter().all(|part| !part.3), "what has begun ends");
                self.in_step = false;
            }
            ("reset", "step") => {
                self.parts.clear();
                self.tools.clear();
            }
            _ if r#type.starts_with("tool-") => self.tool(chunk, &r#type),
            ("source", "url") | ("file" | "message", _) => {}
            _ if r#type.starts_with("data-") => {}
            ("start" | "error" | "finish" | "abort", "") => assert!(!self.in_step),
            _ => panic!("unknown: {chunk}"),
        }
        self.last = r#type;
    }

    fn tool(&mut self, chunk: &Value, r#type: &str) {
        let id = chunk["toolCallId"].as_str().unwrap().to_owned();
        let state = self.tools.get(&id).map(String::as_str);
        let fits = match r#type {
            "tool-input-start" => state.is_none(),
            "tool-input-delta" => state == Some("tool-input-start"),
            "tool-input-available" => matches!(state, None | Some("tool-input-start")),
            "tool-input-error" => state == Some("tool-input-start"),
            "tool-output-available" | "tool-output-error" => state.is_some(),
            _ => false,
        };
        assert!(fits, "{type} after {state:?}: {chunk}");
        if r#type != "tool-input-delta" {
            self.tools.insert(id, r#type.to_owned());
        }
    }

    fn text(&self) -> String {
        let texts = self.parts.iter().filter(|part| part.0 == "text").map(|part| part.2.as_str());
        texts.collect()
    }
}

/// Lets a client follow all events.
fn follow(sent: &[Got]) -> Client {
    let mut client = Client::default();
    let (done, chunks) = sent.split_last().unwrap();
    assert_eq!(done.data, "[DONE]");
    chunks.iter().for_each(|chunk| client.take(&chunk.json()));
    assert!(["finish", "abort"].contains(&client.last.as_str()), "{}", client.last);
    assert!(client.tools.values().all(|state| state != "tool-input-start"), "calls that go on for ever");
    client
}

#[test]
fn a_strict_client_follows_every_message() {
    for (name, api, log) in logs() {
        println!("{name}");
        let sent = frames(&send_all(Protocol::UiMessage, api, &log));
        assert_eq!(sent[0].json()["messageId"], "gen_1");
        let client = follow(&sent);
        if !log.iter().any(|entry| matches!(entry.event, Event::Reset)) {
            let text = String::from_utf8(send_all(Protocol::Text, api, &log)).unwrap();
            let text = text.split("[error: ").next().unwrap().replace('\n', "");
            assert_eq!(client.text().replace('\n', ""), text, "{name}");
        }
    }
}

/// Wherever and however the log ends, the client accepts the stream, and has everything up to there.
#[test]
fn a_log_may_end_anywhere() {
    let ends = [
        End::Finish { reason: None },
        End::Error(scenes::failure("broken")),
        End::Abort { reason: "stopped".into() },
    ];
    for (name, api, log) in logs() {
        for cut in 0..log.len() {
            println!("{name} cut at {cut}");
            for end in &ends {
                let mut log = log[..cut].to_vec();
                log.push(Logged { seq: cut as u64 + 1, event: Event::End(end.clone()) });
                follow(&frames(&send_all(Protocol::UiMessage, api, &log)));
            }
            let mut encoder = new(Protocol::UiMessage, api);
            let mut sent = BytesMut::from(&send(&mut *encoder, &log[..cut])[..]);
            encoder.fail(&scenes::failure("the log is gone"), &mut sent);
            let sent = frames(&sent);
            follow(&sent);
            assert!(sent.iter().any(|got| got.data.contains("the log is gone") && got.id.is_none()));
        }
    }
}

#[test]
fn finish_reasons_in_the_words_of_the_ai_sdk() {
    for (name, api, log) in logs() {
        let sent = frames(&send_all(Protocol::UiMessage, api, &log));
        let finish = sent.iter().find(|got| got.data != "[DONE]" && got.r#type() == "finish");
        let reason = finish.map(|finish| finish.json()["finishReason"].as_str().unwrap().to_owned());
        let expected = match name.as_str() {
            "text_and_reasoning" => "length",
            "tools" | "response_with_a_function" | "response_with_everything" | "begun_again" => "tool-calls",
            "refusal" => "content-filter",
            "response_that_is_incomplete" => "length",
            "failed_in_a_text" | "response_that_failed" | "response_begun_again_and_failed" => "error",
            "tools_that_the_service_runs" | "two_choices" | "completions" | "response_begun_again" => "stop",
            _ => continue,
        };
        assert_eq!(reason.as_deref(), Some(expected), "{name}");
    }
    for (said, expected) in [
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("SAFETY", "content-filter"),
        ("RECITATION", "content-filter"),
        ("content_filter: SAFETY", "content-filter"),
        ("content_filtered", "content-filter"),
        ("TOOL_CALL", "tool-calls"),
        ("pause_turn", "other"),
        ("new_reason", "other"),
    ] {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": said}]});
        let events =
            [Event::upstream(&chunk).unwrap(), Event::End(End::Finish { reason: Some(said.to_owned()) })];
        let log: Vec<Logged> = (1..).zip(events).map(|(seq, event)| Logged { seq, event }).collect();
        let sent = frames(&send_all(Protocol::UiMessage, Api::Chat, &log));
        assert_eq!(sent[sent.len() - 2].json()["finishReason"], expected, "{said}");
    }
}

/// A tool that the service runs separates two steps, and the tokens of all steps count.
#[test]
fn each_answer_of_the_model_is_a_step() {
    let scene = scenes::all().into_iter().find(|scene| scene.name == "tools_that_the_service_runs").unwrap();
    let sent = frames(&send_all(Protocol::UiMessage, Api::Chat, &scene.log));
    let types: Vec<String> = sent[..sent.len() - 1].iter().map(Got::r#type).collect();
    assert_eq!(types.iter().filter(|r#type| *r#type == "start-step").count(), 3);
    let usage = &sent[sent.len() - 2].json()["messageMetadata"]["usage"];
    assert_eq!(
        (&usage["inputTokens"], &usage["outputTokens"], &usage["totalTokens"]),
        (&80.into(), &30.into(), &110.into())
    );
}
