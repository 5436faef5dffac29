//! `Slices`: fields of an object as they stand in a payload, until they are looked at.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value};
use smallvec::SmallVec;

/// The longest payload in which fields are left as they are: read, such a short one takes no more memory than is just.
pub(crate) const MOST_BYTES: usize = 16 << 10;

/// How many fields are left as they are: each is compared with the others.
const MOST_FIELDS: usize = 32;

/// Fields that can be read, and are read when one of them is looked at.
#[derive(Debug)]
pub(crate) struct Slices {
    payload: Bytes,
    fields: SmallVec<[Slice; 4]>,
    /// One bit for each first byte that a name has, modulo 64.
    firsts: u64,
    read: OnceLock<Map<String, Value>>,
}

/// Where a field stands: the text between the quotes of its name, and its value.
#[derive(Debug, Clone)]
struct Slice {
    name: Range<u16>,
    value: Range<u16>,
}

impl Slices {
    /// No fields yet of an object in `payload`, which is short.
    pub(crate) fn new(payload: Bytes) -> Self {
        Self { payload, fields: SmallVec::new(), firsts: 0, read: OnceLock::new() }
    }

    /// Returns whether a field of this name may be added.
    pub(crate) fn fits(&self, name: &[u8]) -> bool {
        self.fields.len() < MOST_FIELDS && !self.has(name)
    }

    /// Adds a field.
    pub(crate) fn push(&mut self, name: Range<usize>, value: Range<usize>) {
        self.firsts |= first_of(&self.payload[name.clone()]);
        let short = |range: Range<usize>| range.start as u16..range.end as u16;
        self.fields.push(Slice { name: short(name), value: short(value) });
        self.read = OnceLock::new();
    }

    /// Returns the names and the JSON of the fields.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let slice = |range: &Range<u16>| &self.payload[usize::from(range.start)..usize::from(range.end)];
        self.fields.iter().map(move |field| (slice(&field.name), slice(&field.value)))
    }

    /// Returns whether there is a field of this name.
    #[inline]
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.firsts & first_of(name) != 0 && self.iter().any(|(known, _)| known == name)
    }

    /// Reads the fields.
    pub(crate) fn get(&self) -> &Map<String, Value> {
        self.read.get_or_init(|| {
            self.iter().map(|(name, json)| (name_of(name).to_owned(), value_of(json))).collect()
        })
    }
}

#[inline]
fn first_of(name: &[u8]) -> u64 {
    1 << (name.first().copied().unwrap_or(0) & 63)
}

/// A name of a field, which is UTF-8.
pub(crate) fn name_of(name: &[u8]) -> &str {
    str::from_utf8(name).unwrap_or_default()
}

/// Reads JSON of which it is known that it can be read.
pub(crate) fn value_of(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}
