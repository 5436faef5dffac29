//! Errors that are not in a field `error`.

use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;
use crate::api::images::ImageGenerationEvent;
use crate::api::responses::ResponseEvent;
use crate::endpoint::Framing;
use crate::endpoint::raw::RawEvent;
use crate::outcome::error::{ApiError, StreamError};

/// Returns objects that are errors in any stream.
fn certain() -> Vec<Value> {
    vec![
        json!({"error_code": 336_100, "error_msg": "boom"}),
        json!({"error_code": 17, "error_msg": "boom", "id": "as-1"}),
        json!({"errorCode": "Throttled", "errorMessage": "boom"}),
        json!({"ErrorCode": "X", "Message": "boom"}),
        json!({"errcode": 40_001, "errmsg": "boom"}),
        json!({"result": null, "errorCode": 17, "message": "boom"}),
        json!({"type": "https://errors.example/quota", "title": "Quota", "status": 503, "detail": "boom"}),
        json!({"type": "about:blank", "title": "boom", "status": 500}),
        json!({"type": "/errors/quota", "title": "Quota", "status": 429, "detail": "boom", "instance": "/v1"}),
        json!({"title": "Bad Gateway", "status": 502, "detail": "boom"}),
        json!({"success": false, "message": "boom"}),
        json!({"success": false, "code": 500, "msg": "boom", "data": {}}),
        json!({"ok": false, "description": "boom"}),
        json!({"message": "boom", "status": 500}),
        json!({"statusCode": "502", "message": "boom", "choices": []}),
        json!({"status": "error", "message": "boom"}),
        json!({"status": "fail", "msg": "boom", "data": null}),
        json!({"exception": "boom"}),
        json!({"exception": {"message": "boom"}}),
        json!({"__type": "ThrottlingException", "message": "boom"}),
        json!({"__type": "com.amazon.coral#ValidationException", "Message": "boom"}),
        json!({"internalServerException": {"message": "boom"}}),
        json!({"modelStreamErrorException": {"message": "boom", "originalStatusCode": 500}}),
        json!({"type": "server_error", "message": "boom"}),
        json!({"type": "InternalServerError", "message": "boom", "code": 500, "param": null}),
        json!({"Error": {"Message": "boom", "Code": "X"}}),
        json!({"ERROR": "boom"}),
        json!({"header": {"code": 10_013, "message": "boom", "sid": "s"}}),
        json!({"errors": {"model": ["boom"]}}),
        json!({"type": "https://x.example", "title": "boom", "status": 400, "errors": {"model": ["bad"]}}),
        json!({"success": "false", "message": "boom"}),
        json!({"is_error": true, "message": "boom"}),
        json!({"result": "error", "message": "boom"}),
        json!({"fault": {"faultstring": "boom", "detail": {"errorcode": "x"}}}),
        json!({"error": true, "code": 500, "reason": "boom"}),
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32_000, "message": "boom"}}),
        json!([{"error": {"code": 429, "message": "boom", "status": "RESOURCE_EXHAUSTED"}}]),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "boom"}}),
    ]
}

/// Returns objects that are errors in a stream whose other events have choices, a type or content.
fn likely() -> Vec<Value> {
    vec![
        json!({"code": 1, "msg": "boom"}),
        json!({"code": 1001, "message": "boom", "data": null}),
        json!({"code": "InvalidParameter", "message": "boom", "request_id": "r"}),
        json!({"ret": -1, "msg": "boom"}),
        json!({"status": "RESOURCE_EXHAUSTED", "message": "boom"}),
        json!({"detail": "boom"}),
        json!({"detail": [{"loc": ["body", "n"], "msg": "boom", "type": "value_error"}]}),
        json!({"data": {"error": {"message": "boom"}}}),
        json!({"body": {"error": {"message": "boom"}}}),
        json!({"Response": {"Error": {"Code": "X", "Message": "boom"}, "RequestId": "r"}}),
        json!({"code": 4000, "msg": "boom", "detail": {"logid": "x"}}),
    ]
}

fn chunk() -> Value {
    delta(json!({"role": "assistant", "content": "Hi"}))
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "r", "object": "response", "status": "in_progress", "output": []}})
}

fn check<E: Event>(events: &[Value], error: &Value)
where
    E::Response: serde::Serialize,
{
    for body in [stream, cut].map(|end| end(&[events, std::slice::from_ref(error)].concat())) {
        let played = play::<E>(&body);
        assert_eq!(played.kind(), "provider", "{error} in {}", std::any::type_name::<E>());
        assert!(played.message().contains("boom"), "{error}: {}", played.message());
        assert_eq!(played.events.len(), events.len(), "{error}: the error is not data");
    }
}

#[test]
fn an_envelope_is_an_error_at_any_place() {
    let text = json!({"choices": [{"index": 0, "text": "Hi"}]});
    let image = json!({"type": "image_generation.partial_image", "b64_json": "QUJD"});
    for error in certain().iter().chain(&likely()) {
        for before in [vec![], vec![chunk()], vec![chunk(), finish(json!("stop"))]] {
            check::<ChatCompletionChunk>(&before, error);
        }
        check::<CompletionChunk>(std::slice::from_ref(&text), error);
        check::<ResponseEvent>(&[created()], error);
        check::<ImageGenerationEvent>(std::slice::from_ref(&image), error);
    }
    for error in certain() {
        check::<RawEvent>(&[chunk()], &error);
    }
}

#[test]
fn an_envelope_is_an_error_as_the_body() {
    for error in certain().iter().chain(&likely()) {
        let body = error.to_string();
        for framing in [Framing::Events, Framing::Whole] {
            let settings = || Settings { framing, ..Settings::default() };
            for message in [
                play_as::<ChatCompletionChunk>(&body, "application/json", settings()).message(),
                play_as::<CompletionChunk>(&body, "application/json", settings()).message(),
                play_as::<ResponseEvent>(&body, "application/json", settings()).message(),
                play_as::<ImageGenerationEvent>(&body, "application/json", settings()).message(),
            ] {
                assert!(
                    message.contains("boom") && message.contains("server reported an error"),
                    "{framing:?} {body}: {message}"
                );
            }
        }
    }
}

/// Returns fields that other servers send in every chunk.
fn harmless() -> Vec<Value> {
    vec![
        json!({"status": "success"}),
        json!({"status": 200, "message": "OK"}),
        json!({"status": "in_progress", "message": "thinking"}),
        json!({"status": "error", "message": "hm"}),
        json!({"code": 0, "message": ""}),
        json!({"code": 200, "msg": "success"}),
        json!({"code": "0", "msg": "hello"}),
        json!({"code": 1}),
        json!({"code": 500, "msg": "hello"}),
        json!({"success": true}),
        json!({"success": false}),
        json!({"ok": true, "detail": "x", "title": "t", "description": "d"}),
        json!({"error": null, "message": ""}),
        json!({"error": "", "errors": []}),
        json!({"error": {}, "exception": null}),
        json!({"error": false, "errorMessage": null}),
        json!({"error_code": 0, "error_msg": ""}),
        json!({"error_code": 0, "error_msg": "success"}),
        json!({"errorCode": null, "errorMessage": "none"}),
        json!({"type": "chunk"}),
        json!({"header": {"code": 0, "message": "Success", "sid": "s"}}),
        json!({"base_resp": {"status_code": 0, "status_msg": ""}}),
    ]
}

#[test]
fn what_says_no_failure_beside_content_is_none() {
    let with = |mut event: Value, fields: &Value| {
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    let text =
        |text: &str, reason: Value| json!({"choices": [{"index": 0, "text": text, "finish_reason": reason}]});
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    for fields in harmless() {
        let events = [chunk(), delta(json!({"content": ""})), finish(json!("stop")), usage.clone()]
            .map(|event| with(event, &fields));
        let played = play::<ChatCompletionChunk>(&stream(&events));
        assert_eq!((played.kind(), played.events.len()), ("finish", 4), "{fields} {}", played.message());
        let response = played.response();
        assert_eq!(
            (&response["choices"][0]["message"]["content"], &response["usage"]["total_tokens"]),
            (&json!("Hi"), &json!(5))
        );
        assert_eq!(play::<RawEvent>(&stream(&events)).kind(), "finish", "{fields}");
        let texts = [with(text("Hi", json!(null)), &fields), with(text("", json!("stop")), &fields)];
        assert_eq!(play::<CompletionChunk>(&stream(&texts)).kind(), "finish", "{fields}");
        // An empty delta next to these fields is not an error.
        let role = with(delta(json!({})), &fields);
        assert_eq!(play::<ChatCompletionChunk>(&stream(&[role])).kind(), "finish", "{fields}");
    }
}

#[test]
fn what_other_events_say_is_no_error() {
    for none in [
        json!({"type": "note", "message": "m", "code": 1}),
        json!({"type": "tool_result", "status": "failed", "message": "m"}),
        json!({"message": "m"}),
        json!({"message": {"role": "assistant", "content": "Hi"}, "status": "failed"}),
        json!({"status": "searching", "message": "Searching the web"}),
        json!({"status": "queued"}),
        json!({"title": "A conversation"}),
        json!({"data": {"error": null, "value": 1}}),
        json!({"tool_result": {"error": {"message": "m"}}}),
        json!({"result": "Hi", "code": 500, "message": "m"}),
        json!({"content": "Hi", "status": 500, "message": "m"}),
        json!({"usage": {"total_tokens": 1}, "code": 1, "message": "m"}),
    ] {
        assert_eq!(ApiError::from_event(&none), None, "{none}");
        assert_eq!(play::<RawEvent>(&stream(std::slice::from_ref(&none))).kind(), "finish", "{none}");
    }
}

#[test]
fn the_words_of_an_envelope_are_found() {
    let told = |error: &Value| {
        let played = play::<ChatCompletionChunk>(&cut(&[chunk(), error.clone()]));
        let error = played.end.as_ref().err().and_then(StreamError::api).unwrap().clone();
        (error.message, error.r#type, error.code, error.param)
    };
    for (error, message, r#type, code, param) in [
        (json!({"error_code": 336_100, "error_msg": "m"}), "m", None, Some("336100"), None),
        (
            json!({"type": "https://x.example/q", "title": "t", "status": 429, "detail": "m"}),
            "m",
            Some("https://x.example/q"),
            Some("429"),
            None,
        ),
        (json!({"type": "about:blank", "title": "m", "status": 500}), "m", None, Some("500"), None),
        (
            json!({"__type": "ThrottlingException", "message": "m"}),
            "m",
            Some("ThrottlingException"),
            None,
            None,
        ),
        (
            json!({"internalServerException": {"message": "m"}}),
            "m",
            Some("internalServerException"),
            None,
            None,
        ),
        (
            json!({"detail": [{"loc": ["body", "n"], "msg": "m"}, {"loc": ["body"], "msg": "o"}]}),
            "m; o",
            None,
            None,
            Some("body.n"),
        ),
        (
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "message": "m"}]}),
            "m",
            None,
            Some("error"),
            None,
        ),
        // A status in words is not a code.
        (json!({"status": "failure", "message": "m"}), "m", None, None, None),
        (json!({"success": false, "code": 1, "msg": "m"}), "m", None, Some("1"), None),
        (json!({"error": "m", "error_type": "overloaded"}), "m", Some("overloaded"), None, None),
        (
            json!({"error": "Bad Gateway", "message": "m", "status": 502}),
            "Bad Gateway: m",
            None,
            Some("502"),
            None,
        ),
        (json!({"error": "invalid_token", "error_description": "m"}), "invalid_token: m", None, None, None),
    ] {
        let text = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(told(&error), (message.to_owned(), text(r#type), text(code), text(param)), "{error}");
    }
}
