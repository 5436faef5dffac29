//! The built-in upstream's images and audio.

use serde_json::Value;

use std::time::Duration;

use crate::image_stream::ImageStream;
use crate::reply::Reply;
use crate::request::Request;
use crate::sample::{picture, sound};
use crate::speech_stream::SpeechStream;
use crate::transcription_stream::TranscriptionStream;

/// The time between two events.
const PACE: Duration = Duration::from_millis(25);

/// Answers a request for images, a transcription or speech; `None` for any other.
pub(crate) fn answer(request: &Request) -> Option<Reply> {
    let asked = Asked(request);
    let path = request.path.as_str();
    if path.ends_with("/images/generations") {
        Some(pictures(&asked, ImageStream::new()))
    } else if path.ends_with("/images/edits") {
        Some(pictures(&asked, ImageStream::edit()))
    } else if path.ends_with("/audio/transcriptions") {
        Some(transcription(&asked))
    } else if path.ends_with("/audio/speech") {
        Some(speech(&asked))
    } else {
        None
    }
}

fn pictures(asked: &Asked<'_>, mut stream: ImageStream) -> Reply {
    let Some(prompt) = asked.field("prompt") else { return missing("prompt") };
    let partial = asked.number("partial_images").min(3) as u32;
    for n in 1..=asked.number("n").clamp(1, 10) {
        let words = format!("{prompt} {n}");
        stream = (0..partial).fold(stream, |stream, n| stream.partial(picture(&words, n + 1)));
        stream = stream.image(picture(&words, 5));
    }
    let stream = stream.usage(prompt.split_whitespace().count() as u64, 100);
    if asked.is("stream", "true") { stream.reply().pace(PACE) } else { Reply::json(200, &stream.response()) }
}

fn transcription(asked: &Asked<'_>) -> Reply {
    let Some(file) = asked.0.part("file") else { return missing("file") };
    let name = file.file_name.as_deref().unwrap_or("without a name");
    let text = format!("A recording of {} bytes, {name}. Somebody hums, and then the sea.", file.body.len());
    let words = text.split_whitespace().count() as u64;
    let stream = TranscriptionStream::new().text(&text).delta_words().usage(10, words);
    if asked.is("stream", "true") {
        return stream.reply().pace(PACE);
    }
    match asked.field("response_format").as_deref() {
        Some("text") => Reply::text(200, "text/plain; charset=utf-8", text + "\n"),
        Some("srt") => Reply::text(
            200,
            "text/plain; charset=utf-8",
            format!("1\n00:00:00,000 --> 00:00:04,000\n{text}\n"),
        ),
        Some("vtt") => Reply::text(
            200,
            "text/vtt; charset=utf-8",
            format!("WEBVTT\n\n00:00.000 --> 00:04.000\n{text}\n"),
        ),
        _ => Reply::json(200, &stream.transcript()),
    }
}

/// The audio is a WAV, whatever format was requested.
fn speech(asked: &Asked<'_>) -> Reply {
    let Some(input) = asked.field("input") else { return missing("input") };
    let words = input.split_whitespace().count() as u64;
    let stream = SpeechStream::new(sound(&input)).piece_bytes(4 << 10).usage(words, 10 * words);
    match asked.is("stream_format", "sse") {
        true => stream.reply().pace(PACE),
        false => stream.audio_reply("audio/wav").pace(PACE),
    }
}

fn missing(field: &str) -> Reply {
    Reply::error(400, "invalid_request_error", &format!("Missing required parameter: '{field}'."))
}

/// The fields of a request, from JSON or a form.
struct Asked<'a>(&'a Request);

impl Asked<'_> {
    fn field(&self, name: &str) -> Option<String> {
        if let Some(part) = self.0.part(name) {
            return Some(part.text());
        }
        match self.0.try_json().ok()?.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.field(name).as_deref() == Some(value)
    }

    /// 0 if it is missing.
    fn number(&self, name: &str) -> u64 {
        self.field(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}
