//! What reading one payload may cost, so that a short one cannot take much memory or time.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::wire::weight;

/// How many bytes of typed list items a byte of JSON may become, beyond the first [`FREE_ITEMS`]: `{}` is two bytes, and a
/// choice without any fields some hundreds.
const ITEMS_PER_BYTE: usize = 8;
/// How many bytes of list items are free.
const FREE_ITEMS: usize = 128 << 10;
/// How many bytes of untyped JSON, as it is in memory, a byte of JSON may become beyond the first [`FREE_JSON`]: `{"":0},`
/// is seven bytes, and takes some hundreds.
const JSON_PER_BYTE: usize = 24;
/// How many bytes of untyped JSON are free.
const FREE_JSON: usize = 2 << 20;
/// How many fields of an object share an allocation, and how many bytes that takes.
const NODE: (usize, usize) = (6, 11 * (size_of::<String>() + size_of::<Value>()) + 16);
/// What is said of JSON that is not just.
const TOO_MUCH: &str = "it would take far more memory than its text";
/// How often a value, with all that is in it, may be read again to forgive what is wrong in it.
const ROUNDS: usize = 16;

thread_local! {
    /// How many bytes of list items may still be made of what is being parsed on this thread.
    static ITEMS: Cell<usize> = const { Cell::new(usize::MAX) };
    /// How many bytes of untyped JSON may still be made of it.
    static JSON: Cell<usize> = const { Cell::new(usize::MAX) };
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

/// An object that takes no more memory than is just for what is being parsed.
pub(crate) struct FrugalMap(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for FrugalMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FrugalMapVisitor).map(Self)
    }
}

struct FrugalMapVisitor;

impl<'de> Visitor<'de> for FrugalMapVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Map<String, Value>, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.len().is_multiple_of(NODE.0) {
                take(NODE.1)?;
            }
            let Frugal(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(object)
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
        let mut list = Vec::new();
        while let Some(Frugal(item)) = items.next_element()? {
            // A list doubles as it grows.
            take(2 * size_of::<Value>())?;
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Value, A::Error> {
        FrugalMapVisitor.visit_map(fields).map(Value::Object)
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
pub(crate) fn budget(value: &Value) -> usize {
    weight(value).saturating_mul(ROUNDS)
}

/// Runs `forgive`, which reads a value again and again. Inside of another value that is forgiven, it spends of that one's
/// budget.
pub(crate) fn forgiving<T>(budget: usize, forgive: impl FnOnce() -> T) -> T {
    let inside = AGAIN.get().is_some();
    let _restore = (!inside).then(|| Restore(&AGAIN, AGAIN.replace(Some(budget))));
    forgive()
}

/// Whether a value may be read once more; if so, it costs what the value weighs, and items made in vain are none.
pub(crate) fn read_again<T, E>(value: &Value, read: impl FnOnce() -> Result<T, E>) -> Option<Result<T, E>> {
    let left = AGAIN.get()?.checked_sub(weight(value))?;
    AGAIN.set(Some(left));
    let items = ITEMS.get();
    let result = read();
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
