use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::Endpoint;
use crate::endpoint::event::Event;
use crate::outcome::error::{ErrorKind, Limit};
use crate::request::body::Body;
use crate::request::multipart::{Form, RequestBody};
use crate::session::head::Head;
use crate::session::limits::Limits;
use crate::session::{BodyEnd, End, Session, Settings};

fn usage(tokens: u64) -> Value {
    json!({"input_tokens": tokens, "output_tokens": 2 * tokens, "total_tokens": 3 * tokens,
           "input_tokens_details": {"text_tokens": tokens, "image_tokens": 0}})
}

fn image(r#type: &str, b64_json: &str, more: &Value) -> String {
    let mut event = json!({"type": r#type, "b64_json": b64_json, "created_at": 7, "size": "1024x1024",
        "quality": "high", "background": "opaque", "output_format": "png"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("event: {type}\ndata: {event}\n\n")
}

fn partial(index: u64) -> String {
    image("image_generation.partial_image", "cGFydA==", &json!({"partial_image_index": index}))
}

fn completed(b64_json: &str) -> String {
    image("image_generation.completed", b64_json, &json!({"usage": usage(1)}))
}

/// Returns the events of a body, and the end of the stream.
fn play<E: Event>(settings: Settings, body: &str, end: Option<BodyEnd>) -> (Vec<E>, Option<End<E>>) {
    let now = Instant::now();
    let mut session = Session::<E>::new(settings, now, 1);
    session.on_sent(now);
    session.on_head(Head::read(200, |name| (name == "content-type").then_some("text/event-stream")), now);
    let mut events = Vec::new();
    let mut ended = session.on_bytes(Bytes::copy_from_slice(body.as_bytes()), now, &mut events);
    if let (None, Some(end)) = (&ended, end) {
        ended = session.on_body_end(&end, now, &mut events);
    }
    (events, ended)
}

fn asking(choices: usize) -> Settings {
    Settings { choices, ..Settings::default() }
}

#[test]
fn as_many_images_as_were_asked_for_finish_the_stream() {
    let body = partial(0) + &partial(1) + &completed("T25l") + &partial(0) + &completed("VHdv");
    let (events, end) = play::<ImageGenerationEvent>(asking(2), &body, None);
    assert_eq!(events.len(), 5);
    assert_eq!((events[1].partial_image_index(), events[2].partial_image_index()), (Some(1), None));
    assert_eq!(events[0].image().unwrap().unwrap(), "part");
    let finish = end.unwrap().unwrap();
    assert!(finish.sentinel);
    let images: Vec<Bytes> =
        finish.response.images().iter().map(|image| image.image().unwrap().unwrap()).collect();
    assert_eq!(images, ["One", "Two"]);
    assert_eq!(
        serde_json::to_value(&*finish.response).unwrap(),
        json!({"created": 7, "data": [{"b64_json": "T25l"}, {"b64_json": "VHdv"}], "size": "1024x1024",
               "quality": "high", "background": "opaque", "output_format": "png", "usage": usage(2)})
    );
    // If one image is requested, the first one finishes the stream.
    let (events, end) = play::<ImageGenerationEvent>(asking(1), &body, None);
    assert_eq!((events.len(), end.unwrap().unwrap().response.images().len()), (3, 1));
}

#[test]
fn fewer_images_than_were_asked_for_are_truncated() {
    let body = completed("T25l") + &partial(0);
    for end in [BodyEnd::Clean, BodyEnd::Cut("cut".into())] {
        let (_, end) = play::<ImageGenerationEvent>(asking(2), &body, Some(end));
        let error = end.unwrap().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Truncated { .. }), "{error}");
        let partial = error.partial::<ImagesResponse>().unwrap();
        assert_eq!(partial.images().len(), 1);
    }
    // `[DONE]` is trusted: no further image follows.
    let (_, end) = play::<ImageGenerationEvent>(asking(2), &(body + "data: [DONE]\n\n"), None);
    assert_eq!(end.unwrap().unwrap().response.images().len(), 1);
}

#[test]
fn raw_images_are_counted_too() {
    let body = completed("T25l") + &completed("VHdv");
    let (events, end) = play::<crate::endpoint::raw::RawEvent>(asking(2), &body, None);
    assert!(events.len() == 2 && end.unwrap().unwrap().sentinel);
    let (_, end) = play::<crate::endpoint::raw::RawEvent>(asking(3), &body, Some(BodyEnd::Clean));
    assert!(matches!(end.unwrap().unwrap_err().kind, ErrorKind::Truncated { .. }));
}

#[test]
fn edits_and_events_without_a_type() {
    let body = "event: image_edit.partial_image\ndata: {\"b64_json\":\"cGFydA\"}\n\n".to_owned()
        + "data: {\"type\":\"keepalive\"}\n\n"
        + "data: {\"type\":\"image_edit.new\"}\n\n"
        + &image("image_edit.completed", "RWRpdA", &json!({}));
    let (events, end) = play::<ImageEditEvent>(asking(1), &body, None);
    assert_eq!(events.len(), 4);
    assert_eq!(events[0].image().unwrap().unwrap(), "part");
    assert_eq!((events[1].b64_json(), events[2].r#type()), (None, "image_edit.new"));
    let finish = end.unwrap().unwrap();
    assert_eq!(finish.response.images()[0].image().unwrap().unwrap(), "Edit");
    assert_eq!(finish.response.usage, None);
}

#[test]
fn an_error_instead_of_an_image() {
    for event in [
        r#"{"type":"error","error":{"message":"no","code":"moderation_blocked"}}"#,
        r#"{"type":"image_generation.failed","error":{"message":"no","code":"moderation_blocked"}}"#,
    ] {
        let (_, end) = play::<ImageGenerationEvent>(asking(1), &format!("data: {event}\n\n"), None);
        let error = end.unwrap().unwrap_err();
        assert_eq!(error.api().unwrap().code.as_deref(), Some("moderation_blocked"));
    }
}

#[test]
fn images_are_kept_only_where_they_are_wanted_and_within_the_limit() {
    let body = completed(&"QUJD".repeat(1 << 10));
    let settings = Settings { keep_response: false, ..asking(1) };
    let (events, end) = play::<ImageGenerationEvent>(settings, &body, None);
    assert_eq!(events[0].image().unwrap().unwrap().len(), 3 << 10);
    let finish = end.unwrap().unwrap();
    assert_eq!((finish.response.images().len(), &finish.response.images()[0].b64_json), (1, &None));
    assert_eq!(finish.response.usage.as_ref().unwrap().total_tokens, 3);

    let limits = Limits { response: 4 << 10, ..Limits::default() };
    let (_, end) = play::<ImageGenerationEvent>(Settings { limits, ..asking(1) }, &body, None);
    assert!(matches!(end.unwrap().unwrap_err().kind, ErrorKind::Limit { limit: Limit::Response, .. }));
}

#[test]
fn what_is_sent() {
    let mut json: RequestBody =
        Body::new(&json!({"prompt": "p", "n": 3, "partial_images": 2})).unwrap().into();
    assert_eq!(Images.choices(&json), 3);
    Images.prepare(&mut json, true);
    assert_eq!((json.get("stream"), json.get("partial_images")), (Some(true), Some(2)));
    Images.prepare(&mut json, false);
    assert_eq!((json.get::<bool>("stream"), json.get::<u32>("partial_images")), (None, None));

    let mut form: RequestBody = Form::new().text("n", "2").into();
    ImageEdits.prepare(&mut form, true);
    assert_eq!((ImageEdits.choices(&form), form.get("stream")), (2, Some(true)));
    assert_eq!(ImageEdits.choices(&Form::new().into()), 1);
}

#[test]
fn an_unstreamed_answer_has_the_same_type() {
    let body = br#"{"created":7,"data":[{"b64_json":"T25l"},{"url":"https://a.example/2.png"}]}"#;
    let response = ImageGenerationEvent::decode_whole(body).unwrap();
    assert_eq!(response.images()[0].image().unwrap().unwrap(), "One");
    assert!(response.images()[1].image().is_none());
    ImageEditEvent::decode_whole(b"[]").unwrap_err();
}
