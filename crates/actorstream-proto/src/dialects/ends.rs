use super::*;
use crate::api::audio::TranscriptionEvent;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;
use crate::api::images::{ImageEditEvent, ImageGenerationEvent};
use crate::endpoint::raw::RawEvent;

fn chat(body: &str) -> Played<ChatCompletionChunk> {
    play(body)
}

#[test]
fn a_hollow_finish_reason_ends_nothing() {
    for none in [json!(""), json!("null"), json!(null), json!(" "), json!("None")] {
        let mut chunk = delta(json!({"content": "Hi"}));
        chunk["choices"][0]["finish_reason"] = none.clone();
        let played = chat(&cut(&[chunk.clone(), chunk.clone()]));
        assert_eq!(played.kind(), "truncated", "{none}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "HiHi");
        let played = chat(&stream(&[chunk, finish(json!("stop"))]));
        assert_eq!(played.end.unwrap().finish_reasons, ["stop"], "{none}");
        let text = json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": none}]});
        assert_eq!(play::<CompletionChunk>(&cut(std::slice::from_ref(&text))).kind(), "truncated", "{none}");
        assert_eq!(play::<RawEvent>(&cut(&[text])).kind(), "truncated", "{none}");
    }
}

#[test]
fn a_finish_reason_that_is_a_failure_is_provider() {
    for reason in ["error", "network_error", "abort", "insufficient_system_resource", "ERROR", "timeout"] {
        let played = chat(&stream(&[delta(json!({"content": "Hi"})), finish(json!(reason))]));
        assert_eq!(played.kind(), "provider", "{reason}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi");
        assert!(played.message().contains(reason), "{}", played.message());
        let text = json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": reason}]});
        assert_eq!(
            play::<CompletionChunk>(&stream(std::slice::from_ref(&text))).kind(),
            "provider",
            "{reason}"
        );
        assert_eq!(play::<RawEvent>(&stream(&[text])).kind(), "provider", "{reason}");
    }
    for reason in ["stop", "eos", "new_reason"] {
        assert_eq!(chat(&stream(&[finish(json!(reason))])).kind(), "finish", "{reason}");
    }
}

#[test]
fn an_answer_that_is_cut_short_is_incomplete() {
    for reason in [
        "length",
        "content_filter",
        "max_output_tokens",
        "MAX_TOKENS",
        "model_length",
        "SAFETY",
        "content_filter: PROHIBITED_CONTENT",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "content_filtered",
        "guardrail_intervened",
        "content-filtered",
        "ContentFiltered",
        "pause_turn",
    ] {
        let played = chat(&stream(&[delta(json!({"content": "Hi"})), finish(json!(reason))]));
        assert_eq!(played.kind(), "incomplete", "{reason}");
        assert_eq!(played.end.unwrap().finish_reasons, [reason]);
        assert_eq!(chat(&cut(&[finish(json!(reason))])).kind(), "incomplete", "without [DONE]");
        let text = json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": reason}]});
        assert_eq!(
            play::<CompletionChunk>(&stream(std::slice::from_ref(&text))).kind(),
            "incomplete",
            "{reason}"
        );
        assert_eq!(
            play::<RawEvent>(&stream(&[text.clone(), finish(json!("stop"))])).kind(),
            "incomplete",
            "{reason}"
        );
        assert_eq!(play::<RawEvent>(&cut(&[text])).kind(), "incomplete", "{reason}");
        let spoken = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": reason}]});
        assert_eq!(play::<TranscriptionEvent>(&stream(&[spoken])).kind(), "incomplete", "{reason}");
    }
    // One such choice of several is enough.
    let both =
        json!({"choices": [{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": "length"}]});
    assert_eq!(chat(&stream(&[both])).kind(), "incomplete");
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "length"}]});
    let settings = Settings { framing: crate::endpoint::Framing::Whole, ..Settings::default() };
    assert_eq!(
        play_as::<ChatCompletionChunk>(&whole.to_string(), "application/json", settings).kind(),
        "incomplete"
    );
    assert_eq!(
        play_as::<RawEvent>(&whole.to_string(), "application/json", Settings::default()).kind(),
        "incomplete"
    );
}

#[test]
fn a_finish_reason_that_is_an_object_is_the_one_in_it() {
    let text = |reason: &Value| json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": reason}]});
    for (reason, kind, is) in [
        (json!({"type": "length", "length": 16}), "incomplete", "length"),
        (json!({"type": "stop", "matched": 2}), "finish", "stop"),
        (json!({"type": "eos"}), "finish", "eos"),
        (json!({"reason": "MAX_TOKENS"}), "incomplete", "MAX_TOKENS"),
    ] {
        let played = chat(&stream(&[delta(json!({"content": "Hi"})), finish(reason.clone())]));
        assert_eq!(played.kind(), kind, "{reason}");
        assert_eq!(played.end.unwrap().finish_reasons, [is], "{reason}");
        let played = play::<CompletionChunk>(&stream(&[text(&reason)]));
        assert_eq!((played.kind(), &played.response()["choices"][0]["finish_reason"]), (kind, &json!(is)));
        assert_eq!(play::<RawEvent>(&stream(&[text(&reason)])).kind(), kind, "{reason}");
        let whole = |object: &str, choice: Value| json!({"object": object, "choices": [choice]}).to_string();
        let settings = || Settings { framing: crate::endpoint::Framing::Whole, ..Settings::default() };
        let choice = json!({"index": 0, "message": {"content": "Hi"}, "finish_reason": reason});
        let body = whole("chat.completion", choice);
        let played = play_as::<ChatCompletionChunk>(&body, "application/json", settings());
        assert_eq!((played.kind(), played.end.unwrap().finish_reasons), (kind, vec![is.into()]), "{body}");
        let body = text(&reason).to_string();
        let played = play_as::<CompletionChunk>(&body, "application/json", settings());
        assert_eq!((played.kind(), played.end.unwrap().finish_reasons), (kind, vec![is.into()]), "{body}");
    }
    let abort = json!({"type": "abort", "message": "boom", "status_code": 400});
    for played in [
        chat(&stream(&[delta(json!({"content": "Hi"})), finish(abort.clone())])).message(),
        play::<CompletionChunk>(&stream(&[text(&abort)])).message(),
        play::<RawEvent>(&stream(&[text(&abort)])).message(),
    ] {
        assert!(played.contains("boom"), "{played}");
    }
    assert_eq!(chat(&stream(&[finish(abort)])).kind(), "provider");
}

#[test]
fn a_later_stop_undoes_no_other_reason() {
    for (reasons, settled) in [
        (["tool_calls", "stop"], "tool_calls"),
        (["length", "stop"], "length"),
        (["stop", "tool_calls"], "tool_calls"),
        (["function_call", "stop"], "function_call"),
        (["tool_calls", "STOP"], "tool_calls"),
        (["length", "eos"], "length"),
        (["content_filter", "end_turn"], "content_filter"),
    ] {
        let events: Vec<Value> = reasons.iter().map(|reason| finish(json!(reason))).collect();
        assert_eq!(chat(&stream(&events)).end.unwrap().finish_reasons, [settled]);
        let texts = reasons.map(|reason| json!({"choices": [{"index": 0, "finish_reason": reason}]}));
        assert_eq!(play::<CompletionChunk>(&stream(&texts)).end.unwrap().finish_reasons, [settled]);
    }
}

#[test]
fn done_alone_is_no_answer() {
    for body in [
        "data: [DONE]\n\n",
        ": hi\n\ndata: [DONE]\n\n",
        "event: ping\ndata: ping\n\ndata:[DONE]\n\n",
        "data: [DONE]",
    ] {
        assert_eq!(chat(body).kind(), "truncated", "{body:?}");
        assert_eq!(play::<RawEvent>(body).kind(), "truncated", "{body:?}");
        assert_eq!(play::<crate::api::responses::ResponseEvent>(body).kind(), "truncated", "{body:?}");
    }
}

#[test]
fn done_in_other_letters_is_done() {
    for done in [
        "data:  [DONE]",
        "data:\t[DONE] ",
        "data: [done]",
        "data: \"[DONE]\"",
        "event: done\ndata: [DONE]",
        "data: DONE",
        "data: data: [DONE]",
    ] {
        let played = chat(&format!("{}{done}\n\n", cut(&[delta(json!({"content": "Hi"}))])));
        assert_eq!(played.kind(), "finish", "{done:?}");
        assert!(played.end.unwrap().sentinel);
    }
}

#[test]
fn lines_of_another_stream_as_data_are_its_events() {
    let twice = |body: String| body.replace("data: {", "data: data: {").replace("data: [", "data: data:[");
    let events = [delta(json!({"content": "Hi"})), delta(json!({"content": " you"})), finish(json!("stop"))];
    for body in
        [twice(stream(&events)), twice(cut(&events)), twice(stream(&events)).replace("\n\n", "\r\n\r\n")]
    {
        let played = chat(&body);
        assert_eq!(played.kind(), "finish", "{body:?}: {}", played.message());
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi you", "{body:?}");
        assert_eq!(played.events.len(), 3);
    }
    let error = twice(cut(&[events[0].clone(), json!({"error": {"message": "boom"}})]));
    assert_eq!(chat(&error).kind(), "provider");
    assert_eq!(chat(&(cut(&events[..1]) + "data: data: oops\n\n")).kind(), "malformed");
}

#[test]
fn keep_alive_events_are_nothing() {
    for nothing in [
        "event: ping\ndata: ping",
        "event: heartbeat\ndata: alive",
        "data: ping",
        "data: keep-alive",
        "event: keepalive\ndata: 2026-01-01 00:00",
        "event: ping\ndata: {\"time\":1}",
        "data:   ",
        "data: : ping",
    ] {
        let body = format!(
            "{}{nothing}\n\n{}",
            cut(&[delta(json!({"content": "Hi"}))]),
            stream(&[finish(json!("stop"))])
        );
        let played = chat(&body);
        assert_eq!(played.kind(), "finish", "{nothing:?}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi");
    }
    assert_eq!(chat(&(cut(&[delta(json!({"content": "Hi"}))]) + "data: ping pong\n\n")).kind(), "malformed");
}

#[test]
fn a_whole_answer_where_a_stream_was_asked_for_is_data_and_a_finish() {
    let whole = json!({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message":
        {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let json = |body: &str| play_as::<ChatCompletionChunk>(body, "application/json", Settings::default());
    for (name, played) in [
        ("as JSON", json(&whole.to_string())),
        ("as an event", chat(&cut(std::slice::from_ref(&whole)))),
        ("and [DONE]", chat(&stream(std::slice::from_ref(&whole)))),
        ("on many lines", json(&serde_json::to_string_pretty(&whole).unwrap())),
    ] {
        assert_eq!((played.kind(), played.events.len()), ("finish", 1), "{name}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi", "{name}");
        assert_eq!(played.response()["choices"][0]["message"]["tool_calls"][0]["id"], "t", "{name}");
        let viewed = view(&played);
        assert_eq!((viewed.text.as_str(), viewed.done.as_slice()), ("Hi", &["Hi".to_owned()][..]), "{name}");
        assert_eq!(viewed.calls, [("t".to_owned(), "f".to_owned(), "{}".to_owned())], "{name}");
        assert_eq!(played.end.unwrap().response.usage.as_ref().unwrap().total_tokens, 3, "{name}");
    }
    let text = json!({"object": "text_completion", "choices": [{"index": 0, "text": "Hi", "finish_reason": "length"}]});
    assert_eq!(
        play_as::<CompletionChunk>(&text.to_string(), "application/json", Settings::default()).kind(),
        "incomplete"
    );
    assert_eq!(
        play_as::<RawEvent>(&whole.to_string(), "application/json", Settings::default()).kind(),
        "finish"
    );
    let response = json!({"id": "r", "object": "response", "status": "completed", "output": [{"type": "message", "id": "m",
        "content": [{"type": "output_text", "text": "Hi"}]}]});
    for body in [response.to_string(), cut(std::slice::from_ref(&response))] {
        let played = play::<crate::api::responses::ResponseEvent>(&body);
        assert_eq!((played.kind(), view(&played).text.as_str()), ("finish", "Hi"), "{body}");
    }
    let events: Vec<RawEvent> = play::<RawEvent>(&whole.to_string()).events;
    assert_eq!(events[0].payload.as_bytes(), whole.to_string().as_bytes());
    for none in ["{\"object\":\"chat.completion\",\"choices\":[]}", "{\"a\":1}", "[]"] {
        assert_eq!(json(none).kind(), "not_a_stream", "{none}");
    }
}

#[test]
fn a_whole_transcription_where_a_stream_was_asked_for_is_data_and_a_finish() {
    let play = |json: &Value| {
        play_as::<TranscriptionEvent>(&json.to_string(), "application/json", Settings::default())
    };
    for whole in [
        json!({"text": "Hi you"}),
        json!({"text": "Hi you", "usage": {"type": "duration", "seconds": 3}}),
        json!({"task": "transcribe", "language": "english", "duration": 1.5, "text": "Hi you",
            "words": [{"word": "Hi", "start": 0.0, "end": 0.5}],
            "segments": [{"id": 0, "start": 0.0, "end": 1.5, "text": "Hi you"}]}),
    ] {
        let played = play(&whole);
        assert_eq!((played.kind(), played.events.len()), ("finish", 1), "{whole}");
        let response = played.response();
        for (name, value) in whole.as_object().unwrap() {
            assert_eq!(&response[name], value, "{name} of {whole}");
        }
    }
    for none in
        [json!({"texts": "Hi"}), json!({"text": 7}), json!({"type": "x", "text": "Hi"}), json!(["Hi"])]
    {
        assert_eq!(play(&none).kind(), "not_a_stream", "{none}");
    }
}

#[test]
fn whole_images_where_a_stream_was_asked_for_are_data_and_a_finish() {
    let one = json!({"created": 1, "data": [{"b64_json": "QUJD"}]});
    let two = json!({"created": 1, "size": "1024x1024", "data": [{"b64_json": "QUJD", "revised_prompt": "an otter"},
        {"url": "https://images.example/2.png"}], "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
        "input_tokens_details": {"text_tokens": 1, "image_tokens": 0}}});
    for (whole, count) in [(&one, 1), (&two, 2)] {
        let settings = || Settings { choices: count, ..Settings::default() };
        let played = play_as::<ImageGenerationEvent>(&whole.to_string(), "application/json", settings());
        assert_eq!((played.kind(), played.events.len()), ("finish", count), "{whole}");
        assert_eq!(&played.response(), whole);
        assert_eq!(played.events[0].image().unwrap().unwrap(), "ABC");
        let played = play_as::<ImageEditEvent>(&whole.to_string(), "application/json", settings());
        assert_eq!((played.kind(), &played.response()), ("finish", whole));
    }
    for none in [json!({"data": []}), json!({"data": [{"id": "model"}]}), json!({"data": "QUJD"}), json!({})]
    {
        let played =
            play_as::<ImageGenerationEvent>(&none.to_string(), "application/json", Settings::default());
        assert_eq!(played.kind(), "not_a_stream", "{none}");
    }
}

#[test]
fn a_truncated_answer_names_the_missing_part() {
    let two = || Settings { choices: 2, ..Settings::default() };
    let one = cut(&[delta(json!({"content": "Hi"})), finish(json!("stop"))]);
    let message = play_as::<ChatCompletionChunk>(&one, "text/event-stream", two()).message();
    assert!(message.contains("1 of 2 choices came"), "{message}");
    let message = chat(&cut(&[delta(json!({"content": "Hi"}))])).message();
    assert!(message.contains("0 of 1 choices had a finish_reason"), "{message}");
    let image = json!({"type": "image_generation.completed", "b64_json": "QUJD"});
    let message = play_as::<ImageGenerationEvent>(&cut(&[image]), "text/event-stream", two()).message();
    assert!(message.contains("1 of 2 images came"), "{message}");
    let created = json!({"type": "response.created", "response": {"id": "r"}});
    let message = play::<crate::api::responses::ResponseEvent>(&cut(&[created])).message();
    assert!(message.contains("response.completed"), "{message}");
    let message = play::<RawEvent>(&cut(&[json!({"a": 1})])).message();
    assert!(message.contains("no last event") && !message.contains("choice"), "{message}");
}

#[test]
fn fields_that_are_not_known_before_the_first_event_change_nothing() {
    for first in ["x: 1\n", "x-request-id: 7\r\n\r\n", "meta:\n", "a.b_c: d\n\n: hi\n"] {
        let played = chat(&format!("{first}{}", stream(&[delta(json!({"content": "Hi"}))])));
        assert_eq!(played.kind(), "finish", "{first:?}");
    }
    for other in ["Internal Server Error", "<html>x: 1</html>", "Error: the model is gone\nat line 7"] {
        assert_eq!(chat(other).kind(), "not_a_stream", "{other:?}");
    }
}
