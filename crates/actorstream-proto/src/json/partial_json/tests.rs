//! What shows when, the limits, and how much work it is.

use serde_json::json;

use super::tree::SHOWN_KEYS;
use super::*;

/// A parser that has read `pieces`.
fn read(pieces: &[&str]) -> PartialJson {
    let mut json = PartialJson::new();
    for piece in pieces {
        json.push(piece).unwrap();
    }
    json
}

#[test]
fn shows_what_has_come() {
    for (text, value) in [
        ("", json!(null)),
        (" \n", json!(null)),
        ("{", json!({})),
        (r#"{"a"#, json!({})),
        (r#"{"a""#, json!({})),
        (r#"{"a":"#, json!({})),
        (r#"{"a": ""#, json!({"a": ""})),
        (r#"{"a": "b"#, json!({"a": "b"})),
        (r#"{"a": "b", "c": [1"#, json!({"a": "b", "c": []})),
        (r#"{"a": "b", "c": [1,"#, json!({"a": "b", "c": [1]})),
        (r#"{"a": "b", "c": [1 "#, json!({"a": "b", "c": [1]})),
        (r#"{"a": "b", "c": [1, {"#, json!({"a": "b", "c": [1, {}]})),
        (r#"{"a": "b", "c": [1, {}], "d": tru"#, json!({"a": "b", "c": [1, {}]})),
        (r#"{"a": "b", "c": [1, {}], "d": true"#, json!({"a": "b", "c": [1, {}], "d": true})),
        (r#"[null, fals"#, json!([null])),
        (r#"[-0.5e+1"#, json!([])),
        (r#"[-0.5e+1]"#, json!([-5.0])),
        ("12", json!(null)),
        ("12\n", json!(12)),
    ] {
        assert_eq!(read(&[text]).value(), &value, "{text}");
    }
}

#[test]
fn cut_escapes_show_when_whole() {
    for (text, shown) in [
        (r#""a\"#, "a"),
        (r#""a\n"#, "a\n"),
        (r#""a\u00e"#, "a"),
        (r#""a\u00e9"#, "aé"),
        (r#""\ud83d"#, ""),
        (r#""\ud83d\"#, ""),
        (r#""\ud83d\ude0"#, ""),
        (r#""\ud83d\ude00"#, "😀"),
        (r#""\uD83D\uDE00\"#, "😀"),
        // Lone halves.
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ud83dx"#, "\u{fffd}x"),
        (r#""\ud83d\t"#, "\u{fffd}\t"),
        (r#""\ud83d\u0041"#, "\u{fffd}A"),
        (r#""\ud83d\ud83d"#, "\u{fffd}"),
        (r#""\ud83d\ud83d\ude00"#, "\u{fffd}😀"),
        (r#""\ude00"#, "\u{fffd}"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
    ] {
        assert_eq!(read(&[text]).value(), shown, "{text}");
        let chars: Vec<&str> = text.split_inclusive(|_| true).collect();
        assert_eq!(read(&chars).value(), shown, "{text} in single characters");
    }
    assert_eq!(read(&[r#"{"\ud83d":1,"\u00e9\ud83d\ude00":2}"#]).value(), &json!({"\u{fffd}": 1, "é😀": 2}));
}

#[test]
fn the_last_of_equal_keys_wins_once_it_shows() {
    let mut json = PartialJson::new();
    for (piece, value) in [
        (r#"{"a":1,"b":2,"#, json!({"a": 1, "b": 2})),
        (r#""a":"#, json!({"a": 1, "b": 2})),
        (r#""x"#, json!({"a": "x", "b": 2})),
        (r#"y","#, json!({"a": "xy", "b": 2})),
        (r#""b":3"#, json!({"a": "xy", "b": 2})),
        (r#"4,"#, json!({"a": "xy", "b": 34})),
        (r#""a":{"a":["#, json!({"a": {"a": []}, "b": 34})),
        (r#"5]}}"#, json!({"a": {"a": [5]}, "b": 34})),
    ] {
        json.push(piece).unwrap();
        assert_eq!(json.value(), &value, "{piece}");
    }
    assert!(json.is_complete());
}

#[test]
fn knows_when_it_is_complete() {
    for text in ["", " ", "{", "[1", "\"a", "tru", "1", "{\"a\":1", "-", "1."] {
        assert!(!read(&[text]).is_complete(), "{text}");
    }
    for text in ["{}", " [1] ", "\"a\"", "true", "1 ", "null\n"] {
        assert!(read(&[text]).is_complete(), "{text}");
    }
    assert_eq!(read(&["12"]).finish(), Ok(json!(12)));
    assert_eq!(read(&["[1,2"]).into_value(), json!([1]));
    for text in ["", " ", "-", "1.", "1e", "[1", "[1e400", "nul", "\"a"] {
        let error = PartialJsonError { kind: PartialJsonErrorKind::Incomplete, offset: text.len() };
        assert_eq!(read(&[text]).finish(), Err(error), "{text}");
    }
    let mut json = read(&["[", "1e400"]);
    let error = json.push("]").unwrap_err();
    assert_eq!(error, PartialJsonError { kind: PartialJsonErrorKind::NumberOutOfRange, offset: 6 });
    assert_eq!(read(&["1e400"]).finish().unwrap_err().kind, PartialJsonErrorKind::NumberOutOfRange);
}

#[test]
fn errors_are_sticky_and_leave_what_came() {
    let mut json = read(&["{\"a\": [1, \"x"]);
    let error = json.push("y\\q\", 2]}").unwrap_err();
    assert_eq!(error, PartialJsonError { kind: PartialJsonErrorKind::InvalidEscape, offset: 14 });
    assert_eq!(error.to_string(), "invalid escape at byte 14");
    assert_eq!(json.value(), &json!({"a": [1, "xy"]}));
    assert_eq!(json.push("\"]}"), Err(error));
    assert_eq!(json.error(), Some(error));
    assert_eq!(json.clone().into_value(), json!({"a": [1, "xy"]}));
    assert_eq!(json.finish(), Err(error));

    let mut json = read(&["[1] "]);
    let error = json.push(" x").unwrap_err();
    assert_eq!(error, PartialJsonError { kind: PartialJsonErrorKind::TrailingData, offset: 5 });
    assert!(json.is_complete());
    assert_eq!(json.value(), &json!([1]));
    assert_eq!(json.finish(), Err(error));
}

#[test]
fn errors_name_what_is_wrong_and_where_however_the_text_is_cut() {
    use PartialJsonErrorKind::*;
    for (text, kind, offset) in [
        ("nan", InvalidLiteral, 1),
        ("NaN", ExpectedValue, 0),
        ("-Infinity", InvalidNumber, 1),
        ("[+1]", ExpectedValue, 1),
        ("[01]", InvalidNumber, 2),
        ("[1.]", InvalidNumber, 3),
        ("[1e]", InvalidNumber, 3),
        ("[1e+-1]", InvalidNumber, 4),
        ("[-1e400]", NumberOutOfRange, 7),
        ("[1x]", ExpectedCommaOrEnd, 2),
        ("[1 2]", ExpectedCommaOrEnd, 3),
        ("[1}", ExpectedCommaOrEnd, 2),
        ("[,1]", ExpectedValue, 1),
        ("[1,,2]", ExpectedValue, 3),
        ("[1,]", TrailingComma, 3),
        ("]", ExpectedValue, 0),
        ("{\"a\":]", ExpectedValue, 5),
        ("{,}", ExpectedKey, 1),
        ("{a:1}", ExpectedKey, 1),
        ("{\"a\" 1}", ExpectedColon, 5),
        ("{\"a\":}", ExpectedValue, 5),
        ("{\"a\":1,}", TrailingComma, 7),
        ("{\"a\":1]", ExpectedCommaOrEnd, 6),
        ("\"a\tb\"", ControlCharacter, 2),
        ("{\"a\nb\":1}", ControlCharacter, 3),
        ("\"\\x41\"", InvalidEscape, 2),
        ("\"\\u12g4\"", InvalidEscape, 5),
        ("{} {}", TrailingData, 3),
        ("1 2", TrailingData, 2),
        ("truefalse", TrailingData, 4),
        ("é", ExpectedValue, 0),
        ("[\"é\"é]", ExpectedCommaOrEnd, 5),
        ("\u{feff}{}", ExpectedValue, 0),
    ] {
        for cut in (0..=text.len()).filter(|&cut| text.is_char_boundary(cut)) {
            let mut json = PartialJson::new();
            let result = json.push(&text[..cut]).and_then(|()| json.push(&text[cut..]));
            assert_eq!(result, Err(PartialJsonError { kind, offset }), "{text} cut at {cut}");
        }
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

#[test]
fn depth_is_limited_as_in_serde_json() {
    for (depth, taken) in [(127, true), (128, false), (100_000, false)] {
        for (start, end) in [("[", "]"), ("{\"a\":", "}")] {
            let text = start.repeat(depth) + "1" + &end.repeat(depth);
            let mut json = PartialJson::new();
            let result = json.push(&text);
            assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), taken);
            if taken {
                assert_eq!(result, Ok(()));
                assert_eq!(json.finish().unwrap(), serde_json::from_str::<Value>(&text).unwrap());
            } else {
                let error = PartialJsonError {
                    kind: PartialJsonErrorKind::TooDeep { max: 128 },
                    offset: 127 * start.len(),
                };
                assert_eq!(result, Err(error));
            }
        }
    }
    let mut json = PartialJson::with_limits(Limits { depth: 2, ..Limits::default() });
    json.push("[1,").unwrap();
    assert_eq!(json.push("[").unwrap_err().kind, PartialJsonErrorKind::TooDeep { max: 2 });
    assert_eq!(json.value(), &json!([1]));
    let mut json = PartialJson::with_limits(Limits { depth: 0, ..Limits::default() });
    assert!(json.push("[").is_err());
}

#[test]
fn length_is_limited_wherever_the_text_is_cut() {
    let text = "[\"aébc\"]";
    for max in 0..text.len() {
        for cut in (0..=text.len()).filter(|&cut| text.is_char_boundary(cut)) {
            let mut json = PartialJson::with_limits(Limits { bytes: max, ..Limits::default() });
            let result = json.push(&text[..cut]).and_then(|()| json.push(&text[cut..]));
            let error = PartialJsonError { kind: PartialJsonErrorKind::TooLong { max }, offset: max };
            assert_eq!(result, Err(error), "{max}, cut at {cut}");
            assert_eq!(json.value(), read(&[&text[..text.floor_char_boundary(max)]]).value());
        }
    }
    let mut json = PartialJson::with_limits(Limits { bytes: text.len(), ..Limits::default() });
    json.push(text).unwrap();
    json.push("").unwrap();
    assert!(json.push(" ").is_err());
    // What is wrong before the limit is what counts.
    let mut json = PartialJson::with_limits(Limits { bytes: 3, ..Limits::default() });
    assert_eq!(json.push("[x]  ").unwrap_err().kind, PartialJsonErrorKind::ExpectedValue);
}

#[test]
fn values_behind_very_long_keys_show_when_whole() {
    let key = "k".repeat(SHOWN_KEYS);
    let mut json = PartialJson::new();
    json.push(&format!("{{\"{key}\":{{\"l\":[\"x")).unwrap();
    assert_eq!(json.value(), &json!({&*key: {}}));
    json.push("y\",1").unwrap();
    assert_eq!(json.value(), &json!({&*key: {}}));
    json.push("],\"m\":2").unwrap();
    assert_eq!(json.value(), &json!({&*key: {"l": ["xy", 1]}}));
    json.push("},\"m\":\"z").unwrap();
    let whole = json!({&*key: {"l": ["xy", 1], "m": 2}, "m": "z"});
    assert_eq!(json.value(), &whole);
    json.push("\"}").unwrap();
    assert_eq!(json.finish(), Ok(whole));
}

/// The work of reading `text` in pieces of `size` bytes, and into how many pieces that was.
fn work(text: &str, size: usize) -> (usize, usize) {
    let mut json = PartialJson::new();
    let mut pieces = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(size));
        json.push(piece).unwrap();
        pieces += 1;
        rest = after;
    }
    let work = json.work + json.tree.work;
    assert_eq!(json.finish().unwrap(), serde_json::from_str::<Value>(text).unwrap());
    (work, pieces)
}

#[test]
fn the_work_is_linear_in_the_text() {
    let string = format!("{{\"path\":\"a\",\"content\":\"{}\"}}", "let é = \\\"x\\\";\\n".repeat(4_000));
    let numbers = format!("[{}0]", "1, -2.5e3,".repeat(4_000));
    let objects = format!("{{\"list\":[{}{{}}]}}", "{\"a\":{\"b\":[[],{}]},\"c\":\"\"},".repeat(2_000));
    let nested = format!("{}{}1{}", "{\"a\":[".repeat(50), "[[1],[{}]],".repeat(4_000), "]}".repeat(50));
    for (text, depth) in [(string, 2), (numbers, 1), (objects, 6), (nested, 103)] {
        for size in [1, 4, 100, text.len()] {
            let (work, pieces) = work(&text, size);
            // Lifting and hanging costs two for an open array, and four for an object under a key of one letter;
            // keys of seven letters lead to a string at depth two.
            let bound = 2 * text.len() + pieces * (depth * 4 + 14);
            assert!(work <= bound, "{work} > {bound} for pieces of {size} of {text:.20}");
        }
        // In one piece nothing is lifted or hung twice.
        assert!(work(&text, text.len()).0 <= 2 * text.len());
    }
}

#[test]
fn the_work_is_linear_in_the_text_behind_long_keys_too() {
    for len in [SHOWN_KEYS, SHOWN_KEYS + 1, 100 * SHOWN_KEYS] {
        let text = format!("{{\"{}\":[\"{}\"]}}", "k".repeat(len), "x".repeat(10_000));
        let (work, _) = work(&text, 1);
        let bound = 2 * text.len() + 10_010 * 2 * (SHOWN_KEYS + 4);
        assert!(work <= bound, "{work} > {bound} for a key of {len}");
        assert_eq!(work <= 3 * text.len() + 100_000, len > SHOWN_KEYS, "{work}");
    }
}
