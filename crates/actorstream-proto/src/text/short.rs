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
    len: u8,
    bytes: [u8; MOST],
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

    /// The text that stands in the first `len` of `bytes`, if it is short, and ASCII. It is the quicker the more bytes follow.
    #[inline]
    pub(super) fn ascii(bytes: &[u8], len: usize) -> Option<Self> {
        let mask = MASKS.get(len)?;
        let Some(block) = bytes.first_chunk() else { return Self::ascii_at_end(bytes.get(..len)?) };
        let [first, second, third] = words(block);
        if (first & mask[0]) | (second & mask[1]) | (third & mask[2]) != 0 {
            return None;
        }
        let [bytes @ .., _] = *block;
        Some(Self { len: len as u8, bytes })
    }

    /// The same where too little follows.
    #[inline]
    fn ascii_at_end(text: &[u8]) -> Option<Self> {
        let mut block = [0; MOST + 1];
        block.get_mut(..text.len())?.copy_from_slice(text);
        let [first, second, third] = words(&block);
        if (first | second | third) & NOT_ASCII != 0 {
            return None;
        }
        let [bytes @ .., _] = block;
        Some(Self { len: text.len() as u8, bytes })
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

/// Three words, as they stand in memory.
#[inline]
fn words(block: &[u8; MOST + 1]) -> [u64; 3] {
    let (words, _) = block.as_chunks();
    [0, 1, 2].map(|word| u64::from_le_bytes(words[word]))
}

/// The bits of a word that are set where one of its bytes is not ASCII.
const NOT_ASCII: u64 = u64::from_ne_bytes([0x80; 8]);

/// For each length of a text, the bits of three words that are set where one of its bytes is not ASCII.
const MASKS: [[u64; 3]; MOST + 1] = {
    let mut masks = [[0; 3]; MOST + 1];
    let mut len = 0;
    while len <= MOST {
        let mut byte = 0;
        while byte < len {
            masks[len][byte / 8] |= 0x80 << (byte % 8 * 8);
            byte += 1;
        }
        len += 1;
    }
    masks
};

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
        for behind in ["", "\"", "é and twenty-three bytes more"] {
            for len in 0..=MOST + 1 {
                let text = "a".repeat(len);
                let held = Short::ascii((text.clone() + behind).as_bytes(), len);
                assert_eq!(held.is_some(), len <= MOST);
                assert!(held.is_none_or(|held| held.as_str() == text));
                for at in 0..len {
                    let mut bytes = text.clone().into_bytes();
                    bytes[at] = 0x80;
                    bytes.extend_from_slice(behind.as_bytes());
                    assert!(Short::ascii(&bytes, len).is_none(), "{len} {at}");
                }
            }
        }
        assert!(Short::ascii(b"ab", 3).is_none());
    }
}
