//! `Amount`: an exact amount of money.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

/// The digits behind the decimal point that an amount has.
const DIGITS: usize = 18;

/// The digits behind the decimal point that a text may have, so that a price for a million tokens is exact for one token.
const TEXT_DIGITS: usize = 12;

/// An exact amount of money, in whatever currency the prices are. It has 18 decimals, so no sum drifts; sums end at the greatest
/// amount, some 3·10²⁰.
///
/// ```
/// use actorstream::Amount;
///
/// # fn main() -> Result<(), actorstream::AmountError> {
/// let amount: Amount = "0.15".parse()?;
/// assert_eq!((amount + "1.85".parse()?).to_string(), "2");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns this amount for each million tokens, times `tokens`.
    pub(super) fn for_tokens(self, tokens: u64) -> Self {
        // A text has at most twelve decimals, so nothing is cut off here.
        Self((self.0 / 1_000_000).saturating_mul(tokens.into()))
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

/// A text is no amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountError(Box<str>);

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no amount of money: write digits such as 1.25, with at most {TEXT_DIGITS} behind the point",
            self.0
        )
    }
}

impl std::error::Error for AmountError {}

impl FromStr for Amount {
    type Err = AmountError;

    /// Parses digits with an optional point: `2`, `0.15`. There are at most twelve digits behind the point.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let parse = || {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number(whole) || !is_number(decimals) || decimals.len() > TEXT_DIGITS {
                return None;
            }
            format!("{whole}{decimals:0<DIGITS$}").parse().ok().map(Self)
        };
        parse().ok_or_else(|| AmountError(text.chars().take(40).collect::<String>().into()))
    }
}

impl fmt::Display for Amount {
    /// Writes all decimals up to the last that is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(DIGITS as u32);
        let (whole, decimals) = (self.0 / one, self.0 % one);
        if decimals == 0 {
            return f.pad(&whole.to_string());
        }
        f.pad(format!("{whole}.{decimals:0DIGITS$}").trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        let tenth = amount("0.1");
        let sum: Amount = std::iter::repeat_n(tenth, 1_000_000).sum();
        assert_eq!((sum, sum.to_string()), (amount("100000"), "100000".to_owned()));
        for text in ["0", "1", "0.5", "1.000000000001", "340282366920938463462.5"] {
            assert_eq!(amount(text).to_string(), text);
        }
        assert_eq!(amount("0.000000000001").for_tokens(1).to_string(), "0.000000000000000001");
        assert_eq!(amount("00.1500"), amount("0.15"));
        let most = Amount(u128::MAX);
        assert_eq!((most + tenth, most.for_tokens(u64::MAX)), (most, most));
    }

    #[test]
    fn what_is_no_amount_is_an_error() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "1.0000000000001",
            " 1",
            "٣",
            "9".repeat(40).as_str(),
        ] {
            let error = text.parse::<Amount>().unwrap_err().to_string();
            assert!(error.contains("is no amount of money"), "{text}: {error}");
        }
    }
}
