//! Requests: builds the JSON from the arguments.

use std::env;
use std::path::{Path, PathBuf};

use actorstream::proto::request::body::Body;
use actorstream::proto::request::multipart::RequestBody;
use actorstream::{ImageEditRequest, ToRequestBody, TranscriptionRequest, models};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::arguments::{Chat, Complete, Display, Image, Other, Respond, Speak, Transcribe};
use crate::exit::Failure;
use crate::source::{self, Source};

const VOICE: &str = "alloy";

/// The model for texts where neither an option nor the body names one.
pub(crate) fn text_model(default: &str) -> String {
    let set = env::var("OPENAI_MODEL").ok().filter(|model| !model.trim().is_empty());
    set.unwrap_or_else(|| default.to_owned())
}

/// The request for a chat completion.
pub(crate) fn chat(arguments: &Chat) -> Result<Body, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(&arguments.prompt, given)?;
    let mut body = start_with(given, arguments.model.as_deref(), &text_model(models::CHAT))?;
    ask_for_usage(&mut body, &arguments.display, arguments.whole.no_stream);
    add_messages(&mut body, arguments.system.as_deref(), prompt.as_deref())?;
    Ok(body)
}

/// The request for a text completion.
pub(crate) fn completion(arguments: &Complete) -> Result<Body, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(&arguments.prompt, given)?;
    let mut body = start_with(given, arguments.model.as_deref(), &text_model(models::COMPLETION))?;
    ask_for_usage(&mut body, &arguments.display, arguments.whole.no_stream);
    if let Some(prompt) = prompt {
        body.set("prompt", &prompt);
    }
    Ok(body)
}

/// The request for a response.
pub(crate) fn response(arguments: &Respond) -> Result<Body, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(&arguments.prompt, given)?;
    let mut body = start_with(given, arguments.model.as_deref(), &text_model(models::CHAT))?;
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

/// Builds the request for an image: a form if it starts from other images.
pub(crate) fn image(arguments: &Image) -> Result<RequestBody, Failure> {
    let given = arguments.body.as_ref();
    let prompt = source::prompt(&arguments.prompt, given)?;
    let mut body: RequestBody = if arguments.edit.is_empty() {
        start_with(given, arguments.model.as_deref(), models::IMAGE)?.into()
    } else {
        let model = arguments.model.as_deref().unwrap_or(models::IMAGE);
        let images = arguments.edit.iter().map(PathBuf::as_path);
        ImageEditRequest::new("").model(model).images(images).to_request_body()?
    };
    if body.get::<f64>("n").is_some_and(|n| n > 1.0) {
        return Err(Failure::config(
            "--out names one file, but the `n` of the body asks for several images".to_owned(),
        ));
    }
    let format = match &arguments.format {
        Some(format) => Some(format.as_str()),
        None if body.get::<IgnoredAny>("output_format").is_some() => None,
        None => format_of(&arguments.out, IMAGE_FORMATS)?,
    };
    // Those models respond with a URL by default.
    let answers_with_address = body.get::<String>("model").is_some_and(|model| model.starts_with("dall-e"));
    if answers_with_address && body.get::<IgnoredAny>("response_format").is_none() {
        body.set("response_format", "b64_json");
    }
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
    let model = arguments.model.as_deref().unwrap_or(models::TRANSCRIPTION);
    let mut request = TranscriptionRequest::new(model, arguments.file.as_path());
    request.language.clone_from(&arguments.language);
    request.prompt.clone_from(&arguments.prompt);
    request
}

/// The request for speech.
pub(crate) fn speech(arguments: &Speak) -> Result<RequestBody, Failure> {
    let given = arguments.body.as_ref();
    let text = source::prompt(&arguments.text, given)?;
    let body = start_with(given, arguments.model.as_deref(), models::SPEECH)?;
    let has_voice = has(&body, "voice");
    let mut body = RequestBody::from(body);
    let voice = arguments.voice.as_deref().or((!has_voice).then_some(VOICE));
    let format = match &arguments.format {
        Some(format) => Some(format.as_str()),
        None if body.get::<IgnoredAny>("response_format").is_some() => None,
        None => format_of(&arguments.out, SPEECH_FORMATS)?,
    };
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

/// File extensions and their encodings. The default encoding is not requested, since some servers do not know the
/// field.
type Formats = &'static [(&'static str, Option<&'static str>)];

const IMAGE_FORMATS: Formats =
    &[("png", None), ("jpg", Some("jpeg")), ("jpeg", Some("jpeg")), ("webp", Some("webp"))];

const SPEECH_FORMATS: Formats = &[
    ("mp3", None),
    ("opus", Some("opus")),
    ("aac", Some("aac")),
    ("flac", Some("flac")),
    ("wav", Some("wav")),
    ("pcm", Some("pcm")),
];

/// Returns the encoding of a file's extension; the default for a file without one.
fn format_of(path: &Path, formats: Formats) -> Result<Option<&'static str>, Failure> {
    let Some(extension) = path.extension() else { return Ok(None) };
    let known = formats.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known));
    known.map(|(_, format)| *format).ok_or_else(|| {
        let known: Vec<String> = formats.iter().map(|(known, _)| format!(".{known}")).collect();
        Failure::config(format!(
            "--out {}: the extension .{} is unknown; use {}, or set the encoding with --format",
            path.display(),
            extension.display(),
            known.join(", "),
        ))
    })
}

/// The request to any other endpoint.
pub(crate) fn other(arguments: &Other) -> Result<Body, Failure> {
    let mut body = arguments.body.read()?;
    if !has(&body, "stream") {
        body.set("stream", &true);
    }
    Ok(body)
}

/// Requests usage for a stream; an unstreamed response has it anyway.
fn ask_for_usage(body: &mut Body, display: &Display, whole: bool) {
    if display.usage && !whole {
        let mut options: Body = body.get("stream_options").unwrap_or_default();
        options.set("include_usage", &true);
        body.set("stream_options", &options);
    }
}

/// Returns the given body with the model set.
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

/// Places the instructions before all messages, replacing others there, and the prompt after them.
fn add_messages(body: &mut Body, system: Option<&str>, prompt: Option<&str>) -> Result<(), Failure> {
    if system.is_none() && prompt.is_none() {
        return Ok(());
    }
    let mut messages: Vec<Box<RawValue>> = match body.get("messages") {
        Some(messages) => messages,
        None if has(body, "messages") => {
            return Err(Failure::config("the `messages` of the body are not a list".to_owned()));
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

/// Appends the prompt to the input; without other input it stays plain text.
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
#[path = "request_tests.rs"]
mod tests;
