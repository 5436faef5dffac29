use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Schema, Unstructured, parse};
use crate::api::chat::ChatCompletion;
use crate::api::chat::request::FunctionDefinition;
use crate::api::responses::Response;

/// Somebody.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Person {
    /// The full name.
    #[schemars(length(min = 1))]
    name: String,
    age: Option<u8>,
    #[serde(default)]
    friends: Vec<Person>,
    /// Where they live.
    home: Home,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Home {
    House { rooms: u32 },
    Boat,
}

#[test]
fn the_schema_of_a_struct_is_strict() {
    let schema = Schema::of::<Person>();
    assert_eq!((schema.name.as_str(), schema.description.as_deref()), ("Person", Some("Somebody.")));
    assert!(schema.strict);
    assert_eq!(
        schema.schema,
        json!({
            "title": "Person",
            "description": "Somebody.",
            "type": "object",
            "properties": {
                "name": {"description": "The full name.", "type": "string"},
                "age": {"type": ["integer", "null"], "minimum": 0, "maximum": 255},
                "friends": {"type": "array", "items": {"$ref": "#"}},
                "home": {"description": "Where they live.", "anyOf": [{"$ref": "#/$defs/Home"}]},
            },
            "required": schema.schema["required"],
            "additionalProperties": false,
            "$defs": {"Home": {"anyOf": [
                {"type": "object", "properties": {"kind": {"type": "string", "enum": ["house"]},
                    "rooms": {"type": "integer", "minimum": 0}},
                 "required": ["kind", "rooms"], "additionalProperties": false},
                {"type": "object", "properties": {"kind": {"type": "string", "enum": ["boat"]}},
                 "required": ["kind"], "additionalProperties": false},
            ]}},
        })
    );
    let mut required: Vec<&str> =
        schema.schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    required.sort_unstable();
    assert_eq!(required, ["age", "friends", "home", "name"]);
}

/// The properties of an object, in their order.
fn properties(schema: &Value) -> Vec<&str> {
    schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_fields_keep_the_order_of_their_declaration() {
    #[derive(JsonSchema)]
    #[expect(dead_code)]
    struct Verdict {
        reasoning: String,
        evidence: Vec<Evidence>,
        #[serde(flatten)]
        rating: Rating,
        confidence: Option<f64>,
        answer: Answer,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code)]
    struct Evidence {
        source: String,
        quote: Option<String>,
        #[serde(default)]
        accepted: bool,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code)]
    struct Rating {
        weight: u8,
        bias: u8,
    }
    #[derive(JsonSchema)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[expect(dead_code)]
    enum Answer {
        Yes { why: String, but: String, also: String },
        No { zero: u8, because: Evidence },
    }
    #[derive(JsonSchema)]
    #[serde(tag = "what", content = "holds")]
    #[expect(dead_code)]
    enum Adjacent {
        Zeta(u8),
        Alpha { z: u8, a: u8 },
    }
    let names = ["reasoning", "evidence", "weight", "bias", "confidence", "answer"];
    let evidence = ["source", "quote", "accepted"];

    let schema = Schema::of::<Verdict>();
    assert!(schema.strict);
    assert_eq!(properties(&schema.schema), names);
    assert_eq!(schema.schema["required"], json!(names));
    assert_eq!(properties(&schema.schema["$defs"]["Evidence"]), evidence);
    assert_eq!(schema.schema["$defs"]["Evidence"]["required"], json!(evidence));
    let variants = &schema.schema["$defs"]["Answer"]["anyOf"];
    assert_eq!(properties(&variants[0]), ["kind", "why", "but", "also"], "the tag says what follows");
    assert_eq!(variants[0]["required"], json!(["kind", "why", "but", "also"]));
    assert_eq!(properties(&variants[1]), ["kind", "zero", "because"]);

    // As it goes out, a list of them, and where strict mode has no words.
    let text = serde_json::to_string(&FunctionDefinition::of::<Vec<Verdict>>("judge")).unwrap();
    let places: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    #[derive(JsonSchema)]
    #[expect(dead_code)]
    struct Loose {
        zeta: BTreeMap<String, u8>,
        alpha: u8,
        mid: Option<u8>,
        beta: u8,
    }
    let loose = Schema::of::<Loose>();
    assert!(!loose.strict);
    assert_eq!(properties(&loose.schema), ["zeta", "alpha", "mid", "beta"]);
    assert_eq!(loose.schema["required"], json!(["zeta", "alpha", "beta"]));
    let adjacent = Schema::of::<Adjacent>().schema;
    let variants = &adjacent["$defs"]["value"]["anyOf"];
    assert_eq!(properties(&variants[1]), ["what", "holds"], "{adjacent}");
    assert_eq!(properties(&variants[1]["properties"]["holds"]), ["z", "a"]);
}

#[test]
fn a_type_may_be_called_as_the_field_around_it() {
    /// Called as the field is.
    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename = "value")]
    struct Inner {
        n: u8,
        inner: Option<Box<Inner>>,
    }
    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename = "value", untagged)]
    enum Root {
        One(u8),
        Many(Vec<Root>),
    }
    for (schema, type_of) in [
        (Schema::of::<Vec<Inner>>(), "array"),
        (Schema::of::<Vec<Vec<Inner>>>(), "array"),
        (Schema::of::<Root>(), "anyOf"),
        (Schema::of::<Vec<Root>>(), "array"),
    ] {
        let text = schema.schema.to_string();
        let target = schema.schema["properties"]["value"]["$ref"].as_str().unwrap();
        let def = schema.schema.pointer(&target[1..]).unwrap_or_else(|| panic!("{target} in {text}"));
        assert!(def["type"] == type_of || def.get(type_of).is_some(), "{text}");
        assert_ne!(def["$ref"], target, "{text}");
        for part in text.split("\"$ref\":\"#").skip(1) {
            let target = part.split('"').next().unwrap();
            assert!(
                schema.schema.pointer(target).is_some_and(|def| def != &schema.schema),
                "{target} in {text}"
            );
        }
    }
    assert_eq!(parse::<Vec<Inner>>(r#"{"value":[{"n":1}]}"#).unwrap(), [Inner { n: 1, inner: None }]);
}

#[test]
fn a_function_of_nothing_has_no_arguments() {
    /// Says what time it is.
    #[derive(JsonSchema)]
    struct Now;
    let nothing = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let now = FunctionDefinition::of::<Now>("now");
    assert_eq!((now.parameters, now.strict), (Some(nothing.clone()), Some(true)));
    assert_eq!(now.description.as_deref(), Some("Says what time it is."));
    assert_eq!(FunctionDefinition::of::<()>("now").parameters, Some(nothing.clone()));
    #[derive(JsonSchema)]
    struct Empty {}
    assert_eq!(FunctionDefinition::of::<Empty>("now").parameters.unwrap()["properties"], json!({}));
    // An answer of nothing is still an object.
    assert_eq!(Schema::of::<()>().schema["properties"]["value"], json!({"$ref": "#/$defs/value"}));
}

#[test]
fn a_type_beyond_strict_mode_is_not_strict() {
    #[derive(JsonSchema)]
    #[expect(dead_code)]
    struct Loose<T> {
        field: T,
    }
    assert!(!Schema::of::<Loose<BTreeMap<String, u8>>>().strict);
    assert!(!Schema::of::<Loose<(u8, u8)>>().strict);
    assert!(!Schema::of::<Loose<Value>>().strict);
    let schema = Schema::of::<Loose<BTreeMap<String, u8>>>().schema;
    assert!(schema["properties"]["field"]["additionalProperties"].is_object(), "{schema}");
    assert!(Schema::of::<Loose<Vec<Option<bool>>>>().strict);
}

#[test]
fn a_type_that_is_no_object_is_wrapped_and_unwrapped() {
    let schema = Schema::of::<Vec<Person>>();
    assert!(schema.strict);
    assert_eq!(schema.schema["type"], "object");
    assert_eq!(schema.schema["properties"], json!({"value": {"$ref": "#/$defs/value"}}));
    assert_eq!(schema.schema["$defs"]["value"]["items"], json!({"$ref": "#/$defs/Person"}));
    assert_eq!(parse::<Vec<u8>>(r#"{"value":[1,2]}"#).unwrap(), [1, 2]);
    assert_eq!(parse::<Home>(r#"{"value":{"kind":"boat"}}"#).unwrap(), Home::Boat);
    assert!(Schema::of::<Home>().strict, "an enum's variants are told apart in a field");
    assert!(parse::<Vec<u8>>("[1]").unwrap_err().is_data());

    #[derive(JsonSchema)]
    #[expect(dead_code)]
    enum Tree {
        Leaf,
        Node(Box<Tree>),
    }
    let schema = Schema::of::<Tree>().schema;
    let text = schema.to_string();
    assert!(!text.contains("\"$ref\":\"#\""), "the root is a definition now: {text}");
}

#[test]
fn names_are_such_as_the_api_takes() {
    #[derive(JsonSchema)]
    #[schemars(rename = "Straße von <A> nach <B>")]
    struct Odd {}
    assert_eq!(Schema::of::<Odd>().name, "Stra_e_von__A__nach__B_");
}

fn chat(message: &Value, finish_reason: &str) -> ChatCompletion {
    serde_json::from_value(json!({"choices": [{"message": message, "finish_reason": finish_reason}]}))
        .unwrap()
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Small {
    n: u8,
}

#[test]
fn a_chat_completion_is_a_value_or_says_why_not() {
    let read = |message: Value, reason: &str| chat(&message, reason).structured::<Small>();
    assert_eq!(read(json!({"content": "{\"n\":1}"}), "stop"), Ok(Small { n: 1 }));
    assert_eq!(read(json!({"content": "```json\n{\"n\":1}\n```"}), "stop"), Ok(Small { n: 1 }));
    assert_eq!(
        read(json!({"content": null, "refusal": "No."}), "stop"),
        Err(Unstructured::Refusal("No.".into()))
    );
    let text = "{\"n\":".to_owned();
    assert_eq!(read(json!({"content": text}), "length"), Err(Unstructured::Length { text: text.clone() }));
    assert_eq!(
        read(json!({"content": text}), "content_filter"),
        Err(Unstructured::ContentFilter { text: text.clone() })
    );
    assert_eq!(read(json!({"content": ""}), "stop"), Err(Unstructured::Empty));
    let calls = json!([{"id": "a", "function": {"name": "f", "arguments": "{}"}}]);
    for said in [Value::Null, json!("Let me see."), json!("{\"n\":1}")] {
        let message = json!({"content": said, "tool_calls": calls});
        assert_eq!(read(message, "tool_calls"), Err(Unstructured::ToolCalls), "{said}");
    }
    let old = json!({"content": null, "function_call": {"name": "f", "arguments": "{}"}});
    assert_eq!(read(old, "function_call"), Err(Unstructured::ToolCalls));
    // What cut the answer short may have cut all that it says.
    let all = json!({"content": text, "refusal": "N", "tool_calls": calls});
    assert_eq!(read(all.clone(), "length"), Err(Unstructured::Length { text: text.clone() }));
    assert_eq!(read(all.clone(), "content_filter"), Err(Unstructured::ContentFilter { text: text.clone() }));
    assert_eq!(read(all, "stop"), Err(Unstructured::Refusal("N".into())));
    let error = read(json!({"content": "{\"n\":300}"}), "stop").unwrap_err();
    assert!(error.to_string().contains("300"), "{error}");
    assert_eq!(ChatCompletion::default().structured::<Small>(), Err(Unstructured::Empty));
}

#[test]
fn a_response_is_a_value_or_says_why_not() {
    let read = |output: Value, reason: Value| {
        let response = json!({"output": output, "incomplete_details": {"reason": reason}});
        serde_json::from_value::<Response>(response).unwrap().structured::<Small>()
    };
    let text = |text: &str| {
        json!([{"type": "reasoning", "id": "r", "summary": []},
        {"type": "message", "phase": "commentary", "content": [{"type": "output_text", "text": "Hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": text}]}])
    };
    assert_eq!(read(text("{\"n\":1}"), Value::Null), Ok(Small { n: 1 }));
    assert_eq!(read(text("{"), json!("max_output_tokens")), Err(Unstructured::Length { text: "{".into() }));
    assert_eq!(
        read(text("{"), json!("content_filter")),
        Err(Unstructured::ContentFilter { text: "{".into() })
    );
    let refusal = json!([{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]);
    assert_eq!(read(refusal.clone(), Value::Null), Err(Unstructured::Refusal("No.".into())));
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    assert_eq!(read(json!([call]), Value::Null), Err(Unstructured::ToolCalls));
    let shell = json!({"type": "local_shell_call", "id": "l", "call_id": "x", "action": {"type": "exec"}});
    assert_eq!(read(json!([text("{}")[2], shell]), Value::Null), Err(Unstructured::ToolCalls));
    let searched = json!({"type": "web_search_call", "id": "w", "status": "completed"});
    assert_eq!(read(json!([searched, text("{\"n\":1}")[2]]), Value::Null), Ok(Small { n: 1 }));
    let mut beside = text("Let me see.");
    beside.as_array_mut().unwrap().push(call);
    assert_eq!(read(beside.clone(), Value::Null), Err(Unstructured::ToolCalls));
    beside.as_array_mut().unwrap().extend(refusal.as_array().unwrap().clone());
    let filtered = Err(Unstructured::ContentFilter { text: "Let me see.".into() });
    assert_eq!(read(beside.clone(), json!("content_filter")), filtered);
    let cut = Err(Unstructured::Length { text: "Let me see.".into() });
    assert_eq!(read(beside, json!("max_output_tokens")), cut);
    assert_eq!(read(json!([]), Value::Null), Err(Unstructured::Empty));
    assert!(matches!(read(text("{}"), Value::Null), Err(Unstructured::Invalid { .. })));
}

#[test]
fn an_answer_among_other_things_is_read_where_it_is_the_only_json() {
    let read = |text: &str| chat(&json!({"content": text}), "stop").structured::<Small>();
    for text in [
        "\u{feff}{\"n\":1}",
        "```JSON\n{\"n\":1}\n```",
        "``` Json\r\n{\"n\":1}\r\n```\r\n",
        "~~~\n{\"n\":1}\n~~~",
        "Sure! Here you are:\n\n{\"n\":1}\n\nCan I do more?",
        "<think>\n{\"n\":2}? No, {\"n\":3}.\n</think>\n{\"n\":1}",
        "{\"n\":2}? No.</think>{\"n\":1}",
        "<THINKING>Hm</THINKING>```json\n{\"n\":1}```",
        "As in [1]: {\"n\":1}",
    ] {
        assert_eq!(read(text), Ok(Small { n: 1 }), "{text}");
    }
    for (text, what) in [
        ("Hello.", "no JSON"),
        ("```json\n{\"n\":1,}\n```", "trailing comma"),
        ("It is {\"n\":", "EOF"),
        ("{\"n\":1} or {\"n\":2}", "2 JSON values"),
        ("{\"n\":1}{\"n\":1}", "2 JSON values"),
        ("So: [{\"n\":1}]", "expected an object"),
        ("So: {\"n\":300}", "300"),
        ("[1]", "expected an object"),
        ("1", "expected an object"),
    ] {
        match read(text) {
            Err(Unstructured::Invalid { text: all, error }) => {
                assert!(all == text && error.contains(what), "{text}: {error}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["\u{feff} \n", "<think>{\"n\":1}</think>", "<think>{\"n\":1}"] {
        assert_eq!(read(text), Err(Unstructured::Empty), "{text}");
    }
    // Wrapped values are found as well.
    let list = chat(&json!({"content": "Here: {\"value\":[1,2]}"}), "stop").structured::<Vec<u8>>();
    assert_eq!(list, Ok(vec![1, 2]));
}
