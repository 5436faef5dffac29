//! Complete unstreamed responses: the required content of an object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::decode_error::DecodeError;
use crate::json::from_json::FromJson;
use crate::json::lenient;

/// Deserializes a response that is an object with a list in the field `list`; `what` is its name in errors. Without
/// that list, it is a different response or none, which must not pass for an empty one.
pub(crate) fn object_with_list<T: FromJson>(
    body: &[u8],
    what: &str,
    list: &'static str,
) -> Result<T, DecodeError> {
    object_with_list_of(body, what, list, |_| {})
}

/// Does the same; a value that a strict pass cannot read is first converted by `translate`.
pub(crate) fn object_with_list_of<T: FromJson>(
    body: &[u8],
    what: &str,
    list: &'static str,
    translate: fn(&mut Value),
) -> Result<T, DecodeError> {
    read_object(body, what, Field::List(list), translate)
}

/// A field by which a response is recognized.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// A list.
    List(&'static str),
    /// Anything but `null`.
    Any(&'static str),
}

/// Reads a response that is an object with this field; `what` is its name in errors.
pub(crate) fn object_with<T: FromJson>(body: &[u8], what: &str, field: Field) -> Result<T, DecodeError> {
    read_object(body, what, field, |_| {})
}

fn read_object<T: FromJson>(
    body: &[u8],
    what: &str,
    field: Field,
    translate: fn(&mut Value),
) -> Result<T, DecodeError> {
    let (name, is_list) = match field {
        Field::List(name) => (name, true),
        Field::Any(name) => (name, false),
    };
    let no = |why: String| DecodeError(format!("the answer is no {what}: {why}"));
    match fields(body) {
        Some(fields) => match fields.get(name).map(|value| value.get().trim_start()) {
            Some("null") => return Err(no(format!("its `{name}` is null"))),
            Some(value) if !is_list || value.starts_with('[') => {}
            Some(_) => return Err(no(format!("its `{name}` is no list"))),
            None => {
                let kind = fields.get("object").map(|kind| format!(", and says that it is {}", kind.get()));
                return Err(no(format!("it has no `{name}`{}", kind.unwrap_or_default())));
            }
        },
        None if body.trim_ascii_start().starts_with(b"[") && is_json(body) => {
            return Err(no("it is a list".to_owned()));
        }
        None => {}
    }
    let read = lenient::parse_with(&Bytes::copy_from_slice(body), translate);
    let read = read.map_err(|error| DecodeError(format!("the answer is not JSON ({})", error.0)))?;
    read.ok_or_else(|| no("it is no object".to_owned()))
}

/// The fields of an object, unread; `None` where it is none.
pub(crate) fn fields(body: &[u8]) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_slice(body).ok()
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::chat::ChatCompletion;

    #[test]
    fn a_missing_list_is_named() {
        let read =
            |body: &str| object_with_list::<ChatCompletion>(body.as_bytes(), "chat completion", "choices");
        for body in [r#"{"choices":[]}"#, r#" {"choices" : [{}], "x": "\ud83d"}"#] {
            read(body).unwrap();
        }
        for (body, why) in [
            ("{}", "the answer is no chat completion: it has no `choices`"),
            (r#"{"choices":null}"#, "the answer is no chat completion: its `choices` is null"),
            (r#"{"choices":{}}"#, "the answer is no chat completion: its `choices` is no list"),
            (
                r#"{"object":"list","data":[]}"#,
                "the answer is no chat completion: it has no `choices`, and says that it is \"list\"",
            ),
            ("[]", "the answer is no chat completion: it is a list"),
            (r#"[{"choices":[]}]"#, "the answer is no chat completion: it is a list"),
            ("7", "the answer is no chat completion: it is no object"),
        ] {
            assert_eq!(read(body).unwrap_err().0, why, "{body}");
        }
        for body in [r#"{"choices":["#, "oops", ""] {
            assert!(read(body).unwrap_err().0.starts_with("the answer is not JSON ("), "{body}");
        }
    }
}
