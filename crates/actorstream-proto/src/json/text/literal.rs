//! The text of a JSON string, where it stands in a payload.

use bytes::Bytes;
use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use super::short::{NOT_ASCII, Short, WORDS, special};
use super::{Held, Rest, Text};

/// Up to here the words of a text are looked at one by one; for more it is worth to call for help.
const SHORT: usize = 64;

impl Text {
    /// The text of the string whose opening quote stands before `at`, and where its closing quote stands. `None` if it does not
    /// end, or is not well-formed.
    #[inline(always)]
    pub(crate) fn from_literal(payload: &Bytes, at: usize) -> Option<(Self, usize)> {
        match words(payload, at).and_then(Short::literal) {
            Some(short) => Some((Self::from(short), at + short.as_str().len())),
            None => Self::from_other_literal(payload, at),
        }
    }

    /// The same where the text is long, not ASCII, or has an escape.
    #[inline(never)]
    fn from_other_literal(payload: &Bytes, at: usize) -> Option<(Self, usize)> {
        let rest = payload.get(at..)?;
        let (len, escaped) = literal(rest)?;
        let (text, end) = (&rest[..len], at + len);
        let text = if escaped {
            // With its quotes it is a JSON text of its own.
            let quoted = || payload.get(at.checked_sub(1)?..=end);
            simple_escapes(text).or_else(|| serde_json::from_slice(quoted()?).ok())?
        } else if let Some(short) = Short::of(text) {
            Self::from(short)
        } else {
            Self::from_wtf8(text, || payload.slice(at..end))
        };
        Some((text, end))
    }
}

/// How long the string is with whose text these bytes begin. `None` if it does not end, has an escape, or is not well-formed.
#[inline]
pub(crate) fn plain_len(text: &[u8]) -> Option<usize> {
    let (len, escaped) = literal(text)?;
    let text = &text[..len];
    (!escaped && (text.is_ascii() || str::from_utf8(text).is_ok())).then_some(len)
}

/// Returns the place behind the closing quote of the string whose opening quote stands before `at`, if any Rust string can
/// hold it.
#[inline(always)]
pub(crate) fn string_end(payload: &[u8], at: usize) -> Option<usize> {
    match short_end(payload, at) {
        Some(end) => Some(end + 1),
        None => other_end(payload, at),
    }
}

/// Returns where the closing quote stands, if that is in the word at `at`, and nothing but ASCII before it.
#[inline(always)]
pub(crate) fn short_end(payload: &[u8], at: usize) -> Option<usize> {
    let word = u64::from_le_bytes(*payload.get(at..)?.first_chunk()?);
    let special = special(word);
    let place = special.trailing_zeros() / 8;
    let before = special ^ special.wrapping_sub(1);
    let is_end = special != 0 && word & before & NOT_ASCII == 0 && payload[at + place as usize] == b'"';
    is_end.then_some(at + place as usize)
}

/// The same where the string is longer, not ASCII, or has an escape.
#[inline(never)]
fn other_end(payload: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    // The bits of bytes that are not ASCII.
    let mut others = 0;
    loop {
        while let Some(word) = payload.get(end..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*word);
            let special = special(word);
            // All bits below the first mark; all, if there is none.
            others |= word & (special ^ special.wrapping_sub(1)) & NOT_ASCII;
            if special != 0 {
                end += special.trailing_zeros() as usize / 8;
                break;
            }
            end += WORD;
        }
        loop {
            match payload.get(end)? {
                b'"' => {
                    let whole = others == 0 || str::from_utf8(&payload[at..end]).is_ok();
                    return whole.then_some(end + 1);
                }
                b'\\' => match payload.get(end + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                        end += 2;
                        break;
                    }
                    _ => return escaped_end(payload, at),
                },
                0..0x20 => return None,
                // It stands near the end of the payload.
                byte => {
                    others |= u64::from(byte & 0x80);
                    end += 1;
                }
            }
        }
    }
}

/// The same where other escapes are in the string.
#[inline(never)]
fn escaped_end(payload: &[u8], at: usize) -> Option<usize> {
    let mut strings = serde_json::Deserializer::from_slice(payload.get(at - 1..)?).into_iter::<String>();
    strings.next()?.ok()?;
    Some(at - 1 + strings.byte_offset())
}

impl From<Short> for Text {
    #[inline(always)]
    fn from(text: Short) -> Self {
        Self { text: Held::Short(text), low: 0, high: 0, rest: Rest::Zero }
    }
}

/// What stands in a payload from `at` on, as words; where too little follows, 0 does, which no text may hold.
#[inline(always)]
fn words(payload: &[u8], at: usize) -> Option<[u64; WORDS]> {
    if let Some(block) = payload.get(at..)?.first_chunk::<{ WORDS * WORD }>() {
        let (words, _) = block.as_chunks();
        return Some([0, 1, 2].map(|word| u64::from_le_bytes(words[word])));
    }
    last_words(payload, at)
}

#[inline]
fn last_words(payload: &[u8], at: usize) -> Option<[u64; WORDS]> {
    let mut words = [0; WORDS];
    let (whole, rest) = payload.get(at..)?.as_chunks();
    for (word, bytes) in words.iter_mut().zip(whole) {
        *word = u64::from_le_bytes(*bytes);
    }
    // What is left is the end of the last word of the payload, most of which stands before.
    let last = u64::from_le_bytes(*payload.last_chunk()?);
    let before = (WORD - rest.len()) * 8;
    *words.get_mut(whole.len())? = last.checked_shr(before as u32).unwrap_or(0);
    Some(words)
}

/// How many bytes a word holds.
const WORD: usize = size_of::<u64>();

/// The text of a literal whose escapes are all of two characters, as a line feed's is; `None` for any other.
fn simple_escapes(literal: &[u8]) -> Option<Text> {
    let mut text = SmallVec::<[u8; 64]>::with_capacity(literal.len());
    let mut rest = literal;
    loop {
        let escape = match rest.len() {
            ..=SHORT => rest.iter().position(|byte| *byte == b'\\'),
            _ => memchr(b'\\', rest),
        };
        let (plain, escape) = rest.split_at(escape.unwrap_or(rest.len()));
        if has_control(plain) {
            return None;
        }
        text.extend_from_slice(plain);
        let (code, behind) = match escape {
            [] => break,
            [_] => return None,
            [_, code, behind @ ..] => (code, behind),
        };
        text.push(match code {
            b'"' | b'\\' | b'/' => *code,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return None,
        });
        rest = behind;
    }
    if text.spilled() {
        return String::from_utf8(text.into_vec()).ok().map(Text::from);
    }
    str::from_utf8(&text).ok().map(Text::from)
}

/// Whether a control character is among these, which no string may hold as it is.
fn has_control(text: &[u8]) -> bool {
    text.iter().fold(false, |found, byte| found | (*byte < 0x20))
}

/// How long the literal is with whose text these bytes begin, and whether an escape is in it. `None` if it does not end, or
/// holds what no string may.
#[inline(always)]
pub(crate) fn literal(text: &[u8]) -> Option<(usize, bool)> {
    let mut end = 0;
    while end < SHORT
        && let Some(word) = text.get(end..).and_then(<[u8]>::first_chunk)
    {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            end += special.trailing_zeros() as usize / 8;
            break;
        }
        end += WORD;
    }
    let mut escaped = false;
    while end < SHORT {
        match text.get(end)? {
            b'"' => return Some((end, escaped)),
            b'\\' => {
                escaped = true;
                end += 2;
            }
            0..0x20 => return None,
            _ => end += 1,
        }
    }
    loop {
        let at = end + memchr2(b'"', b'\\', text.get(end..)?)?;
        if text[at] == b'"' {
            end = at;
            break;
        }
        escaped = true;
        end = at + 2;
    }
    // What has an escape is read as JSON, which looks at the rest.
    (escaped || !has_control(&text[..end])).then_some((end, escaped))
}

#[cfg(test)]
mod tests {
    use super::super::short::MOST;
    use super::*;

    #[test]
    fn the_words_behind_the_end_are_0() {
        let payload: Vec<u8> = (1..=40).collect();
        for end in 8..=payload.len() {
            for at in 0..=end {
                let words = words(&payload[..end], at).unwrap();
                let mut expected = payload[at..end.min(at + MOST + 1)].to_vec();
                expected.resize(MOST + 1, 0);
                assert_eq!(words.map(u64::to_le_bytes).concat(), expected, "{at}..{end}");
            }
        }
    }

    #[test]
    fn a_short_text_keeps_nothing_alive() {
        for text in [
            "",
            "a",
            "12345678901234567890",
            "12345678901234567890123",
            "123456789012345678901234",
            "état",
            "日本語",
        ] {
            for behind in ["\"", "\"}", "\"and twenty-four bytes more"] {
                let payload = Bytes::from(format!("\"{text}{behind}"));
                let (read, end) = Text::from_literal(&payload, 1).unwrap();
                assert_eq!((read.as_str(), end), (text, 1 + text.len()));
                let shared = payload.as_ptr_range().contains(&read.as_ptr());
                assert_eq!(shared, text.len() > MOST, "{text}");
            }
        }
    }

    /// Every text of a few of the bytes that matter, at each place, reads as `serde_json` reads it.
    #[test]
    fn it_reads_as_json_is_read() {
        let pieces: [&[u8]; 12] = [
            b"a",
            b"\"",
            b"\\",
            b"\\n",
            b"\\\"",
            b"\\u00e9",
            b"\\ud83d",
            "é".as_bytes(),
            b"\xff",
            b"\x1f",
            b"\x7f",
            b"\xed\xa0\xbd",
        ];
        let one: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let two: Vec<Vec<u8>> =
            pieces.iter().flat_map(|first| pieces.map(|second| [*first, second].concat())).collect();
        // Miri looks at each of them for long, and the same memory is touched with the fewest.
        let lens = [0, 22, 23, 1, 6, 7, 8, 14, 15, 16, 21, 24, 61, 62, 63, 64, 65, 200];
        let (two, lens) = if cfg!(miri) { (&[][..], &lens[..3]) } else { (&two[..], &lens[..]) };
        for text in one.iter().chain(two) {
            for len in lens.iter().copied() {
                for behind in ["", "\"", "\",\"b\":\"and twenty-four bytes more\"}"] {
                    let literal = [b"\"", &*b"x".repeat(len), text, b"y", behind.as_bytes()].concat();
                    let payload = Bytes::from(literal);
                    let mut json = serde_json::Deserializer::from_slice(&payload).into_iter::<Text>();
                    let expected = json.next().and_then(Result::ok);
                    let end = json.byte_offset();
                    let got = Text::from_literal(&payload, 1);
                    let mut json = serde_json::Deserializer::from_slice(&payload).into_iter::<String>();
                    let string = json.next().and_then(Result::ok).map(|_| json.byte_offset());
                    assert_eq!(string_end(&payload, 1), string, "{}", payload.escape_ascii());
                    let shown = payload.escape_ascii();
                    match (&got, &expected) {
                        (Some((got, at)), Some(text)) => {
                            assert_eq!((got.as_str(), at + 1), (text.as_str(), end), "{shown}");
                            assert_eq!((got.low, got.high), (text.low, text.high), "{shown}");
                        }
                        // A control character is left to the parser, which reads it where it should not.
                        (None, Some(text)) => assert!(text.contains('\u{1f}'), "{shown}: None but {text:?}"),
                        (got, _) => assert!(got.is_none(), "{shown}: {got:?} but None"),
                    }
                }
            }
        }
    }
}
