//! Values of the API that are one of several things, as Rust enums that lose nothing: what fits no variant is kept as
//! JSON.
//!
//! `union!` declares such an enum, `stream_events!` the enum of the events of a stream, and `open_enums!` enums of
//! strings with a default. They are made for generated code.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::json::from_json::{self, FromJson};
use crate::json::lenient::coerce;

use crate::json::whole::fields;

/// How the JSON of a variant is distinguished from that of the others.
pub(crate) struct Shape {
    /// What it is.
    pub(crate) kind: Kind,
    /// The values that the tag has; any object fits where there are none.
    pub(crate) tags: &'static [&'static str],
    /// The field by which an object is known that has no tag.
    pub(crate) key: Option<&'static str>,
    /// Whether what has a field of an unexpected type is another variant's, so that nothing is lost.
    pub(crate) strict: bool,
}

/// What JSON is.
pub(crate) enum Kind {
    String,
    Number,
    Bool,
    List,
    Object,
}

impl Shape {
    /// Reads `value` where it has this shape; a field of an unexpected type is converted or absent, as in any event,
    /// unless the shape is strict.
    pub(crate) fn read<T: FromJson>(&self, tag: &str, value: &Value) -> Option<T> {
        if !self.fits(tag, value) {
            return None;
        }
        from_json::reread(value).ok().or_else(|| if self.strict { None } else { coerce(value.clone()) })
    }

    fn fits(&self, tag: &str, value: &Value) -> bool {
        match (&self.kind, value) {
            (Kind::String, Value::String(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Bool, Value::Bool(_))
            | (Kind::List, Value::Array(_)) => true,
            (Kind::Object, Value::Object(object)) => match object.get(tag) {
                _ if self.tags.is_empty() => true,
                Some(Value::String(tag)) => self.tags.contains(&tag.as_str()),
                None | Some(Value::Null) => self.key.is_some_and(|key| object.contains_key(key)),
                Some(_) => false,
            },
            _ => false,
        }
    }
}

/// The `type` of the object that `payload` is, without parsing the rest of it where it is the first field.
pub(crate) fn type_of(payload: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Probe<'a> {
        #[serde(borrow, rename = "type")]
        tag: Cow<'a, str>,
    }
    match first_type(payload) {
        Some(tag) => Some(Cow::Borrowed(tag)),
        None => match serde_json::from_slice(payload) {
            Ok(Probe { tag }) => Some(tag),
            // Not an error: the type may occur twice.
            Err(_) => serde_json::from_str(fields(payload)?.get("type")?.get()).ok().map(Cow::Owned),
        },
    }
}

fn first_type(payload: &[u8]) -> Option<&str> {
    let mut rest = payload;
    for token in [&b"{"[..], b"\"type\"", b":", b"\""] {
        rest = rest.trim_ascii_start().strip_prefix(token)?;
    }
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    if rest[end] == b'"' { std::str::from_utf8(&rest[..end]).ok() } else { None }
}

/// Declares an enum of values that are distinguished by one of their fields, or by their JSON type.
///
/// ```text
/// union! {
///     /// Objects by their `type`, or a string.
///     pub enum Choice by "type" {
///         /// An object of one of these types.
///         Hosted(Box<Hosted>) = "search" | "computer",
///         /// An object of this type, or of none if it has the field `role`.
///         Message(Message) = "message" else "role",
///         /// Also `number`, `bool`, `list` and `object`.
///         Mode(Mode): string,
///     }
/// }
/// ```
///
/// With `where strict` before the braces, a value is only read as a variant if nothing of it has an unexpected type.
macro_rules! union {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident $(by $tag:literal)? $(where $strict:ident)? {
            $(
                $(#[$variant_meta:meta])*
                $variant:ident($type:ty) $(: $kind:ident)? $(= $value:literal $(| $more:literal)*)? $(else $key:literal)?
            ),+ $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant($type), )+
            /// Anything else, verbatim.
            Unknown(serde_json::Value),
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }
        }

        impl From<serde_json::Value> for $name {
            fn from(value: serde_json::Value) -> Self {
                use $crate::json::union::{Kind, Shape};
                const TAG: &str = concat!($($tag)?);
                const STRICT: bool = $crate::json::union::union!(@strict $($strict)?);
                $(
                    let shape = Shape {
                        kind: $crate::json::union::union!(@kind $($kind)?),
                        tags: &[$($value $(, $more)*)?],
                        key: $crate::json::union::union!(@key $($key)?),
                        strict: STRICT,
                    };
                    if let Some(read) = shape.read(TAG, &value) {
                        return Self::$variant(read);
                    }
                )+
                Self::Unknown(value)
            }
        }

        $crate::json::union::union!(@serde $name $($variant)+);
    )*};
    (@serde $name:ident $($variant:ident)+) => {
        impl $crate::json::from_json::FromJson for $name {
            fn blank() -> Self {
                Self::default()
            }

            fn read(
                &mut self,
                reader: &mut $crate::json::reader::Reader<'_>,
            ) -> Result<(), $crate::json::reader::Wrong> {
                let mut value = serde_json::Value::Null;
                value.read(reader)?;
                *self = Self::from(value);
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde_json::Value::deserialize(deserializer).map(Self::from)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(value) => value.serialize(serializer), )+
                    Self::Unknown(value) => value.serialize(serializer),
                }
            }
        }
    };
    (@kind) => { Kind::Object };
    (@kind string) => { Kind::String };
    (@kind number) => { Kind::Number };
    (@kind bool) => { Kind::Bool };
    (@kind list) => { Kind::List };
    (@kind object) => { Kind::Object };
    (@strict) => { false };
    (@strict strict) => { true };
    (@key) => { None };
    (@key $key:literal) => { Some($key) };
}

/// Declares the enum of the events of a stream, which are distinguished by `type` and deserialized directly from their
/// payloads.
macro_rules! stream_events {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident($type:ty) = $tag:literal ),+ $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant($type), )+
            /// An event of another type, or JSON that is no event at all.
            Unknown(serde_json::Value),
        }

        impl $name {
            /// The types of event that there are.
            $vis const TYPES: &'static [&'static str] = &[$($tag),+];

            /// Reads an event; its texts are slices of `payload`.
            ///
            /// # Errors
            /// If the payload is not JSON.
            $vis fn decode(payload: &bytes::Bytes) -> Result<Self, $crate::json::decode_error::DecodeError> {
                match $crate::json::union::type_of(payload) {
                    Some(r#type) => Self::decode_as(&r#type, payload),
                    None => Self::unknown(payload),
                }
            }

            /// Reads an event whose type is known, such as from the `event:` line of a stream.
            ///
            /// # Errors
            /// If the payload is not JSON.
            $vis fn decode_as(
                r#type: &str,
                payload: &bytes::Bytes,
            ) -> Result<Self, $crate::json::decode_error::DecodeError> {
                let event = match r#type {
                    $( $tag => $crate::json::lenient::parse(payload)?.map(Self::$variant), )+
                    _ => None,
                };
                event.map_or_else(|| Self::unknown(payload), Ok)
            }

            fn unknown(payload: &bytes::Bytes) -> Result<Self, $crate::json::decode_error::DecodeError> {
                $crate::json::lenient::parse(payload).map(|value| Self::Unknown(value.unwrap_or_default()))
            }

            /// The type of the event; empty if it has none.
            $vis fn r#type(&self) -> &str {
                match self {
                    $( Self::$variant(_) => $tag, )+
                    Self::Unknown(value) => value.get("type").and_then(|tag| tag.as_str()).unwrap_or_default(),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(serde_json::Value::Null)
            }
        }

        impl From<serde_json::Value> for $name {
            fn from(value: serde_json::Value) -> Self {
                Self::decode(&value.to_string().into()).unwrap_or(Self::Unknown(value))
            }
        }

        $crate::json::union::union!(@serde $name $($variant)+);
    )*};
}

/// Declares enums of strings, as `string_enum!` does, that are the empty string by default.
macro_rules! open_enums {
    ($( $(#[$meta:meta])* $vis:vis enum $name:ident { $($variants:tt)* } )*) => {$(
        $crate::json::string_enum::string_enum! {
            $(#[$meta])*
            $vis enum $name { $($variants)* }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }
    )*};
}

pub(crate) use {open_enums, stream_events, union};

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use crate::json::text::Text;

    crate::object! {
        /// A message.
        struct Message {
            /// Its type.
            pub r#type: Option<String> = "type",
            /// Whose it is.
            pub role: String,
        }
        /// A search.
        struct Search {
            /// Its type.
            pub r#type: String = "type",
            /// How many.
            pub count: u64,
        }
        /// An event.
        struct Delta {
            /// Its type.
            pub r#type: Text = "type",
            /// What is new.
            pub delta: Text,
        }
    }

    union! {
        /// One of several things.
        enum Item by "type" {
            /// Objects of two types.
            Search(Box<Search>) = "search" | "search_2",
            /// An object that may have no type.
            Message(Message) = "message" else "role",
            /// A string.
            Text(String): string,
            /// A list.
            List(Vec<Item>): list,
        }
    }

    stream_events! {
        /// Events.
        enum Event {
            /// More.
            Delta(Delta) = "a.delta",
        }
    }

    #[test]
    fn a_type_that_comes_twice_is_one() {
        for json in [
            r#"{"delta":"x","type":"a.delta","type":"a.delta"}"#,
            r#"{"type":"a.delta","delta":"x","type":"a.delta"}"#,
            r#"{"n":{"type":"b"},"type":"a.delta","delta":"x","type":"a.delta"}"#,
        ] {
            let event = Event::decode(&Bytes::from(json)).unwrap();
            assert!(matches!(&event, Event::Delta(delta) if delta.delta == "x"), "{json}: {event:?}");
        }
    }

    #[test]
    fn a_union_gives_back_what_came() {
        for (value, variant) in [
            (json!({"type": "search", "count": 1}), "Search"),
            (json!({"type": "search_2", "count": 1, "new": []}), "Search"),
            (json!({"type": "message", "role": "user"}), "Message"),
            (json!({"role": "user"}), "Message"),
            (json!({"type": null, "role": "user"}), "Message"),
            (json!("text"), "Text"),
            (json!([{"role": "user"}, "text", null]), "List"),
            (json!({"type": "new", "x": {"y": 1.0}}), "Unknown"),
            (json!({"type": 7}), "Unknown"),
            (json!({"x": 1}), "Unknown"),
            (json!(1), "Unknown"),
            (json!(null), "Unknown"),
        ] {
            let item: Item = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&item).unwrap(), value);
            assert!(format!("{item:?}").starts_with(variant), "{item:?}");
        }
    }

    #[test]
    fn a_wrong_field_does_not_make_a_variant_unknown() {
        let item: Item = serde_json::from_value(json!({"type": "search", "count": "12"})).unwrap();
        let Item::Search(search) = item else { panic!("{item:?}") };
        assert_eq!(search.count, 12);
    }

    #[test]
    fn an_event_is_found_wherever_its_type_stands() {
        for json in [
            r#"{"type":"a.delta","delta":"a text of twenty-four by"}"#,
            r#" { "type" : "a.delta", "delta": "a text of twenty-four by" }"#,
            r#"{"delta":"a text of twenty-four by","type":"a.delta"}"#,
            r#"{"type":"a\u002edelta","delta":"a text of twenty-four by"}"#,
        ] {
            let payload = Bytes::copy_from_slice(json.as_bytes());
            let event = Event::decode(&payload).unwrap();
            let Event::Delta(delta) = &event else { panic!("{event:?}") };
            assert_eq!(delta.delta, "a text of twenty-four by");
            assert!(payload.as_ptr_range().contains(&delta.delta.as_ptr()));
            assert_eq!(event.r#type(), "a.delta");
        }
    }

    #[test]
    fn an_unknown_event_is_kept() {
        assert_eq!(Event::TYPES, ["a.delta"]);
        for (json, r#type) in [
            (r#"{"type":"a.new","x":[1]}"#, "a.new"),
            (r#"{"type":7}"#, ""),
            (r#"{"delta":"x"}"#, ""),
            ("[1]", ""),
            ("null", ""),
        ] {
            let event = Event::decode(&Bytes::from_static(json.as_bytes())).unwrap();
            assert!(matches!(event, Event::Unknown(_)), "{event:?}");
            assert_eq!(event.r#type(), r#type);
            assert_eq!(serde_json::to_string(&event).unwrap(), json);
        }
        let half = Event::decode(&Bytes::from_static(br#"{"type":"a.new","x":"\ud83d!"}"#)).unwrap();
        assert_eq!(serde_json::to_value(&half).unwrap(), json!({"type": "a.new", "x": "\u{fffd}!"}));
        for bad in ["", "{", r#"{"type":"a.delta""#, r#"{"type":"a.new""#] {
            Event::decode(&Bytes::from_static(bad.as_bytes())).unwrap_err();
        }
        let named = Event::decode_as("a.delta", &Bytes::from_static(br#"{"delta":"x"}"#)).unwrap();
        assert!(matches!(named, Event::Delta(_)));
    }

    #[test]
    fn halves_of_pairs_come_through_to_the_texts() {
        let payload = Bytes::from_static(br#"{"type":"a.delta","delta":"\ud83d"}"#);
        let Event::Delta(mut delta) = Event::decode(&payload).unwrap() else { panic!() };
        let mut carry = 0;
        delta.delta.join(&mut carry);
        assert_eq!(carry, 0xD83D);
    }
}
