//! `Short`: a text of a few bytes, held in place.
//!
//! Most texts of a stream are tokens of some four characters. As a slice of the read it came in each would count that read's
//! references up and down, and keep 32 KiB alive for them.
//!
//! The one place of the crate with `unsafe` code, which spares looking at the bytes again whenever the text is asked for.
//! Its invariant: the first `len` of the bytes are UTF-8, and nothing changes them. The tests here run under Miri
//! (`cargo +nightly miri test -p actorstream-proto --lib -- text::`), and the fuzzers come by with every event.

/// How long a short text may be: as long as one fits where a longer one says where it stands.
pub(super) const MOST: usize = 23;

/// A text of at most [`MOST`] bytes.
#[derive(Clone, Copy)]
pub(super) struct Short {
    // First, so that the words of a literal are stored as they are.
    bytes: [u8; MOST],
    len: u8,
}

impl Short {
    pub(super) const EMPTY: Self = Self { len: 0, bytes: [0; MOST] };

    /// The text, if it is short.
    #[inline]
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; MOST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { len: text.len() as u8, bytes })
    }

    /// The text that these bytes are, if it is short.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        if text.len() > MOST {
            return None;
        }
        Self::new(str::from_utf8(text).ok()?)
    }

    /// The text of a JSON string whose opening quote these words follow, as they stand in memory: if its closing quote is
    /// among their bytes, and before that nothing but ASCII, with no escape.
    #[inline(always)]
    pub(super) fn literal(words: [u64; WORDS]) -> Option<Self> {
        let mut len = 0;
        for word in words {
            let special = special(word);
            // All bits below the first mark, and that of its byte which tells ASCII; all, if there is none.
            let before = special ^ special.wrapping_sub(1);
            if word & before & NOT_ASCII != 0 {
                return None;
            }
            if special != 0 {
                let bit = special.trailing_zeros() & !7;
                len += bit as u8 / 8;
                return ((word >> bit) as u8 == b'"').then(|| Self { len, bytes: bytes_of(words) });
            }
            len += 8;
        }
        None
    }

    #[inline]
    #[allow(unsafe_code)]
    pub(super) fn as_str(&self) -> &str {
        let text = &self.bytes[..usize::from(self.len)];
        debug_assert!(str::from_utf8(text).is_ok());
        // SAFETY: whoever makes a `Short` takes so many bytes of a `str`, or of what was found to be ASCII.
        unsafe { str::from_utf8_unchecked(text) }
    }
}

/// As many words as hold a short text, and a byte more.
pub(super) const WORDS: usize = MOST.div_ceil(size_of::<u64>());

/// The bytes of the words but for the last.
#[inline(always)]
fn bytes_of(words: [u64; WORDS]) -> [u8; MOST] {
    let mut bytes = [0; MOST + 1];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    let [bytes @ .., _] = bytes;
    bytes
}

/// The bits of a word that are set where one of its bytes is not ASCII.
pub(super) const NOT_ASCII: u64 = u64::from_ne_bytes([0x80; 8]);

/// Marks the bytes of a word that are a quote, a backslash or a control character: the lowest bit that is set is the highest
/// of the first of them. (What is above the first mark may be marked in vain.)
#[inline(always)]
pub(super) fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & NOT_ASCII;
    below(word, 0x20) | below(word ^ (ONES * u64::from(b'"')), 1) | below(word ^ (ONES * u64::from(b'\\')), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_held_and_others_are_not() {
        for text in [
            "",
            "a",
            "état",
            "日本語",
            "12345678901234567890123",
            "1234567890123456789012é",
            "123456789012345678901234",
        ] {
            let held = Short::new(text);
            assert_eq!(held.is_some(), text.len() <= MOST, "{text}");
            assert!(held.is_none_or(|held| held.as_str() == text));
        }
    }

    #[test]
    fn only_ascii_is_held_of_bytes_that_nobody_has_looked_at() {
        let literal = |block: &[u8; MOST + 1]| {
            let (words, _) = block.as_chunks();
            Short::literal([0, 1, 2].map(|word| u64::from_le_bytes(words[word])))
        };
        // Miri takes long over each.
        let step = if cfg!(miri) { 7 } else { 1 };
        for fill in [b'"', b'a', 0x80, 0xFF] {
            for len in (0..=MOST).step_by(step) {
                let mut block = [fill; MOST + 1];
                block[..len].fill(b'a');
                block[len] = b'"';
                let held = literal(&block).unwrap();
                assert_eq!(held.as_str().as_bytes(), &block[..len]);
                for at in 0..=len {
                    for byte in [0, 0x1F, b'\\', 0x80, 0xA2, 0xDC, 0xFF] {
                        let mut block = block;
                        block[at] = byte;
                        let held = literal(&block);
                        let quote = block.iter().position(|byte| *byte == b'"');
                        let ascii = |len: usize| {
                            block[..len].iter().all(|byte| (0x20..0x80).contains(byte) && *byte != b'\\')
                        };
                        let expected = quote.filter(|len| ascii(*len));
                        assert_eq!(held.map(|held| held.as_str().len()), expected, "{len} {at} {byte}");
                    }
                }
            }
        }
        assert!(literal(&[b'a'; MOST + 1]).is_none());
    }
}
