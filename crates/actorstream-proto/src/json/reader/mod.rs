//! `Reader`: reads JSON as `serde_json` reads it, into a value that is there already, and says where in it what is wrong
//! is.

mod number;
mod skip;
mod wrong;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};
use serde_json::Value;
use smallvec::SmallVec;

pub(crate) use self::number::Number;
use self::number::number;
pub(crate) use self::skip::Watch;
use self::skip::value_end;
pub(crate) use self::wrong::Step;
pub use self::wrong::Wrong;
use crate::json::bounded;
use crate::json::slices;
use crate::json::text::{Text, is_slicing, literal, settle_stand_ins, short_end};

type Result<T, E = Wrong> = std::result::Result<T, E>;

/// How deep lists and objects may be in each other: as deep as `serde_json` reads them.
const MOST_DEPTH: u8 = 127;

/// A text, and how much of it was read.
#[derive(Debug)]
pub struct Reader<'de> {
    text: &'de [u8],
    at: usize,
    /// How many lists and objects are open.
    depth: u8,
    /// The payload that the text is, if its strings may be slices of that.
    source: Option<&'de Bytes>,
    /// Short texts are slices of it, too, and nothing is left unread.
    slicing: bool,
}

/// What comes behind the last byte.
const END: u8 = 0;

/// The fields of an object, which are read one after another.
pub(crate) trait Fields {
    /// Reads the field of this name.
    fn field(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<()>;
}

impl<'de> Reader<'de> {
    /// Reads a text that is no payload, or no longer.
    pub(crate) fn of(text: &'de [u8]) -> Self {
        Self { text, at: 0, depth: 0, source: None, slicing: false }
    }

    /// Reads a payload.
    pub(crate) fn of_payload(payload: &'de Bytes) -> Self {
        Self { text: payload, at: 0, depth: 0, source: Some(payload), slicing: is_slicing() }
    }

    /// Makes certain that nothing follows.
    pub(crate) fn end(mut self) -> Result<()> {
        match self.peek() {
            END if self.at == self.text.len() => Ok(()),
            _ => Err(Wrong::new("trailing characters")),
        }
    }

    /// Returns the next byte that is no space, or [`END`].
    #[inline(always)]
    fn peek(&mut self) -> u8 {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.peek_behind_spaces(),
        }
    }

    #[inline(never)]
    fn peek_behind_spaces(&mut self) -> u8 {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(END)
    }

    /// Takes this byte, if it is the next one.
    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes `null`, if it is next.
    #[inline]
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.word().map(|_| true)
    }

    /// Reads `true`, `false`, or `null`, which is neither.
    fn word(&mut self) -> Result<Option<bool>> {
        let rest = &self.text[self.at..];
        let words = [(&b"null"[..], None), (b"true", Some(true)), (b"false", Some(false))];
        let word = words.into_iter().find(|(word, _)| rest.starts_with(word));
        let (word, value) = word.ok_or_else(|| Wrong::new("expected a value"))?;
        self.at += word.len();
        Ok(value)
    }

    /// Reads `true` or `false`.
    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.peek() {
            b't' | b'f' => self.word()?.ok_or_else(|| Wrong::new("expected a boolean")),
            _ => Err(Wrong::new("expected a boolean")),
        }
    }

    /// Reads a number.
    pub(crate) fn number(&mut self) -> Result<Number> {
        self.peek();
        let (value, end) = number(self.text, self.at)?;
        self.at = end;
        Ok(value)
    }

    /// Reads a string. Halves of surrogate pairs are wrong in it.
    pub(crate) fn string(&mut self) -> Result<Cow<'de, str>> {
        match self.plain() {
            Some(text) => {
                str::from_utf8(text).map(Cow::Borrowed).map_err(|_| Wrong::new("the string is not UTF-8"))
            }
            None => self.odd().map(Cow::Owned),
        }
    }

    /// Reads a string that may begin, or end, with half a surrogate pair.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Text> {
        if let Some(payload) = self.source
            && !self.slicing
            && self.peek() == b'"'
            && let Some((text, end)) = Text::from_literal(payload, self.at + 1)
        {
            self.at = end + 1;
            return Ok(text);
        }
        match self.plain() {
            Some(text) => Ok(match self.source {
                Some(payload) => Text::from_wtf8(text, || payload.slice_ref(text)),
                None => Text::from_json(text),
            }),
            None => self.odd::<Octets>().map(|octets| Text::from_json(&octets.0)),
        }
    }

    /// Takes a string, and returns the text between its quotes, if that is as it stands there; otherwise nothing is
    /// taken.
    #[inline(always)]
    fn plain(&mut self) -> Option<&'de [u8]> {
        if self.peek() != b'"' {
            return None;
        }
        let text: &'de [u8] = self.text;
        let start = self.at + 1;
        if let Some(end) = short_end(text, start) {
            self.at = end + 1;
            return Some(&text[start..end]);
        }
        self.longer()
    }

    /// Does the same where the text is longer.
    #[inline(never)]
    fn longer(&mut self) -> Option<&'de [u8]> {
        let text: &'de [u8] = self.text;
        let rest = &text[self.at + 1..];
        let (len, escaped) = literal(rest)?;
        if escaped {
            return None;
        }
        self.at += len + 2;
        Some(&rest[..len])
    }

    /// Reads a string with an escape, or with something that no string should have, as `serde_json` reads it.
    #[inline(never)]
    fn odd<T: Deserialize<'de>>(&mut self) -> Result<T> {
        if self.peek() != b'"' {
            return Err(Wrong::new("expected a string"));
        }
        self.by_serde_json()
    }

    /// Reads the next value as `serde_json` reads it.
    fn by_serde_json<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let mut values = serde_json::Deserializer::from_slice(&self.text[self.at..]).into_iter();
        let value = values.next().ok_or_else(|| Wrong::new("expected a value"))?.map_err(Wrong::custom)?;
        self.at += values.byte_offset();
        Ok(value)
    }

    /// Steps over a value, even if it holds what cannot be read: numbers out of range, bytes that are no UTF-8.
    pub(crate) fn ignore(&mut self) -> Result<()> {
        self.any().map(drop).or_else(|_| self.by_serde_json::<IgnoredAny>().map(drop))
    }

    /// Returns the payload, if it is short, and where in it a name and a value stand that are slices of the text.
    pub(crate) fn places(
        &self,
        name: &[u8],
        value: &[u8],
    ) -> Option<(&'de Bytes, Range<usize>, Range<usize>)> {
        let payload = self.source.filter(|payload| payload.len() <= slices::MOST_BYTES && !self.slicing)?;
        let place = |slice: &[u8]| {
            let start = (slice.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
            (start + slice.len() <= payload.len()).then_some(start..start + slice.len())
        };
        Some((payload, place(name)?, place(value)?))
    }

    /// Takes a value, whatever it is, that `serde_json` can read, and returns its text.
    pub(crate) fn any(&mut self) -> Result<&'de [u8]> {
        self.watched(&mut ())
    }

    fn watched(&mut self, watch: &mut impl Watch) -> Result<&'de [u8]> {
        self.peek();
        let start = self.at;
        self.at =
            value_end(self.text, start, self.depth, watch).ok_or_else(|| Wrong::new("expected a value"))?;
        Ok(&self.text[start..self.at])
    }

    /// Takes the JSON of a value that begins with this bracket, and is to be read later.
    pub(crate) fn json(&mut self, bracket: u8, watch: &mut impl Watch) -> Result<Bytes> {
        if self.peek() != bracket {
            return Err(Wrong::new("expected another type"));
        }
        let json = self.watched(watch)?;
        Ok(match self.source {
            Some(payload) => payload.slice_ref(json),
            None => settled(json).unwrap_or_else(|| Bytes::copy_from_slice(json)),
        })
    }

    /// Reads a list: `item` reads the item that is next.
    pub(crate) fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[', "expected a list")?;
        let mut index = 0;
        while !self.take(b']') {
            if index > 0 && !self.take(b',') {
                return Err(Wrong::new("expected `,` or `]`"));
            }
            item(self).map_err(|wrong| wrong.behind(Step::Item(index)))?;
            index += 1;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an object.
    pub(crate) fn object(&mut self, fields: &mut dyn Fields) -> Result<()> {
        self.open(b'{', "expected an object")?;
        let mut first = true;
        while !self.take(b'}') {
            if !std::mem::take(&mut first) && !self.take(b',') {
                return Err(Wrong::new("expected `,` or `}`"));
            }
            let odd;
            let name = match self.plain() {
                Some(name) => name,
                None => {
                    odd = self.odd::<Octets>()?.0;
                    &odd
                }
            };
            if !self.take(b':') {
                return Err(Wrong::new("expected `:`"));
            }
            if let Err(wrong) = fields.field(name, self) {
                return Err(wrong.behind(Step::Field(String::from_utf8_lossy(name).into_owned())));
            }
        }
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn open(&mut self, bracket: u8, expected: &str) -> Result<()> {
        if !self.take(bracket) {
            return Err(Wrong::new(expected));
        }
        self.depth += 1;
        if self.depth > MOST_DEPTH { Err(Wrong::new("it is too deep")) } else { Ok(()) }
    }
}

/// Returns where the value ends that begins in `line` at `at`, if it begins with this bracket, can be read, and ends in that
/// line. It is in no more than a few other values.
pub(crate) fn end_of(line: &[u8], at: usize, bracket: u8, watch: &mut impl Watch) -> Option<usize> {
    if line.get(at) != Some(&bracket) {
        return None;
    }
    let end = value_end(line, at, FEW_AROUND, watch)?;
    memchr2(b'\n', b'\r', &line[at..end]).is_none().then_some(end)
}

/// In how many lists and objects a value is at most that may be left unread.
const FEW_AROUND: u8 = 8;

/// JSON without private characters that stand for lone surrogates, if there may be any.
fn settled(json: &[u8]) -> Option<Bytes> {
    let mut text = str::from_utf8(json).ok()?.to_owned();
    settle_stand_ins(&mut text);
    Some(text.into())
}

/// Reads any value; it takes no more memory than is just for what is being read.
pub(crate) fn value(json: &[u8]) -> Result<Value> {
    let bounded::Frugal(mut value) = serde_json::from_slice(json).map_err(Wrong::custom)?;
    settle(&mut value);
    Ok(value)
}

fn settle(value: &mut Value) {
    match value {
        Value::String(text) => settle_stand_ins(text),
        Value::Array(list) => list.iter_mut().for_each(settle),
        Value::Object(object) => object.values_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The name of a field, and its JSON.
pub(crate) type Slice<'a> = (&'a [u8], &'a [u8]);

/// Returns the names and the JSON of the fields of an object; `None` if a name has an escape, or comes twice.
pub(crate) fn slices(object: &[u8]) -> Option<SmallVec<[Slice<'_>; 8]>> {
    let mut reader = Reader::of(object);
    let mut fields = SmallVec::<[Slice<'_>; 8]>::new();
    reader.open(b'{', "").ok()?;
    while !reader.take(b'}') {
        if !fields.is_empty() && !reader.take(b',') {
            return None;
        }
        let name = reader.plain()?;
        if !reader.take(b':') || fields.iter().any(|(known, _)| *known == name) || fields.len() > MOST_SLICES
        {
            return None;
        }
        fields.push((name, reader.any().ok()?));
    }
    Some(fields)
}

/// How many fields of an object are compared with each other.
const MOST_SLICES: usize = 32;

/// The bytes of a string.
struct Octets(Vec<u8>);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OctetsVisitor;
        impl Visitor<'_> for OctetsVisitor {
            type Value = Octets;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Octets, E> {
                Ok(Octets(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(OctetsVisitor)
    }
}

#[cfg(test)]
mod tests;
