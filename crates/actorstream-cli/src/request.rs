//! Requests: what the arguments ask for, as JSON.

use actorstream::proto::body::Body;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::arguments::{Chat, Complete, Generation, Other, Respond};
use crate::exit::Failure;
use crate::source::{self, Source};

const CHAT_MODEL: &str = "gpt-4o-mini";
const RESPONSE_MODEL: &str = "gpt-4o-mini";
const COMPLETION_MODEL: &str = "gpt-3.5-turbo-instruct";

/// The request for a chat completion.
pub(crate) fn chat(arguments: &Chat) -> Result<Body, Failure> {
    let generation = &arguments.generation;
    let prompt = source::prompt(arguments.prompt.as_deref(), generation.body.as_ref())?;
    let mut body = start(generation, CHAT_MODEL)?;
    add_messages(&mut body, arguments.system.as_deref(), prompt.as_deref())?;
    Ok(body)
}

/// The request for a text completion.
pub(crate) fn completion(arguments: &Complete) -> Result<Body, Failure> {
    let generation = &arguments.generation;
    let prompt = source::prompt(arguments.prompt.as_deref(), generation.body.as_ref())?;
    let mut body = start(generation, COMPLETION_MODEL)?;
    if let Some(prompt) = prompt {
        body.set("prompt", &prompt);
    }
    Ok(body)
}

/// The request for a response.
pub(crate) fn response(arguments: &Respond) -> Result<Body, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(arguments.prompt.as_deref(), given)?;
    let mut body = start_with(given, arguments.model.as_deref(), RESPONSE_MODEL)?;
    if let Some(instructions) = &arguments.system {
        body.set("instructions", instructions);
    }
    if let Some(prompt) = prompt {
        add_input(&mut body, &prompt)?;
    }
    if arguments.background {
        body.set("background", &true);
    }
    Ok(body)
}

/// The request to any other endpoint.
pub(crate) fn other(arguments: &Other) -> Result<Body, Failure> {
    let mut body = arguments.body.read()?;
    if !has(&body, "stream") {
        body.set("stream", &true);
    }
    Ok(body)
}

/// The body that was given, with the options put into it.
fn start(generation: &Generation, default_model: &str) -> Result<Body, Failure> {
    let mut body = start_with(generation.body.as_ref(), generation.model.as_deref(), default_model)?;
    if generation.usage {
        let mut options: Body = body.get("stream_options").unwrap_or_default();
        options.set("include_usage", &true);
        body.set("stream_options", &options);
    }
    Ok(body)
}

/// The body that was given, with the model put into it.
fn start_with(given: Option<&Source>, model: Option<&str>, default_model: &str) -> Result<Body, Failure> {
    let mut body = given.map_or_else(|| Ok(Body::default()), Source::read)?;
    match model {
        Some(model) => body.set("model", model),
        None if !has(&body, "model") => body.set("model", default_model),
        None => {}
    }
    Ok(body)
}

fn has(body: &Body, field: &str) -> bool {
    body.get::<IgnoredAny>(field).is_some()
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Puts the instructions before all messages, in place of others there, and the prompt behind them.
fn add_messages(body: &mut Body, system: Option<&str>, prompt: Option<&str>) -> Result<(), Failure> {
    if system.is_none() && prompt.is_none() {
        return Ok(());
    }
    let mut messages: Vec<Box<RawValue>> = match body.get("messages") {
        Some(messages) => messages,
        None if has(body, "messages") => {
            return Err(Failure::config("the `messages` of the body are no list".to_owned()));
        }
        None => Vec::new(),
    };
    if let Some(content) = system {
        if messages.first().is_some_and(|message| instructs(message)) {
            messages.remove(0);
        }
        messages.insert(0, message("system", content)?);
    }
    if let Some(content) = prompt {
        messages.push(message("user", content)?);
    }
    body.set("messages", &messages);
    Ok(())
}

/// Puts the prompt behind all input; alone it stays the plain text that it is.
fn add_input(body: &mut Body, prompt: &str) -> Result<(), Failure> {
    if !has(body, "input") {
        body.set("input", prompt);
        return Ok(());
    }
    let mut items: Vec<Box<RawValue>> = match (body.get("input"), body.get::<String>("input")) {
        (Some(items), _) => items,
        (None, Some(text)) => vec![message("user", &text)?],
        (None, None) => {
            return Err(Failure::config("the `input` of the body is neither text nor a list".to_owned()));
        }
    };
    items.push(message("user", prompt)?);
    body.set("input", &items);
    Ok(())
}

fn message(role: &'static str, content: &str) -> Result<Box<RawValue>, Failure> {
    to_raw_value(&Message { role, content }).map_err(|error| Failure::config(error.to_string()))
}

fn instructs(message: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Head {
        role: String,
    }
    serde_json::from_str::<Head>(message.get())
        .is_ok_and(|Head { role }| role == "system" || role == "developer")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn body(line: &[&str]) -> String {
        let arguments = Arguments::try_parse_from([&["actorstream"], line].concat());
        let body = match arguments.ok().unwrap().command {
            Command::Chat(arguments) => chat(&arguments),
            Command::Complete(arguments) => completion(&arguments),
            Command::Respond(arguments) => response(&arguments),
            Command::Stream(arguments) => other(&arguments),
            Command::Mock(_) => panic!("no request"),
        };
        match body {
            Ok(body) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
            Err(Failure::Config(error)) => error.to_string(),
            Err(failure) => panic!("{failure:?}"),
        }
    }

    #[test]
    fn a_prompt_alone() {
        assert_eq!(
            body(&["chat", "Hi"]),
            r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}"#
        );
        assert_eq!(body(&["complete", "Hi"]), r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Hi"}"#);
    }

    #[test]
    fn all_options() {
        assert_eq!(
            body(&["chat", "Hi", "--system", "Be brief", "--model", "m", "--usage"]),
            concat!(
                r#"{"model":"m","stream_options":{"include_usage":true},"messages":["#,
                r#"{"role":"system","content":"Be brief"},{"role":"user","content":"Hi"}]}"#
            )
        );
        assert_eq!(
            body(&["complete", "Hi", "--model", "m", "--usage"]),
            r#"{"model":"m","stream_options":{"include_usage":true},"prompt":"Hi"}"#
        );
    }

    #[test]
    fn options_are_merged_over_the_body() {
        let given = r#"{"temperature":0.70,"model":"a","stream_options":{"include_obfuscation":false},
            "messages":[{"role":"developer","content":"Old"},{"role":"user","content":"One","x":1e2}]}"#;
        assert_eq!(
            body(&["chat", "Two", "--system", "New", "--usage", "--body", given]),
            concat!(
                r#"{"temperature":0.70,"model":"a","#,
                r#""stream_options":{"include_obfuscation":false,"include_usage":true},"#,
                r#""messages":[{"role":"system","content":"New"},{"role":"user","content":"One","x":1e2},"#,
                r#"{"role":"user","content":"Two"}]}"#
            )
        );
        assert_eq!(
            body(&["complete", "New", "--model", "b", "--body", r#"{"prompt":["Old"],"model":"a"}"#]),
            r#"{"prompt":"New","model":"b"}"#
        );
    }

    #[test]
    fn a_body_needs_no_prompt() {
        assert_eq!(body(&["chat", "--body", r#"{"n":2}"#]), r#"{"n":2,"model":"gpt-4o-mini"}"#);
        assert_eq!(
            body(&["chat", "Hi", "--body", r#"{"messages":"x"}"#]),
            "the `messages` of the body are no list"
        );
    }

    #[test]
    fn a_response() {
        assert_eq!(body(&["respond", "Hi"]), r#"{"model":"gpt-4o-mini","input":"Hi"}"#);
        assert_eq!(
            body(&["respond", "Hi", "--system", "Be brief", "--model", "m", "--background"]),
            r#"{"model":"m","instructions":"Be brief","input":"Hi","background":true}"#
        );
        assert_eq!(
            body(&["respond", "--body", r#"{"input":1.0}"#]),
            r#"{"input":1.0,"model":"gpt-4o-mini"}"#
        );
    }

    #[test]
    fn a_prompt_comes_behind_all_input() {
        let two = r#"{"role":"user","content":"Two"}"#;
        for (input, before) in [
            (r#""One""#, r#"{"role":"user","content":"One"},"#),
            (r#"[{"type":"x","n":1e2}]"#, r#"{"type":"x","n":1e2},"#),
            ("[]", ""),
        ] {
            assert_eq!(
                body(&["respond", "Two", "--body", &format!(r#"{{"model":"a","input":{input}}}"#)]),
                format!(r#"{{"model":"a","input":[{before}{two}]}}"#)
            );
        }
        assert_eq!(
            body(&["respond", "Hi", "--body", r#"{"input":7}"#]),
            "the `input` of the body is neither text nor a list"
        );
    }

    #[test]
    fn any_other_body_goes_out_as_given() {
        assert_eq!(body(&["stream", "/x", "--body", r#"{"input":1.0}"#]), r#"{"input":1.0,"stream":true}"#);
        let own = r#"{"stream":"yes"}"#;
        assert_eq!(body(&["stream", "/x", "--body", own]), own);
    }
}
