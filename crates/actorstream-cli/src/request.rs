//! Requests: what the arguments ask for, as JSON.

use std::path::{Path, PathBuf};

use actorstream::proto::body::Body;
use actorstream::proto::multipart::RequestBody;
use actorstream::{ImageEditRequest, ToRequestBody, TranscriptionRequest};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::arguments::{Chat, Complete, Generation, Image, Other, Respond, Speak, Transcribe};
use crate::exit::Failure;
use crate::source::{self, Source};

const CHAT_MODEL: &str = "gpt-4o-mini";
const RESPONSE_MODEL: &str = "gpt-4o-mini";
const COMPLETION_MODEL: &str = "gpt-3.5-turbo-instruct";
const IMAGE_MODEL: &str = "gpt-image-1";
const TRANSCRIPTION_MODEL: &str = "gpt-4o-mini-transcribe";
const SPEECH_MODEL: &str = "gpt-4o-mini-tts";
const VOICE: &str = "alloy";

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

/// The request for an image: a form where it is made of others.
pub(crate) fn image(arguments: &Image) -> Result<RequestBody, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(arguments.prompt.as_deref(), given)?;
    let mut body: RequestBody = if arguments.edit.is_empty() {
        start_with(given, arguments.model.as_deref(), IMAGE_MODEL)?.into()
    } else {
        let model = arguments.model.as_deref().unwrap_or(IMAGE_MODEL);
        let images = arguments.edit.iter().map(PathBuf::as_path);
        ImageEditRequest::new("").model(model).images(images).to_request_body()?
    };
    if body.get::<u64>("n").is_some_and(|n| n > 1) {
        return Err(Failure::config(
            "--out names one file, but the `n` of the body asks for several images".to_owned(),
        ));
    }
    let format = arguments.format.as_deref().or_else(|| image_format(&arguments.out));
    set(&mut body, "prompt", prompt.as_deref());
    set(&mut body, "size", arguments.size.as_deref());
    set(&mut body, "quality", arguments.quality.as_deref());
    set(&mut body, "output_format", format);
    if let Some(partial) = arguments.partial {
        body.set("partial_images", &partial);
    }
    Ok(body)
}

/// The request for a transcription.
pub(crate) fn transcription(arguments: &Transcribe) -> TranscriptionRequest {
    let model = arguments.model.as_deref().unwrap_or(TRANSCRIPTION_MODEL);
    let mut request = TranscriptionRequest::new(model, arguments.file.as_path());
    request.language.clone_from(&arguments.language);
    request.prompt.clone_from(&arguments.prompt);
    request
}

/// The request for speech.
pub(crate) fn speech(arguments: &Speak) -> Result<RequestBody, Failure> {
    let given = arguments.body.as_ref();
    let text = source::prompt(arguments.text.as_deref(), given)?;
    let body = start_with(given, arguments.model.as_deref(), SPEECH_MODEL)?;
    let has_voice = has(&body, "voice");
    let mut body = RequestBody::from(body);
    let voice = arguments.voice.as_deref().or((!has_voice).then_some(VOICE));
    let format = arguments.format.as_deref().or_else(|| speech_format(&arguments.out));
    set(&mut body, "input", text.as_deref());
    set(&mut body, "voice", voice);
    set(&mut body, "instructions", arguments.instructions.as_deref());
    set(&mut body, "response_format", format);
    Ok(body)
}

fn set(body: &mut RequestBody, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        body.set(field, value);
    }
}

/// The encoding of images that the extension of a file names; none for the default.
fn image_format(path: &Path) -> Option<&'static str> {
    match extension(path)?.as_str() {
        "jpg" | "jpeg" => Some("jpeg"),
        "webp" => Some("webp"),
        _ => None,
    }
}

/// The encoding of sound that the extension of a file names; none for the default.
fn speech_format(path: &Path) -> Option<&'static str> {
    let extension = extension(path)?;
    ["opus", "aac", "flac", "wav", "pcm"].into_iter().find(|format| *format == extension)
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
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
            Command::Image(arguments) => return written(image(&arguments)),
            Command::Speak(arguments) => return written(speech(&arguments)),
            Command::Transcribe(arguments) => {
                return written(transcription(&arguments).to_request_body().map_err(Failure::from));
            }
            Command::Serve(_) | Command::Mock(_) => panic!("no request"),
        };
        written(body.map(RequestBody::from))
    }

    fn written(body: Result<RequestBody, Failure>) -> String {
        match body {
            Ok(RequestBody::Json(body)) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
            Ok(RequestBody::Multipart(form)) => format!("{:?}", form.entries()),
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
    fn images_and_speech() {
        assert_eq!(
            body(&["image", "An otter", "--out", "a.png"]),
            r#"{"model":"gpt-image-1","prompt":"An otter"}"#
        );
        let all = "--out a.JPG --model m --size 1x1 --quality low --partial 2";
        let all: Vec<&str> = ["image", "An otter"].into_iter().chain(all.split(' ')).collect();
        assert_eq!(
            body(&all),
            concat!(
                r#"{"model":"m","prompt":"An otter","size":"1x1","quality":"low","output_format":"jpeg","#,
                r#""partial_images":2}"#
            )
        );
        let given = r#"{"prompt":"p","n":2}"#;
        assert!(body(&["image", "--out", "a.png", "--body", given]).contains("asks for several images"));
        let edit = body(&["image", "A hat", "--out", "a.webp", "--edit", "1.png", "--edit", "2.png"]);
        for part in ["\"prompt\", value: Text(\"A hat\")", "image[]", "1.png", "2.png", "Text(\"webp\")"] {
            assert!(edit.contains(part), "{part}: {edit}");
        }
        assert_eq!(
            body(&["speak", "Hi", "--out", "a.wav", "--instructions", "Whisper"]),
            concat!(
                r#"{"model":"gpt-4o-mini-tts","input":"Hi","voice":"alloy","instructions":"Whisper","#,
                r#""response_format":"wav"}"#
            )
        );
        assert_eq!(
            body(&[
                "speak",
                "Hi",
                "--out",
                "a.wav",
                "--format",
                "flac",
                "--body",
                r#"{"model":"m","voice":"v"}"#
            ]),
            r#"{"model":"m","voice":"v","input":"Hi","response_format":"flac"}"#
        );
        let heard = body(&["transcribe", "talk.mp3", "--language", "en", "--prompt", "Sea"]);
        for part in ["gpt-4o-mini-transcribe", "talk.mp3", "Text(\"en\")", "Text(\"Sea\")"] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
    }

    #[test]
    fn any_other_body_goes_out_as_given() {
        assert_eq!(body(&["stream", "/x", "--body", r#"{"input":1.0}"#]), r#"{"input":1.0,"stream":true}"#);
        let own = r#"{"stream":"yes"}"#;
        assert_eq!(body(&["stream", "/x", "--body", own]), own);
    }
}
