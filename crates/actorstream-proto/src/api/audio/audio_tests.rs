use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::Endpoint;
use crate::endpoint::Framing;
use crate::endpoint::event::Event;
use crate::outcome::error::{ErrorKind, Limit};
use crate::request::body::Body;
use crate::request::multipart::RequestBody;
use crate::session::head::Head;
use crate::session::limits::Limits;
use crate::session::{BodyEnd, End, Session, Settings};

/// Plays a body in these reads. Returns the events and the end.
fn play<E: Event>(settings: Settings, content_type: &str, reads: &[&[u8]], end: BodyEnd) -> (Vec<E>, End<E>) {
    let now = Instant::now();
    let mut session = Session::<E>::new(settings, now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |name| (name == "content-type").then_some(content_type)), now);
    let mut events = Vec::new();
    for read in reads {
        if let Some(end) = session.on_bytes(Bytes::copy_from_slice(read), now, &mut events) {
            return (events, end);
        }
    }
    let end = session.on_body_end(&end, now, &mut events);
    (events, end.expect("an end"))
}

fn events<E: Event>(settings: Settings, events: &[Value]) -> (Vec<E>, End<E>) {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    play(settings, "text/event-stream", &[body.as_bytes()], BodyEnd::Clean)
}

fn bytes() -> Settings {
    Settings { framing: Framing::Bytes, ..Settings::default() }
}

fn delta(text: &str) -> Value {
    json!({"type": "transcript.text.delta", "delta": text, "logprobs": [{"token": text, "logprob": -0.5}]})
}

fn token_usage() -> Value {
    json!({"type": "tokens", "input_tokens": 3, "output_tokens": 2, "total_tokens": 5})
}

#[test]
fn a_transcription_adds_up_to_what_the_unstreamed_call_answers() {
    let done = json!({"type": "transcript.text.done", "text": "Hello, world", "usage": token_usage()});
    let (seen, end) =
        events::<TranscriptionEvent>(Settings::default(), &[delta("Hello,"), delta(" world"), done]);
    assert_eq!(seen.iter().filter_map(TranscriptionEvent::text).collect::<String>(), "Hello, world");
    let finish = end.unwrap();
    assert!(finish.sentinel);
    let whole = json!({"text": "Hello, world", "usage": token_usage(),
        "logprobs": [{"token": "Hello,", "logprob": -0.5}, {"token": " world", "logprob": -0.5}]});
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), whole);
    assert_eq!(*finish.response, TranscriptionEvent::decode_whole(whole.to_string().as_bytes()).unwrap());
}

#[test]
fn a_transcription_that_is_cut_is_partial() {
    let (_, end) = events::<TranscriptionEvent>(Settings::default(), &[delta("Hel"), delta("lo \u{fffd}")]);
    let error = end.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Truncated { .. }));
    assert_eq!(error.partial::<Transcript>().unwrap().text, "Hello \u{fffd}");
    let half = br#"data: {"type":"transcript.text.delta","delta":"a\ud83d"}"#;
    let body = [half, &b"\n\n"[..]].concat();
    let (_, end) =
        play::<TranscriptionEvent>(Settings::default(), "text/event-stream", &[&body], BodyEnd::Clean);
    assert_eq!(end.unwrap_err().partial::<Transcript>().unwrap().text, "a\u{fffd}");
}

#[test]
fn speakers_are_told_apart() {
    let segment = |id: &str, text: &str, speaker: &str| json!({"type": "transcript.text.segment", "id": id, "start": 0.5, "end": 1.25, "text": text, "speaker": speaker});
    let segments = [segment("seg_0", "Hello.", "A"), segment("seg_1", " Hi!", "B")];
    let done = json!({"type": "transcript.text.done", "text": "Hello. Hi!"});
    let all = [segments[0].clone(), segments[1].clone(), done];
    let (_, end) = events::<TranscriptionEvent>(Settings::default(), &all);
    let response = end.unwrap().into_response();
    let told = response.segments.as_ref().unwrap();
    assert_eq!(
        told.iter().map(|segment| (segment.speaker(), segment.text())).collect::<Vec<_>>(),
        [(Some("A"), "Hello."), (Some("B"), " Hi!")]
    );
    assert_eq!(told[0].span(), Some((0.5, 1.25)));
    let whole = json!({"text": "Hello. Hi!", "segments": segments});
    assert_eq!(serde_json::to_value(&response).unwrap(), whole);
}

#[test]
fn chunks_in_the_shape_of_a_chat_are_a_transcription_too() {
    let chunk = |content: &str, reason: Value| json!({"object": "transcription.chunk", "choices": [{"delta": {"content": content}, "finish_reason": reason}]});
    let chunks = [chunk("Hel", json!(null)), chunk("lo", json!("stop"))];
    let (seen, end) = events::<TranscriptionEvent>(Settings::default(), &chunks);
    assert_eq!(seen.iter().filter_map(TranscriptionEvent::text).collect::<String>(), "Hello");
    let finish = end.unwrap();
    assert_eq!((finish.response.text.as_str(), finish.sentinel), ("Hello", false));
    let (_, end) = events::<TranscriptionEvent>(Settings::default(), &chunks[..1]);
    assert!(matches!(end.unwrap_err().kind, ErrorKind::Truncated { .. }));
}

#[test]
fn every_form_of_an_unstreamed_transcription_is_an_answer() {
    let whole = |body: &str| TranscriptionEvent::decode_whole(body.as_bytes());
    for text in [
        "Hello.\n",
        "1\n00:00:00,000 --> 00:00:01,000\nHello.\n",
        "WEBVTT\n\nHello.\n",
        "42",
        "\"quoted\"",
        "",
    ] {
        assert_eq!(whole(text).unwrap(), Transcript { text: text.into(), ..Transcript::default() }, "{text}");
    }
    let verbose = json!({"task": "transcribe", "language": "english", "duration": 1.5, "text": "Hello.",
        "words": [{"word": "Hello", "start": 0.0, "end": 0.5}],
        "segments": [{"id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": "Hello.", "tokens": [1, 2], "temperature": 0.0,
                      "avg_logprob": -0.2, "compression_ratio": 0.9, "no_speech_prob": 0.01}],
        "usage": {"type": "duration", "seconds": 2}});
    let diarized = json!({"task": "transcribe", "duration": 1.5, "text": "Hello.",
        "segments": [{"type": "transcript.text.segment", "id": "seg_0", "start": 0, "end": 1, "text": "Hello.", "speaker": "A"}],
        "usage": token_usage()});
    for json in [verbose, diarized] {
        let transcript = whole(&json.to_string()).unwrap();
        assert_eq!(serde_json::to_value(&transcript).unwrap(), json);
        assert_eq!(transcript.segments.unwrap()[0].text(), "Hello.");
    }
    for wrong in ["{\"text\": \"Hel", "<!DOCTYPE html><p>Log in", " <html>"] {
        whole(wrong).unwrap_err();
    }
    TranscriptionEvent::decode_whole(b"\xff\xfe").unwrap_err();
}

fn speech(audio: &str) -> Value {
    json!({"type": "speech.audio.delta", "audio": audio})
}

#[test]
fn speech_adds_up_and_is_decoded_when_asked() {
    let usage = json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5});
    let done = json!({"type": "speech.audio.done", "usage": usage});
    let all = [speech("SGVs"), speech("bG8="), speech("IQ"), done.clone()];
    let (seen, end) = events::<SpeechEvent>(Settings::default(), &all);
    assert_eq!((seen[1].audio().unwrap().unwrap(), seen[3].audio()), (Bytes::from("lo"), None));
    let finish = end.unwrap();
    assert_eq!(finish.response.audio().unwrap(), "Hello!");
    assert_eq!(
        serde_json::to_value(&*finish.response).unwrap(),
        json!({"audio": "SGVsbG8h", "usage": usage})
    );
    assert!(!format!("{:?}", finish.response).contains("SGVs"));

    // Invalid base64 is reported by the accessor.
    let (seen, end) = events::<SpeechEvent>(Settings::default(), &[speech("<oops>"), done.clone()]);
    assert!(seen[0].audio().unwrap().is_err());
    let finish = end.unwrap();
    assert!(finish.response.audio().unwrap_err().to_string().contains("'<'"));
    // Serialized, it is the data as received.
    assert_eq!(
        serde_json::to_value(&*finish.response).unwrap(),
        json!({"audio": null, "pieces": ["<oops>"], "usage": usage})
    );

    let (_, end) = events::<SpeechEvent>(Settings::default(), &[speech("SGVs")]);
    let error = end.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Truncated { .. }));
    assert_eq!(error.partial::<SpeechResponse>().unwrap().audio().unwrap(), "Hel");
}

#[test]
fn sound_is_kept_only_where_it_is_wanted_and_within_the_limit() {
    let done = json!({"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}});
    let all = [speech(&"QUJD".repeat(1 << 10)), done];
    let (_, end) = events::<SpeechEvent>(Settings { keep_response: false, ..Settings::default() }, &all);
    let response = end.unwrap().into_response();
    assert_eq!((response.audio().unwrap().len(), response.usage.unwrap().total_tokens), (0, 5));

    let sound = [7; 3 << 10];
    let limits = Limits { response: 4 << 10, ..Limits::default() };
    let limited = Settings { limits, ..bytes() };
    let (_, end) = events::<SpeechEvent>(Settings { framing: Framing::Events, ..limited.clone() }, &all);
    assert!(matches!(end.unwrap_err().kind, ErrorKind::Limit { limit: Limit::Response, .. }));
    let (_, end) = play::<AudioChunk>(limited.clone(), "audio/mpeg", &[&sound, &sound], BodyEnd::Clean);
    assert!(matches!(end.unwrap_err().kind, ErrorKind::Limit { limit: Limit::Response, .. }));
    let unkept = Settings { keep_response: false, ..limited };
    let (chunks, end) = play::<AudioChunk>(unkept, "audio/mpeg", &[&sound, &sound], BodyEnd::Clean);
    assert_eq!((chunks.len(), end.unwrap().response.audio().unwrap().len()), (2, 0));
}

#[test]
fn bytes_that_look_like_lines_are_bytes() {
    let reads: [&[u8]; 4] = [b"\xff\xfb[DONE]", b"[DONE]", b": no comment", b"data: {}\n\n"];
    let (chunks, end) = play::<AudioChunk>(bytes(), "audio/mpeg", &reads, BodyEnd::Clean);
    let seen: Vec<&[u8]> = chunks.iter().map(|chunk| &chunk.audio()[..]).collect();
    assert_eq!(seen, reads);
    assert_eq!(end.unwrap().response.audio().unwrap(), reads.concat());
    let (_, end) = play::<AudioChunk>(bytes(), "audio/mpeg", &reads, BodyEnd::Cut("cut".into()));
    let error = end.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Truncated { .. }));
    assert_eq!(error.partial::<SpeechResponse>().unwrap().audio().unwrap(), reads.concat());
}

#[test]
fn a_body_that_is_not_sound_is_not_speech() {
    for (content_type, body) in [("application/json", "{}"), ("text/html", "<html>"), ("audio/mpeg", "")] {
        let (_, end) = play::<AudioChunk>(bytes(), content_type, &[body.as_bytes()], BodyEnd::Clean);
        assert!(matches!(end.unwrap_err().kind, ErrorKind::NotAStream { .. }), "{content_type}");
    }
    for body in ["{\"a\":1}", "<html>", ""] {
        SpeechEvent::decode_whole(body.as_bytes()).unwrap_err();
    }
    assert_eq!(AudioChunk::decode_whole(b"{\xff").unwrap().audio().unwrap(), &b"{\xff"[..]);
}

#[test]
fn what_is_sent() {
    let body = || RequestBody::from(Body::new(&json!({"stream_format": "x"})).unwrap());
    let format = |body: RequestBody| body.get::<String>("stream_format");
    let mut sent = body();
    Speech.prepare(&mut sent, true);
    assert_eq!((format(sent.clone()).as_deref(), sent.get::<bool>("stream")), (Some("sse"), None));
    Speech.prepare(&mut sent, false);
    assert_eq!(format(sent), None);
    let mut sent = body();
    SpeechAudio.prepare(&mut sent, true);
    assert_eq!((format(sent), SpeechAudio.framing()), (None, Framing::Bytes));
}
