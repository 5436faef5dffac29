//! Reads a typed event out of a payload, forgiving what servers get wrong.
//!
//! The fast way is one strict pass. Only when it fails is the payload looked at again: a field of an unexpected type
//! is converted where its meaning is plain (a number for a string, an object for its JSON text, digits for a number)
//! and otherwise read as absent. What came stays in the event's raw payload either way.

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::event::DecodeError;
use crate::frugal::{self, Unread};
use crate::text::{has_stand_ins, slicing, stand_in, with_stand_ins};
use crate::tracked::{self, Step};
use crate::wire::{Wire, Wired};

/// How many fields of one event may be wrong before it is given up; a server that gets more wrong speaks something
/// else, and each round costs a pass.
const MOST_WRONG_FIELDS: usize = 32;

/// The fields that say which choice, call, item or part an event goes on with.
const INDICES: [&str; 4] = ["index", "output_index", "content_index", "summary_index"];
/// The index of what has a number for an index that is none. Read as absent it would be 0, which is another's.
const NO_INDEX: u32 = u32::MAX;

/// Reads `payload`; `Ok(None)` where it is JSON, but no object.
///
/// # Errors
/// When the payload is not JSON.
pub fn parse<T: Wire>(payload: &Bytes) -> Result<Option<T>, DecodeError> {
    match frugal::parsing(payload.len(), || slicing(payload, || serde_json::from_slice::<Wired<T>>(payload)))
    {
        Ok(Wired(event)) => Ok(Some(event)),
        Err(error) => frugal::parsing(payload.len(), || forgive(payload, &error)),
    }
}

#[cold]
fn forgive<T: Wire>(payload: &[u8], error: &serde_json::Error) -> Result<Option<T>, DecodeError> {
    match frugal::json(payload) {
        Ok(value) => return Ok(if value.is_object() { coerce(value) } else { None }),
        // JSON, but too much of it: the raw payload has it.
        Err(Unread::TooMuch) if serde_json::from_slice::<IgnoredAny>(payload).is_ok() => return Ok(None),
        Err(_) => {}
    }
    // JSON all the same, if it is only halves of surrogate pairs that are wrong with it.
    let (stood_in, taken) = stand_in_for_surrogates(payload).ok_or_else(|| DecodeError(error.to_string()))?;
    let value = frugal::json(&stood_in).map_err(|error| DecodeError(error.to_string()))?;
    Ok(match value.is_object() {
        true if taken => coerce(value),
        true => with_stand_ins(|| coerce(value)),
        false => None,
    })
}

/// Reads what a strict pass could not: fields of an unexpected type are converted, or absent.
pub(crate) fn coerce<T: Wire>(value: Value) -> Option<T> {
    // Its parts may be coerced too, each time that it is read.
    let budget = frugal::budget(&value);
    frugal::forgiving(budget, || coerce_rounds(value))
}

fn coerce_rounds<T: Wire>(mut value: Value) -> Option<T> {
    let mut converted = Vec::new();
    for _ in 0..MOST_WRONG_FIELDS {
        let path = match frugal::read_again(&value, || tracked::read(&value))? {
            Ok(read) => return Some(read),
            Err(path) => path,
        };
        let wrong = find(&mut value, &path)?;
        if converted.contains(&path) {
            *wrong = Value::Null;
        } else {
            *wrong = convert(wrong, path.last());
            converted.push(path);
        }
    }
    None
}

fn find<'a>(mut value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    if path.is_empty() {
        return None;
    }
    for step in path {
        value = match step {
            Step::Field(name) => value.get_mut(name)?,
            Step::Item(index) => value.get_mut(index)?,
        };
    }
    Some(value)
}

/// What a value of an unexpected type probably means, in the field that it is the value of.
fn convert(value: &Value, field: Option<&Step>) -> Value {
    if let Some(Step::Field(name)) = field
        && INDICES.contains(&name.as_str())
        && is_no_index(value)
    {
        return NO_INDEX.into();
    }
    match value {
        Value::Number(_) | Value::Object(_) | Value::Array(_) => Value::String(value.to_string()),
        Value::String(text) => text.parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
        Value::Bool(_) | Value::Null => Value::Null,
    }
}

/// Whether a value is a number, though perhaps in a string, that no index can be.
fn is_no_index(value: &Value) -> bool {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.is_some_and(|number: f64| !(0.0..=f64::from(NO_INDEX)).contains(&number))
}

/// The payload with a private character for each `\u` escape of half a surrogate pair, or U+FFFD if the payload itself
/// holds such private characters, and whether it does; `None` if there is no such escape.
fn stand_in_for_surrogates(payload: &[u8]) -> Option<(Vec<u8>, bool)> {
    let unit = |at: usize| -> Option<u16> {
        let escape = payload.get(at..at + 6)?;
        let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let taken = has_stand_ins(&String::from_utf8_lossy(payload));
    let mut fixed = Vec::with_capacity(payload.len());
    let (mut at, mut found) = (0, false);
    while at < payload.len() {
        let len = match unit(at) {
            Some(0xD800..0xDC00) if matches!(unit(at + 6), Some(0xDC00..0xE000)) => 12,
            Some(half @ 0xD800..0xE000) => {
                let character = if taken { char::REPLACEMENT_CHARACTER } else { stand_in(half) };
                fixed.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                found = true;
                at += 6;
                continue;
            }
            Some(_) => 6,
            // Another escape: its second character starts none.
            None if payload[at] == b'\\' => 2,
            None => 1,
        };
        fixed.extend_from_slice(&payload[at..(at + len).min(payload.len())]);
        at += len;
    }
    found.then_some((fixed, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    crate::object! {
        /// A test object.
        struct Thing {
            /// A text.
            pub text: Option<Text>,
            /// A number.
            pub number: Option<u64>,
            /// A plain string.
            pub name: Option<String>,
            /// A list.
            pub list: Option<Vec<Thing>>,
        }
    }

    fn thing(json: &str) -> Thing {
        parse(&Bytes::copy_from_slice(json.as_bytes())).unwrap().unwrap()
    }

    #[test]
    fn wrong_types_are_converted_or_absent() {
        let got = thing(
            r#"{"text":7,"number":"12","name":{"a":1},"list":[{"text":true,"number":"x","name":"ok"}]}"#,
        );
        assert_eq!(got.text.unwrap(), "7");
        assert_eq!(got.number, Some(12));
        assert_eq!(got.name.unwrap(), r#"{"a":1}"#);
        let inner = &got.list.unwrap()[0];
        assert_eq!((&inner.text, inner.number, inner.name.as_deref()), (&None, None, Some("ok")));
        assert_eq!(thing(r#"{"list":"none","number":3}"#).list, None);
    }

    #[test]
    fn lone_surrogates_outside_texts_are_replaced() {
        let got = thing(r#"{"name":"a\ud83d","new":"\ude00 \ud83d\ude00 \\ud83d"}"#);
        assert_eq!(got.name.unwrap(), "a\u{fffd}");
        assert_eq!(got.extra.get("new").unwrap(), "\u{fffd} 😀 \\ud83d");
    }

    #[test]
    fn a_text_carries_its_half_also_beside_a_wrong_field() {
        let mut carry = 0;
        let mut first = thing(r#"{"text":"a\ud83d","name":7,"number":1}"#).text.unwrap();
        let mut second = thing(r#"{"text":"\ude00b","name":7,"new":"x\ud83d"}"#).text.unwrap();
        first.join(&mut carry);
        second.join(&mut carry);
        assert_eq!((first.as_str(), second.as_str()), ("a", "😀b"));
        let private = thing("{\"text\":\"\u{10F83D}\",\"name\":\"\\ud83d\"}");
        assert_eq!(
            (private.text.unwrap().as_str(), private.name.unwrap().as_str()),
            ("\u{10F83D}", "\u{fffd}")
        );
    }

    #[test]
    fn many_small_items_do_not_become_many_large_ones() {
        let list = |items: usize| format!("{{\"number\":1,\"list\":[{}{{}}]}}", "{},".repeat(items - 1));
        assert_eq!(thing(&list(1000)).list.unwrap().len(), 1000);
        let many = thing(&list(1_000_000));
        assert_eq!((many.list, many.number), (None, Some(1)));
    }

    #[test]
    fn not_json_and_not_an_object() {
        for bad in ["{", "{malformed json}", "", "{\"a\":1} x", "\u{0}"] {
            parse::<Thing>(&Bytes::copy_from_slice(bad.as_bytes())).unwrap_err();
        }
        for other in ["1", "\"x\"", "[]", "null", "true"] {
            assert_eq!(parse::<Thing>(&Bytes::copy_from_slice(other.as_bytes())).unwrap(), None, "{other}");
        }
        let deep = "[".repeat(100_000);
        parse::<Thing>(&Bytes::from(deep)).unwrap_err();
    }
}
