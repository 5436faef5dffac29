//! Objects of the API as Rust structs that lose nothing: a field the struct does not know is kept as JSON, a field
//! that came as `null` goes out as `null`, and a number that came as a float fits an integer.
//!
//! [`object!`](crate::object) declares such a struct. It costs nothing on the way in unless something unknown comes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::{Map, Number, Value};

use crate::frugal;
use crate::text::{Text, settle_stand_ins};

/// What an object carried beyond the fields its struct knows.
#[derive(Clone, Default)]
pub struct Extra {
    /// One bit for each known field that came as `null`, in the order of the fields.
    pub(crate) nulls: u64,
    fields: Option<Box<Map<String, Value>>>,
}

impl Extra {
    /// The value of an unknown field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.as_deref()?.get(name)
    }

    /// Whether there is no unknown field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_none()
    }

    /// What is remembered of the known fields alone.
    #[inline]
    pub(crate) fn of_known(&self) -> Self {
        Self { nulls: self.nulls, fields: None }
    }

    /// All the unknown fields.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.iter().flat_map(|fields| fields.iter())
    }

    /// Adds a field, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.fields.get_or_insert_default().insert(name.into(), value);
    }

    /// Merges the unknown fields of a later delta: strings are appended, lists extended, objects merged, anything
    /// else replaced. Returns about how many bytes more are held.
    #[inline]
    pub(crate) fn merge(&mut self, later: &Extra) -> usize {
        if later.is_empty() {
            return 0;
        }
        merge_fields(self.fields.get_or_insert_default(), later.iter())
    }

    /// About how many bytes the unknown fields hold.
    pub(crate) fn weight(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + weight(value)).sum()
    }
}

fn merge_fields<'a>(
    into: &mut Map<String, Value>,
    later: impl Iterator<Item = (&'a String, &'a Value)>,
) -> usize {
    let mut grown = 0;
    for (name, value) in later {
        grown += match into.entry(name) {
            serde_json::map::Entry::Vacant(entry) => name.len() + weight(entry.insert(value.clone())),
            serde_json::map::Entry::Occupied(mut entry) => merge(entry.get_mut(), value),
        };
    }
    grown
}

fn merge(into: &mut Value, later: &Value) -> usize {
    match (into, later) {
        (_, Value::Null) => 0,
        (Value::String(text), Value::String(more)) => {
            text.push_str(more);
            more.len()
        }
        (Value::Array(list), Value::Array(more)) => {
            list.extend(more.iter().cloned());
            more.iter().map(weight).sum()
        }
        (Value::Object(object), Value::Object(more)) => merge_fields(object, more.iter()),
        (into, later) => {
            let before = weight(into);
            *into = later.clone();
            weight(later).saturating_sub(before)
        }
    }
}

/// About how many bytes a value holds.
pub(crate) fn weight(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(object) => object.iter().map(|(name, value)| name.len() + weight(value)).sum(),
    };
    size_of::<Value>() + held
}

impl PartialEq for Extra {
    /// Compares the unknown fields; whether a known field was absent or `null` makes no difference.
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A value as it stands on the wire: like `Deserialize`, but forgiving about how numbers are written.
pub trait Wire: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The deserializer's, when what comes has another type.
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Whether the value stands for a field that was not there.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Lets a [`Wire`] value stand where serde wants a `Deserialize`.
#[derive(Debug)]
pub struct Wired<T>(pub T);

impl<'de, T: Wire> Deserialize<'de> for Wired<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::wire(deserializer).map(Wired)
    }
}

/// A field of an object: `null` reads as `None`, whatever the type.
pub(crate) struct Nullable<T>(pub(crate) Option<T>);

impl<'de, T: Wire> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Wired<T>>::deserialize(deserializer).map(|value| Self(value.map(|wired| wired.0)))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nullable::deserialize(deserializer).map(|value| value.0)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Wire> Wire for Box<T> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::wire(deserializer).map(Box::new)
    }
}

/// Reads a list of wire values.
fn sequence<'de, D: Deserializer<'de>, T: Wire, L: Default + Extend<T>>(
    deserializer: D,
) -> Result<L, D::Error> {
    struct List<T, L>(std::marker::PhantomData<(T, L)>);
    impl<'de, T: Wire, L: Default + Extend<T>> Visitor<'de> for List<T, L> {
        type Value = L;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<L, A::Error> {
            let mut list = L::default();
            while let Some(Wired(item)) = items.next_element()? {
                if !frugal::may_make::<T>() {
                    return Err(serde::de::Error::custom("more items than such a short text should have"));
                }
                list.extend(Some(item));
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(List(std::marker::PhantomData))
}

impl<T: Wire> Wire for Vec<T> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sequence(deserializer)
    }
}

impl<T: Wire> Wire for crate::list::List<T> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sequence(deserializer)
    }
}

/// Values that are read as serde reads them.
macro_rules! wire_by_serde {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$type as Deserialize>::deserialize(deserializer)
            }
        }
    )*};
}
wire_by_serde!(Text, bool, Number);

impl Wire for Value {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let frugal::Frugal(mut value) = Deserialize::deserialize(deserializer)?;
        settle(&mut value);
        Ok(value)
    }
}

impl Wire for Map<String, Value> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let frugal::FrugalMap(mut map) = Deserialize::deserialize(deserializer)?;
        map.values_mut().for_each(settle);
        Ok(map)
    }
}

impl<T: Wire> Wire for BTreeMap<String, T> {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, Wired<T>>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(name, Wired(value))| (name, value)).collect())
    }
}

impl Wire for String {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        settle_stand_ins(&mut text);
        Ok(text)
    }
}

/// A number however it is written: `3`, `3.0`, `3.9` all fit an integer, which drops the fraction.
macro_rules! wire_number {
    ($($type:ty: $from_f64:expr),*) => {$(
        impl Wire for $type {
            fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Number;
                impl Visitor<'_> for Number {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a number that fits ", stringify!($type)))
                    }

                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$type, E> {
                        number.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
                    }

                    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<$type, E> {
                        number.try_into().map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
                    }

                    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<$type, E> {
                        let from_f64: fn(f64) -> $type = $from_f64;
                        if number.is_finite() && number >= <$type>::MIN as f64 && number <= <$type>::MAX as f64 {
                            Ok(from_f64(number))
                        } else {
                            Err(E::invalid_value(Unexpected::Float(number), &self))
                        }
                    }
                }
                deserializer.deserialize_f64(Number)
            }
        }
    )*};
}
wire_number!(u32: |number| number as u32, u64: |number| number as u64, i64: |number| number as i64);

impl Wire for f64 {
    fn wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)
    }
}

/// A key of an object: the place of a known field, or the name of an unknown one.
pub(crate) enum Key<F> {
    Known(F),
    Unknown(String),
}

/// Reads the next key of a map; `known` finds the field of a name.
pub(crate) struct KeySeed<F>(pub(crate) fn(&[u8]) -> Option<F>);

impl<'de, F> serde::de::DeserializeSeed<'de> for KeySeed<F> {
    type Value = Key<F>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<F>, D::Error> {
        struct KeyVisitor<F>(fn(&[u8]) -> Option<F>);
        impl<F> Visitor<'_> for KeyVisitor<F> {
            type Value = Key<F>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Key<F>, E> {
                Ok((self.0)(name.as_bytes()).map_or_else(|| Key::Unknown(name.to_owned()), Key::Known))
            }

            fn visit_bytes<E: serde::de::Error>(self, name: &[u8]) -> Result<Key<F>, E> {
                match (self.0)(name) {
                    Some(field) => Ok(Key::Known(field)),
                    None => Ok(Key::Unknown(std::str::from_utf8(name).map_err(E::custom)?.to_owned())),
                }
            }
        }
        // As bytes, since a key that is known needs no check that it is UTF-8.
        deserializer.deserialize_bytes(KeyVisitor(self.0))
    }
}

/// Reads the value of an unknown field into `extra`.
pub(crate) fn keep_unknown<'de, A: MapAccess<'de>>(
    extra: &mut Extra,
    name: String,
    map: &mut A,
) -> Result<(), A::Error> {
    let Wired(value) = map.next_value::<Wired<Value>>()?;
    extra.insert(name, value);
    Ok(())
}

fn settle(value: &mut Value) {
    match value {
        Value::String(text) => settle_stand_ins(text),
        Value::Array(list) => list.iter_mut().for_each(settle),
        Value::Object(object) => object.values_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The error for something that is no object.
pub(crate) fn expecting_object(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(f, "an object ({name})")
}

/// Declares structs that are objects of the API: public fields under the API's names, `extra` for the fields the
/// struct does not know, `Deserialize` that forgives, `Serialize` that gives back what came.
///
/// A field is written `name: Type`, or `r#type: Type = "type"` where the name is a Rust keyword. Optional fields are
/// `Option`; a field of another type that is missing or `null` has its default.
///
/// What follows `+` is no field of the API. What follows `=>` are fields, each an `Option`, that the events of a stream
/// [share](crate::shared::Shared): a struct of their own, which the object dereferences to.
#[macro_export]
#[doc(hidden)]
macro_rules! object {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* pub $field:ident : $type:ty $(= $rename:literal)? ),* $(,)?
        }
        $(+ { $( $(#[$plain_meta:meta])* pub $plain:ident : $plain_type:ty ),* $(,)? })?
        $(=> $shared:ident:
            $(#[$shared_meta:meta])*
            $shared_type:ident {
                $( $(#[$inner_meta:meta])* pub $inner:ident : $inner_type:ty $(= $inner_rename:literal)? ),* $(,)?
            }
        )?
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        $vis struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
            /// The fields that this version does not know, as JSON.
            pub extra: $crate::wire::Extra,
            $($( $(#[$plain_meta])* pub $plain: $plain_type, )*)?
            $( $shared: $crate::shared::Shared<$shared_type>, )?
        }

        $(
            $(#[$shared_meta])*
            #[derive(Debug, Clone, Default, PartialEq)]
            $vis struct $shared_type {
                $( $(#[$inner_meta])* pub $inner: $inner_type, )*
            }

            impl $crate::shared::Fields for $shared_type {
                fn none() -> &'static Self {
                    static NONE: $shared_type = $shared_type { $($inner: None,)* };
                    &NONE
                }
            }

            impl std::ops::Deref for $name {
                type Target = $shared_type;

                fn deref(&self) -> &$shared_type {
                    &self.$shared
                }
            }

            impl std::ops::DerefMut for $name {
                fn deref_mut(&mut self) -> &mut $shared_type {
                    &mut self.$shared
                }
            }
        )?

        const _: () = {
            use $crate::wire::{Extra, Key, KeySeed, Nullable, Wire};

            #[derive(Clone, Copy)]
            #[allow(non_camel_case_types)]
            enum Field { $($field,)* $($($inner,)*)? }

            fn field(name: &[u8]) -> Option<Field> {
                $(
                    if name == $crate::object!(@name $field $($rename)?).as_bytes() {
                        return Some(Field::$field);
                    }
                )*
                $($(
                    if name == $crate::object!(@name $inner $($inner_rename)?).as_bytes() {
                        return Some(Field::$inner);
                    }
                )*)?
                let _ = name;
                None
            }

            struct ObjectVisitor;

            impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                type Value = $name;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    $crate::wire::expecting_object(f, stringify!($name))
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                    let mut object = $name::default();
                    while let Some(key) = map.next_key_seed(KeySeed(field))? {
                        match key {
                            $(
                                Key::Known(Field::$field) => match map.next_value::<Nullable<$type>>()?.0 {
                                    Some(value) => object.$field = value,
                                    None => object.extra.nulls |= 1 << Field::$field as u64,
                                },
                            )*
                            $($(
                                Key::Known(Field::$inner) => match map.next_value::<Nullable<$inner_type>>()?.0 {
                                    Some(value) => object.$inner = value,
                                    None => object.extra.nulls |= 1 << Field::$inner as u64,
                                },
                            )*)?
                            Key::Unknown(name) => $crate::wire::keep_unknown(&mut object.extra, name, &mut map)?,
                        }
                    }
                    Ok(object)
                }
            }

            impl Wire for $name {
                fn wire<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(ObjectVisitor)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Self::wire(deserializer)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde::ser::SerializeMap as _;
                    let Extra { nulls, .. } = self.extra;
                    let mut map = serializer.serialize_map(None)?;
                    $($(
                        let null = nulls & (1 << Field::$inner as u64) != 0;
                        if !self.$inner.is_absent() && !(null && self.$inner == <$inner_type>::default()) {
                            map.serialize_entry($crate::object!(@name $inner $($inner_rename)?), &self.$inner)?;
                        } else if null {
                            map.serialize_entry($crate::object!(@name $inner $($inner_rename)?), &())?;
                        }
                    )*)?
                    $(
                        let null = nulls & (1 << Field::$field as u64) != 0;
                        if !self.$field.is_absent() && !(null && self.$field == <$type>::default()) {
                            map.serialize_entry($crate::object!(@name $field $($rename)?), &self.$field)?;
                        } else if null {
                            map.serialize_entry($crate::object!(@name $field $($rename)?), &())?;
                        }
                    )*
                    for (name, value) in self.extra.iter() {
                        map.serialize_entry(name, value)?;
                    }
                    map.end()
                }
            }
        };
    )*};
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $rename:literal) => { $rename };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    object! {
        /// A test object.
        struct Thing {
            /// Named as a keyword.
            pub r#type: Option<Text> = "type",
            /// A number.
            pub count: u64,
            /// More of them.
            pub things: Option<Vec<Thing>>,
        }
    }

    #[track_caller]
    fn round_trip(value: Value) -> Thing {
        let thing: Thing = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&thing).unwrap(), value);
        let text: Thing = serde_json::from_str(&value.to_string()).unwrap();
        assert_eq!(text, thing);
        thing
    }

    #[test]
    fn what_came_goes_out() {
        round_trip(json!({"count": 1}));
        round_trip(json!({"type": null, "count": 2, "things": [{"count": 3, "new": [1]}]}));
        let thing =
            round_trip(json!({"type": "a", "count": null, "things": null, "extra": {"x": 1}, "z": null}));
        assert_eq!(thing.count, 0);
        assert_eq!(thing.extra.get("extra"), Some(&json!({"x": 1})));
    }

    #[test]
    fn floats_fit_integers() {
        for (json, count) in [("3", 3), ("3.0", 3), ("1795344041.6679652", 1_795_344_041)] {
            let thing: Thing = serde_json::from_str(&format!("{{\"count\":{json}}}")).unwrap();
            assert_eq!(thing.count, count);
        }
        for json in ["-1", "1e300", "\"3\""] {
            serde_json::from_str::<Thing>(&format!("{{\"count\":{json}}}")).unwrap_err();
        }
    }

    #[test]
    fn deltas_of_unknown_fields_merge() {
        let mut extra = Extra::default();
        for delta in [json!({"t": "a", "l": [1], "n": 1}), json!({"t": "b", "l": [2], "n": 2, "o": null})] {
            let thing: Thing = serde_json::from_value(delta).unwrap();
            extra.merge(&thing.extra);
        }
        assert_eq!(extra.get("t"), Some(&json!("ab")));
        assert_eq!(extra.get("l"), Some(&json!([1, 2])));
        assert_eq!(extra.get("n"), Some(&json!(2)));
    }
}
