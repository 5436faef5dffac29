//! `PartialJson`: a JSON value, readable while its text still arrives.
//!
//! A model writes the arguments of a tool call, and structured output, in pieces of a few bytes. This parser takes
//! them as they come and holds at every step the value as far as it has come:
//!
//! ```
//! use actorstream_proto::partial_json::PartialJson;
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
//! # Ok::<_, actorstream_proto::partial_json::PartialJsonError>(())
//! ```
//!
//! What shows when:
//!
//! * Before anything has come, the value is `null`.
//! * An array and an object show from their first byte on, with what is in them so far; a key with its value.
//! * A string shows from its first quote on, decoded. An escape that is cut shows when it is whole, and so does a
//!   surrogate pair; half a pair without the other half becomes U+FFFD once it is sure to stay alone.
//! * `true`, `false` and `null` show with their last letter, a number with the byte behind it.
//! * Of a key that comes again, the last value wins, as in serde_json: it takes the place of the one before as soon as
//!   it shows at all.
//! * Where the keys that lead to a string, an array or an object are longer than 4 KiB together, it shows when it is
//!   whole; this keeps the work linear in the text.
//!
//! The text itself is not kept. The grammar is that of serde_json, which the finished value is equal to; only lone
//! halves of surrogate pairs, which serde_json refuses, are taken.

use serde_json::Value;

#[cfg(test)]
mod differential;
mod error;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

pub use self::error::{PartialJsonError, PartialJsonErrorKind};
use self::scan::State;
use self::tree::Tree;

/// Bounds on what a [`PartialJson`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep arrays and objects may lie in each other: one that has this many around it, itself counted, is
    /// refused, as serde_json does at its recursion limit. Default: 128, which is that limit, so that 127 are taken.
    ///
    /// The parser does not recurse, but what is done to a [`Value`] later does, even its drop: a much greater limit
    /// than the default lets a text overflow the stack.
    pub depth: usize,
    /// The text, in bytes, white space included. Default: 16 MiB.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, bytes: 16 << 20 }
    }
}

/// A JSON value whose text arrives in pieces; see the [module](self) for what shows when.
///
/// The work is linear in the text, plus at most two look-ups per piece for each array and object that is open then.
/// The memory is linear in the text.
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
    /// A parser that has read nothing, with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser that has read nothing, with limits of one's own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Reads the next piece of the text. It may end anywhere between two characters, and may be empty.
    ///
    /// # Errors
    /// When the text cannot become a JSON value, or outgrows a limit. What came before the error is taken, and stays
    /// readable. From then on every call returns the same error and reads nothing. Which error it is, and what was
    /// taken, does not depend on how the text was cut.
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

    /// The value as far as it has come, `null` if nothing has.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.tree.root()
    }

    /// Whether the value is whole: nothing but white space may follow.
    ///
    /// A number that is not inside anything has no end that shows: it is whole only with white space behind it, though
    /// [`finish`](Self::finish) takes it without. If something else follows a whole value, [`push`](Self::push)
    /// reports it, and the value stays whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::After && self.tree.depth() == 0
    }

    /// The error that a [`push`](Self::push) has returned.
    #[must_use]
    pub fn error(&self) -> Option<PartialJsonError> {
        self.error
    }

    /// Takes out what [`value`](Self::value) shows, whole or not.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.tree.into_root()
    }

    /// Ends the text, and takes out its value.
    ///
    /// # Errors
    /// The error that a [`push`](Self::push) has returned, or [`Incomplete`](PartialJsonErrorKind::Incomplete) if the
    /// value is not whole, or [`NumberOutOfRange`](PartialJsonErrorKind::NumberOutOfRange) if it is a number that was
    /// not known to end.
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
