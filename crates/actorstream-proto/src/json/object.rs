//! Objects of the API as lossless Rust structs: an unknown field is kept as JSON, a `null` field is serialized as
//! `null`, and a number that arrived as a float fits an integer.
//!
//! [`object!`](crate::object) declares such a struct. Reading has no extra cost unless something unknown arrives.

/// Declares structs for objects of the API: public fields under the API's names, `extra` for unknown fields, a lenient
/// `FromJson`, and a `Serialize` that reproduces what arrived.
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
            use $crate::json::from_json::FromJson;
            use $crate::json::reader::{Fields, Reader, Wrong};

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

            /// An object that is being read.
            struct Filling<'a> {
                object: &'a mut $name,
                /// One bit for each field that came.
                seen: u64,
                $( $shared: Option<$shared_type>, )?
            }

            impl Fields for Filling<'_> {
                fn field(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Wrong> {
                    let Some(field) = field(name) else {
                        return self.object.extra.read(name, reader);
                    };
                    let bit = 1 << field as u64;
                    let again = self.seen & bit != 0;
                    self.seen |= bit;
                    if reader.null()? {
                        self.object.extra.nulls |= bit;
                        return Ok(());
                    }
                    match field {
                        $(
                            Field::$field => {
                                if again {
                                    self.object.$field = FromJson::blank();
                                }
                                self.object.$field.read(reader)
                            }
                        )*
                        $($(
                            Field::$inner => self.$shared.get_or_insert_default().$inner.read(reader),
                        )*)?
                    }
                }
            }

            impl FromJson for $name {
                fn blank() -> Self {
                    Self::default()
                }

                fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
                    let mut filling = Filling { object: self, seen: 0, $( $shared: None, )? };
                    reader.object(&mut filling)?;
                    filling.object.extra.absent = !filling.seen;
                    $(
                        if let Some(fields) = filling.$shared {
                            filling.object.$shared = $crate::json::shared::Shared::of(fields);
                        }
                    )?
                    Ok(())
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::json::from_json::deserialize(deserializer)
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
pub(crate) mod tests {
    use serde_json::{Value, json};

    use crate::json::extra::Extra;
    use crate::json::text::Text;

    object! {
        /// A test object.
        pub(crate) struct Thing {
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
