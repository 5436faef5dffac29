//! Finds where values end, and makes certain that they can be read.

use super::MOST_DEPTH;
use super::number::number;
use crate::json::text::string_end;

/// Sees what is stepped over.
pub(crate) trait Watch {
    /// Sees the name of a field, as it is written; so many lists and objects are open.
    fn name(&mut self, open: u8, name: &[u8]);

    /// Sees that an object begins.
    fn object(&mut self);

    /// Sees a number in a list.
    fn number(&mut self);
}

/// Sees nothing.
impl Watch for () {
    fn name(&mut self, _: u8, _: &[u8]) {}

    fn object(&mut self) {}

    fn number(&mut self) {}
}

/// Returns where the value ends that begins at `at`, behind spaces, if `serde_json` can read it. It is in `depth` other values.
pub(super) fn value_end(text: &[u8], mut at: usize, depth: u8, watch: &mut impl Watch) -> Option<usize> {
    // A bit for each list and object that is open: whether it is an object.
    let (mut objects, mut open) = (0_u128, 0_u8);
    loop {
        at = token(text, at);
        match *text.get(at)? {
            b'"' => at = string_end(text, at + 1)?,
            b'-' | b'0'..=b'9' => {
                at = number_end(text, at)?;
                let in_list = objects & 1 == 0 && open > 0;
                if in_list {
                    watch.number();
                }
                // Lists of numbers are long.
                while in_list && is_next_number(text, at) {
                    at = number_end(text, at + 1)?;
                    watch.number();
                }
            }
            bracket @ (b'{' | b'[') => {
                let is_object = bracket == b'{';
                open += 1;
                if depth + open > MOST_DEPTH {
                    return None;
                }
                objects = objects << 1 | u128::from(is_object);
                if is_object {
                    watch.object();
                }
                at = token(text, at + 1);
                if text.get(at) != Some(&closing(is_object)) {
                    if is_object {
                        at = key_end(text, at, open, watch)?;
                    }
                    continue;
                }
                // It is empty, and ends below.
            }
            _ => at = word_end(text, at)?,
        }
        // A value has ended, and perhaps those that it is in.
        loop {
            if open == 0 {
                return Some(at);
            }
            at = token(text, at);
            let is_object = objects & 1 == 1;
            match *text.get(at)? {
                b',' => {
                    at += 1;
                    if is_object {
                        at = key_end(text, token(text, at), open, watch)?;
                    }
                    break;
                }
                bracket if bracket == closing(is_object) => {
                    at += 1;
                    objects >>= 1;
                    open -= 1;
                }
                _ => return None,
            }
        }
    }
}

/// Returns where the next token begins.
#[inline(always)]
fn token(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(byte) if *byte > b' ' => at,
        _ => behind_spaces(text, at),
    }
}

#[inline(never)]
fn behind_spaces(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Returns the place behind a key and its colon.
#[inline]
fn key_end(text: &[u8], at: usize, open: u8, watch: &mut impl Watch) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let end = string_end(text, at + 1)?;
    watch.name(open, &text[at + 1..end - 1]);
    let colon = token(text, end);
    (text.get(colon) == Some(&b':')).then_some(colon + 1)
}

fn word_end(text: &[u8], at: usize) -> Option<usize> {
    let words: [&[u8]; 3] = [b"null", b"true", b"false"];
    let rest = &text[at..];
    words.iter().find(|word| rest.starts_with(word)).map(|word| at + word.len())
}

/// So many digits are within the range of a float.
const MOST_DIGITS: usize = 300;

#[inline(always)]
fn number_end(text: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(text[at] == b'-');
    let mut end = digits_end(text, start);
    if end == start || (text[start] == b'0' && end > start + 1) {
        return None;
    }
    let whole = end - start;
    if text.get(end) == Some(&b'.') {
        let decimals = end + 1;
        end = digits_end(text, decimals);
        if end == decimals {
            return None;
        }
    }
    if whole > MOST_DIGITS || matches!(text.get(end), Some(b'e' | b'E')) {
        return number(text, at).ok().map(|(_, end)| end);
    }
    Some(end)
}

/// Returns whether a comma stands here, and a number behind it.
#[inline(always)]
fn is_next_number(text: &[u8], at: usize) -> bool {
    matches!(text.get(at..).and_then(<[u8]>::first_chunk), Some([b',', b'0'..=b'9']))
}

#[inline(always)]
fn digits_end(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        // Eight at once. A digit is 0 to 9 then, so that no carry comes out of it: the first mark is right.
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'0'));
        let others = (word.wrapping_add(ONES * 0x76) | word) & (ONES << 7);
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += size_of::<u64>();
    }
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    at
}

/// A one in each byte of a word.
const ONES: u64 = u64::MAX / 0xFF;

/// The bracket that ends an object, or a list.
fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_end_where_the_first_other_byte_is() {
        for len in 0..20 {
            for behind in 0..10 {
                for byte in 0..=u8::MAX {
                    let text = [&b"7".repeat(len)[..], &[byte], &b"9".repeat(behind)].concat();
                    let expected = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
                    assert_eq!(digits_end(&text, 0), expected, "{}", text.escape_ascii());
                }
            }
        }
    }
}
