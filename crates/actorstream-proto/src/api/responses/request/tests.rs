use std::collections::BTreeSet;

use serde_json::{Map, Value, from_str, from_value, json, to_string, to_value};

use super::*;

/// Returns every field that the API documents except `stream`, each with a value.
fn all_fields() -> Value {
    let text = r#"{
        "model": "gpt-5",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "background": true,
        "context_management": [{"type": "compaction", "compact_threshold": 200000}],
        "conversation": "conv_1",
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "instructions": "Be brief.",
        "max_output_tokens": 100,
        "max_tool_calls": 5,
        "metadata": {"team": "blue"},
        "moderation": {"model": "omni-moderation-latest", "policy": {"output": {"mode": "block"}}},
        "parallel_tool_calls": false,
        "previous_response_id": "resp_1",
        "prompt": {
            "id": "pmpt_1",
            "version": "2",
            "variables": {
                "city": "Bern",
                "map": {"type": "input_image", "image_url": "https://a.example/x.png"}
            }
        },
        "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "prompt_cache_retention": "24h",
        "reasoning": {
            "effort": "low",
            "summary": "auto",
            "context": "all_turns",
            "mode": "pro",
            "generate_summary": "concise"
        },
        "safety_identifier": "s-1",
        "service_tier": "flex",
        "store": false,
        "stream_options": {"include_obfuscation": false},
        "temperature": 0.2,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "answer",
                "description": "d",
                "schema": {"type": "object"},
                "strict": true
            },
            "verbosity": "high"
        },
        "tool_choice": "required",
        "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": true}],
        "top_logprobs": 20,
        "top_p": 0.9,
        "truncation": "auto",
        "user": "u-1"
    }"#;
    from_str(text).unwrap()
}

/// Asserts that `value` serializes to this JSON and deserializes from it.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "calls read better without borrows")]
pub(super) fn assert_wire<T>(value: T, wire: Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(to_value(&value).unwrap(), wire);
    assert_eq!(from_value::<T>(wire.clone()).unwrap(), value);
    assert_eq!(from_str::<T>(&wire.to_string()).unwrap(), value);
}

/// Asserts that no value is of an unknown variant.
#[track_caller]
pub(super) fn assert_known<T: for<'a> From<&'a str> + std::fmt::Debug>(values: &str) {
    for value in values.split(' ') {
        let read = format!("{:?}", T::from(value));
        assert!(!read.starts_with("Other"), "{read}");
    }
}

#[test]
fn the_table_lists_the_documented_fields() {
    let documented = "background context_management conversation include input instructions max_output_tokens \
                      max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt \
                      prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier \
                      service_tier store stream_options temperature text tool_choice tools top_logprobs top_p \
                      truncation user";
    let all = all_fields();
    let names: BTreeSet<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, documented.split(' ').collect());
}

#[test]
fn every_field_is_typed_and_written() {
    let request: ResponseRequest = from_value(all_fields()).unwrap();
    assert_eq!(request.extra, Map::new());
    assert!(request.reasoning.as_ref().unwrap().extra.is_empty());
    assert!(request.text.as_ref().unwrap().extra.is_empty());
    assert!(request.prompt.as_ref().unwrap().extra.is_empty());
    assert!(request.context_management[0].extra.is_empty());
    assert!(matches!(request.tools[0], Tool::Function(_)));
    assert_eq!(to_value(&request).unwrap(), all_fields());
}

#[test]
fn every_field_has_a_setter() {
    let request = ResponseRequest::new("gpt-4o")
        .model("gpt-5")
        .message(InputMessage::user("Hi"))
        .background(true)
        .context_management([ContextManagement::compaction().compact_threshold(200_000)])
        .conversation("conv_1")
        .include(["reasoning.encrypted_content"])
        .include([Include::MessageOutputTextLogprobs])
        .instructions("Be brief.")
        .max_output_tokens(100)
        .max_tool_calls(5)
        .metadata("team", "blue")
        .moderation(Moderation::new("omni-moderation-latest").output("block"))
        .parallel_tool_calls(false)
        .previous_response_id("resp_1")
        .prompt(
            Prompt::new("pmpt_1")
                .version("2")
                .variables("city", "Bern")
                .variables("map", InputImageContent::url("https://a.example/x.png")),
        )
        .prompt_cache_key("k")
        .prompt_cache_options(PromptCacheOptionsParam::new().mode("explicit").ttl("30m"))
        .prompt_cache_retention("24h")
        .reasoning(Reasoning::new().context("all_turns").mode("pro").generate_summary("concise"))
        .reasoning_effort("low")
        .reasoning_summary("auto")
        .safety_identifier("s-1")
        .service_tier("flex")
        .store(false)
        .include_obfuscation(false)
        .temperature(0.2)
        .text_format(
            TextFormat::json_schema("answer", json!({"type": "object"})).description("d").strict(true),
        )
        .verbosity("high")
        .tool_choice(ToolChoiceMode::Required)
        .tool(Tool::function("get_weather").parameters(json!({"type": "object"})).strict(true))
        .top_logprobs(20)
        .top_p(0.9)
        .truncation("auto")
        .end_user("u-1");
    assert_wire(request.clone(), all_fields());

    let reasoning = Reasoning::new()
        .effort(ReasoningEffort::Low)
        .summary(ReasoningSummary::Auto)
        .context(ReasoningContext::AllTurns)
        .mode(ReasoningMode::Pro)
        .generate_summary(ReasoningSummary::Concise);
    let text = request.text.clone().unwrap();
    let same = request
        .clone()
        .reasoning(reasoning)
        .text(TextConfig::new().format(text.format.unwrap()).verbosity(Verbosity::High))
        .stream_options(StreamOptions::new().include_obfuscation(false));
    assert_eq!(same, request);
}

#[test]
fn a_small_request_is_small() {
    let request = ResponseRequest::new("gpt-5").input("Hello");
    assert_eq!(to_string(&request).unwrap(), r#"{"model":"gpt-5","input":"Hello"}"#);
    let request = ResponseRequest::default().prompt("pmpt_1");
    assert_eq!(to_string(&request).unwrap(), r#"{"prompt":{"id":"pmpt_1"}}"#);
}

#[test]
fn null_fields_are_absent_fields() {
    let mut nulls = all_fields();
    for (name, value) in nulls.as_object_mut().unwrap() {
        if name != "model" {
            *value = Value::Null;
        }
    }
    assert_eq!(from_value::<ResponseRequest>(nulls).unwrap(), ResponseRequest::new("gpt-5"));
}

#[test]
fn a_further_field_replaces_a_typed_one() {
    let request = ResponseRequest::new("m")
        .max_output_tokens(5)
        .field("top_k", 40)
        .field("stream", true)
        .field("max_output_tokens", -1);
    assert_eq!(
        to_string(&request).unwrap(),
        r#"{"model":"m","top_k":40,"stream":true,"max_output_tokens":-1}"#
    );
    assert_wire(
        ResponseRequest::new("m")
            .reasoning(Reasoning::new().field("enabled", true))
            .text(TextConfig::new().field("lang", "de")),
        json!({"model": "m", "reasoning": {"enabled": true}, "text": {"lang": "de"}}),
    );
}

#[test]
fn options_in_their_other_forms() {
    assert_wire(Conversation::Object(ResponseConversation::new("conv_1")), json!({"id": "conv_1"}));
    assert_wire(Conversation::from(String::from("conv_1")), json!("conv_1"));
    assert_wire(Prompt::from(String::from("p")), json!({"id": "p"}));
    assert_wire(PromptVariable::from(String::from("v")), json!("v"));
    assert_wire(TextFormat::text(), json!({"type": "text"}));
    assert_wire(TextFormat::json_object(), json!({"type": "json_object"}));
    assert_wire(TextFormat::from(JsonSchema::new("n")), json!({"type": "json_schema", "name": "n"}));
    for format in [
        json!({"type": "grammar", "definition": "d"}),
        json!({"type": "text", "more": 1}),
        json!({"type": "json_schema", "name": "n", "more": 1}),
    ] {
        assert_wire(TextFormat::from(format.clone()), format);
    }
}

#[test]
fn enums_have_every_documented_value() {
    assert_known::<Include>(
        "file_search_call.results web_search_call.results web_search_call.action.sources \
         message.input_image.image_url computer_call_output.output.image_url code_interpreter_call.outputs \
         reasoning.encrypted_content message.output_text.logprobs",
    );
    assert_known::<Truncation>("auto disabled");
    assert_known::<ReasoningSummary>("auto concise detailed");
    assert_known::<ReasoningContext>("auto current_turn all_turns");
    assert_known::<ReasoningMode>("standard pro");
}
