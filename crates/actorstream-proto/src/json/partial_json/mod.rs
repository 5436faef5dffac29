//! `PartialJson`: a JSON value that can be read while its text still arrives.
//!
//! A model writes the arguments of a tool call, and structured output, in pieces of a few bytes. This parser accepts
//! them as they arrive, and holds at every step the value as far as it has arrived:
//!
//! ```
//! use actorstream_proto::json::partial_json::PartialJson;
//! use serde_json::json;
//!
//! let mut json = PartialJson::new();
//! json.push("{\"city\": \"Pa")?;
//! assert_eq!(json.value(), &json!({"city": "Pa"}));
//! json.push("ris\", \"days\": 1")?;
//! assert_eq!(json.value(), &json!({"city": "Paris"})); // 1 may yet become 12
//! json.push("2}")?;
//! assert!(json.is_complete());
//! assert_eq!(json.finish()?, json!({"city": "Paris", "days": 12}));
//! # Ok::<_, actorstream_proto::json::partial_json::PartialJsonError>(())
//! ```
//!
//! When values become visible:
//!
//! * Before anything has arrived, the value is `null`.
//! * An array or an object is visible from its first byte on, with its content so far; a key together with its value.
//! * A string is visible from its first quote on, decoded. An escape or a surrogate pair is visible when it is
//!   complete; an unpaired surrogate becomes U+FFFD once its partner can no longer arrive.
//! * `true`, `false` and `null` are visible with their last letter, a number with the byte after it.
//! * Of duplicate keys, the last value wins, as in serde_json: it replaces the previous one as soon as it is visible.
//! * If the keys that lead to a string, an array or an object exceed 4 KiB together, it becomes visible when it is
//!   complete; this keeps the work linear in the text.
//!
//! The text itself is not kept. The grammar is that of serde_json, and the finished value equals serde_json's; only
//! unpaired surrogates, which serde_json refuses, are accepted.

use serde_json::Value;

#[cfg(test)]
mod differential;
mod error;
mod in_text;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

pub use self::error::{PartialJsonError, PartialJsonErrorKind};
pub use self::in_text::JsonInText;
use self::scan::State;
use self::tree::Tree;

/// The limits of a [`PartialJson`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum nesting of arrays and objects: one at this depth, itself counted, is refused, as at serde_json's
    /// recursion limit. Default: 128, which is that limit, so a depth of 127 is accepted.
    ///
    /// The parser does not recurse, but later operations on a [`Value`] do, even its drop: with a much greater limit,
    /// a text can overflow the stack.
    pub depth: usize,
    /// The length of the text in bytes, including white space. Default: 16 MiB.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, bytes: 16 << 20 }
    }
}

/// A JSON value whose text arrives in pieces; see the [module](self) for when values become visible.
///
/// The work is linear in the text, plus at most two lookups per piece for each open array and object. The memory is
/// linear in the text.
#[derive(Debug, Clone, Default)]
pub struct PartialJson {
    limits: Limits,
    tree: Tree,
    state: State,
    /// The number that has not ended.
    number: String,
    /// How many bytes were taken.
    offset: usize,
    error: Option<PartialJsonError>,
    /// Bytes looked at.
    #[cfg(test)]
    work: usize,
}

impl PartialJson {
    /// Creates an empty parser with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty parser with these limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Reads the next piece of the text. It may end between any two characters, and may be empty.
    ///
    /// # Errors
    /// If the text cannot become a JSON value, or exceeds a limit. The value before the error stays readable. From
    /// then on every call returns the same error and reads nothing. The error and the value do not depend on how the
    /// text was split.
    pub fn push(&mut self, text: &str) -> Result<(), PartialJsonError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let max = self.limits.bytes;
        let fits = text.floor_char_boundary(max - self.offset);
        let mut result = self.read(&text[..fits]);
        self.tree.hang();
        if result.is_ok() && fits < text.len() {
            self.offset = max;
            result = Err(PartialJsonErrorKind::TooLong { max });
        }
        result.map_err(|kind| self.fail(kind))
    }

    /// Returns the value as far as it has arrived; `null` if nothing has.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.tree.root()
    }

    /// Returns whether the value is complete: only white space may follow.
    ///
    /// A number at the top level has no visible end: it is complete only with white space after it, although
    /// [`finish`](Self::finish) accepts it without. If anything else follows a complete value, [`push`](Self::push)
    /// reports it, and the value stays complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::After && self.tree.depth() == 0
    }

    /// Returns the error that a [`push`](Self::push) has returned.
    #[must_use]
    pub fn error(&self) -> Option<PartialJsonError> {
        self.error
    }

    /// Returns the current [`value`](Self::value), complete or not.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.tree.into_root()
    }

    /// Ends the text, and returns its value.
    ///
    /// # Errors
    /// The error that a [`push`](Self::push) has returned, [`Incomplete`](PartialJsonErrorKind::Incomplete) if the
    /// value is incomplete, or [`NumberOutOfRange`](PartialJsonErrorKind::NumberOutOfRange) for such a number at the
    /// end of the text.
    pub fn finish(mut self) -> Result<Value, PartialJsonError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if let State::InNumber(number) = self.state
            && number.is_whole()
            && self.tree.depth() == 0
        {
            self.end_number().map_err(|kind| self.fail(kind))?;
        }
        if !self.is_complete() {
            return Err(self.fail(PartialJsonErrorKind::Incomplete));
        }
        Ok(self.tree.into_root())
    }

    fn fail(&mut self, kind: PartialJsonErrorKind) -> PartialJsonError {
        let error = PartialJsonError { kind, offset: self.offset };
        self.error = Some(error);
        error
    }
}
