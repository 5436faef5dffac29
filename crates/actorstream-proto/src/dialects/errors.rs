use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;
use crate::api::responses::ResponseEvent;
use crate::endpoint::raw::RawEvent;
use crate::outcome::error::StreamError;

/// Returns the notations of errors in a stream whose events have no type.
fn frames() -> Vec<String> {
    let data = |json: Value| format!("data: {json}\n\n");
    vec![
        "error: {\"code\":400,\"message\":\"boom\",\"type\":\"t\"}\n\n".to_owned(),
        "error: boom\n\n".to_owned(),
        "{\"error\":{\"message\":\"boom\"}}\n".to_owned(),
        "{\n  \"error\": {\n    \"message\": \"boom\"\n  }\n}\n\n".to_owned(),
        "event: error\ndata: {\"detail\":\"boom\"}\n\n".to_owned(),
        "event: error\ndata: boom\n\n".to_owned(),
        "event: response.error\ndata: {\"message\":\"boom\"}\n\n".to_owned(),
        "event: ERROR\ndata: boom\n\n".to_owned(),
        "event: exception\ndata: {\"message\":\"boom\"}\n\n".to_owned(),
        "event: stream_error\ndata: {\"message\":\"boom\"}\n\n".to_owned(),
        data(json!({"error": {"message": "boom"}})),
        data(json!({"error": "boom"})),
        data(json!({"error": [{"message": "boom"}]})),
        data(json!({"error": true, "message": "boom"})),
        data(json!([{"error": {"code": 429, "message": "boom", "status": "RESOURCE_EXHAUSTED"}}])),
        data(json!({"errors": [{"message": "boom", "code": 3040}], "success": false, "result": {}})),
        data(json!({"errors": ["boom"]})),
        data(json!({"object": "error", "message": "boom"})),
        data(json!({"type": "error", "error": {"message": "boom"}})),
        data(json!({"base_resp": {"status_code": 1004, "status_msg": "boom"}})),
        data(
            json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "boom"}}]}),
        ),
        data(json!({"choices": [{"index": 0, "delta": {"error": {"message": "boom"}}}]})),
        data(json!({"choices": [{"index": 0, "text": "", "error": {"message": "boom"}}]})),
        data(json!({"id": "c", "choices": [], "error": {"message": "boom"}})),
    ]
}

fn check<E: Event>(before: &str, error: &str)
where
    E::Response: serde::Serialize,
{
    for behind in ["data: [DONE]\n\n", ""] {
        let played = play::<E>(&format!("{before}{error}{behind}"));
        assert_eq!(played.kind(), "provider", "{error} in {}", std::any::type_name::<E>());
        assert!(played.message().contains("boom"), "{error}: {}", played.message());
        let delivered = usize::from(!before.is_empty());
        assert_eq!(played.events.len(), delivered, "{error}: the error is not data");
    }
}

#[test]
fn an_error_is_one_wherever_it_stands() {
    let chunk = cut(&[delta(json!({"content": "Hi"}))]);
    let text = cut(&[json!({"choices": [{"index": 0, "text": "Hi"}]})]);
    let event = cut(&[json!({"type": "response.created", "response": {"id": "r"}})]);
    for error in frames() {
        check::<ChatCompletionChunk>(&chunk, &error);
        check::<CompletionChunk>(&text, &error);
        check::<RawEvent>(&chunk, &error);
        check::<ResponseEvent>(&event, &error);
    }
}

#[test]
fn an_error_before_any_event_is_provider() {
    for error in frames() {
        check::<ChatCompletionChunk>("", &error);
    }
}

#[test]
fn words_without_choices_are_an_error_of_a_completion() {
    for json in [
        json!({"detail": "boom"}),
        json!({"code": 500, "message": "boom"}),
        json!({"success": false, "msg": "boom"}),
    ] {
        check::<ChatCompletionChunk>(&cut(&[delta(json!({"content": "Hi"}))]), &format!("data: {json}\n\n"));
    }
}

#[test]
fn an_error_event_without_words_is_provider() {
    for error in [
        "event: error\ndata:\n\n",
        "event: error\n\n",
        "event: error\ndata: {}\n\n",
        "event:error\ndata: null\n\n",
    ] {
        let played = play::<ChatCompletionChunk>(&format!(
            "{}{error}data: [DONE]\n\n",
            cut(&[delta(json!({"content": "Hi"}))])
        ));
        assert_eq!(played.kind(), "provider", "{error:?}");
        assert!(!played.message().is_empty());
    }
}

#[test]
fn the_name_of_an_error_is_enough_at_the_end_of_the_body() {
    let before = cut(&[delta(json!({"content": "Hi"}))]);
    for error in
        ["event: error\ndata: boom", "event: error\ndata:", "event:error\ndata: boom\n", "event: error"]
    {
        let played = play::<ChatCompletionChunk>(&format!("{before}{error}"));
        assert_eq!(played.kind(), "provider", "{error:?}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi", "{error:?}");
    }
    // Truncated JSON is not reported as an error.
    let half = play::<ChatCompletionChunk>(&format!("{before}event: error\ndata: {{\"mess"));
    assert_eq!(half.kind(), "truncated");
}

#[test]
fn hollow_errors_beside_events_of_a_response_are_none() {
    let deltas = ["", " ", "Hi"];
    for hollow in [json!({}), json!([]), json!(""), json!({"message": null})] {
        for text in deltas {
            let fields = json!({"item_id": "m", "output_index": 0, "content_index": 0, "delta": text, "error": hollow});
            let mut typed = fields.clone();
            typed["type"] = json!("response.output_text.delta");
            let last = cut(&[json!({"type": "response.completed", "response": {"id": "r"}})]);
            for event in [cut(&[typed]), format!("event: response.output_text.delta\n{}", cut(&[fields]))] {
                let played = play::<ResponseEvent>(&(event.clone() + &last));
                assert_eq!(played.kind(), "finish", "{event}");
                assert_eq!(play::<RawEvent>(&(event.clone() + &last)).kind(), "finish", "{event}");
            }
        }
    }
}

#[test]
fn an_error_that_says_nothing_beside_content_is_none() {
    for hollow in [
        json!({}),
        json!(""),
        json!(null),
        json!(false),
        json!([]),
        json!({"message": "", "type": "", "param": "", "code": null}),
        json!({"message": null, "code": 0}),
    ] {
        for name in ["error", "errors"] {
            let mut chunk = delta(json!({"content": "Hi"}));
            chunk[name] = hollow.clone();
            chunk["choices"][0][name] = hollow.clone();
            let mut last = finish(json!("stop"));
            last[name] = hollow.clone();
            let played = play::<ChatCompletionChunk>(&stream(&[chunk.clone(), last.clone()]));
            assert_eq!(played.kind(), "finish", "{name} {hollow}");
            assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi");
            assert_eq!(play::<RawEvent>(&stream(&[chunk, last])).kind(), "finish", "{name} {hollow}");
        }
        let done = json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "error": hollow}, "error": hollow});
        assert_eq!(play::<ResponseEvent>(&cut(&[done])).kind(), "finish", "{hollow}");
    }
}

#[test]
fn the_error_of_a_failed_response_is_found_and_the_response_kept() {
    let usage = json!({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3});
    let created = json!({"type": "response.created", "response": {"id": "r", "model": "m", "status": "in_progress", "output": []}});
    let text = json!({"type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "content_index": 0, "delta": "Hi"});
    for failed in [
        json!({"type": "response.failed", "error": {"code": "x", "message": "boom"}, "response": {"id": "r", "status": "failed", "usage": usage}}),
        json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "error": {"code": "x", "message": "boom"}, "usage": usage}}),
        json!({"type": "response.completed", "response": {"id": "r", "status": "failed", "error": {"code": "x", "message": "boom"}, "usage": usage}}),
        json!({"type": "response.done", "response": {"id": "r", "status": "failed", "error": {"code": "x", "message": "boom"}, "usage": usage}}),
    ] {
        let played = play::<ResponseEvent>(&cut(&[created.clone(), text.clone(), failed.clone()]));
        assert_eq!(played.kind(), "provider", "{failed}");
        assert!(played.message().contains("boom"), "{failed}: {}", played.message());
        let partial = played.response();
        assert_eq!(
            (&partial["status"], &partial["usage"]["total_tokens"]),
            (&json!("failed"), &json!(3)),
            "{failed}"
        );
        assert_eq!(partial["output"][0]["content"][0]["text"], "Hi", "{failed}");
        // The same as the only event.
        assert_eq!(
            play::<ResponseEvent>(&cut(std::slice::from_ref(&failed))).response()["status"],
            "failed",
            "{failed}"
        );
    }
    let error = json!({"code": "server_error", "type": "image_generation_user_error", "param": "tools[0].size", "message": "boom"});
    let failed =
        json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "error": error}});
    let played = play::<ResponseEvent>(&cut(&[failed]));
    let told = played.end.as_ref().err().and_then(StreamError::api).unwrap();
    assert_eq!(
        (told.code.as_deref(), told.r#type.as_deref(), told.param.as_deref()),
        (Some("server_error"), Some("image_generation_user_error"), Some("tools[0].size"))
    );
    let silent =
        json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "error": null}});
    assert!(play::<ResponseEvent>(&cut(&[silent])).message().contains("does not say why"));
}
