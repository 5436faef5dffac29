//! `Deferred`: a value that is read from its JSON when it is looked at.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::bounded;
use crate::json::from_json::{self, FromJson};
use crate::json::lenient;
use crate::json::reader::{self, Reader, Watch, Wrong};

/// A value that is read from its JSON when it is looked at for the first time. It dereferences to the value.
///
/// Until then it is a slice of the read that it came in, and keeps that read's buffer alive (up to 32 KiB, shared by
/// the streams of a thread). What is wrong in the JSON is converted, or absent, as in any event.
#[derive(Clone)]
pub struct Deferred<T>(Option<Box<Inner<T>>>);

#[derive(Clone)]
struct Inner<T> {
    /// The JSON; empty if there is none, as for a value that was changed.
    json: Bytes,
    /// Whether that is several values, to be read one after another.
    pieces: bool,
    counts: Counts,
    value: OnceLock<T>,
}

/// A value that may be read when it is looked at.
pub trait Defer: FromJson + Clone + 'static {
    /// The first byte of its JSON.
    const BRACKET: u8;

    /// The value of JSON that holds nothing.
    fn none() -> &'static Self;

    /// Adds what came later.
    fn add(&mut self, later: Self);

    /// Returns whether such a value has a field of this name where so many of its lists and objects are open.
    fn has(open: u8, name: &[u8]) -> bool;
}

/// What is in the JSON of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// How many objects.
    pub(crate) objects: u32,
    /// How many numbers in lists.
    pub(crate) numbers: u32,
    /// Whether there are fields that are unknown.
    pub(crate) has_unknown: bool,
    has: fn(u8, &[u8]) -> bool,
}

impl Counts {
    fn of<T: Defer>() -> Self {
        Self { objects: 0, numbers: 0, has_unknown: false, has: T::has }
    }
}

impl Watch for Counts {
    #[inline]
    fn name(&mut self, open: u8, name: &[u8]) {
        self.has_unknown |= !(self.has)(open, name);
    }

    #[inline]
    fn object(&mut self) {
        self.objects += 1;
    }

    #[inline]
    fn number(&mut self) {
        self.numbers += 1;
    }
}

impl<T: Defer> Deferred<T> {
    /// Takes the value that begins in a line of `read` at `at`, if it begins as its JSON does and can be read. Returns where it
    /// ends.
    pub(crate) fn in_line(read: &Bytes, at: usize) -> Option<(Self, usize)> {
        let mut counts = Counts::of::<T>();
        let end = reader::end_of(read, at, T::BRACKET, &mut counts)?;
        Some((Self::new(read.slice(at..end), counts), end))
    }

    /// The value that `json` is, of which it is known that it is JSON.
    fn new(json: Bytes, counts: Counts) -> Self {
        match &*json {
            [_, inside @ .., _] if inside.trim_ascii().is_empty() => Self(None),
            _ => Self(Some(Box::new(Inner { json, pieces: false, counts, value: OnceLock::new() }))),
        }
    }

    /// Returns what is in the JSON, unless it is nothing.
    pub(crate) fn counts(&self) -> Option<&Counts> {
        self.0.as_deref().map(|inner| &inner.counts)
    }

    /// Returns whether nothing is in it, without reading it.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Defer + Serialize> Deferred<T> {
    /// Returns the JSON.
    pub(crate) fn json(&self) -> Cow<'_, [u8]> {
        match self.0.as_deref() {
            Some(inner) if !inner.json.is_empty() && !inner.pieces => Cow::Borrowed(&inner.json),
            _ => serde_json::to_vec(&**self).unwrap_or_default().into(),
        }
    }
}

impl<T: Defer> Inner<T> {
    fn read(&self) -> T {
        if self.pieces { whole(&self.json) } else { read(&self.json) }
    }
}

/// The JSON of values that came one after another, and add up to one.
#[derive(Debug, Default)]
pub(crate) struct Pieces(Vec<u8>);

/// What stands between pieces, and in no JSON.
const BETWEEN: u8 = 0;

impl Pieces {
    /// Adds the JSON of a value.
    pub(crate) fn push(&mut self, json: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(BETWEEN);
        }
        self.0.extend_from_slice(json);
    }

    /// Returns the value that they add up to, to be read when it is looked at; `None` if there are none.
    pub(crate) fn take<T: Defer>(&mut self) -> Option<Deferred<T>> {
        let json = Bytes::from(std::mem::take(&mut self.0));
        let inner = Inner { json, pieces: true, counts: Counts::of::<T>(), value: OnceLock::new() };
        (!inner.json.is_empty()).then(|| Deferred(Some(Box::new(inner))))
    }
}

/// Reads pieces, each as the value that it is of its own.
fn whole<T: Defer>(pieces: &Bytes) -> T {
    let mut whole = T::blank();
    for piece in pieces.split(|byte| *byte == BETWEEN) {
        whole.add(read(&pieces.slice_ref(piece)));
    }
    whole
}

/// Reads JSON. What is wrong in it is converted, or absent.
fn read<T: FromJson>(json: &Bytes) -> T {
    let mut value = T::blank();
    if bounded::parsing(json.len(), || from_json::read_into(&mut value, json)).is_ok() {
        return value;
    }
    bounded::parsing(json.len(), || lenient::forgive_any(json)).unwrap_or_else(T::blank)
}

impl<T: Defer> Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(inner) => inner.value.get_or_init(|| inner.read()),
            None => T::none(),
        }
    }
}

impl<T: Defer> DerefMut for Deferred<T> {
    /// Changes the value, whose JSON is forgotten.
    fn deref_mut(&mut self) -> &mut T {
        let value = (**self).clone();
        *self = Self::from(value);
        let value = self.0.as_mut().and_then(|inner| inner.value.get_mut());
        value.unwrap_or_else(|| unreachable!("it was set above"))
    }
}

impl<T: Defer> Default for Deferred<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Defer> From<T> for Deferred<T> {
    fn from(value: T) -> Self {
        let counts = Counts { has_unknown: true, ..Counts::of::<T>() };
        Self(Some(Box::new(Inner { json: Bytes::new(), pieces: false, counts, value: value.into() })))
    }
}

impl<T: Defer> FromJson for Deferred<T> {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let mut counts = Counts::of::<T>();
        let json = reader.json(T::BRACKET, &mut counts)?;
        *self = Self::new(json, counts);
        Ok(())
    }
}

impl<T: Defer + PartialEq> PartialEq for Deferred<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Defer + fmt::Debug> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Defer + Serialize> Serialize for Deferred<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Defer> Deserialize<'de> for Deferred<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_json::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::object::tests::Thing;

    impl Defer for Vec<Thing> {
        const BRACKET: u8 = b'[';

        fn none() -> &'static Self {
            static NONE: Vec<Thing> = Vec::new();
            &NONE
        }

        fn add(&mut self, later: Self) {
            self.extend(later);
        }

        fn has(open: u8, name: &[u8]) -> bool {
            open == 2 && [&b"type"[..], b"count", b"things"].contains(&name)
        }
    }

    #[test]
    fn pieces_add_up_however_wrong_one_of_them_is() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.take::<Vec<Thing>>(), None);
        for piece in [&br#"[{"count":1}]"#[..], br#"[{"count":"x"}]"#, b"[7]", b"[]", b"[\n{},{\"count\":4}]"]
        {
            pieces.push(piece);
        }
        let whole: Deferred<Vec<Thing>> = pieces.take().unwrap();
        assert_eq!(whole.iter().map(|thing| thing.count).collect::<Vec<_>>(), [1, 0, 0, 4]);
        assert_eq!(*whole.json(), *br#"[{"count":1},{"count":null},{},{"count":4}]"#);
    }

    crate::object! {
        /// An object with a deferred field.
        struct Holder {
            /// Deferred.
            pub things: Deferred<Vec<Thing>>,
            /// Deferred, if it is there.
            pub more: Option<Deferred<Vec<Thing>>>,
        }
    }

    #[test]
    fn what_came_is_read_and_goes_out() {
        for value in [
            json!({}),
            json!({"things": [], "more": []}),
            json!({"things": [{"count": 1}], "more": [{"count": 2, "new": ["é\n"]}, {}]}),
            json!({"things": null, "more": null}),
        ] {
            let payload = Bytes::from(value.to_string());
            let holder: Holder = lenient::parse(&payload).unwrap().unwrap();
            assert_eq!(serde_json::to_value(&holder).unwrap(), value);
            let other: Holder = serde_json::from_value(value).unwrap();
            assert_eq!(other, holder);
        }
    }

    #[test]
    fn what_is_wrong_is_forgiven_when_it_is_looked_at() {
        let payload = Bytes::from(r#"{"things":[{"count":"7"},null,{"count":8}],"more":{}}"#);
        let holder: Holder = lenient::parse(&payload).unwrap().unwrap();
        assert_eq!(holder.things.iter().map(|thing| thing.count).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(holder.more, None);
        let half = Bytes::from(r#"{"things":[{"type":"a\ud83d"}]}"#);
        let holder: Holder = lenient::parse(&half).unwrap().unwrap();
        assert_eq!(holder.things[0].r#type.as_deref(), Some("a\u{fffd}"));
    }

    #[test]
    fn a_change_is_kept() {
        let json = Bytes::from_static(br#"[{"count":1}]"#);
        let (mut things, _) = Deferred::<Vec<Thing>>::in_line(&json, 0).unwrap();
        things.push(Thing::default());
        things[0].count = 3;
        assert_eq!(serde_json::to_value(&things).unwrap(), json!([{"count": 3}, {"count": 0}]));
        assert_eq!(*things.json(), *br#"[{"count":3},{"count":0}]"#);
    }
}
