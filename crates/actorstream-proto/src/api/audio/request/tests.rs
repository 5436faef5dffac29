use std::collections::BTreeSet;

use serde_json::{Map, Value, from_value, json, to_string, to_value};

use super::*;
use crate::request::multipart::{EntryValue, FilePart, Form, RequestBody, ToRequestBody};

/// Returns every field of speech that the API documents, each with a value.
fn all_speech_fields() -> Value {
    json!({
        "model": "gpt-4o-mini-tts",
        "input": "Hello!",
        "voice": "coral",
        "instructions": "Whisper.",
        "response_format": "pcm",
        "speed": 1.5,
        "stream_format": "sse"
    })
}

fn transcription() -> TranscriptionRequest {
    TranscriptionRequest::new("gpt-4o-transcribe", FilePart::from_bytes("talk.mp3", "sound"))
}

/// Returns the fields of a form, each file as its name.
fn fields(form: &Form) -> Vec<(&str, String)> {
    let text = |value: &EntryValue| match value {
        EntryValue::Text(text) => text.clone(),
        EntryValue::File(file) => format!("<{}>", file.name),
    };
    form.entries().iter().map(|entry| (entry.name.as_str(), text(&entry.value))).collect()
}

#[track_caller]
fn assert_fields(request: &TranscriptionRequest, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    assert_eq!(fields(&request.form()), expected);
    let RequestBody::Multipart(form) = request.to_request_body().unwrap() else { panic!("a form") };
    assert_eq!(form, request.form());
}

#[test]
fn the_table_of_speech_lists_the_documented_fields() {
    let all = all_speech_fields();
    let names: BTreeSet<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = "model input voice instructions response_format speed stream_format";
    assert_eq!(names, documented.split(' ').collect());
}

#[test]
fn every_field_of_speech() {
    let request: SpeechRequest = from_value(all_speech_fields()).unwrap();
    assert_eq!(request.extra, Map::new());
    assert_eq!(to_value(&request).unwrap(), all_speech_fields());
    let built = SpeechRequest::new("gpt-4o-mini-tts", "Hello!")
        .voice("coral")
        .instructions("Whisper.")
        .response_format("pcm")
        .speed(1.5)
        .stream_format(SpeechStreamFormat::Sse);
    assert_eq!(built, request);
}

#[test]
fn a_small_speech_is_small() {
    let request = SpeechRequest::new("tts-1", "Hi").voice(Voice::custom("voice_1")).speed(2.0_f32);
    assert_eq!(
        to_string(&request.field("speed", 1).field("seed", 7)).unwrap(),
        r#"{"model":"tts-1","input":"Hi","voice":{"id":"voice_1"},"speed":1,"seed":7}"#
    );
    let read: SpeechRequest = from_value(json!({"model": "m", "input": "Hi", "voice": null})).unwrap();
    assert_eq!(read, SpeechRequest::new("m", "Hi"));
    assert_eq!(to_string(&read).unwrap(), r#"{"model":"m","input":"Hi"}"#);
}

#[test]
fn every_field_of_a_transcription() {
    let request = transcription()
        .chunking_strategy("auto")
        .include(["logprobs"])
        .keywords(["actix", "SSE"])
        .known_speaker("agent", "data:audio/wav;base64,AAAA")
        .known_speaker("customer", "data:audio/wav;base64,BBBB")
        .language("en")
        .languages(["de", "fr"])
        .prompt("A talk.")
        .response_format("verbose_json")
        .temperature(0.2)
        .timestamp_granularities(["word"])
        .timestamp_granularities([TimestampGranularity::Segment]);
    assert_fields(
        &request,
        &[
            ("model", "gpt-4o-transcribe"),
            ("chunking_strategy", "auto"),
            ("language", "en"),
            ("prompt", "A talk."),
            ("response_format", "verbose_json"),
            ("temperature", "0.2"),
            ("include[]", "logprobs"),
            ("keywords[]", "actix"),
            ("keywords[]", "SSE"),
            ("known_speaker_names[]", "agent"),
            ("known_speaker_names[]", "customer"),
            ("known_speaker_references[]", "data:audio/wav;base64,AAAA"),
            ("known_speaker_references[]", "data:audio/wav;base64,BBBB"),
            ("languages[]", "de"),
            ("languages[]", "fr"),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
            ("file", "<talk.mp3>"),
        ],
    );
    // Every field that the API documents except `stream`.
    let documented = "file model language languages keywords prompt response_format temperature include \
                      timestamp_granularities chunking_strategy known_speaker_names known_speaker_references";
    let form = request.form();
    let names: BTreeSet<&str> =
        form.entries().iter().map(|entry| entry.name.trim_end_matches("[]")).collect();
    assert_eq!(names, documented.split(' ').collect());
}

#[test]
fn a_small_transcription_is_small() {
    assert_fields(&transcription(), &[("model", "gpt-4o-transcribe"), ("file", "<talk.mp3>")]);
}

#[test]
fn further_fields_of_a_transcription() {
    let request = transcription()
        .temperature(0.5)
        .prompt("p")
        .include(["logprobs"])
        .field("temperature", "0.0")
        .field("prompt", Value::Null)
        .field("include[]", json!(["a", "b"]))
        .field("vad_filter", true)
        .field("options", json!({"beam": 5}));
    assert_fields(
        &request,
        &[
            ("model", "gpt-4o-transcribe"),
            ("temperature", "0.0"),
            ("include[]", "a"),
            ("include[]", "b"),
            ("vad_filter", "true"),
            ("options", r#"{"beam":5}"#),
            ("file", "<talk.mp3>"),
        ],
    );
}

#[test]
fn ways_to_cut_a_recording() {
    let vad = ServerVad::new().prefix_padding_ms(100).silence_duration_ms(500).threshold(0.25);
    for (strategy, wire) in [
        (ChunkingStrategy::auto(), json!("auto")),
        (ChunkingMode::from("none").into(), json!("none")),
        (ServerVad::new().into(), json!({"type": "server_vad"})),
        (
            vad.clone().into(),
            json!({
                "type": "server_vad", "prefix_padding_ms": 100, "silence_duration_ms": 500, "threshold": 0.25
            }),
        ),
        (ChunkingStrategy::Unknown(json!({"type": "fixed", "s": 30})), json!({"type": "fixed", "s": 30})),
    ] {
        assert_eq!(to_value(&strategy).unwrap(), wire);
        assert_eq!(from_value::<ChunkingStrategy>(wire).unwrap(), strategy);
    }
    // In a form, it is sent as JSON text.
    let form = transcription().chunking_strategy(vad).form();
    let sent: Value = form.get("chunking_strategy").unwrap();
    assert_eq!(sent["threshold"], 0.25);
}

#[test]
fn enums_have_every_documented_value() {
    fn known<T: for<'a> From<&'a str> + std::fmt::Debug>(values: &str) {
        for value in values.split(' ') {
            let read = format!("{:?}", T::from(value));
            assert!(!read.starts_with("Other"), "{read}");
        }
    }
    known::<SpeechFormat>("mp3 opus aac flac wav pcm");
    known::<SpeechStreamFormat>("sse audio");
    known::<ChunkingMode>("auto");
    known::<TranscriptionInclude>("logprobs");
    known::<TranscriptionFormat>("json text srt verbose_json vtt diarized_json");
    known::<TimestampGranularity>("word segment");
}
