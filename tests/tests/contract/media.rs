//! Images, transcriptions and speech.

use std::sync::{Arc, Mutex};

use actix::prelude::*;
use actorstream::proto::json::payload::Payload;
use actorstream::{
    AudioChunk, Event, FilePart, Finish, Form, ImageEditEvent, ImageEditRequest, ImageGenerationEvent,
    ImageRequest, ImagesResponse, InputImage, SpeechEvent, SpeechRequest, SpeechResponse, StreamError,
    StreamRef, StreamingClient, Transcript, TranscriptionEvent, TranscriptionRequest, streaming_client,
};
use actorstream_test::{ImageStream, Reply, Script, SpeechStream, TranscriptionStream, Upstream};
use serde_json::json;

use crate::common::{client, within};

/// An actor that receives streams of all kinds of media, and records descriptions of them.
#[derive(Default)]
struct Studio {
    notes: Arc<Mutex<Vec<String>>>,
}

impl Studio {
    fn note(&self, what: String) {
        self.notes.lock().unwrap().push(what);
    }
}

impl Actor for Studio {
    type Context = Context<Self>;
}

macro_rules! receives {
    ($($event:ident => $response:ident, $shown:expr;)*) => {$(
        #[streaming_client]
        impl StreamingClient<$event> for Studio {
            fn handle_data(&mut self, event: $event, _: &StreamRef, _: &mut Self::Context) {
                let shown: fn(&$event) -> String = $shown;
                self.note(format!("{}: {}", stringify!($event), shown(&event)));
            }

            fn handle_error(&mut self, error: StreamError, _: &StreamRef, _: &mut Self::Context) {
                self.note(format!("{}: error {}", stringify!($event), error.kind.name()));
            }

            fn handle_finish(&mut self, _: Finish<$response>, _: &StreamRef, _: &mut Self::Context) {
                self.note(format!("{}: finish", stringify!($event)));
            }
        }
    )*};
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).unwrap()
}

receives! {
    ImageGenerationEvent => ImagesResponse, |event| text(event.image().unwrap().unwrap());
    ImageEditEvent => ImagesResponse, |event| text(event.image().unwrap().unwrap());
    TranscriptionEvent => Transcript, |event| event.text().unwrap_or("-").to_owned();
    SpeechEvent => SpeechResponse, |event| event.audio().map_or("-".into(), |audio| text(audio.unwrap()));
    AudioChunk => SpeechResponse, |chunk| text(chunk.audio());
}

fn recording() -> FilePart {
    FilePart::from_bytes("talk.mp3", "sound")
}

#[actix_rt::test]
async fn every_kind_of_media_streams_to_an_actor_and_adds_up() {
    let images = ImageStream::new().partial("half").image("whole").usage(1, 2);
    let edits = ImageStream::edit().image("hat");
    let transcript = TranscriptionStream::new().text("Hello, world").delta_words().usage(3, 2);
    let speech = SpeechStream::new("Hello!").piece_bytes(4).usage(1, 1);
    let replies = {
        let (images, edits, transcript, speech) =
            (images.clone(), edits.clone(), transcript.clone(), speech.clone());
        Script::with(move |request| match request.path.as_str() {
            "/v1/images/generations" => images.reply(),
            "/v1/images/edits" => edits.reply(),
            "/v1/audio/transcriptions" => transcript.reply(),
            _ if request.json().get("stream_format").is_some() => speech.reply(),
            _ => speech.audio_reply("audio/mpeg").split_every(1 << 20),
        })
    };
    let upstream = Upstream::start(replies);
    let openai = client(&upstream.base_url());
    let studio = Studio::default();
    let notes = Arc::clone(&studio.notes);
    let studio = studio.start();

    let request = ImageRequest::new("An otter").partial_images(1);
    let finish = within(openai.images().stream(request, studio.clone())).await.unwrap();
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), images.response());
    assert!(finish.sentinel);
    let request = ImageEditRequest::new("A hat").image(InputImage::url("https://a.example/1.png"));
    let finish = within(openai.image_edits().stream(request, studio.clone())).await.unwrap();
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), edits.response());
    let request = TranscriptionRequest::new("gpt-4o-transcribe", recording());
    let finish = within(openai.transcriptions().stream(request, studio.clone())).await.unwrap();
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), transcript.transcript());
    let request = SpeechRequest::new("gpt-4o-mini-tts", "Hello!").voice("coral");
    let finish = within(openai.speech().stream(&request, studio.clone())).await.unwrap();
    assert_eq!(finish.response.audio().unwrap(), "Hello!");
    assert_eq!(finish.response.usage.as_ref().unwrap().total_tokens, 2);
    let finish = within(openai.speech_audio().stream(&request, studio)).await.unwrap();
    assert_eq!((finish.response.audio().unwrap(), &finish.response.usage), ("Hello!".into(), &None));

    let notes = notes.lock().unwrap().clone();
    // The split of plain audio into chunks depends on the network.
    let (chunks, notes): (Vec<_>, Vec<_>) =
        notes.into_iter().partition(|note| note.starts_with("AudioChunk"));
    assert_eq!(
        notes,
        [
            "ImageGenerationEvent: half",
            "ImageGenerationEvent: whole",
            "ImageGenerationEvent: finish",
            "ImageEditEvent: hat",
            "ImageEditEvent: finish",
            "TranscriptionEvent: Hello,",
            "TranscriptionEvent:  world",
            "TranscriptionEvent: -",
            "TranscriptionEvent: finish",
            "SpeechEvent: Hell",
            "SpeechEvent: o!",
            "SpeechEvent: -",
            "SpeechEvent: finish",
        ]
    );
    let sound: String = chunks.iter().map(|note| note.trim_start_matches("AudioChunk: ")).collect();
    assert_eq!(sound, "Hello!finish");

    let sent = upstream.requests();
    assert_eq!(sent[0].json(), json!({"prompt": "An otter", "partial_images": 1, "stream": true}));
    assert_eq!(
        sent[1].json(),
        json!({"prompt": "A hat", "images": [{"image_url": "https://a.example/1.png"}], "stream": true})
    );
    assert_eq!(sent[2].part("stream").unwrap().text(), "true");
    assert_eq!(sent[2].part("file").unwrap().text(), "sound");
    assert_eq!(sent[3].json()["stream_format"], "sse");
    assert_eq!(sent[4].json().get("stream_format"), None);
    assert!(sent[3..].iter().all(|sent| sent.json().get("stream").is_none()));
    assert_eq!(
        (sent[3].header("accept"), sent[4].header("accept")),
        (Some("text/event-stream"), Some("*/*"))
    );
}

#[actix_rt::test]
async fn a_stream_of_images_ends_with_the_last_that_was_asked_for() {
    let stream = ImageStream::new().image("one").partial("half").image("two");
    let asked = |n: u64| ImageRequest::new("An otter").n(n);
    let images = |finish: Finish<ImagesResponse>| finish.response.images().len();

    // The connection stays open, so the second image must end the stream.
    let open = stream.events().fold(Reply::sse(), Reply::event).hold();
    let upstream = Upstream::start(open);
    let openai = client(&upstream.base_url());
    assert_eq!(images(within(openai.images().stream_fn(asked(2), |_| {})).await.unwrap()), 2);
    assert_eq!(images(within(openai.images().stream_fn(asked(1), |_| {})).await.unwrap()), 1);
    // The same for a form, and for JSON without a builder.
    let edits = ImageStream::edit().image("one").image("two");
    let upstream = Upstream::start(edits.events().fold(Reply::sse(), Reply::event).hold());
    let openai = client(&upstream.base_url());
    let edit = ImageEditRequest::new("A hat").image(FilePart::from_bytes("1.png", "png")).n(2);
    assert_eq!(images(within(openai.image_edits().stream_fn(edit, |_| {})).await.unwrap()), 2);
    let edit = json!({"prompt": "A hat", "images": [], "n": 2});
    assert_eq!(images(within(openai.image_edits().stream_fn(edit, |_| {})).await.unwrap()), 2);
}

#[actix_rt::test]
async fn fewer_images_than_were_asked_for_are_truncated() {
    let stream = ImageStream::new().image("one").partial("half");
    for reply in [stream.reply(), stream.events().fold(Reply::sse(), Reply::event).reset()] {
        let upstream = Upstream::start(reply);
        let openai = client(&upstream.base_url());
        let error =
            within(openai.images().stream_fn(ImageRequest::new("An otter").n(2), |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "truncated");
        let partial = error.partial::<ImagesResponse>().unwrap();
        assert_eq!(partial.images()[0].image().unwrap().unwrap(), "one");
    }
    let all_there_is = stream.events().fold(Reply::sse(), Reply::event).done().end();
    let upstream = Upstream::start(all_there_is);
    let openai = client(&upstream.base_url());
    let finish = within(openai.images().stream_fn(ImageRequest::new("An otter").n(2), |_| {})).await.unwrap();
    assert_eq!(finish.response.images().len(), 1);
}

#[actix_rt::test]
async fn sound_and_text_that_are_cut_are_truncated() {
    let speech = SpeechStream::new("Hello!").piece_bytes(3);
    let begun: Vec<String> = speech.events().take(1).collect();
    let upstream = Upstream::start(Reply::sse().events(begun).end());
    let request = SpeechRequest::new("gpt-4o-mini-tts", "Hello!");
    let error = within(client(&upstream.base_url()).speech().stream_fn(&request, |_| {})).await.unwrap_err();
    assert_eq!(error.kind.name(), "truncated");
    assert_eq!(error.partial::<SpeechResponse>().unwrap().audio().unwrap(), "Hel");

    let sound = || Reply::status(200).header("content-type", "audio/mpeg");
    for reply in [sound().chunked().piece("Hel").close(), sound().content_length(6).piece("Hel").close()] {
        let upstream = Upstream::start(reply);
        let call = client(&upstream.base_url()).speech_audio();
        let error = within(call.stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "truncated");
        assert_eq!(error.partial::<SpeechResponse>().unwrap().audio().unwrap(), "Hel");
    }

    let begun: Vec<String> = TranscriptionStream::new().text("Hello").events().take(1).collect();
    let upstream = Upstream::start(Reply::sse().events(begun).end());
    let request = TranscriptionRequest::new("gpt-4o-transcribe", recording());
    let call = client(&upstream.base_url()).transcriptions();
    let error = within(call.stream_fn(request, |_| {})).await.unwrap_err();
    assert_eq!(error.kind.name(), "truncated");
    assert_eq!(error.partial::<Transcript>().unwrap().text, "Hell");
}

#[actix_rt::test]
async fn a_body_that_is_not_sound_is_not_a_stream_and_its_error_is_reported() {
    let request = SpeechRequest::new("tts-1", "Hello!");
    for (reply, kind) in [
        (Reply::text(200, "text/html", "<html>"), "not_a_stream"),
        (Reply::json(200, &json!({"error": {"message": "no"}})), "provider"),
        (Reply::error(400, "invalid_request_error", "no"), "refused"),
    ] {
        let upstream = Upstream::start(reply);
        let openai = client(&upstream.base_url());
        let error = within(openai.speech_audio().stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), kind);
        let error = within(openai.speech().stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), kind);
    }
    // A server without events responds with plain audio.
    let upstream = Upstream::start(SpeechStream::new("Hello!").audio_reply("audio/mpeg"));
    let error = within(client(&upstream.base_url()).speech().stream_fn(&request, |_| {})).await.unwrap_err();
    assert_eq!(error.kind.name(), "not_a_stream");
}

#[actix_rt::test]
async fn unstreamed_media_have_the_types_of_the_streams() {
    let images = ImageStream::new().image("one").usage(1, 2);
    let upstream = Upstream::start(Reply::json(200, &images.response()));
    let request = ImageRequest::new("An otter").partial_images(2);
    let finish = within(client(&upstream.base_url()).images().create(request)).await.unwrap();
    assert_eq!(serde_json::to_value(&*finish.response).unwrap(), images.response());
    assert_eq!(upstream.request(0).await.json(), json!({"prompt": "An otter"}));

    let upstream = Upstream::start(Reply::text(200, "audio/mpeg", &b"\xff\xfbsound"[..]));
    let openai = client(&upstream.base_url());
    let request = SpeechRequest::new("tts-1", "Hello!").stream_format("sse");
    let finish = within(openai.speech().create(&request)).await.unwrap();
    assert_eq!(finish.response.audio().unwrap(), &b"\xff\xfbsound"[..]);
    let finish = within(openai.speech_audio().create(&request)).await.unwrap();
    assert_eq!(finish.response.audio().unwrap(), &b"\xff\xfbsound"[..]);
    assert_eq!(upstream.request(0).await.json(), json!({"model": "tts-1", "input": "Hello!"}));
}

#[actix_rt::test]
async fn every_form_of_a_transcription_is_an_answer() {
    let whole = json!({"text": "Hello.", "usage": {"type": "duration", "seconds": 2}});
    for (content_type, body, text) in [
        ("application/json", whole.to_string(), "Hello."),
        ("text/plain; charset=utf-8", "Hello.\n".into(), "Hello.\n"),
        ("text/vtt", "WEBVTT\n\nHello.\n".into(), "WEBVTT\n\nHello.\n"),
        (
            "text/plain",
            "1\n00:00:00,000 --> 00:00:01,000\nHello.\n".into(),
            "1\n00:00:00,000 --> 00:00:01,000\nHello.\n",
        ),
    ] {
        let upstream = Upstream::start(Reply::text(200, content_type, body));
        let request = TranscriptionRequest::new("whisper-1", recording());
        let finish = within(client(&upstream.base_url()).transcriptions().create(request)).await.unwrap();
        assert_eq!(finish.response.text, text);
        let sent = upstream.request(0).await;
        assert_eq!((sent.part("stream"), sent.part("model").unwrap().text()), (None, "whisper-1".into()));
        assert!(sent.header("accept").unwrap().contains("*/*"));
    }
    for (content_type, body) in
        [("text/html", "<!DOCTYPE html><p>Log in"), ("application/json", "{\"text\":\"Hel")]
    {
        let upstream = Upstream::start(Reply::text(200, content_type, body));
        let request = TranscriptionRequest::new("whisper-1", recording());
        let error = within(client(&upstream.base_url()).transcriptions().create(request)).await.unwrap_err();
        assert_eq!(error.kind.name(), "malformed");
    }
}

#[actix_rt::test]
async fn requests_of_every_kind_go_through_the_same_calls() {
    let upstream = Upstream::start(TranscriptionStream::new().text("Hello"));
    let call = client(&upstream.base_url()).transcriptions().header("content-type", "application/json");
    let form = Form::new().text("model", "m").text("top_k", "5").file("file", recording());
    let builder = TranscriptionRequest::new("m", recording()).field("top_k", 5);
    let json = json!({"model": "m", "top_k": 5, "file": "sound"});
    within(call.stream_fn(&form, |_| {})).await.unwrap();
    within(call.stream_fn(form, |_| {})).await.unwrap();
    within(call.stream_fn(&builder, |_| {})).await.unwrap();
    within(call.stream_fn(&json, |_| {})).await.unwrap();
    let sent = upstream.requests();
    for sent in &sent[..3] {
        // The boundary is the client's, regardless of a custom header.
        assert!(sent.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
        let mut names: Vec<String> = sent.parts().unwrap().into_iter().map(|part| part.name).collect();
        assert_eq!(names.pop().as_deref(), Some("file"), "the file comes last");
        names.sort();
        assert_eq!(names, ["model", "stream", "top_k"]);
    }
    let boundaries: Vec<_> =
        sent.iter().map(|sent| sent.header("content-type").unwrap().to_owned()).collect();
    assert!(boundaries[0] != boundaries[1] && boundaries[1] != boundaries[2]);
    assert_eq!(sent[3].json(), json!({"model": "m", "top_k": 5, "file": "sound", "stream": true}));
    // Files and URLs cannot be mixed in one request.
    let mixed =
        ImageEditRequest::new("x").image(FilePart::from_bytes("1.png", "png")).image(InputImage::url("u"));
    let error =
        within(client(&upstream.base_url()).image_edits().stream_fn(mixed, |_| {})).await.unwrap_err();
    assert_eq!(error.kind.name(), "config");
}

#[actix_rt::test]
async fn media_that_are_not_kept_are_in_their_events_alone() {
    let sound = SpeechStream::new("x".repeat(100_000));
    let upstream = Upstream::start(sound.audio_reply("audio/mpeg"));
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    let call = client(&upstream.base_url()).speech_audio().keep_response(false);
    let finish = within(call.stream_fn(SpeechRequest::new("tts-1", "x"), move |event| {
        if let actorstream::StreamEvent::Data(chunk) = event {
            let payload: &Payload = chunk.payload();
            *count.lock().unwrap() += payload.as_bytes().len();
        }
    }));
    assert_eq!(finish.await.unwrap().response.audio().unwrap(), "");
    assert_eq!(*heard.lock().unwrap(), 100_000);
}
