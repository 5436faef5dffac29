use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Schema, Unstructured, parse};
use crate::chat::ChatCompletion;
use crate::responses::Response;

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

#[test]
fn what_strict_mode_cannot_say_is_not_strict() {
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
    let calls = json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]});
    assert_eq!(read(calls, "tool_calls"), Err(Unstructured::ToolCalls));
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
    assert_eq!(read(refusal, Value::Null), Err(Unstructured::Refusal("No.".into())));
    let call = json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]);
    assert_eq!(read(call, Value::Null), Err(Unstructured::ToolCalls));
    assert_eq!(read(json!([]), Value::Null), Err(Unstructured::Empty));
    assert!(matches!(read(text("{}"), Value::Null), Err(Unstructured::Invalid { .. })));
}
