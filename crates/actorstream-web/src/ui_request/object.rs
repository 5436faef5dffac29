//! Parses the objects and lists of a body, and reports the location of errors.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::Json;
use crate::event::Failure;

/// The maximum length of an id, since ids are keys in the store.
const MAX_ID: usize = 256;

/// The names of the fields that are read, in all objects. Other fields take no memory.
const KNOWN: [&str; 27] = [
    "approval",
    "approved",
    "data",
    "errorText",
    "filename",
    "id",
    "input",
    "mediaType",
    "messageId",
    "messages",
    "metadata",
    "output",
    "parts",
    "preliminary",
    "providerExecuted",
    "rawInput",
    "reason",
    "role",
    "sourceId",
    "state",
    "text",
    "title",
    "toolCallId",
    "toolName",
    "trigger",
    "type",
    "url",
];

/// The memory in bytes that the items of lists may take, in addition to [`PER_BYTE`] for each byte of the body.
const FREE: usize = 1 << 20;
/// The bytes of items that a byte of the body may become: `{"type":"step-start"}` has 21 bytes, and a part takes
/// about a hundred.
const PER_BYTE: usize = 6;

/// The error for an invalid body.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::invalid(message).with_code("invalid_body")
}

/// The memory that may still be spent on the items of lists.
pub(super) struct Memory(Cell<usize>);

impl Memory {
    pub(super) fn of_body(length: usize) -> Self {
        Self(Cell::new(FREE.saturating_add(length.saturating_mul(PER_BYTE))))
    }

    fn take(&self, bytes: usize) -> Result<(), Failure> {
        let left = self.0.get().checked_sub(bytes);
        let left = left.ok_or_else(|| {
            invalid("the body has too many parts for its size: it would take far more memory than its text")
        })?;
        self.0.set(left);
        Ok(())
    }
}

/// An object and its path in the body. The path of the body itself is empty.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    fields: &'a Fields<'a>,
    pub(super) raw: &'a RawValue,
    path: &'a str,
    memory: &'a Memory,
}

/// The known fields of an object.
#[derive(Default)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A value and its path in the body.
pub(super) struct At<'a> {
    raw: &'a RawValue,
    path: &'a str,
    memory: &'a Memory,
}

impl<'a> At<'a> {
    pub(super) fn body(raw: &'a RawValue, memory: &'a Memory) -> Self {
        Self { raw, path: "", memory }
    }

    /// Reads the value as an object.
    pub(super) fn object<T>(self, read: impl FnOnce(Object<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let Self { raw, path, memory } = self;
        let fields: Fields<'_> = serde_json::from_str(raw.get()).map_err(|_| {
            let place = if path.is_empty() { "the body" } else { path };
            invalid(format!("{place}: must be an object"))
        })?;
        read(Object { fields: &fields, raw, path, memory })
    }
}

impl<'a> Object<'a> {
    fn path(self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn wrong(self, name: &str, what: &str) -> Failure {
        invalid(format!("{}: {what}", self.path(name)))
    }

    /// Returns a field; `None` for `null`.
    pub(super) fn get(self, name: &str) -> Option<&'a RawValue> {
        let found = self.fields.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    pub(super) fn json(self, name: &str) -> Option<Json> {
        self.get(name).map(Json::from)
    }

    pub(super) fn text(self, name: &str) -> Result<String, Failure> {
        self.text_or_none(name)?.ok_or_else(|| self.wrong(name, "a string is missing"))
    }

    pub(super) fn text_or_none(self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !value.get().starts_with('"') {
            return Err(self.wrong(name, "must be a string"));
        }
        string(value).map(Some).ok_or_else(|| self.wrong(name, "must be a valid Unicode string"))
    }

    pub(super) fn id(self) -> Result<String, Failure> {
        let id = self.text("id")?;
        match id.len() {
            0 => Err(self.wrong("id", "must not be empty")),
            1..=MAX_ID => Ok(id),
            _ => Err(self.wrong("id", &format!("is longer than {MAX_ID} bytes"))),
        }
    }

    pub(super) fn bool(self, name: &str) -> Result<bool, Failure> {
        match self.get(name).map(RawValue::get) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// Reads an object in a field; otherwise an object without fields.
    pub(super) fn inner<T>(
        self,
        name: &str,
        read: impl FnOnce(Object<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let path = self.path(name);
        let is_object = |value: &&RawValue| value.get().starts_with('{');
        match self.get(name).filter(is_object) {
            Some(raw) => At { raw, path: &path, memory: self.memory }.object(read),
            None => read(Object {
                fields: &Fields::default(),
                raw: RawValue::NULL,
                path: &path,
                memory: self.memory,
            }),
        }
    }

    /// Reads the items of a list, each with its path.
    pub(super) fn each<T>(
        self,
        name: &str,
        mut read: impl FnMut(At<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let list = self.get(name).ok_or_else(|| self.wrong(name, "a list is missing"))?;
        if !list.get().starts_with('[') {
            return Err(self.wrong(name, "must be a list"));
        }
        let mut items = Vec::new();
        self.for_each(name, list, |at| {
            // A `Vec` doubles as it grows.
            self.memory.take(2 * size_of::<T>())?;
            items.push(read(at)?);
            Ok(())
        })?;
        // The first item makes room for four.
        items.shrink_to_fit();
        Ok(items)
    }

    fn for_each(
        self,
        name: &str,
        list: &RawValue,
        read: impl FnMut(At<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let failed = RefCell::new(None);
        let items =
            Items { path: self.path(name), memory: self.memory, failed: &failed, read: RefCell::new(read) };
        let mut deserializer = serde_json::Deserializer::from_str(list.get());
        let read = items.deserialize(&mut deserializer);
        match (failed.take(), read) {
            (Some(failure), _) => Err(failure),
            (None, read) => read.map_err(|_| self.wrong(name, "must be a list")),
        }
    }
}

/// Returns a string value. An unpaired surrogate, as in a text that was cut inside an emoji, becomes U+FFFD.
fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok().or_else(|| {
        struct Lossy;
        impl Visitor<'_> for Lossy {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
                let mut bytes = bytes.to_vec();
                for at in 0..bytes.len().saturating_sub(2) {
                    if let [0xED, 0xA0..=0xBF, _] = bytes[at..at + 3] {
                        // U+FFFD has as many bytes as an unpaired surrogate.
                        bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
                    }
                }
                String::from_utf8(bytes).map_err(E::custom)
            }
        }
        serde_json::Deserializer::from_str(value.get()).deserialize_bytes(Lossy).ok()
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Known<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Vec::new();
                while let Some(Name(name)) = map.next_key::<Name<'_>>()? {
                    let value = map.next_value()?;
                    if KNOWN.contains(&&*name) {
                        fields.push((name, value));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Known(PhantomData))
    }
}

/// A name, borrowed if possible.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the items of a list one by one.
struct Items<'a, R> {
    path: String,
    memory: &'a Memory,
    failed: &'a RefCell<Option<Failure>>,
    read: RefCell<R>,
}

impl<'de, R: FnMut(At<'_>) -> Result<(), Failure>> DeserializeSeed<'de> for Items<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: FnMut(At<'_>) -> Result<(), Failure>> Visitor<'de> for Items<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut read = self.read.into_inner();
        let mut index = 0;
        while let Some(raw) = list.next_element::<&RawValue>()? {
            let path = format!("{}[{index}]", self.path);
            if let Err(failure) = read(At { raw, path: &path, memory: self.memory }) {
                self.failed.replace(Some(failure));
                return Err(A::Error::custom("an item is wrong"));
            }
            index += 1;
        }
        Ok(())
    }
}
