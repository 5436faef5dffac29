use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;

fn chat(events: &[Value]) -> Played<ChatCompletionChunk> {
    let played = play::<ChatCompletionChunk>(&stream(events));
    assert_eq!(played.kind(), "finish", "{}", played.message());
    played
}

#[test]
fn the_message_so_far_is_not_more_of_it() {
    let chunk = |delta: Value, message: Value, reason: Value| json!({"id": "c", "choices": [{"index": 0, "delta": delta, "message": message, "finish_reason": reason}]});
    let text = |text: &str| json!({"role": "assistant", "content": text});
    for (name, events) in [
        (
            "beside",
            vec![
                chunk(text("Hi"), text("Hi"), json!(null)),
                chunk(text(" you"), text("Hi you"), json!("stop")),
            ],
        ),
        (
            "instead",
            vec![
                chunk(json!(null), text("Hi"), json!(null)),
                chunk(json!(null), text("Hi you"), json!("stop")),
            ],
        ),
        ("at the end", vec![delta(text("Hi")), chunk(json!({}), text("Hi you"), json!("stop"))]),
        ("alone", vec![chunk(json!({"content": ""}), text("Hi you"), json!("stop"))]),
        ("less", vec![delta(text("Hi you")), chunk(json!({}), text("Hi"), json!("stop"))]),
        ("empty", vec![delta(text("Hi you")), chunk(json!({}), text(""), json!("stop"))]),
        ("no text", vec![delta(text("Hi you")), chunk(json!({}), json!({"content": null}), json!("stop"))]),
        (
            "other",
            vec![delta(text("Hi you")), chunk(json!({}), text("Something else altogether"), json!("stop"))],
        ),
        (
            "parts",
            vec![chunk(json!({}), json!({"content": [{"type": "text", "text": "Hi you"}]}), json!("stop"))],
        ),
    ] {
        let played = chat(&events);
        let message = &played.response()["choices"][0]["message"];
        assert_eq!(message["content"], "Hi you", "{name}");
        assert_eq!(view(&played).text, "Hi you", "{name}");
        let contents: String = played.events.iter().filter_map(ChatCompletionChunk::content).collect();
        assert_eq!(contents, "Hi you", "{name}: what is delivered");
        let lean = Settings { keep_response: false, ..Settings::default() };
        let dropped = play_as::<ChatCompletionChunk>(&stream(&events), "text/event-stream", lean);
        assert_eq!(
            dropped.events, played.events,
            "{name}: what is delivered does not depend on what is kept"
        );
        if !["no text", "parts"].contains(&name) {
            assert_eq!(message["role"], "assistant", "{name}");
        }
    }
}

#[test]
fn calls_and_reasoning_in_the_message_so_far_come_once() {
    let call = |arguments: &str| json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let message = |message: Value| json!({"choices": [{"index": 0, "message": message}]});
    for (name, events) in [
        (
            "growing",
            vec![
                message(json!({"tool_calls": [call("{\"x\"")]})),
                message(json!({"tool_calls": [call("{\"x\":1}")]})),
            ],
        ),
        ("whole", vec![message(json!({"tool_calls": [call("{\"x\":1}")], "reasoning": "think"}))]),
        (
            "behind deltas",
            vec![
                delta(json!({"tool_calls": [call("{\"x\"")]})),
                delta(json!({"tool_calls": [call(":1}")]})),
                message(json!({"tool_calls": [call("{\"x\":1}")]})),
            ],
        ),
    ] {
        let mut events = events;
        events.push(finish(json!("tool_calls")));
        let played = chat(&events);
        let expected = [("a".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())];
        assert_eq!(view(&played).calls, expected, "{name}");
        let calls = &played.response()["choices"][0]["message"]["tool_calls"];
        assert_eq!((calls.as_array().unwrap().len(), &calls[0]), (1, &call("{\"x\":1}")), "{name}");
        if name == "whole" {
            assert_eq!(view(&played).reasoning, "think");
        }
    }
}

#[test]
fn fields_that_are_repeated_replace() {
    let mut first = delta(json!({"role": "assistant", "content": "Hi", "note": "n"}));
    let mut last = finish(json!("stop"));
    for chunk in [&mut first, &mut last] {
        chunk["provider"] = json!("OpenAI");
        chunk["citations"] = json!(["u"]);
        chunk["meta"] = json!({"region": "eu", "n": 1});
        chunk["choices"][0]["native_finish_reason"] = json!("stop");
        chunk["choices"][0]["delta"]["note"] = json!("n");
    }
    let response = chat(&[first, last]).response();
    for (path, value) in [
        ("/provider", json!("OpenAI")),
        ("/citations", json!(["u"])),
        ("/meta", json!({"region": "eu", "n": 1})),
        ("/choices/0/native_finish_reason", json!("stop")),
        ("/choices/0/message/note", json!("n")),
        ("/choices/0/message/role", json!("assistant")),
    ] {
        assert_eq!(response.pointer(path), Some(&value), "{path}");
    }
}

#[test]
fn usage_counts_wherever_it_stands_and_empty_counts_not() {
    let count = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    let with = |mut chunk: Value, path: &str, usage: &Value| {
        if let Some(field) = path.strip_prefix("choice.") {
            chunk["choices"][0][field] = usage.clone();
        } else if let Some(object) = path.strip_suffix(".usage") {
            chunk[object] = json!({"id": "r", "usage": usage});
        } else {
            chunk[path] = usage.clone();
        }
        chunk
    };
    let usage = |events: &[Value]| {
        let played = chat(events);
        played
            .end
            .unwrap()
            .response
            .usage
            .as_ref()
            .map(|usage| [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens])
    };
    let (text, end) = (delta(json!({"content": "Hi"})), finish(json!("stop")));
    for path in ["usage", "x_groq.usage", "choice.usage", "metadata.usage"] {
        assert_eq!(usage(&[text.clone(), with(end.clone(), path, &count)]), Some([3, 2, 5]), "{path}");
        assert_eq!(usage(&[with(text.clone(), path, &count), end.clone()]), Some([3, 2, 5]), "{path} early");
        for hollow in [
            json!({}),
            json!(null),
            json!({"prompt_tokens": null, "completion_tokens": null, "total_tokens": null}),
        ] {
            assert_eq!(usage(&[with(text.clone(), path, &hollow), end.clone()]), None, "{path} {hollow}");
            let events = [with(text.clone(), path, &count), with(end.clone(), path, &hollow)];
            assert_eq!(usage(&events), Some([3, 2, 5]), "{path} {hollow}");
        }
    }
    let running = json!({"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4});
    assert_eq!(usage(&[with(text, "usage", &running), with(end, "usage", &count)]), Some([3, 2, 5]));
    let completion =
        json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}], "x_groq": {"usage": count}});
    let played = play::<CompletionChunk>(&stream(&[completion]));
    assert_eq!(played.end.unwrap().response.usage.as_ref().unwrap().total_tokens, 5);
}

#[test]
fn zeros_give_way_to_what_stands_elsewhere() {
    let count = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    for chunk in [
        json!({"choices": [], "usage": zeros, "x_groq": {"usage": count}}),
        json!({"choices": [], "usage": {}, "metadata": {"usage": count}}),
        json!({"choices": [{"index": 0, "usage": count}], "usage": zeros}),
    ] {
        let played = play::<ChatCompletionChunk>(&stream(std::slice::from_ref(&chunk)));
        assert_eq!(played.response()["usage"]["total_tokens"], 5, "{chunk}");
        let played = play::<CompletionChunk>(&stream(std::slice::from_ref(&chunk)));
        assert_eq!(played.response()["usage"]["total_tokens"], 5, "{chunk}");
    }
}

#[test]
fn nothing_is_invented_that_did_not_come() {
    let response =
        chat(&[json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]})])
            .response();
    assert_eq!(
        response,
        json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi", "refusal": null},
               "logprobs": null, "finish_reason": "stop"}]})
    );
    let call = json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": "{}"}}]}, "finish_reason": "stop"}]});
    let calls = &chat(&[call]).response()["choices"][0]["message"]["tool_calls"];
    assert_eq!(*calls, json!([{"type": "function", "function": {"arguments": "{}"}}]));
    let text = json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]});
    assert_eq!(
        play::<CompletionChunk>(&stream(&[text])).response(),
        json!({"object": "text_completion", "choices": [{"text": "Hi", "index": 0, "logprobs": null, "finish_reason": "stop"}]})
    );
}

#[test]
fn a_character_in_halves_is_one_also_where_every_chunk_has_a_finish_reason() {
    let chunk = |name: &str, text: &str, reason: &str| {
        format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{"{name}":"{text}"}},"finish_reason":{reason}}}]}}"#
        ) + "\n\n"
    };
    for (reason, last) in [("\"stop\"", ""), ("null", "data: [DONE]\n\n"), ("\"length\"", "data: [DONE]\n\n")]
    {
        for name in ["content", "refusal", "reasoning_content", "reasoning", "thinking", "reasoning_text"] {
            let body = chunk(name, r"a\ud83d", reason) + &chunk(name, r"\ude00b", reason) + last;
            let played = play::<ChatCompletionChunk>(&body);
            let viewed = view(&played);
            assert_eq!(viewed.text + &viewed.refusal + &viewed.reasoning, "a😀b", "{body}");
        }
        let text = |text: &str| {
            chunk("x", "", reason).replace(r#""delta":{"x":""}"#, &format!(r#""text":"{text}""#))
        };
        let played = play::<CompletionChunk>(&(text(r"a\ud83d") + &text(r"\ude00b") + last));
        assert_eq!(played.response()["choices"][0]["text"], "a😀b", "{reason}");
    }
    // A surrogate that arrives under two names at once counts once.
    let twice = |half: &str| {
        format!(r#"data: {{"choices":[{{"index":0,"delta":{{"reasoning":"{half}","thinking":"{half}"}}}}]}}"#)
            + "\n\n"
    };
    let body = twice(r"\ud83d") + &twice(r"\ude00") + &chunk("x", "", "\"stop\"");
    assert_eq!(view(&play::<ChatCompletionChunk>(&body)).reasoning, "😀");
    // A surrogate without its partner is not a character.
    let played = chat(&[delta(json!({"content": "a"}))]);
    assert_eq!(view(&played).text, "a");
    let alone = chunk("content", r"a\ud83d", "null") + &chunk("content", "", "\"stop\"");
    assert_eq!(view(&play::<ChatCompletionChunk>(&alone)).text, "a\u{fffd}");
}

#[test]
fn early_finish_reasons_cut_no_text_and_no_call() {
    for reason in ["stop", "length", "tool_calls"] {
        let early = |content: Value| {
            let mut chunk = delta(content);
            chunk["choices"][0]["finish_reason"] = json!(reason);
            chunk
        };
        let call = |arguments: &str| json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}]});
        let played = play::<ChatCompletionChunk>(&stream(&[
            early(json!({"reasoning_content": "th"})),
            early(json!({"reasoning_content": "ink"})),
            early(json!({"content": "Hi"})),
            early(json!({"content": " you"})),
            early(call("{\"x\"")),
            early(call(":1}")),
        ]));
        let viewed = view(&played);
        assert_eq!((viewed.text.as_str(), viewed.reasoning.as_str()), ("Hi you", "think"), "{reason}");
        assert_eq!(viewed.done, ["Hi you"], "{reason}");
        assert_eq!(viewed.calls, [("a".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())], "{reason}");
    }
}

#[test]
fn a_wrong_item_takes_nothing_of_the_rest() {
    let text = |extra: &str, delta: &str| {
        format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"Hi"{delta}}}{extra}}}]}}"#)
    };
    for event in [
        text("", r#","tool_calls":[null]"#),
        text("", r#","tool_calls":["x"]"#),
        text("", r#","tool_calls":[null,7,[]],"role":["x"]"#),
        text(r#","logprobs":{"content":[null]}"#, ""),
        text(
            r#","logprobs":{"tokens":["a"],"token_logprobs":[0.1],"content":["a","b"],"refusal":[true]}"#,
            "",
        ),
        text(r#","logprobs":{"content":[{"token":"a","bytes":["x"],"top_logprobs":[null]}]}"#, ""),
        r#"{"choices":[null,{"index":0,"delta":{"content":"Hi"}}]}"#.to_owned(),
        r#"{"choices":["x",{"index":0,"delta":{"content":"Hi"}},7]}"#.to_owned(),
    ] {
        let event: Value = serde_json::from_str(&event).unwrap();
        let played = chat(&[event.clone(), delta(json!({"content": " you"})), finish(json!("stop"))]);
        assert_eq!(view(&played).text, "Hi you", "{event}");
        assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi you", "{event}");
    }
    for logprobs in [
        json!({"tokens": [null], "token_logprobs": ["x"]}),
        json!({"tokens": [7, null], "text_offset": [null, -1], "top_logprobs": [null]}),
        json!([null]),
    ] {
        let event =
            json!({"choices": [{"index": 0, "text": "Hi", "logprobs": logprobs, "finish_reason": "stop"}]});
        let played = play::<CompletionChunk>(&stream(&[event]));
        assert_eq!(played.response()["choices"][0]["text"], "Hi", "{logprobs}");
    }
    let whole = r#"{"choices":[{"index":0,"message":{"content":"Hi","tool_calls":[null]},"finish_reason":"stop"},null]}"#;
    let response = ChatCompletionChunk::decode_whole(whole.as_bytes()).unwrap();
    assert_eq!((response.choices.len(), response.content()), (1, Some("Hi")));
}
