//! Deserializes the arguments of a call.

use std::fmt;

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

/// Deserializes the arguments that a model wrote, with `parse` if there are any.
///
/// Models call a function without arguments with an empty text, `{}`, `null` or invented arguments. A type without
/// content (`()`, a unit struct) is therefore deserialized from any JSON, and if the model wrote nothing, `{}` and
/// `null` are tried.
///
/// # Errors
/// If the text is not JSON, or does not fit the type.
pub fn read_arguments<A: DeserializeOwned>(
    text: &str,
    parse: impl Fn(&str) -> serde_json::Result<A>,
) -> serde_json::Result<A> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').trim_end();
    if let Ok(nothing) = A::deserialize(Nothing) {
        if !text.is_empty() {
            serde_json::from_str::<IgnoredAny>(text)?;
        }
        return Ok(nothing);
    }
    let says_nothing = matches!(text, "" | "null" | "\"\"")
        || text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .is_some_and(|text| text.trim().is_empty());
    if !says_nothing {
        return parse(text);
    }
    parse("{}").or_else(|error| serde_json::from_str("null").map_err(|_| error))
}

/// Deserializes types without content, and no others.
struct Nothing;

/// The type has content.
#[derive(Debug)]
struct Something;

impl fmt::Display for Something {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type has content")
    }
}

impl std::error::Error for Something {}

impl Error for Something {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Nothing {
    type Error = Something;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Something> {
        Err(Something)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Something> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Something> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Something> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Something> {
        if len > 0 {
            return Err(Something);
        }
        visitor.visit_seq(SeqDeserializer::<_, Something>::new(std::iter::empty::<()>()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Something> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option seq tuple map struct enum
        identifier
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn read<A: DeserializeOwned>(text: &str) -> serde_json::Result<A> {
        read_arguments(text, |text| serde_json::from_str(text))
    }

    #[test]
    fn a_type_without_content_is_read_from_whatever_a_model_writes() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Unit;
        #[derive(Debug, PartialEq, Deserialize)]
        struct Around(());
        #[derive(Debug, PartialEq, Deserialize)]
        struct Tuple();
        for text in ["", " \n", "{}", "{ }", "null", "\"\"", "[]", "{\"dummy\":\"\"}", "\u{feff}{}"] {
            read::<()>(text).unwrap();
            assert_eq!(read::<Unit>(text).unwrap(), Unit, "{text}");
            assert_eq!(read::<Around>(text).unwrap(), Around(()), "{text}");
            assert_eq!(read::<Tuple>(text).unwrap(), Tuple(), "{text}");
        }
        assert!(read::<()>("{\"n\":").is_err(), "half a call");
        assert!(read::<Unit>("nothing").is_err());
    }

    #[test]
    fn an_empty_arguments_text_reads_as_a_type_without_fields() {
        #[derive(Debug, PartialEq, Default, Deserialize)]
        #[serde(default)]
        struct All {
            n: u8,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Needs {
            n: u8,
        }
        for text in ["", "{}", "{\n}", "null", "\"\""] {
            assert_eq!(read::<All>(text).unwrap(), All::default(), "{text}");
            assert_eq!(read::<Option<Needs>>(text).unwrap(), None, "{text}");
            assert_eq!(read::<Value>(text).unwrap(), serde_json::json!({}), "{text}");
            assert!(read::<Needs>(text).unwrap_err().to_string().contains("missing field `n`"), "{text}");
        }
        assert_eq!(read::<Needs>("{\"n\":1}").unwrap(), Needs { n: 1 });
        assert_eq!(read::<Option<Needs>>("{\"n\":1}").unwrap(), Some(Needs { n: 1 }));
        assert!(read::<Option<Needs>>("{\"n\":300}").is_err());
    }
}
