//! Numbers as JSON writes them.

use super::wrong::Wrong;

/// A number, as the smallest type that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

/// The powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// So many digits always fit.
const MOST_DIGITS: usize = 19;
/// Up to here a float holds every whole number exactly.
const MOST_EXACT: u64 = 1 << 53;

/// Reads the number that begins at `at`, and returns where it ends.
#[inline]
pub(super) fn number(text: &[u8], at: usize) -> Result<(Number, usize), Wrong> {
    let negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut end, mut digits) = (start, 0_u64);
    while let Some(digit @ b'0'..=b'9') = text.get(end) {
        digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        end += 1;
    }
    let mut fits = true;
    if end - start > MOST_DIGITS {
        digits = 0;
        fits = text[start..end].iter().all(|digit| add(&mut digits, *digit));
    }
    if end == start || (text[start] == b'0' && end > start + 1) {
        return Err(Wrong::new("invalid number"));
    }
    if !matches!(text.get(end), Some(b'.' | b'e' | b'E')) && fits {
        if !negative {
            return Ok((Number::Unsigned(digits), end));
        }
        // The negative zero is a float.
        if digits != 0 && digits <= i64::MIN.unsigned_abs() {
            return Ok((Number::Signed((digits as i64).wrapping_neg()), end));
        }
    }
    float(text, at, end, Some(digits).filter(|_| fits))
}

/// Adds a digit; returns whether there was room for it.
#[inline]
fn add(digits: &mut u64, digit: u8) -> bool {
    let more = digits.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
    *digits = more.unwrap_or(*digits);
    more.is_some()
}

/// Reads the float that begins at `at`; its whole digits, of which this is the value, end before `end`.
fn float(text: &[u8], at: usize, mut end: usize, digits: Option<u64>) -> Result<(Number, usize), Wrong> {
    let mut digits = digits;
    let mut decimals = 0;
    if text.get(end) == Some(&b'.') {
        let start = end + 1;
        end = start;
        while let Some(digit @ b'0'..=b'9') = text.get(end) {
            digits = digits.and_then(|mut digits| add(&mut digits, *digit).then_some(digits));
            end += 1;
        }
        decimals = end - start;
        if decimals == 0 {
            return Err(Wrong::new("invalid number"));
        }
    }
    let mut exact = digits.filter(|digits| *digits <= MOST_EXACT);
    if let Some(b'e' | b'E') = text.get(end) {
        exact = None;
        end += 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let start = end;
        while let Some(b'0'..=b'9') = text.get(end) {
            end += 1;
        }
        if end == start {
            return Err(Wrong::new("invalid number"));
        }
    }
    let value = match (exact, POWERS.get(decimals)) {
        // Both are exact, so that the result is rounded once.
        (Some(digits), Some(power)) => {
            let value = digits as f64 / power;
            if text[at] == b'-' { -value } else { value }
        }
        _ => {
            let literal = str::from_utf8(&text[at..end]).ok();
            literal.and_then(|literal| literal.parse().ok()).ok_or_else(|| Wrong::new("invalid number"))?
        }
    };
    if value.is_infinite() {
        return Err(Wrong::new("number out of range"));
    }
    Ok((Number::Float(value), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_serde_json_reads_them() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "0.5",
            "-0.0",
            "1.25e3",
            "1E+2",
            "1e-7",
            "-0.31725305318832397",
            "9007199254740993",
            "9007199254740993.0",
            "0.1234567890123456789012345678901234567890",
            "1e308",
            "123456789012345678901234567890",
            "4.9e-324",
            "1e-400",
            "2.2250738585072011e-308",
            "0e0",
            "0.000001",
            "32.301828283480845",
        ] {
            let (number, end) = number(text.as_bytes(), 0).unwrap();
            assert_eq!(end, text.len());
            let expected: serde_json::Number = serde_json::from_str(text).unwrap();
            let got = match number {
                Number::Unsigned(number) => Some(number.into()),
                Number::Signed(number) => Some(number.into()),
                Number::Float(number) => serde_json::Number::from_f64(number),
            };
            assert_eq!(got.map(|got| got.to_string()), Some(expected.to_string()), "{text}");
        }
        for text in
            ["", "-", "01", "-01", "00", "1.", ".5", "1.e3", "1e", "1e+", "+1", "1e309", "-1e999", "x"]
        {
            assert!(number(text.as_bytes(), 0).is_err(), "{text}");
            serde_json::from_str::<f64>(text).unwrap_err();
        }
        for (text, len) in [("1,", 1), ("2.5}", 3), ("-3 ", 2), ("4e1]", 3), ("5-", 1)] {
            assert_eq!(number(text.as_bytes(), 0).unwrap().1, len, "{text}");
        }
    }
}
