//! Deserializes a structured answer, or says why that is impossible.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde_json::Value;

use super::schema::is_wrapped;
use crate::json::partial_json::JsonInText;

/// Why an answer is not a value of the requested type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unstructured {
    /// The model refused, for this reason.
    Refusal(String),
    /// The token limit was reached.
    Length {
        /// The text before that.
        text: String,
    },
    /// A content filter removed content.
    ContentFilter {
        /// The remaining text.
        text: String,
    },
    /// The model calls tools before it answers.
    ToolCalls,
    /// There is no answer.
    Empty,
    /// The answer does not fit the type, or is not one JSON value: it contains none, or several.
    Invalid {
        /// The answer.
        text: String,
        /// Where it does not fit.
        error: String,
    },
}

impl fmt::Display for Unstructured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(reason) => write!(f, "the model refused: {reason}"),
            Self::Length { .. } => f.write_str("the answer was cut off at the token limit; raise that limit"),
            Self::ContentFilter { .. } => f.write_str("a content filter took out of the answer"),
            Self::ToolCalls => f.write_str("the model calls tools, and has not answered yet"),
            Self::Empty => f.write_str("there is no answer"),
            Self::Invalid { error, .. } => write!(f, "the answer does not fit the type: {error}"),
        }
    }
}

impl std::error::Error for Unstructured {}

/// How an answer ended.
pub(crate) enum End {
    Whole,
    Length,
    ContentFilter,
}

/// Deserializes an answer. Truncation takes precedence over the content, which may be incomplete.
pub(crate) fn read<T>(text: &str, end: End, refusal: Option<&str>, calls: bool) -> Result<T, Unstructured>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    match end {
        End::Length => return Err(Unstructured::Length { text: text.to_owned() }),
        End::ContentFilter => return Err(Unstructured::ContentFilter { text: text.to_owned() }),
        End::Whole => {}
    }
    if let Some(refusal) = refusal.filter(|refusal| !refusal.is_empty()) {
        return Err(Unstructured::Refusal(refusal.to_owned()));
    }
    if calls {
        return Err(Unstructured::ToolCalls);
    }
    read_text(text)
}

/// Deserializes the text of an answer: JSON, or a text with exactly one JSON value.
fn read_text<T>(text: &str) -> Result<T, Unstructured>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    let invalid = |error: String| Unstructured::Invalid { text: text.to_owned(), error };
    let trimmed = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').trim_end();
    let error = match parse(trimmed) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if serde_json::from_str::<IgnoredAny>(trimmed).is_ok() {
        return Err(invalid(error.to_string()));
    }
    let mut json = JsonInText::new();
    json.push(trimmed);
    let found = json.finish();
    match (&found.values[..], found.broken) {
        ([one], _) => parse(trimmed[one.clone()].trim_end()).map_err(|error| invalid(error.to_string())),
        ([], _) if !found.speaks => Err(Unstructured::Empty),
        ([], Some(began)) => {
            let error = parse::<T>(&trimmed[began..]).err().unwrap_or(error);
            Err(invalid(error.to_string()))
        }
        ([], None) => Err(invalid("there is no JSON in it".to_owned())),
        (several, _) => Err(invalid(format!("it holds {} JSON values instead of one", several.len()))),
    }
}

/// Deserializes JSON that follows the [`Schema`](super::Schema) of `T`: a value that is not an object is in the field
/// `value` of one.
///
/// # Errors
/// If the text is not JSON, or does not fit the type.
pub fn parse<T>(json: &str) -> serde_json::Result<T>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    /// The object around a value, with the field name of the schema.
    #[derive(Deserialize)]
    struct Wrapped<T> {
        value: T,
    }

    // The schema's root is an object; serde would read a list into a struct as well.
    if json.trim_start().starts_with(|c| c != '{') {
        serde_json::from_str::<IgnoredAny>(json)?;
        return Err(serde_json::Error::custom("expected an object"));
    }
    if is_wrapped::<T>() {
        serde_json::from_str::<Wrapped<T>>(json).map(|wrapped| wrapped.value)
    } else {
        serde_json::from_str(json)
    }
}

/// Deserializes an incomplete value, if it already fits.
pub(crate) fn read_partial<T>(value: &Value) -> Option<T>
where
    T: DeserializeOwned + schemars::JsonSchema,
{
    let value = if is_wrapped::<T>() { value.get("value")? } else { value };
    T::deserialize(value).ok()
}
