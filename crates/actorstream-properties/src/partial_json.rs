//! Partial JSON takes what serde_json takes, and shows at every step the start of what it will be.

use actorstream_proto::json::partial_json::{Limits, PartialJson, PartialJsonError, PartialJsonErrorKind};
use serde_json::Value;

use crate::input::{Input, shown};

/// See the module.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let limits = input.pick(&[
        Limits::default(),
        Limits { bytes: 64, ..Limits::default() },
        Limits { depth: 4, ..Limits::default() },
        Limits { depth: 0, bytes: 0 },
    ]);
    let text = String::from_utf8_lossy(input.rest());
    let whole = read(limits, [&*text]);
    if limits == Limits::default() {
        let theirs = serde_json::from_str::<Value>(&text).ok();
        // What serde_json does not take and this does: halves of surrogate pairs.
        if theirs.is_some() || !text.to_ascii_lowercase().contains("\\ud") {
            assert_eq!(whole.finished.clone().ok().map(exact), theirs.map(exact), "{text}");
        }
    }
    for way in input.cuts(text.len()) {
        let pieces = way
            .iter()
            .map(|read| &text[text.floor_char_boundary(read.start)..text.floor_char_boundary(read.end)]);
        assert_eq!(read(limits, pieces), whole, "{text} cut at {}", shown(&way));
    }
    starts(limits, &text, &whole);
}

/// What came of a text.
#[derive(Debug, PartialEq)]
struct Read {
    shown: String,
    error: Option<PartialJsonError>,
    finished: Result<Value, PartialJsonError>,
}

fn read<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a str>) -> Read {
    let mut json = PartialJson::with_limits(limits);
    let mut failed = None;
    for piece in pieces {
        let result = json.push(piece);
        if let Some(error) = failed {
            assert_eq!(result, Err(error), "an error stays");
        }
        failed = result.err();
        assert_eq!(json.error(), failed);
    }
    let (shown, complete) = (json.value().clone(), json.is_complete());
    let error = json.error();
    let finished = json.finish();
    match &finished {
        Ok(value) => assert!(
            complete && exact(value.clone()) == exact(shown.clone()) || !complete && value.is_number()
        ),
        Err(finishing) if error.is_none() => assert!(
            matches!(
                finishing.kind,
                PartialJsonErrorKind::Incomplete | PartialJsonErrorKind::NumberOutOfRange
            ),
            "{finishing:?}"
        ),
        Err(finishing) => assert_eq!(error, Some(*finishing)),
    }
    Read { shown: exact(shown), error, finished }
}

/// Zeros of different sign are different.
fn exact(value: Value) -> String {
    value.to_string()
}

/// Every start of the text shows the start of what the text shows; looked at in few places of a long one.
fn starts(limits: Limits, text: &str, whole: &Read) {
    let step = 1 + text.len() / 64;
    let mut json = PartialJson::with_limits(limits);
    let last: Value = serde_json::from_str(&whole.shown).unwrap_or_default();
    // Of a key that comes again the last value wins, and what was shown before is not its start.
    let repeats = !matches!(serde_json::from_str::<UniqueKeys>(text), Ok(UniqueKeys));
    let mut from = 0;
    for to in (step..=text.len()).step_by(step) {
        let to = text.floor_char_boundary(to);
        let _ = json.push(&text[from..to]);
        from = to;
        if !repeats && !text.contains("\\u") {
            let shown = json.value();
            assert!(shown.is_null() || is_start(shown, &last), "{:?} shows {shown} of {last}", &text[..to]);
        }
    }
}

/// Whether `a` can be what has come of `b`.
fn is_start(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => b.starts_with(a.as_str()),
        (Value::Array(a), Value::Array(b)) => match a.split_last() {
            Some((last, rest)) => b.starts_with(rest) && b.get(rest.len()).is_some_and(|b| is_start(last, b)),
            None => true,
        },
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.is_null() || is_start(a, b)))
                && a.iter().filter(|(key, a)| b.get(*key) != Some(a)).count() <= 1
        }
        _ => a == b,
    }
}

/// JSON in which no object has a key twice.
struct UniqueKeys;

impl<'de> serde::Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = UniqueKeys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_bool<E>(self, _: bool) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_u64<E>(self, _: u64) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_i64<E>(self, _: i64) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_f64<E>(self, _: f64) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_str<E>(self, _: &str) -> Result<UniqueKeys, E> {
                Ok(UniqueKeys)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<UniqueKeys, A::Error> {
                while items.next_element::<UniqueKeys>()?.is_some() {}
                Ok(UniqueKeys)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
                let mut keys = std::collections::HashSet::new();
                while let Some((key, UniqueKeys)) = map.next_entry::<String, UniqueKeys>()? {
                    if !keys.insert(key) {
                        return Err(serde::de::Error::custom("a key twice"));
                    }
                }
                Ok(UniqueKeys)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
