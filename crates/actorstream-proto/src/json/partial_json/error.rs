//! What is wrong with a text that should be JSON.

use std::fmt;

/// Why a text is not, or not yet, a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialJsonError {
    /// What is wrong.
    pub kind: PartialJsonErrorKind,
    /// The position in bytes from the start of the text, however it was split: the invalid byte, or the length of the
    /// text if its end is invalid.
    pub offset: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartialJsonErrorKind {
    /// The text ended before its value did.
    Incomplete,
    /// No value starts like this; `NaN` and `Infinity` are not valid.
    ExpectedValue,
    /// An object key is required here.
    ExpectedKey,
    /// A colon is required here.
    ExpectedColon,
    /// A comma, or the end of the array or the object, is required here.
    ExpectedCommaOrEnd,
    /// The array or the object ends after a comma.
    TrailingComma,
    /// A literal that starts like `true`, `false` or `null`, but is none of them.
    InvalidLiteral,
    /// A number with an invalid continuation.
    InvalidNumber,
    /// The number is too large for a finite `f64`.
    NumberOutOfRange,
    /// An invalid escape in a string.
    InvalidEscape,
    /// An unescaped control character in a string.
    ControlCharacter,
    /// The value is followed by something other than white space.
    TrailingData,
    /// The array or the object that starts here is nested too deeply.
    TooDeep {
        /// The limit, see [`Limits::depth`](super::Limits::depth).
        max: usize,
    },
    /// The text is too long.
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
}

impl fmt::Display for PartialJsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "the text ends before its value does",
            Self::ExpectedValue => "expected a value",
            Self::ExpectedKey => "expected a key in double quotes",
            Self::ExpectedColon => "expected `:`",
            Self::ExpectedCommaOrEnd => "expected `,` or the end of the array or object",
            Self::TrailingComma => "a comma before the end of the array or object",
            Self::InvalidLiteral => "expected `true`, `false` or `null`",
            Self::InvalidNumber => "invalid number",
            Self::NumberOutOfRange => "number out of range",
            Self::InvalidEscape => "invalid escape",
            Self::ControlCharacter => "a control character in a string",
            Self::TrailingData => "expected nothing behind the value",
            Self::TooDeep { max } => return write!(f, "nested deeper than the limit of {max} allows"),
            Self::TooLong { max } => return write!(f, "longer than the limit of {max} bytes"),
        })
    }
}

impl fmt::Display for PartialJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for PartialJsonError {}
