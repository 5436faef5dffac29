//! `FromJson`: values that are read from JSON, leniently about the format of numbers.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Map, Number as JsonNumber, Value};

use crate::json::bounded;
use crate::json::list::List;
use crate::json::reader::{self, Fields, Number, Reader, Wrong};
use crate::json::text::{Text, settle_stand_ins};

/// A value that can be read from JSON.
pub trait FromJson: Sized {
    /// Returns a value to read into.
    fn blank() -> Self;

    /// Reads the value into this one, which is blank.
    ///
    /// # Errors
    /// If the value has another type, or is not JSON.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong>;

    /// Returns whether the value stands for a missing field.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Reads the value that `payload` is into a blank one; its texts are slices of it.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn read_into<T: FromJson>(value: &mut T, payload: &Bytes) -> Result<(), Wrong> {
    let mut reader = Reader::of_payload(payload);
    value.read(&mut reader)?;
    reader.end()
}

/// Reads a value that was read before: what it takes was paid for.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn reread<T: FromJson>(value: &Value) -> Result<T, Wrong> {
    let text = serde_json::to_vec(value).map_err(Wrong::custom)?;
    let (mut value, mut reader) = (T::blank(), Reader::of(&text));
    bounded::rereading(|| value.read(&mut reader))?;
    Ok(value)
}

/// Reads the value that a deserializer has, whatever its format.
///
/// # Errors
/// The deserializer's, or what is wrong with the value, and where.
pub(crate) fn deserialize<'de, T: FromJson, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    reread(&value).map_err(Error::custom)
}

/// Returns an object in which only these fields are set.
pub(crate) fn unset<T: FromJson>(json: &'static str) -> T {
    let mut object = T::blank();
    let read = read_into(&mut object, &Bytes::from_static(json.as_bytes()));
    debug_assert!(read.is_ok(), "{read:?}");
    object
}

impl<T: FromJson> FromJson for Option<T> {
    fn blank() -> Self {
        None
    }

    #[inline]
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        if reader.null()? { Ok(()) } else { self.insert(T::blank()).read(reader) }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        (**self).read(reader)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        reader.list(&mut |reader| {
            make::<T>()?;
            self.push(T::blank());
            self.last_mut().map_or(Ok(()), |item| item.read(reader))
        })
    }
}

impl<T: FromJson> FromJson for List<T> {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        reader.list(&mut |reader| {
            make::<T>()?;
            // Not pushed: that would put it together elsewhere, before there is room for it.
            self.extend(std::iter::once_with(T::blank));
            self.last_mut().map_or(Ok(()), |item| item.read(reader))
        })
    }
}

/// Takes what one more item of this type may take.
fn make<T>() -> Result<(), Wrong> {
    if bounded::may_make::<T>() {
        Ok(())
    } else {
        Err(Wrong::new("more items than such a short text should have"))
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        struct Entries<'a, T>(&'a mut BTreeMap<String, T>);
        impl<T: FromJson> Fields for Entries<'_, T> {
            fn field(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Wrong> {
                let name = str::from_utf8(name).map_err(|_| Wrong::new("a name is not UTF-8"))?;
                let mut value = T::blank();
                value.read(reader)?;
                self.0.insert(name.to_owned(), value);
                Ok(())
            }
        }
        reader.object(&mut Entries(self))
    }
}

impl FromJson for Text {
    fn blank() -> Self {
        Self::default()
    }

    #[inline]
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = reader.text()?;
        Ok(())
    }
}

impl FromJson for String {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = reader.string()?.into_owned();
        settle_stand_ins(self);
        Ok(())
    }
}

impl FromJson for bool {
    fn blank() -> Self {
        false
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = reader.bool()?;
        Ok(())
    }
}

/// A number however it is written: `3`, `3.0`, `3.9` all fit an integer, which drops the fraction.
macro_rules! from_json_number {
    ($($type:ty),*) => {$(
        impl FromJson for $type {
            fn blank() -> Self {
                0
            }

            fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
                let fits = match reader.number()? {
                    Number::Unsigned(number) => number.try_into().ok(),
                    Number::Signed(number) => number.try_into().ok(),
                    Number::Float(number) => {
                        let fits = number >= <$type>::MIN as f64 && number <= <$type>::MAX as f64;
                        fits.then_some(number as $type)
                    }
                };
                *self = fits.ok_or_else(|| Wrong::new(concat!("expected a number that fits ", stringify!($type))))?;
                Ok(())
            }
        }
    )*};
}
from_json_number!(u32, u64, i64);

impl FromJson for f64 {
    fn blank() -> Self {
        0.0
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = match reader.number()? {
            Number::Unsigned(number) => number as Self,
            Number::Signed(number) => number as Self,
            Number::Float(number) => number,
        };
        Ok(())
    }
}

impl FromJson for JsonNumber {
    fn blank() -> Self {
        0.into()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = serde_json::from_slice(reader.any()?).map_err(Wrong::custom)?;
        Ok(())
    }
}

impl FromJson for Value {
    fn blank() -> Self {
        Self::Null
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = reader::value(reader.any()?)?;
        Ok(())
    }
}

impl FromJson for Map<String, Value> {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let mut value = Value::Null;
        value.read(reader)?;
        match value {
            Value::Object(map) => *self = map,
            _ => return Err(Wrong::new("expected an object")),
        }
        Ok(())
    }
}
