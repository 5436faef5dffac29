use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::json::from_json::{read_into, reread};
use crate::json::text::Text;

crate::object! {
    /// A test object.
    struct Thing {
        /// A text.
        pub text: Option<Text>,
        /// A string.
        pub name: Option<String>,
        /// A number.
        pub number: Option<u64>,
        /// A float.
        pub float: Option<f64>,
        /// A flag.
        pub flag: Option<bool>,
        /// Things.
        pub things: Option<Vec<Thing>>,
        /// Anything.
        pub any: Option<Value>,
    }
}

impl Thing {
    /// Whether such an object can be read as a thing.
    fn fits(value: &Value) -> bool {
        let field = |name: &str, fits: fn(&Value) -> bool| match &value[name] {
            Value::Null => true,
            value => fits(value),
        };
        let whole = |number: &Value| {
            number.as_u64().is_some()
                || number.as_f64().is_some_and(|float| float >= 0.0 && float <= u64::MAX as f64)
        };
        value.is_object()
            && field("text", Value::is_string)
            && field("name", Value::is_string)
            && field("number", whole)
            && field("float", Value::is_number)
            && field("flag", Value::is_boolean)
            && field("things", |things| things.as_array().is_some_and(|things| things.iter().all(Self::fits)))
    }

    /// Makes of the numbers of such an object what a thing makes of them.
    fn settle(value: &mut Value) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            match name.as_str() {
                "number" if value.is_f64() => *value = (value.as_f64().unwrap() as u64).into(),
                "float" if value.is_number() => *value = value.as_f64().unwrap().into(),
                "things" => value.as_array_mut().into_iter().flatten().for_each(Self::settle),
                _ => {}
            }
        }
    }
}

/// What is read is what `serde_json` reads, or neither can read it.
#[track_caller]
fn same(text: &[u8]) {
    let shown = text.escape_ascii();
    let mut got = Thing::default();
    let read = read_into(&mut got, &Bytes::copy_from_slice(text)).map(|()| got);
    match (read, serde_json::from_slice::<Value>(text)) {
        (Ok(got), Ok(mut expected)) => {
            assert!(Thing::fits(&expected), "{shown}");
            Thing::settle(&mut expected);
            assert_eq!(serde_json::to_value(&got).unwrap(), expected, "{shown}");
        }
        // Of a field that comes twice, both have to fit.
        (Err(wrong), Ok(expected)) => assert!(!Thing::fits(&expected) || is_twice(text), "{shown}: {wrong}"),
        // A text may hold what no string can.
        (Ok(_), Err(error)) => {
            let error = error.to_string();
            let texts = ["surrogate", "control character", "hex escape", "unicode code point"];
            assert!(texts.iter().any(|text| error.contains(text)), "{shown}: {error}");
        }
        (Err(_), Err(_)) => {}
    }
}

fn is_twice(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    ["text", "name", "number", "float", "flag", "things"].iter().any(|name| text.matches(name).count() > 1)
}

const THINGS: [&str; 12] = [
    r#"{}"#,
    r#" { "text" : "a" , "number" : 3 , "things" : [ { } , { "flag" : true } ] , "x" : [ 1 , { } ] } "#,
    r#"{"text":"é\n\"\u00e9\ud83d\ude00 \ud83d","name":"tab\t","float":-0.25e-3,"flag":false}"#,
    r#"{"name":"\ud83d"}"#,
    r#"{"number":7.9,"float":3,"any":{"a":[null,true,-1.5e300,"x\\"],"b":{"c":{}}}}"#,
    r#"{"number":18446744073709551615,"new":-9223372036854775808,"newer":1e400}"#,
    r#"{"number":18446744073709551616,"float":-0,"any":-0.0}"#,
    r#"{"t\u0065xt":"a","te\xt":"b","n\nw":{"":""},"things":null,"flag":null}"#,
    r#"{"text":"a","text":"b","new":1,"new":[2],"any":null}"#,
    r#"{"text":7}"#,
    r#"{"things":[{"things":[{"things":[]}]},null]}"#,
    r#"{"any":"a long text of more than sixty-four bytes, so that its end is found in another way: \"é\" and so on"}"#,
];

#[test]
fn things_are_read_as_serde_json_reads_them() {
    for text in THINGS {
        same(text.as_bytes());
    }
}

#[test]
fn whatever_is_changed_things_are_read_as_serde_json_reads_them() {
    const BYTES: &[u8] = b"\"\\{}[]:,-+.eE019untfax /\n\t\x00\x1f\x7f\xc3\xa9\xff";
    let step = if cfg!(miri) { 97 } else { 1 };
    for text in THINGS {
        let text = text.as_bytes();
        for at in (0..text.len()).step_by(step) {
            same(&text[..at]);
            same(&[&text[..at], &text[at + 1..]].concat());
            for byte in BYTES {
                same(&[&text[..at], &[*byte], &text[at + 1..]].concat());
                same(&[&text[..at], &[*byte], &text[at..]].concat());
            }
        }
    }
}

#[test]
fn things_may_be_as_deep_as_serde_json_reads_them() {
    for depth in [100, 125, 126, 127, 128, 129, 300] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            same(format!("{{\"new\":{inner}}}").as_bytes());
            same(format!("{{\"any\":{inner}}}").as_bytes());
            same(format!("{{\"things\":[{{\"new\":{inner}}}]}}").as_bytes());
        }
        let things = format!("{}{{}}{}", "{\"things\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        same(things.as_bytes());
    }
}

#[test]
fn the_way_to_what_is_wrong_is_found() {
    type Lists = BTreeMap<String, Option<Vec<u64>>>;
    let field = |name: &str| Step::Field(name.to_owned());
    for (value, wrong) in [
        (json!({"a": [1, 2.0, 3], "b": null, "c": []}), None),
        (json!({"a\n": [1, "x", 3]}), Some(vec![field("a\n"), Step::Item(1)])),
        (json!({"a": [], "b": 7}), Some(vec![field("b")])),
        (json!([]), Some(vec![])),
    ] {
        assert_eq!(reread::<Lists>(&value).err().map(Wrong::way), wrong, "{value}");
    }
    assert_eq!(reread::<Value>(&json!([{"a": null}])).unwrap(), json!([{"a": null}]));
}
