//! Reads a JSON value, and says where in it what is wrong is.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value, map};

use crate::json::bounded;
use crate::json::object::FromJson;

/// A step of the way into a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into an item of a list.
    Item(usize),
}

/// Reads `value`.
///
/// # Errors
/// The way to what is wrong.
pub(crate) fn read<T: FromJson>(value: &Value) -> Result<T, Vec<Step>> {
    let wrong = RefCell::new(None);
    let read = bounded::rereading(|| T::from_json(Tracked { value, at: &At::Root, wrong: &wrong }));
    read.map_err(|_| wrong.take().unwrap_or_default())
}

/// Where in the value something is.
enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl At<'_> {
    fn steps(&self) -> Vec<Step> {
        let (mut steps, mut at) = (Vec::new(), self);
        loop {
            let (before, step) = match at {
                At::Root => break,
                At::Field(before, name) => (before, Step::Field((*name).to_owned())),
                At::Item(before, index) => (before, Step::Item(*index)),
            };
            steps.push(step);
            at = before;
        }
        steps.reverse();
        steps
    }
}

/// A value, where it is, and where to say what is wrong.
struct Tracked<'de, 'a> {
    value: &'de Value,
    at: &'a At<'a>,
    wrong: &'a RefCell<Option<Vec<Step>>>,
}

impl Tracked<'_, '_> {
    fn blame<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.note();
        }
        result
    }

    /// The innermost value that is wrong is the first that says so.
    #[cold]
    fn note(&self) {
        self.wrong.borrow_mut().get_or_insert_with(|| self.at.steps());
    }
}

impl<'de> Deserializer<'de> for Tracked<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.blame(match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                visitor.visit_seq(Items { items: items.iter().enumerate(), parent: &self })
            }
            Value::Object(fields) => {
                visitor.visit_map(Fields { fields: fields.iter(), field: None, parent: &self })
            }
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.blame(self.value.deserialize_enum(name, variants, visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de, 'a> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
    parent: &'a Tracked<'de, 'a>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        let at = At::Item(self.parent.at, index);
        seed.deserialize(Tracked { value, at: &at, wrong: self.parent.wrong }).map(Some)
    }
}

struct Fields<'de, 'a> {
    fields: map::Iter<'de>,
    field: Option<(&'de str, &'de Value)>,
    parent: &'a Tracked<'de, 'a>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.field = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (name, value) = self.field.take().unwrap_or(("", &Value::Null));
        let at = At::Field(self.parent.at, name);
        seed.deserialize(Tracked { value, at: &at, wrong: self.parent.wrong })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    type Lists = BTreeMap<String, Option<Vec<u64>>>;

    #[test]
    fn the_path_to_a_mistyped_value_is_found() {
        let field = |name: &str| Step::Field(name.to_owned());
        for (value, wrong) in [
            (json!({"a": [1, 2.0, 3], "b": null, "c": []}), None),
            (json!({"a": [1, "x", 3]}), Some(vec![field("a"), Step::Item(1)])),
            (json!({"a": [], "b": 7}), Some(vec![field("b")])),
            (json!([]), Some(vec![])),
        ] {
            assert_eq!(read::<Lists>(&value).err(), wrong, "{value}");
        }
        assert_eq!(read::<Value>(&json!([{"a": null}])).unwrap(), json!([{"a": null}]));
    }
}
