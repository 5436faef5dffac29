//! Deserializes a typed event from a payload leniently.
//!
//! The fast path is one strict pass. Only if it fails is the payload examined again: a field of an unexpected type is
//! converted if its meaning is clear (a number for a string, an object for its JSON text, digits for a number), and
//! otherwise read as absent. An item of a list that cannot be read is left out. The event's raw payload always has the
//! original.

use std::mem::Discriminant;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::json::bounded::{self, Unread};
use crate::json::decode_error::DecodeError;
use crate::json::from_json::{self, FromJson};
use crate::json::reader::{Step, Wrong};
use crate::json::text::{has_stand_ins, stand_in, with_stand_ins};

/// How many wrong fields of one event are tolerated; a server with more speaks another protocol, and each round costs
/// a pass.
const MOST_WRONG_FIELDS: usize = 32;

/// The fields with the index of a choice, call, item or part.
const INDICES: [&str; 4] = ["index", "output_index", "content_index", "summary_index"];
/// The index of an item with an invalid numeric index. Read as absent, it would be 0, which belongs to another item.
const NO_INDEX: u32 = u32::MAX;

/// Deserializes `payload`; `Ok(None)` if it is JSON, but not an object.
///
/// # Errors
/// If the payload is not JSON.
pub fn parse<T: FromJson>(payload: &Bytes) -> Result<Option<T>, DecodeError> {
    parse_with(payload, |_| {})
}

/// Does the same; a value that a strict pass cannot read is first converted by `translate`.
pub(crate) fn parse_with<T: FromJson>(
    payload: &Bytes,
    translate: fn(&mut Value),
) -> Result<Option<T>, DecodeError> {
    let mut value = T::blank();
    Ok(parse_into(&mut value, payload, translate)?.then_some(value))
}

/// Does the same into a value that is blank, and returns whether the payload is an object.
pub(crate) fn parse_into<T: FromJson>(
    value: &mut T,
    payload: &Bytes,
    translate: fn(&mut Value),
) -> Result<bool, DecodeError> {
    let read = bounded::parsing(payload.len(), || from_json::read_into(value, payload));
    if read.is_err() {
        let read = bounded::parsing(payload.len(), || forgive(payload, translate))?;
        let is_object = read.is_some();
        *value = read.unwrap_or_else(T::blank);
        return Ok(is_object);
    }
    Ok(true)
}

/// Deserializes a payload that a strict pass could read, after `translate` has converted it.
///
/// # Errors
/// If the payload is not JSON.
#[cold]
pub(crate) fn parse_translated<T: FromJson>(
    payload: &Bytes,
    translate: fn(&mut Value),
) -> Result<Option<T>, DecodeError> {
    bounded::parsing(payload.len(), || forgive(payload, translate))
}

#[cold]
fn forgive<T: FromJson>(payload: &[u8], translate: fn(&mut Value)) -> Result<Option<T>, DecodeError> {
    let (mut value, stands_in) = readable(payload)?;
    if !value.is_object() {
        return Ok(None);
    }
    translate(&mut value);
    Ok(settle(value, stands_in))
}

/// Deserializes any JSON that a strict pass could not read.
pub(crate) fn forgive_any<T: FromJson>(json: &[u8]) -> Option<T> {
    let (value, stands_in) = readable(json).ok()?;
    settle(value, stands_in)
}

/// Coerces a value in which private characters may stand for halves of surrogate pairs.
fn settle<T: FromJson>(value: Value, stands_in: bool) -> Option<T> {
    if stands_in { with_stand_ins(|| coerce(value)) } else { coerce(value) }
}

/// Reads the JSON that the payload is, and returns whether private characters stand in it for halves of surrogate pairs.
fn readable(payload: &[u8]) -> Result<(Value, bool), DecodeError> {
    let failed = |error: Unread| DecodeError(error.to_string());
    let error = match bounded::json(payload) {
        Ok(value) => return Ok((value, false)),
        Err(Unread::NoJson(error)) => error,
        Err(Unread::TooMuch) => match serde_json::from_slice::<IgnoredAny>(payload) {
            // JSON, but too much of it: the raw payload has it.
            Ok(IgnoredAny) => {
                return Ok((bounded::json_without_vast_lists(payload).unwrap_or_default(), false));
            }
            Err(error) => error,
        },
    };
    // JSON all the same, if it is only halves of surrogate pairs that are wrong with it.
    let (stood_in, taken) = stand_in_for_surrogates(payload).ok_or_else(|| DecodeError(error.to_string()))?;
    let value = bounded::json(&stood_in).map_err(failed)?;
    Ok((value, !taken))
}

/// Deserializes a value that failed in a strict pass: fields of an unexpected type are converted, or absent.
pub(crate) fn coerce<T: FromJson>(mut value: Value) -> Option<T> {
    let mut event = None;
    // What does not depend on the type is compiled once.
    coerce_rounds(&mut value, &mut |value| from_json::reread(value).map(|read| event = Some(read)))?;
    event
}

/// Changes `value` until `read` can read it, or returns `None`.
fn coerce_rounds(value: &mut Value, read: &mut dyn FnMut(&Value) -> Result<(), Wrong>) -> Option<()> {
    // Its parts may be coerced too, each time that it is read.
    bounded::forgiving(bounded::timeout(value), || {
        let mut converted = Vec::new();
        for _ in 0..MOST_WRONG_FIELDS {
            match bounded::read_again(value, &mut *read)? {
                Ok(()) => return Some(()),
                Err(wrong) => change(value, wrong.way(), &mut converted)?,
            }
        }
        None
    })
}

/// Converts, or removes, what could not be read at `path`. `converted` are the paths at which this was done before.
fn change(value: &mut Value, path: Vec<Step>, converted: &mut Vec<Vec<Step>>) -> Option<()> {
    let wrong = find(value, &path)?;
    if wrong.is_null() {
        // A `null` that is not allowed, as in a list of objects, is removed.
        let holder = remove_null(value, &path)?;
        // The positions of the items after it have changed.
        converted.retain(|other| !other.starts_with(holder));
        return Some(());
    }
    let again = converted.contains(&path);
    let replacement = |wrong: &Value| if again { Value::Null } else { convert(wrong, path.last()) };
    if says_all_are_wrong(wrong) {
        let kind = std::mem::discriminant(wrong);
        replace_all(value, &path, kind, &replacement);
    } else {
        *wrong = replacement(wrong);
    }
    if !again {
        converted.push(path);
    }
    Some(())
}

/// Removes the `null` at this path; if it is an item of a list, also every other `null` of that list. Returns the path of
/// the object or list.
fn remove_null<'p>(value: &mut Value, path: &'p [Step]) -> Option<&'p [Step]> {
    let (last, holder) = path.split_last()?;
    let inside = if holder.is_empty() { value } else { find(value, holder)? };
    match (last, inside) {
        (Step::Field(name), Value::Object(object)) => drop(object.shift_remove(name)?),
        (Step::Item(_), Value::Array(list)) => list.retain(|item| !item.is_null()),
        _ => return None,
    }
    Some(holder)
}

/// Returns whether a value of an unexpected type means that every value of its kind is unexpected there. A number that is a
/// valid index fits every numeric field, so the field is not numeric; another number may be out of range.
fn says_all_are_wrong(wrong: &Value) -> bool {
    !wrong.is_number() || !is_no_index(wrong)
}

/// Replaces each value of this kind at this path, in every item of the lists on the path: a server that gets one item
/// wrong gets all of them wrong, and one round per item would exceed the limit.
fn replace_all(
    value: &mut Value,
    path: &[Step],
    kind: Discriminant<Value>,
    replacement: &impl Fn(&Value) -> Value,
) {
    match path.split_first() {
        None if std::mem::discriminant(value) == kind => *value = replacement(value),
        None => {}
        Some((Step::Field(name), rest)) => {
            if let Some(value) = value.get_mut(name) {
                replace_all(value, rest, kind, replacement);
            }
        }
        Some((Step::Item(_), rest)) => {
            let items = value.as_array_mut().into_iter().flatten();
            items.for_each(|item| replace_all(item, rest, kind, replacement));
        }
    }
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

/// Returns the probable meaning of a value of an unexpected type in this field.
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

/// Returns whether a present value cannot be an index, even as a string.
fn is_no_index(value: &Value) -> bool {
    let number: Option<f64> = match value {
        Value::Null => return false,
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.is_none_or(|number| !(0.0..=f64::from(NO_INDEX)).contains(&number))
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
    use crate::json::text::Text;

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
    fn a_null_where_nothing_may_be_null_is_left_out() {
        use std::collections::BTreeMap;

        crate::object! {
            /// An object with a map.
            struct Noted {
                /// Texts.
                pub notes: BTreeMap<String, String>,
                /// A number.
                pub number: Option<u64>,
            }
        }
        for (json, notes) in [
            (r#"{"notes":{"a":null,"b":"x"},"number":3}"#, vec![("b", "x")]),
            (r#"{"notes":{"a":null,"b":true,"c":7},"number":3}"#, vec![("c", "7")]),
            (r#"{"notes":{"a":null,"b":null},"number":3}"#, vec![]),
        ] {
            let noted: Noted = parse(&Bytes::copy_from_slice(json.as_bytes())).unwrap().unwrap();
            let got: Vec<_> = noted.notes.iter().map(|(name, note)| (name.as_str(), note.as_str())).collect();
            assert_eq!((got, noted.number), (notes, Some(3)), "{json}");
        }
    }

    #[test]
    fn an_item_that_cannot_be_read_is_left_out() {
        let numbers = |list: &str| {
            let got = thing(&format!(r#"{{"text":"Hi","list":{list},"name":7}}"#));
            assert_eq!((got.text.unwrap().as_str(), got.name.as_deref()), ("Hi", Some("7")), "{list}");
            let numbers = got.list.unwrap().into_iter().map(|item| item.number.unwrap_or(0));
            numbers.collect::<Vec<_>>()
        };
        for list in ["[null]", r#"["x"]"#, "[7]", "[true]", "[[]]", r#"["7"]"#, r#"[null,"x",7,true,[{}]]"#] {
            assert_eq!(numbers(list), Vec::<u64>::new(), "{list}");
        }
        for list in [
            r#"[null,{"number":1},null,{"number":2}]"#,
            r#"[{"number":1},"x",{"number":2}]"#,
            r#"[null,{"number":"1"},"7",{"number":"2"}]"#,
            r#"["x",{"number":1,"list":[null]},7,{"number":2,"list":["x",{}]}]"#,
        ] {
            assert_eq!(numbers(list), [1, 2], "{list}");
        }
        // However many they are.
        for wrong in ["null", r#""x""#, "7", "[]", "true"] {
            let list = format!(r#"[{}{{"number":1}}]"#, format!("{wrong},").repeat(500));
            assert_eq!(numbers(&list), [1], "{wrong}");
        }
        let strings = format!("[{}{{\"number\":\"5\"}}]", "{\"number\":\"3\"},".repeat(500));
        assert_eq!(numbers(&strings).iter().sum::<u64>(), 1505);
    }

    #[test]
    fn strings_and_numbers_that_cannot_be_read_are_left_out_of_a_list() {
        crate::object! {
            /// Lists of plain values.
            struct Lists {
                /// Strings.
                pub strings: Option<Vec<String>>,
                /// Numbers.
                pub numbers: Option<Vec<u32>>,
                /// A text.
                pub text: Option<Text>,
            }
        }
        for (strings, numbers, read) in [
            (r#"[null,"a"]"#, "[1,null]", (vec!["a"], vec![1])),
            (r#"[7,"a",8.5]"#, r#"["1",2]"#, (vec!["7", "a", "8.5"], vec![1, 2])),
            (r#"[true,{"a":1}]"#, r#"[-1,1,"x",-2,2,{}]"#, (vec![r#"{"a":1}"#], vec![1, 2])),
            ("[]", "[1,-1,2]", (vec![], vec![1, 2])),
        ] {
            let json = format!(r#"{{"strings":{strings},"numbers":{numbers},"text":"Hi"}}"#);
            let got: Lists = parse(&Bytes::from(json)).unwrap().unwrap();
            let got_strings = got.strings.unwrap();
            let strings_read: Vec<&str> = got_strings.iter().map(String::as_str).collect();
            assert_eq!((strings_read, got.numbers.unwrap()), read, "{strings} {numbers}");
            assert_eq!(got.text.unwrap(), "Hi");
        }
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
