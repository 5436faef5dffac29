//! Bounds the cost of reading one payload, so that a short one cannot take much memory or time.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::json::weight::weight;

/// How many bytes of typed list items a byte of JSON may become, beyond the first [`FREE_ITEMS`]: `{}` is two bytes,
/// and an empty choice takes hundreds.
const ITEMS_PER_BYTE: usize = 8;
/// How many bytes of list items are free.
const FREE_ITEMS: usize = 128 << 10;
/// How many bytes of untyped JSON in memory a byte of JSON text may become, beyond the first [`FREE_JSON`]: `{"":0},`
/// is seven bytes, and takes hundreds.
const JSON_PER_BYTE: usize = 24;
/// How many bytes of untyped JSON are free.
const FREE_JSON: usize = 2 << 20;
/// What a field of an object takes: its name, its value, their hash, and its slot in a table.
const FIELD: usize = size_of::<String>() + size_of::<Value>() + size_of::<usize>() + 2 * size_of::<usize>();
/// How many fields an object has room for when it has one.
const FIRST_FIELDS: usize = 4;
/// The error for JSON that exceeds the bounds.
const TOO_MUCH: &str = "it would take far more memory than its text";
/// How often a value, with everything in it, may be read again to tolerate errors in it.
const ROUNDS: usize = 16;

thread_local! {
    /// How many bytes of list items may still be made of what is being parsed on this thread.
    static ITEMS: Cell<usize> = const { Cell::new(usize::MAX) };
    /// How many bytes of untyped JSON may still be made of it.
    static JSON: Cell<usize> = const { Cell::new(usize::MAX) };
    /// A list that would take more than may still be made is `null`.
    static CUTTING: Cell<bool> = const { Cell::new(false) };
    /// What may still be spent on reading parts of it again; `None` while nothing is.
    static AGAIN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Puts a value back that held before.
struct Restore<T: Copy + 'static>(&'static std::thread::LocalKey<Cell<T>>, T);

impl<T: Copy> Drop for Restore<T> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Runs `parse`, which makes of `len` bytes no more list items, and no more untyped JSON, than is just.
pub(crate) fn parsing<T>(len: usize, parse: impl FnOnce() -> T) -> T {
    let most = |free: usize, per_byte: usize| free.saturating_add(len.saturating_mul(per_byte));
    let _items = Restore(&ITEMS, ITEMS.replace(most(FREE_ITEMS, ITEMS_PER_BYTE)));
    let _json = Restore(&JSON, JSON.replace(most(FREE_JSON, JSON_PER_BYTE)));
    parse()
}

/// Why JSON was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It would take far more memory than its text.
    TooMuch,
    /// It is none.
    NoJson(serde_json::Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch => f.write_str(TOO_MUCH),
            Self::NoJson(error) => error.fmt(f),
        }
    }
}

/// Reads JSON that a server sent, whatever it is.
///
/// # Errors
/// When it is no JSON, or would take far more memory than its text.
pub(crate) fn json(text: &[u8]) -> Result<Value, Unread> {
    parsing(text.len(), || {
        let read = serde_json::from_slice(text).map(|Frugal(value)| value);
        read.map_err(|error| if JSON.get() == 0 { Unread::TooMuch } else { Unread::NoJson(error) })
    })
}

/// Reads JSON as [`json`] does, but a list that would take far more memory than its text is `null`.
///
/// # Errors
/// When it is no JSON, or would take far more memory than its text all the same.
pub(crate) fn json_without_vast_lists(text: &[u8]) -> Result<Value, Unread> {
    let _cutting = Restore(&CUTTING, CUTTING.replace(true));
    json(text)
}

/// Runs `read`, which reads a value that is there already: what it takes was paid for.
pub(crate) fn rereading<T>(read: impl FnOnce() -> T) -> T {
    let _json = Restore(&JSON, JSON.replace(usize::MAX));
    read()
}

/// A value that takes no more memory than is just for what is being parsed.
pub(crate) struct Frugal(pub(crate) Value);

impl<'de> Deserialize<'de> for Frugal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrugalVisitor).map(Self)
    }
}

/// Takes so many bytes of untyped JSON.
fn take<E: Error>(bytes: usize) -> Result<(), E> {
    let left = JSON.get();
    if left == usize::MAX {
        return Ok(());
    }
    let rest = left.checked_sub(bytes);
    JSON.set(rest.unwrap_or(0));
    rest.map(drop).ok_or_else(|| E::custom(TOO_MUCH))
}

struct FrugalVisitor;

impl<'de> Visitor<'de> for FrugalVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (before, mut list) = (JSON.get(), Vec::new());
        while let Some(Frugal(item)) = items.next_element()? {
            // A list doubles as it grows.
            match take(2 * size_of::<Value>()) {
                Err(_) if CUTTING.get() => {
                    while items.next_element::<IgnoredAny>()?.is_some() {}
                    JSON.set(before);
                    return Ok(Value::Null);
                }
                taken => taken?,
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            // An object doubles as it grows.
            match object.len() {
                0 => take(FIRST_FIELDS * FIELD)?,
                1..FIRST_FIELDS => {}
                _ => take(2 * FIELD)?,
            }
            let Frugal(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// Whether one more item of this type may be made.
pub(crate) fn may_make<T>() -> bool {
    let left = ITEMS.get().checked_sub(size_of::<T>());
    if let Some(left) = left.filter(|_| ITEMS.get() != usize::MAX) {
        ITEMS.set(left);
    }
    left.is_some()
}

/// What may be spent on reading a value again and again.
pub(crate) fn timeout(value: &Value) -> usize {
    weight(value).saturating_mul(ROUNDS)
}

/// Runs `forgive`, which reads a value again and again. Inside of another value that is forgiven, it spends of that one's
/// timeout.
pub(crate) fn forgiving<T>(timeout: usize, forgive: impl FnOnce() -> T) -> T {
    let inside = AGAIN.get().is_some();
    let _restore = (!inside).then(|| Restore(&AGAIN, AGAIN.replace(Some(timeout))));
    forgive()
}

/// Reads a value once more, if it may be; it costs what the value weighs, and items made in vain are none.
pub(crate) fn read_again<T, E>(
    value: &Value,
    read: impl FnOnce(&Value) -> Result<T, E>,
) -> Option<Result<T, E>> {
    let left = AGAIN.get()?.checked_sub(weight(value))?;
    AGAIN.set(Some(left));
    let items = ITEMS.get();
    let result = read(value);
    if result.is_err() {
        ITEMS.set(items);
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_takes_no_more_memory_than_is_just() {
        for (item, most) in [("{\"\":0}", 100_000), ("0", 2_000_000), ("{\"a\":{\"a\":0}}", 50_000)] {
            let list = |items: usize| format!("[{}{item}]", format!("{item},").repeat(items - 1));
            let few = serde_json::from_str::<Value>(&list(1000)).unwrap();
            assert!(json(list(1000).as_bytes()).is_ok_and(|value| value == few), "{item}");
            assert!(matches!(json(list(most).as_bytes()), Err(Unread::TooMuch)), "{item}");
        }
        // What servers send is far from that.
        let token = r#"{"token":"word","logprob":-0.0012,"bytes":[119,111,114,100],"top_logprobs":[]}"#;
        json(format!("[{}{token}]", format!("{token},").repeat(20_000)).as_bytes()).unwrap();
    }

    #[test]
    fn a_vast_list_is_null_where_the_rest_is_wanted() {
        let vast = format!("{{\"a\":1,\"b\":[{}0],\"c\":[[1],2]}}", "0,".repeat(2_000_000));
        assert!(matches!(json(vast.as_bytes()), Err(Unread::TooMuch)));
        let value = json_without_vast_lists(vast.as_bytes()).unwrap();
        assert_eq!(value, serde_json::json!({"a": 1, "b": null, "c": [[1], 2]}));
        json_without_vast_lists(&vast.as_bytes()[..vast.len() - 1]).unwrap_err();
        let objects = format!("[{}0]", "{\"\":0},".repeat(200_000));
        assert!(matches!(json_without_vast_lists(objects.as_bytes()), Err(Unread::TooMuch)));
    }

    #[test]
    fn json_reads_as_serde_json_reads_it() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1.5e3",
            "\"a\\u00e9\"",
            "[1,[2],{}]",
            r#"{"a":1,"a":{"b":null}}"#,
        ] {
            assert_eq!(
                json(text.as_bytes()).unwrap(),
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
        for text in ["", "{", "[1,]", "1 2", "{\"a\" 1}"] {
            json(text.as_bytes()).unwrap_err();
        }
    }
}
