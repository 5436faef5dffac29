//! Writes request objects, whose `extra` fields may replace typed fields.
//!
//! Every name is written once. A field in `extra` replaces the typed field of the same name, for servers that define
//! that field differently.

use serde::de::Deserializer;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object with documented fields and a map of further ones.
pub(crate) trait Fields {
    /// Returns the fields that the type does not have.
    fn extra(&self) -> &Map<String, Value>;

    /// Writes the documented fields, in a fixed order.
    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error>;
}

/// Writes the fields of one object, except those that `extra` replaces.
pub(crate) struct FieldWriter<'a, M> {
    map: M,
    extra: &'a Map<String, Value>,
}

impl<M: SerializeMap> FieldWriter<'_, M> {
    /// Writes a field that is always present.
    pub(crate) fn required<T>(&mut self, name: &str, value: &T) -> Result<(), M::Error>
    where
        T: Serialize + ?Sized,
    {
        if self.extra.contains_key(name) {
            return Ok(());
        }
        self.map.serialize_entry(name, value)
    }

    /// Writes a field if it has a value.
    pub(crate) fn optional<T>(&mut self, name: &str, value: &Option<T>) -> Result<(), M::Error>
    where
        T: Serialize,
    {
        match value {
            Some(value) => self.required(name, value),
            None => Ok(()),
        }
    }

    /// Writes a list or map if it has entries.
    pub(crate) fn non_empty<'v, T>(&mut self, name: &str, value: &'v T) -> Result<(), M::Error>
    where
        T: Serialize,
        &'v T: IntoIterator,
    {
        if value.into_iter().next().is_none() {
            return Ok(());
        }
        self.required(name, value)
    }
}

/// Writes `object`: its fields, and then the further ones.
pub(crate) fn write_object<F, S>(object: &F, serializer: S) -> Result<S::Ok, S::Error>
where
    F: Fields,
    S: Serializer,
{
    let extra = object.extra();
    let mut out = FieldWriter { map: serializer.serialize_map(None)?, extra };
    object.write(&mut out)?;
    for (name, value) in extra {
        out.map.serialize_entry(name, value)?;
    }
    out.map.end()
}

/// Implements `Serialize` for types with [`Fields`].
macro_rules! serialize_fields {
    ($($object:ty),+ $(,)?) => {$(
        impl ::serde::Serialize for $object {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::request::fields::write_object(self, serializer)
            }
        }
    )+};
}
pub(crate) use serialize_fields;

/// Declares setters for optional fields: those under `value` take the field's type, those under `into` anything that
/// converts into it.
macro_rules! setters {
    (
        value { $( $(#[$value_meta:meta])* $value:ident: $value_type:ty, )* }
        into { $( $(#[$into_meta:meta])* $into:ident: $into_type:ty, )* }
    ) => {
        $(
            $(#[$value_meta])*
            #[must_use]
            pub fn $value(mut self, $value: $value_type) -> Self {
                self.$value = ::std::option::Option::Some($value);
                self
            }
        )*
        $(
            $(#[$into_meta])*
            #[must_use]
            pub fn $into(mut self, $into: impl ::std::convert::Into<$into_type>) -> Self {
                self.$into = ::std::option::Option::Some($into.into());
                self
            }
        )*
    };
}
pub(crate) use setters;

/// Reads `null` as the default of a list or map.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
