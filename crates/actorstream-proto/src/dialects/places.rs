//! Content in other fields than OpenAI's, in chat and text completions.

use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;

fn chat(events: &[Value]) -> Played<ChatCompletionChunk> {
    let played = play::<ChatCompletionChunk>(&stream(events));
    assert_eq!(played.kind(), "finish", "{events:?}: {}", played.message());
    played
}

fn says_hi_you(events: &[Value]) {
    let played = chat(events);
    assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi you", "{events:?}");
    let viewed = view(&played);
    assert_eq!((viewed.text.as_str(), viewed.done.len()), ("Hi you", 1), "{events:?}");
    let delivered: String = played.events.iter().filter_map(ChatCompletionChunk::content).collect();
    assert_eq!(delivered, "Hi you", "{events:?}: what is delivered");
    let lean = Settings { keep_response: false, ..Settings::default() };
    assert_eq!(
        play_as::<ChatCompletionChunk>(&stream(events), "text/event-stream", lean).events,
        played.events
    );
}

fn choice(fields: Value) -> Value {
    let mut choice = json!({"index": 0});
    choice.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"id": "c", "choices": [choice]})
}

#[test]
fn the_text_of_a_choice_stands_in_many_places() {
    let shapes: [fn(&str) -> Value; 12] = [
        |text| choice(json!({"text": text})),
        |text| choice(json!({"content": text})),
        |text| choice(json!({"delta": null, "text": text})),
        |text| choice(json!({"delta": {"role": "assistant", "content": ""}, "text": text})),
        |text| choice(json!({"delta": text})),
        |text| choice(json!({"delta": {"text": text}})),
        |text| choice(json!({"delta": {"content": {"text": text}}})),
        |text| choice(json!({"delta": {"content": {"parts": [{"text": text}], "role": "model"}}})),
        |text| choice(json!({"delta": [{"content": text}]})),
        |text| choice(json!({"delta": [{"type": "text", "text": text}]})),
        |text| json!({"choices": {"index": 0, "delta": {"content": text}}}),
        |text| json!({"choices": {"0": {"delta": {"content": text}}}}),
    ];
    for shape in shapes {
        says_hi_you(&[shape("Hi"), shape(" you"), finish(json!("stop"))]);
        // Content that is also in the usual field is not doubled.
        let mut both = shape("Hi you");
        if let Some(choice) = both["choices"].get_mut(0) {
            choice["delta"] = json!({"content": "Hi you"});
            says_hi_you(&[both, finish(json!("stop"))]);
        }
    }
}

#[test]
fn the_text_stands_at_the_top_of_a_chunk() {
    let shapes: [fn(&str) -> Value; 10] = [
        |text| json!({"id": "c", "content": text}),
        |text| json!({"id": "c", "text": text, "choices": []}),
        |text| json!({"id": "c", "delta": {"content": text}}),
        |text| json!({"id": "c", "delta": text, "choices": null}),
        |text| json!({"id": "c", "response": text}),
        |text| json!({"model": "m", "message": {"role": "assistant", "content": text}, "done": false}),
        |text| json!({"content": [{"type": "text", "text": text}]}),
        |text| json!({"data": delta(json!({"content": text}))}),
        |text| json!({"code": 0, "msg": "ok", "result": delta(json!({"content": text}))}),
        |text| json!({"output": {"choices": [{"delta": {"content": [{"type": "input_text", "text": text}]}}]}}),
    ];
    for shape in shapes {
        for end in [
            json!({"id": "c", "finish_reason": "stop"}),
            json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop"}),
            finish(json!("stop")),
        ] {
            let events = [shape("Hi"), shape(" you"), end];
            says_hi_you(&events);
            assert_eq!(
                play::<ChatCompletionChunk>(&cut(&events)).kind(),
                "finish",
                "{events:?} without [DONE]"
            );
        }
    }
    // A repetition of the message so far adds nothing.
    let message = |text: &str| json!({"message": {"role": "assistant", "content": text}});
    says_hi_you(&[message("Hi"), message("Hi you"), json!({"finish_reason": "stop"})]);
    says_hi_you(&[delta(json!({"content": "Hi you"})), finish(json!("stop")), message("Hi you")]);
}

#[test]
fn a_whole_text_with_the_finish_reason_is_not_more_of_it() {
    let hi = || [delta(json!({"content": "Hi"})), delta(json!({"content": " you"}))];
    for last in [
        choice(json!({"delta": {}, "text": "Hi you", "finish_reason": "stop"})),
        choice(json!({"delta": {"content": ""}, "content": "Hi you", "finish_reason": "stop"})),
        choice(json!({"message": "Hi you", "finish_reason": "stop"})),
        json!({"object": "chat.completion", "choices": [{"message": {"content": "Hi you"}, "finish_reason": "stop"}]}),
        json!({"choices": {"message": {"content": "Hi you"}, "finish_reason": "stop"}}),
    ] {
        let [first, second] = hi();
        says_hi_you(&[first, second, last.clone()]);
        says_hi_you(&[last]);
    }
}

#[test]
fn what_is_no_text_stays_as_it_came() {
    for event in [
        json!({"type": "status", "content": "Hi"}),
        json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}),
        json!({"message": "Hi"}),
        json!({"id": "c", "note": "Hi"}),
        json!({"text": ""}),
    ] {
        let played = chat(&[event.clone(), delta(json!({"content": "a"})), finish(json!("stop"))]);
        assert_eq!(played.response()["choices"][0]["message"]["content"], "a", "{event}");
        assert!(played.events[0].choices.is_empty(), "{event}");
    }
    // Structured content becomes its JSON text.
    let value = delta(json!({"content": {"text": "a", "answer": 5}}));
    assert_eq!(view(&chat(&[value, finish(json!("stop"))])).text, r#"{"text":"a","answer":5}"#);
}

#[test]
fn choices_without_an_index_are_those_of_their_positions() {
    let two = || Settings { choices: 2, ..Settings::default() };
    let pieces = |a: Value, b: Value| json!({"choices": [a, b]});
    for null in [false, true] {
        let mut events = [
            pieces(json!({"delta": {"content": "A"}}), json!({"delta": {"content": "B"}})),
            pieces(json!({"delta": {"content": "a"}}), json!({"delta": {"content": "b"}})),
            pieces(
                json!({"delta": {}, "finish_reason": "stop"}),
                json!({"delta": {}, "finish_reason": "stop"}),
            ),
        ];
        if null {
            let choices = events.iter_mut().flat_map(|event| event["choices"].as_array_mut().unwrap());
            choices.for_each(|choice| choice["index"] = json!(null));
        }
        let played = play_as::<ChatCompletionChunk>(&cut(&events), "text/event-stream", two());
        assert_eq!(played.kind(), "finish", "{}", played.message());
        let response = played.response();
        for (at, text) in [(0, "Aa"), (1, "Bb")] {
            assert_eq!(response["choices"][at]["message"]["content"], text);
            assert_eq!(response["choices"][at]["index"], at);
        }
        let texts = [pieces(
            json!({"text": "A", "finish_reason": "stop"}),
            json!({"text": "B", "finish_reason": "stop"}),
        )];
        let played = play_as::<CompletionChunk>(&cut(&texts), "text/event-stream", two());
        assert_eq!((played.kind(), &played.response()["choices"][1]["text"]), ("finish", &json!("B")));
    }
    // Several deltas of one choice in one chunk are all added to it.
    let twice = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}}, {"index": 0, "delta": {"content": " you"}}]});
    let played = chat(&[twice, finish(json!("stop"))]);
    assert_eq!(played.response()["choices"][0]["message"]["content"], "Hi you");
}

#[test]
fn the_finish_reason_stands_in_many_places() {
    for (reason, kind) in [
        ("stop", "finish"),
        ("length", "incomplete"),
        ("max_tokens", "incomplete"),
        ("error", "provider"),
        ("refusal", "incomplete"),
    ] {
        for last in [
            choice(json!({"delta": {}, "finishReason": reason})),
            choice(json!({"delta": {}, "finish_reason": null, "finishReason": reason})),
            choice(json!({"delta": {}, "finish_reason": "", "stop_reason": reason})),
            choice(json!({"delta": {"finish_reason": reason}})),
            choice(json!({"message": {"content": "Hi", "stop_reason": reason}})),
            json!({"choices": [], "finish_reason": reason}),
            json!({"choices": [{"index": 0, "delta": {}}], "finish_reason": reason}),
            json!({"choices": [{"index": 0, "delta": {}}], "finishReason": reason}),
            json!({"done": true, "done_reason": reason}),
        ] {
            let events = [delta(json!({"content": "Hi"})), last.clone()];
            assert_eq!(play::<ChatCompletionChunk>(&cut(&events)).kind(), kind, "{last}");
        }
        let last = choice(json!({"text": "", "finishReason": reason}));
        let text = choice(json!({"text": "Hi"}));
        assert_eq!(play::<CompletionChunk>(&cut(&[text, last])).kind(), kind, "{reason}");
    }
    // A stop sequence is not a finish reason, and is kept.
    for stop in [json!(null), json!(2), json!("</s>"), json!("stop")] {
        let last = choice(json!({"delta": {}, "finish_reason": "length", "stop_reason": stop}));
        let played = play::<ChatCompletionChunk>(&cut(&[delta(json!({"content": "Hi"})), last]));
        assert_eq!(played.kind(), "incomplete", "{stop}");
        assert_eq!(played.response()["choices"][0]["stop_reason"], stop);
    }
    for other in [json!("[DONE]"), json!("OpenAI"), json!({}), json!(true), json!([1, "a"])] {
        let mut text = choice(json!({"delta": {"content": " \n"}}));
        text["stop_reason"] = other.clone();
        let events = [delta(json!({"content": "Hi"})), text, finish(json!("length"))];
        let played = play::<ChatCompletionChunk>(&stream(&events));
        assert_eq!((played.kind(), view(&played).text.as_str()), ("incomplete", "Hi \n"), "{other}");
    }
    let open = choice(json!({"delta": {}, "stop_reason": "</s>"}));
    assert_eq!(
        play::<ChatCompletionChunk>(&cut(&[delta(json!({"content": "Hi"})), open])).kind(),
        "truncated"
    );
}

#[test]
fn a_call_stands_in_many_shapes() {
    let function = json!({"name": "f", "arguments": "{\"x\":1}"});
    let calls = json!([{"id": "a", "type": "function", "function": function}]);
    let call = |call: Value| choice(json!({"delta": {"tool_calls": [call]}}));
    for event in [
        choice(json!({"delta": {"tool_calls": calls[0]}})),
        choice(json!({"delta": {"toolCalls": calls}})),
        choice(json!({"message": {"tool_calls": calls[0]}})),
        choice(json!({"tool_calls": calls})),
        choice(json!({"toolCalls": calls, "delta": {"content": null}})),
        json!({"id": "c", "tool_calls": calls}),
        call(json!({"id": "a", "function": {"name": "f", "arguments": {"x": 1}}})),
        call(json!({"id": "a", "function": {"name": "f", "parameters": {"x": 1}}})),
        call(json!({"id": "a", "function": {"name": "f", "args": "{\"x\":1}"}})),
        call(json!({"id": "a", "type": "function", "name": "f", "arguments": "{\"x\":1}"})),
        call(json!({"id": "a", "name": "f", "input": {"x": 1}})),
        call(json!({"id": "a", "function": function.to_string()})),
        choice(json!({"delta": {"tool_call": calls[0]}})),
        choice(json!({"delta": {"tool_calls": {"0": calls[0]}}})),
        choice(
            json!({"delta": {"content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]}}),
        ),
    ] {
        let played = chat(&[event.clone(), finish(json!("tool_calls"))]);
        let expected = [("a".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned())];
        assert_eq!(view(&played).calls, expected, "{event}");
        let message = &played.response()["choices"][0]["message"];
        assert_eq!(
            (message["tool_calls"].as_array().unwrap().len(), &message["tool_calls"][0]["function"]),
            (1, &function),
            "{event}"
        );
    }
    for event in [
        choice(json!({"delta": {"function_call": function}})),
        choice(json!({"function_call": function})),
        choice(json!({"delta": {"functionCall": function}})),
        choice(json!({"delta": {"function_call": {"name": "f", "arguments": {"x": 1}}}})),
        choice(json!({"delta": {"function_call": {"name": "f", "parameters": {"x": 1}}}})),
        json!({"function_call": function}),
    ] {
        let played = chat(&[event.clone(), finish(json!("function_call"))]);
        assert_eq!(played.response()["choices"][0]["message"]["function_call"], function, "{event}");
    }
}

#[test]
fn the_reasoning_stands_in_many_places() {
    for name in [
        "reasoning_content",
        "reasoning",
        "reasoning_text",
        "thinking",
        "thinking_content",
        "thought",
        "reasoningContent",
    ] {
        for event in [
            |name: &str, text: &str| delta(json!({ name: text })),
            |name: &str, text: &str| choice(json!({ name: text })),
            |name: &str, text: &str| choice(json!({ name: text, "delta": {"content": ""} })),
            |name: &str, text: &str| choice(json!({"delta": { name: text, "content": null }})),
        ] {
            let played = chat(&[
                event(name, "th "),
                event(name, "ink"),
                delta(json!({"content": "Hi"})),
                finish(json!("stop")),
            ]);
            let viewed = view(&played);
            assert_eq!((viewed.reasoning.as_str(), viewed.text.as_str()), ("th ink", "Hi"), "{name}");
        }
    }
}

#[test]
fn usage_has_other_names() {
    let hi = || delta(json!({"content": "Hi"}));
    for (name, usage) in [
        ("usage", json!({"promptTokens": 3, "completionTokens": 2, "totalTokens": 5})),
        ("usage", json!({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5})),
        ("usage", json!([{"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}])),
        ("usageMetadata", json!({"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5})),
        ("usage_info", json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})),
        ("token_usage", json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})),
        ("x_groq", json!({"usage": {"promptTokens": "3", "completionTokens": "2", "totalTokens": "5"}})),
    ] {
        let mut message =
            json!({"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]});
        message["choices"][0]["message"][name] = usage.clone();
        if usage.is_object() {
            assert_eq!(chat(&[message]).response()["usage"]["total_tokens"], 5, "{name} of the message");
        }
        for at_choice in [false, true] {
            let mut last = finish(json!("stop"));
            let holder = if at_choice { &mut last["choices"][0] } else { &mut last };
            holder[name] = usage.clone();
            if at_choice && usage.is_array() {
                continue;
            }
            let usage = &chat(&[hi(), last.clone()]).response()["usage"];
            let counts =
                ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].as_u64());
            assert_eq!(counts, [Some(3), Some(2), Some(5)], "{last}");
            let mut text = choice(json!({"text": "Hi", "finish_reason": "stop"}));
            let holder = if at_choice { &mut text["choices"][0] } else { &mut text };
            holder[name] = last.get(name).or(last["choices"][0].get(name)).unwrap().clone();
            let played = play::<CompletionChunk>(&stream(std::slice::from_ref(&text)));
            assert_eq!(played.response()["usage"]["total_tokens"], 5, "{text}");
        }
    }
}

#[test]
fn the_text_of_a_completion_stands_in_many_places() {
    let shapes: [fn(&str) -> Value; 12] = [
        |text| choice(json!({"delta": {"content": text}})),
        |text| choice(json!({"delta": {"text": text}, "text": ""})),
        |text| choice(json!({"delta": text})),
        |text| choice(json!({"content": text})),
        |text| choice(json!({"text": {"text": text}})),
        |text| choice(json!({"text": [{"type": "text", "text": text}]})),
        |text| json!({"choices": {"text": text}}),
        |text| json!({"choices": [{"text": text}]}),
        |text| json!({"text": text}),
        |text| json!({"content": text, "choices": []}),
        |text| json!({"response": text}),
        |text| json!({"completion": text}),
    ];
    for shape in shapes {
        for end in [json!({"finish_reason": "stop"}), choice(json!({"text": "", "finish_reason": "stop"}))] {
            let events = [shape("Hi"), shape(" you"), end];
            let played = play::<CompletionChunk>(&cut(&events));
            assert_eq!(played.kind(), "finish", "{events:?}: {}", played.message());
            assert_eq!(played.response()["choices"][0]["text"], "Hi you", "{events:?}");
            assert_eq!(view(&played).text, "Hi you", "{events:?}");
        }
    }
}

#[test]
fn a_whole_answer_has_other_shapes() {
    let json = |body: &Value| {
        play_as::<ChatCompletionChunk>(&body.to_string(), "application/json", Settings::default())
    };
    for body in [
        json!({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}),
        json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}),
        json!({"choices": {"message": {"content": "Hi"}}}),
        json!({"choices": [{"message": {"content": [{"type": "text", "text": "Hi"}]}, "finish_reason": "stop"}]}),
        json!({"message": {"role": "assistant", "content": "Hi"}, "done": true, "done_reason": "stop"}),
    ] {
        let played = json(&body);
        assert_eq!((played.kind(), view(&played).text.as_str()), ("finish", "Hi"), "{body}");
    }
}
