//! Objects of the API as lossless Rust structs: an unknown field is kept as JSON, a `null` field is serialized as
//! `null`, and a number that arrived as a float fits an integer.
//!
//! [`object!`](crate::object) declares such a struct. Deserialization has no extra cost unless something unknown
//! arrives.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::{Map, Number, Value};

use crate::json::bounded;
use crate::json::extra::Extra;
use crate::json::text::{Text, settle_stand_ins};

/// A deserializable value: like `Deserialize`, but lenient about the format of numbers.
pub trait FromJson: Sized {
    /// Deserializes the value.
    ///
    /// # Errors
    /// The deserializer's, if the value has another type.
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Returns whether the value stands for a missing field.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Adapts a [`FromJson`] type to serde's `Deserialize`.
#[derive(Debug)]
pub struct Lenient<T>(pub T);

impl<'de, T: FromJson> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::from_json(deserializer).map(Lenient)
    }
}

/// A field of an object: `null` reads as `None`, whatever the type.
pub(crate) struct Nullable<T>(pub(crate) Option<T>);

impl<'de, T: FromJson> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Lenient<T>>::deserialize(deserializer).map(|value| Self(value.map(|wired| wired.0)))
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nullable::deserialize(deserializer).map(|value| value.0)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::from_json(deserializer).map(Box::new)
    }
}

/// Reads a list of wire values.
fn sequence<'de, D: Deserializer<'de>, T: FromJson, L: Default + Extend<T>>(
    deserializer: D,
) -> Result<L, D::Error> {
    struct List<T, L>(std::marker::PhantomData<(T, L)>);
    impl<'de, T: FromJson, L: Default + Extend<T>> Visitor<'de> for List<T, L> {
        type Value = L;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<L, A::Error> {
            let mut list = L::default();
            while let Some(Lenient(item)) = items.next_element()? {
                if !bounded::may_make::<T>() {
                    return Err(serde::de::Error::custom("more items than such a short text should have"));
                }
                list.extend(Some(item));
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(List(std::marker::PhantomData))
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sequence(deserializer)
    }
}

impl<T: FromJson> FromJson for crate::json::list::List<T> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sequence(deserializer)
    }
}

/// Values that are read as serde reads them.
macro_rules! from_json_by_serde {
    ($($type:ty),*) => {$(
        impl FromJson for $type {
            fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$type as Deserialize>::deserialize(deserializer)
            }
        }
    )*};
}
from_json_by_serde!(Text, bool, Number);

impl FromJson for Value {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bounded::Frugal(mut value) = Deserialize::deserialize(deserializer)?;
        settle(&mut value);
        Ok(value)
    }
}

impl FromJson for Map<String, Value> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bounded::FrugalMap(mut map) = Deserialize::deserialize(deserializer)?;
        map.values_mut().for_each(settle);
        Ok(map)
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, Lenient<T>>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(name, Lenient(value))| (name, value)).collect())
    }
}

impl FromJson for String {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        settle_stand_ins(&mut text);
        Ok(text)
    }
}

/// A number however it is written: `3`, `3.0`, `3.9` all fit an integer, which drops the fraction.
macro_rules! from_json_number {
    ($($type:ty: $from_f64:expr),*) => {$(
        impl FromJson for $type {
            fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
from_json_number!(u32: |number| number as u32, u64: |number| number as u64, i64: |number| number as i64);

impl FromJson for f64 {
    fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
    let Lenient(value) = map.next_value::<Lenient<Value>>()?;
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

/// Declares structs for objects of the API: public fields under the API's names, `extra` for unknown fields, a
/// lenient `Deserialize`, and a `Serialize` that reproduces what arrived.
///
/// A field is written `name: Type`, or `r#type: Type = "type"` if the name is a Rust keyword. Optional fields are
/// `Option`; a field of another type that is missing or `null` has its default.
///
/// A field after `+` is not a field of the API. The fields after `=>`, each an `Option`, are
/// [shared](crate::json::shared::Shared) by the events of a stream: they are a separate struct, to which the object
/// dereferences.
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
            pub extra: $crate::json::extra::Extra,
            $($( $(#[$plain_meta])* pub $plain: $plain_type, )*)?
            $( pub(super) $shared: $crate::json::shared::Shared<$shared_type>, )?
        }

        $(
            $(#[$shared_meta])*
            #[derive(Debug, Clone, Default, PartialEq)]
            $vis struct $shared_type {
                $( $(#[$inner_meta])* pub $inner: $inner_type, )*
            }

            impl $crate::json::shared::Fields for $shared_type {
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
            use $crate::json::extra::Extra;
            use $crate::json::object::{Key, KeySeed, Nullable, FromJson};

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
                    $crate::json::object::expecting_object(f, stringify!($name))
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                    let mut object = $name::default();
                    let mut seen = 0_u64;
                    while let Some(key) = map.next_key_seed(KeySeed(field))? {
                        match key {
                            $(
                                Key::Known(Field::$field) => {
                                    seen |= 1 << Field::$field as u64;
                                    match map.next_value::<Nullable<$type>>()?.0 {
                                        Some(value) => object.$field = value,
                                        None => object.extra.nulls |= 1 << Field::$field as u64,
                                    }
                                }
                            )*
                            $($(
                                Key::Known(Field::$inner) => match map.next_value::<Nullable<$inner_type>>()?.0 {
                                    Some(value) => object.$inner = value,
                                    None => object.extra.nulls |= 1 << Field::$inner as u64,
                                },
                            )*)?
                            Key::Unknown(name) => $crate::json::object::keep_unknown(&mut object.extra, name, &mut map)?,
                        }
                    }
                    object.extra.absent = !seen;
                    Ok(object)
                }
            }

            impl FromJson for $name {
                fn from_json<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(ObjectVisitor)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Self::from_json(deserializer)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde::ser::SerializeMap as _;
                    let Extra { nulls, absent, .. } = self.extra;
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
                        let unset = (nulls | absent) & (1 << Field::$field as u64) != 0;
                        if self.extra.has_known($crate::object!(@name $field $($rename)?)) {
                        } else if !self.$field.is_absent() && !(unset && self.$field == <$type>::default()) {
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
    fn unknown_fields_that_are_repeated_replace_and_known_deltas_are_appended() {
        let mut extra = Extra::default();
        for delta in [
            json!({"provider": "a", "l": [1], "n": 1, "o": {"x": "a", "y": 1}, "annotations": [1], "tool_plan": "a"}),
            json!({"provider": "a", "l": [2], "n": 2, "o": {"x": "b"}, "annotations": [2], "tool_plan": "b"}),
            json!({"provider": null, "l": null}),
        ] {
            let thing: Thing = serde_json::from_value(delta).unwrap();
            extra.merge(&thing.extra, &mut 0);
        }
        for (name, value) in [
            ("provider", json!("a")),
            ("l", json!([2])),
            ("n", json!(2)),
            ("o", json!({"x": "b", "y": 1})),
            ("annotations", json!([1, 2])),
            ("tool_plan", json!("ab")),
        ] {
            assert_eq!(extra.get(name), Some(&value), "{name}");
        }
    }

    #[test]
    fn absent_fields_stay_absent() {
        round_trip(json!({}));
        round_trip(json!({"type": "a"}));
        round_trip(json!({"things": [{}, {"count": 0}, {"count": null}]}));
        let mut thing: Thing = serde_json::from_str("{}").unwrap();
        thing.count = 2;
        assert_eq!(serde_json::to_value(&thing).unwrap(), json!({"count": 2}));
        assert_eq!(serde_json::to_value(Thing::default()).unwrap(), json!({"count": 0}));
    }
}
