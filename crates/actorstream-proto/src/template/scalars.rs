//! The strings and numbers of a payload that are read when they are looked at: where they end.
//!
//! Each is so plain that what reads it later cannot fail: the number fits every numeric field, the string is UTF-8.

use crate::json::text::plain_len;

/// Most digits of a whole number, so that it fits 64 bits.
const MOST_DIGITS: usize = 18;
/// Most digits behind the point.
const MOST_DECIMALS: usize = 24;

/// What may stand in a place, and is read when it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalars {
    /// Strings that are not empty. What the response holds of them may have to be counted.
    Strings {
        counted: bool,
    },
    Numbers(Numbers),
}

/// The numbers that may stand in a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    /// 0 as well.
    pub(super) zero: bool,
    /// Negative ones as well.
    pub(super) negative: bool,
    /// Fractions as well.
    pub(super) fractions: bool,
}

impl Scalars {
    /// Returns the end of the number, or of the text between the quotes, that begins at `at`.
    pub(super) fn end_in(self, payload: &[u8], at: usize) -> Option<usize> {
        let rest = payload.get(at..)?;
        let len = match self {
            Self::Strings { .. } => plain_len(rest).filter(|len| *len > 0),
            Self::Numbers(numbers) => numbers.len_in(rest),
        };
        Some(at + len?)
    }

    /// Returns whether their length counts.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Strings { counted: true })
    }
}

impl Numbers {
    /// Returns the length of the number that these bytes begin with.
    #[inline]
    fn len_in(self, rest: &[u8]) -> Option<usize> {
        let start = usize::from(self.negative && rest.first() == Some(&b'-'));
        let whole = digits(rest, start);
        let leads = rest.get(start) == Some(&b'0');
        if whole == 0 || whole > MOST_DIGITS || (leads && whole > 1) {
            return None;
        }
        let mut end = start + whole;
        if !self.fractions {
            return (self.zero || !leads).then_some(end);
        }
        if rest.get(end) == Some(&b'.') {
            let decimals = digits(rest, end + 1);
            if decimals == 0 || decimals > MOST_DECIMALS {
                return None;
            }
            end += 1 + decimals;
        }
        // Exponents make a number smaller, and not by much.
        if let Some(b'e' | b'E') = rest.get(end) {
            let digits = digits(rest, end + 2);
            if rest.get(end + 1) != Some(&b'-') || !(1..=2).contains(&digits) {
                return None;
            }
            end += 2 + digits;
        }
        // What stands behind it was seen before, and begins with no digit.
        let is_zero = || !rest[start..end].iter().any(|byte| (b'1'..=b'9').contains(byte));
        (self.zero || !leads || !is_zero()).then_some(end)
    }
}

/// How many digits there are from `at` on.
#[inline]
fn digits(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
}
