use std::collections::BTreeSet;

use serde_json::{Map, Value, from_str, from_value, json, to_string, to_value};

use super::*;

/// Returns every field that the API documents except `stream`, each with a value.
fn all_fields() -> Value {
    let text = r#"{
        "model": "gpt-5",
        "messages": [{"role": "user", "content": "Hi"}],
        "audio": {"voice": "alloy", "format": "pcm16"},
        "frequency_penalty": 0.5,
        "function_call": {"name": "old"},
        "functions": [{"name": "old", "description": "d", "parameters": {"type": "object"}}],
        "logit_bias": {"50256": -100},
        "logprobs": true,
        "max_completion_tokens": 100,
        "max_tokens": 200,
        "metadata": {"team": "blue"},
        "modalities": ["text", "audio"],
        "moderation": {
            "model": "omni-moderation-latest",
            "policy": {"input": {"mode": "block"}, "output": {"mode": "score"}}
        },
        "n": 2,
        "parallel_tool_calls": false,
        "prediction": {"type": "content", "content": "fn main() {}"},
        "presence_penalty": -0.5,
        "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "prompt_cache_retention": "24h",
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "description": "d",
                "schema": {"type": "object"},
                "strict": true
            }
        },
        "safety_identifier": "s-1",
        "seed": -7,
        "service_tier": "flex",
        "stop": ["\n", "END"],
        "store": true,
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "temperature": 0.2,
        "tool_choice": "required",
        "tools": [{
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "d",
                "parameters": {"type": "object"},
                "strict": true
            }
        }],
        "top_logprobs": 20,
        "top_p": 0.9,
        "user": "u-1",
        "verbosity": "high",
        "web_search_options": {
            "search_context_size": "low",
            "user_location": {
                "type": "approximate",
                "approximate": {
                    "city": "Bern",
                    "country": "CH",
                    "region": "BE",
                    "timezone": "Europe/Zurich"
                }
            }
        }
    }"#;
    from_str(text).unwrap()
}

/// Asserts that `value` serializes to this JSON and deserializes from it.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "calls read better without borrows")]
fn assert_wire<T>(value: T, wire: Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(to_value(&value).unwrap(), wire);
    assert_eq!(from_value::<T>(wire.clone()).unwrap(), value);
    assert_eq!(from_str::<T>(&wire.to_string()).unwrap(), value);
}

#[test]
fn the_table_lists_the_documented_fields() {
    let documented = "model messages audio frequency_penalty function_call functions logit_bias \
                      logprobs max_completion_tokens max_tokens metadata modalities moderation n \
                      parallel_tool_calls prediction presence_penalty prompt_cache_key \
                      prompt_cache_options prompt_cache_retention reasoning_effort \
                      response_format safety_identifier seed service_tier stop store \
                      stream_options temperature tool_choice tools top_logprobs top_p user \
                      verbosity web_search_options";
    let all = all_fields();
    let names: BTreeSet<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, documented.split(' ').collect());
}

#[test]
fn every_field_is_typed_and_written() {
    let request: ChatRequest = from_value(all_fields()).unwrap();
    assert_eq!(request.extra, Map::new());
    assert!(request.messages.iter().all(|m| m.extra.is_empty()));
    assert_eq!(to_value(&request).unwrap(), all_fields());
}

#[test]
fn every_field_has_a_setter() {
    let request = ChatRequest::new("gpt-5")
        .user("Hi")
        .audio(AudioOutput::new("alloy", "pcm16"))
        .frequency_penalty(0.5)
        .function_call(FunctionCallChoice::function("old"))
        .function(FunctionDefinition::new("old").description("d").parameters(json!({"type": "object"})))
        .logit_bias(50256, -100)
        .logprobs(true)
        .max_completion_tokens(100)
        .max_tokens(200)
        .metadata("team", "blue")
        .modalities(["text", "audio"])
        .moderation(Moderation::new("omni-moderation-latest").input("block").output(ModerationMode::Score))
        .n(2)
        .parallel_tool_calls(false)
        .prediction("fn main() {}")
        .presence_penalty(-0.5)
        .prompt_cache_key("k")
        .prompt_cache_options(PromptCacheOptions::new().mode("explicit").ttl("30m"))
        .prompt_cache_retention("24h")
        .reasoning_effort("low")
        .response_format(
            ResponseFormat::json_schema("answer", json!({"type": "object"})).description("d").strict(true),
        )
        .safety_identifier("s-1")
        .seed(-7)
        .service_tier(ServiceTier::Flex)
        .stop(["\n", "END"])
        .store(true)
        .include_usage()
        .include_obfuscation(false)
        .temperature(0.2)
        .tool_choice(ToolChoiceMode::Required)
        .tool(
            Tool::function("get_weather").description("d").parameters(json!({"type": "object"})).strict(true),
        )
        .top_logprobs(20)
        .top_p(0.9)
        .end_user("u-1")
        .verbosity("high")
        .web_search_options(WebSearchOptions::new().search_context_size("low").user_location(
            ApproximateLocation::new().city("Bern").country("CH").region("BE").timezone("Europe/Zurich"),
        ));
    assert_wire(request.clone(), all_fields());
    let options = StreamOptions::new().include_usage(true).include_obfuscation(false);
    assert_eq!(request.clone().stream_options(options), request);
}

#[test]
fn a_small_request_is_small() {
    let request = ChatRequest::new("gpt-4").user("Tell me about quantum computing");
    assert_eq!(
        to_string(&request).unwrap(),
        r#"{"model":"gpt-4","messages":[{"role":"user","content":"Tell me about quantum computing"}]}"#
    );
}

#[test]
fn null_fields_are_absent_fields() {
    let mut nulls = all_fields();
    for (name, value) in nulls.as_object_mut().unwrap() {
        if name != "model" && name != "messages" {
            *value = Value::Null;
        }
    }
    let request: ChatRequest = from_value(nulls).unwrap();
    assert_eq!(request, ChatRequest::new("gpt-5").user("Hi"));
}

#[test]
fn messages_of_every_role() {
    assert_wire(
        ChatRequest::new("m")
            .developer("d")
            .system("s")
            .user("u")
            .assistant("a")
            .messages([Message::tool("call_1", "sunny"), Message::function("f", "r")])
            .message(Message::new("critic").content("c").name("n"))
            .messages,
        json!([
            {"role": "developer", "content": "d"},
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": "a"},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            {"role": "function", "name": "f", "content": "r"},
            {"role": "critic", "content": "c", "name": "n"}
        ]),
    );
    assert_wire(
        Message::new(Role::Function).name("f"),
        json!({"role": "function", "name": "f", "content": null}),
    );
}

#[test]
fn an_assistant_message_with_all_its_fields() {
    assert_wire(
        Message::new(Role::Assistant)
            .tool_call(ToolCall::function("call_1", "get_weather", "{}"))
            .tool_calls([ToolCall::custom("call_2", "shell", "ls").field("signature", "x")])
            .refusal("no")
            .audio("audio_1")
            .function_call(FunctionCall::new("old", "{}"))
            .name("n")
            .field("reasoning_content", "hm"),
        json!({
            "role": "assistant",
            "name": "n",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": "{}"}
                },
                {
                    "id": "call_2",
                    "type": "custom",
                    "custom": {"name": "shell", "input": "ls"},
                    "signature": "x"
                }
            ],
            "refusal": "no",
            "audio": {"id": "audio_1"},
            "function_call": {"name": "old", "arguments": "{}"},
            "reasoning_content": "hm"
        }),
    );
    let sparse: Message = from_value(json!({
        "role": "assistant", "content": null, "refusal": null, "audio": null,
        "function_call": null, "tool_calls": null
    }))
    .unwrap();
    assert_eq!(sparse, Message::new("assistant"));
}

#[test]
fn the_name_of_a_tool_call() {
    assert_eq!(ToolCall::function("1", "f", "{}").name(), Some("f"));
    assert_eq!(ToolCall::custom("1", "c", "").name(), Some("c"));
    assert_eq!(ToolCall::default().name(), None);
}

#[test]
fn content_parts_of_every_type() {
    let breakpoint = json!({"mode": "explicit"});
    assert_wire(
        Message::user([
            ContentPart::text("What is this?"),
            ContentPart::text("t").cache_breakpoint(),
            ContentPart::image_url("https://a.example/x.png"),
            ContentPart::image_url(ImageUrl::base64("image/png", "AAAA").detail("low")).cache_breakpoint(),
            ContentPart::image_bytes("image/png", [0, 0, 0]),
            ContentPart::input_audio("UklG", InputAudioFormat::Wav),
            ContentPart::input_audio("UklG", "mp3").cache_breakpoint(),
            ContentPart::file(FileInput::id("file-1")),
            ContentPart::file(FileInput::data("a.pdf", "JVBE")).cache_breakpoint(),
            ContentPart::refusal("no").cache_breakpoint(),
        ])
        .content
        .unwrap(),
        json!([
            {"type": "text", "text": "What is this?"},
            {"type": "text", "text": "t", "prompt_cache_breakpoint": breakpoint},
            {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
                "prompt_cache_breakpoint": breakpoint
            },
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {
                "type": "input_audio",
                "input_audio": {"data": "UklG", "format": "mp3"},
                "prompt_cache_breakpoint": breakpoint
            },
            {"type": "file", "file": {"file_id": "file-1"}},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "JVBE"},
                "prompt_cache_breakpoint": breakpoint
            },
            {"type": "refusal", "refusal": "no"}
        ]),
    );
}

#[test]
fn unknown_parts_and_tools_keep_all_they_have() {
    for part in [
        json!({"type": "video_url", "video_url": {"url": "u"}}),
        json!({"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}}),
        json!({"type": "image_url", "image_url": {"url": "u", "fps": 2}}),
        json!({"type": "image_url", "image_url": "u"}),
    ] {
        assert_wire(ContentPart::from(part.clone()), part);
    }
    for tool in [
        json!({"type": "web_search"}),
        json!({"type": "function", "function": {"name": "f"}, "cache_control": {}}),
    ] {
        assert_wire(Tool::from(tool.clone()), tool);
    }
    assert_wire(
        Tool::from(Tool::function("f").field("hint", 1)),
        json!({"type": "function", "function": {"name": "f", "hint": 1}}),
    );
    let grammar = json!({"type": "grammar", "grammar": "root ::= \"a\""});
    assert_wire(ResponseFormat::from(grammar.clone()), grammar);
}

#[test]
fn content_from_strings_and_parts() {
    let text = String::from("t");
    assert_eq!(Content::from(&text), Content::from(text));
    assert_eq!(Content::from("t").as_text(), Some("t"));
    let part = ContentPart::text("t");
    assert_eq!(Content::from(part.clone()), Content::from(vec![part.clone()]));
    assert_eq!(Content::from([part]).as_text(), None);
}

#[test]
fn custom_tools_in_every_format() {
    let request = ChatRequest::new("m").tools([
        Tool::custom("a"),
        Tool::custom("b").description("d").format(CustomToolFormat::text()),
        Tool::custom("c").format(CustomToolFormat::lark("start: \"x\"")),
        Tool::custom("d").format(CustomToolFormat::regex("x+")),
    ]);
    assert_wire(
        request.tools,
        json!([
            {"type": "custom", "custom": {"name": "a"}},
            {"type": "custom", "custom": {
                "name": "b", "description": "d", "format": {"type": "text"}
            }},
            {"type": "custom", "custom": {"name": "c", "format": {
                "type": "grammar",
                "grammar": {"syntax": "lark", "definition": "start: \"x\""}
            }}},
            {"type": "custom", "custom": {"name": "d", "format": {
                "type": "grammar",
                "grammar": {"syntax": "regex", "definition": "x+"}
            }}}
        ]),
    );
}

#[test]
fn tool_choices_of_every_kind() {
    let allowed: [Tool; 2] = [Tool::function("f").into(), Tool::custom("c").into()];
    for (choice, wire) in [
        (ToolChoice::none(), json!("none")),
        (ToolChoice::auto(), json!("auto")),
        (ToolChoice::required(), json!("required")),
        (ToolChoice::Mode("any".into()), json!("any")),
        (ToolChoice::function("f"), json!({"type": "function", "function": {"name": "f"}})),
        (ToolChoice::custom("c"), json!({"type": "custom", "custom": {"name": "c"}})),
        (
            ToolChoice::allowed_tools("auto", allowed),
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
                {"type": "function", "function": {"name": "f"}},
                {"type": "custom", "custom": {"name": "c"}}
            ]}}),
        ),
        (ToolChoice::Unknown(json!({"type": "mcp"})), json!({"type": "mcp"})),
    ] {
        assert_wire(choice, wire);
    }
    assert_wire(FunctionCallChoice::from(FunctionCallMode::None), json!("none"));
    assert_wire(FunctionCallChoice::function("f"), json!({"name": "f"}));
}

#[test]
fn response_formats_of_every_type() {
    assert_wire(ResponseFormat::text(), json!({"type": "text"}));
    assert_wire(ResponseFormat::json_object(), json!({"type": "json_object"}));
    assert_wire(
        ResponseFormat::from(JsonSchema::new("n")),
        json!({"type": "json_schema", "json_schema": {"name": "n"}}),
    );
}

#[test]
fn options_in_their_other_forms() {
    assert_wire(Stop::from("END"), json!("END"));
    assert_wire(Stop::from(String::from("END")), json!("END"));
    assert_wire(Stop::from(vec!["a"]), json!(["a"]));
    assert_wire(
        AudioOutput::new(Voice::custom("voice_1"), AudioFormat::Wav),
        json!({"voice": {"id": "voice_1"}, "format": "wav"}),
    );
    assert_wire(Voice::from(VoiceName::Marin), json!("marin"));
    assert_wire(Voice::from("robot"), json!("robot"));
    assert_wire(
        Prediction::from([ContentPartText::new("t")]),
        json!({"type": "content", "content": [{"type": "text", "text": "t"}]}),
    );
    assert_wire(Moderation::new("m"), json!({"model": "m"}));
    assert_wire(
        StreamOptions::new().field("continuous_usage_stats", true),
        json!({"continuous_usage_stats": true}),
    );
}

#[test]
fn enums_have_every_documented_value() {
    fn known<T: for<'a> From<&'a str> + std::fmt::Debug>(values: &str) {
        for value in values.split(' ') {
            let read = format!("{:?}", T::from(value));
            assert!(!read.starts_with("Other"), "{read}");
        }
    }
    known::<Role>("developer system user assistant tool function");
    known::<ReasoningEffort>("none minimal low medium high xhigh max");
    known::<ServiceTier>("auto default flex scale priority fast");
    known::<Verbosity>("low medium high");
    known::<Modality>("text audio");
    known::<PromptCacheRetention>("in_memory 24h");
    known::<PromptCacheMode>("implicit explicit");
    known::<PromptCacheTtl>("30m 12h");
    known::<ImageDetail>("auto low high original");
    known::<InputAudioFormat>("wav mp3");
    known::<AudioFormat>("wav aac mp3 flac opus pcm16");
    known::<VoiceName>("alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse");
    known::<ToolType>("function custom");
    known::<ToolChoiceMode>("none auto required");
    known::<AllowedToolsMode>("auto required");
    known::<FunctionCallMode>("none auto");
    known::<GrammarSyntax>("lark regex");
    known::<ModerationMode>("score block");
    known::<SearchContextSize>("low medium high");
}

#[test]
fn a_further_field_replaces_a_typed_one() {
    let request = ChatRequest::new("m")
        .temperature(1)
        .max_tokens(5)
        .field("top_k", 40)
        .field("stop", Value::Null)
        .field("max_tokens", -1);
    assert_eq!(
        to_string(&request).unwrap(),
        r#"{"model":"m","messages":[],"temperature":1.0,"top_k":40,"stop":null,"max_tokens":-1}"#
    );
}

#[test]
fn a_stream_among_the_further_fields_is_one_of_them() {
    let request = ChatRequest::new("m").include_usage().field("stream", false).field("top_k", 40);
    assert_eq!(
        to_string(&request).unwrap(),
        r#"{"model":"m","messages":[],"stream_options":{"include_usage":true},"stream":false,"top_k":40}"#
    );
    let read: ChatRequest = from_value(json!({"model": "m", "messages": [], "stream": true})).unwrap();
    assert_eq!(read.extra["stream"], true);
}
