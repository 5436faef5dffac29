//! The key that distinguishes a request from others of its chat.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::UiRole;

/// The id of the last user message, and a hash of the values of the messages from there on. The order of fields has
/// no effect.
#[derive(Debug, Default)]
pub(super) struct Key {
    last: Option<(String, u64)>,
}

impl Key {
    /// Adds the next message, with the fields that count.
    pub(super) fn add(&mut self, id: &str, role: UiRole, fields: [Option<&RawValue>; 3]) {
        if role == UiRole::User {
            self.last = Some((id.to_owned(), START));
        }
        if let Some((_, hash)) = &mut self.last {
            for field in fields {
                *hash = add(*hash, &field.map_or(0, value).to_le_bytes());
            }
        }
    }

    pub(super) fn finish(self) -> Option<String> {
        self.last.map(|(id, hash)| format!("{id}:{hash:016x}"))
    }
}

/// FNV-1a, which is stable across processes. A user who makes two of their own messages collide only gets the
/// response to the first one again.
const START: u64 = 0xcbf2_9ce4_8422_2325;

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Hashes a value, or its text if the value cannot be represented in memory, such as a number with a thousand
/// digits.
fn value(value: &RawValue) -> u64 {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    Hash.deserialize(&mut deserializer).unwrap_or_else(|_| add(START, value.get().as_bytes()))
}

/// Hashes a value during deserialization.
struct Hash;

impl<'de> DeserializeSeed<'de> for Hash {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Hash {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(add(START, b"n"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(add(START, if value { b"t" } else { b"f" }))
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(add(add(START, b"u"), &number.to_le_bytes()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<u64, E> {
        Ok(add(add(START, b"i"), &number.to_le_bytes()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<u64, E> {
        Ok(add(add(START, b"d"), &number.to_bits().to_le_bytes()))
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        Ok(add(add(START, b"s"), text.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut hash = add(START, b"[");
        while let Some(item) = items.next_element_seed(Hash)? {
            hash = add(hash, &item.to_le_bytes());
        }
        Ok(hash)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<u64, A::Error> {
        let mut sum = 0_u64;
        while let Some(name) = fields.next_key_seed(Hash)? {
            let value = fields.next_value_seed(Hash)?;
            // A sum does not depend on the order of the fields.
            sum = sum.wrapping_add(add(add(START, &name.to_le_bytes()), &value.to_le_bytes()));
        }
        Ok(add(add(START, b"{"), &sum.to_le_bytes()))
    }
}
