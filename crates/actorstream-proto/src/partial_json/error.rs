//! What is wrong with a text that should be JSON.

use std::fmt;

/// Why a text is not, or not yet, a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartialJsonError {
    /// What is wrong.
    pub kind: PartialJsonErrorKind,
    /// Where it shows, in bytes from the start of the text, however that was cut: the byte that cannot stand there,
    /// or as many as there are if it is the end that cannot.
    pub offset: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartialJsonErrorKind {
    /// The text ended before its value did.
    Incomplete,
    /// No value starts like this; `NaN` and `Infinity` are none.
    ExpectedValue,
    /// The key of an object must stand here.
    ExpectedKey,
    /// A colon must stand here.
    ExpectedColon,
    /// A comma must stand here, or the end of the array or the object.
    ExpectedCommaOrEnd,
    /// The array or the object ends behind a comma.
    TrailingComma,
    /// Something starts like `true`, `false` or `null`, and is none of them.
    InvalidLiteral,
    /// A number goes on as no number does.
    InvalidNumber,
    /// The number that ends here is too big for a finite `f64`.
    NumberOutOfRange,
    /// No escape in a string looks like this.
    InvalidEscape,
    /// A control character stands in a string as it is; JSON has escapes for those.
    ControlCharacter,
    /// Something other than white space follows the value.
    TrailingData,
    /// The array or the object that starts here lies too deep.
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
