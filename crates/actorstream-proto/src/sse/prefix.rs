//! `Prefix`: bytes that are expected next.

use std::ops::Deref;

/// Bytes that are expected next. Comparing a few inline is cheaper than a call.
#[derive(Debug, Default)]
pub(crate) struct Prefix<B> {
    bytes: B,
    /// The first eight bytes, as a word. `mask` has the bits that count.
    word: u64,
    mask: u64,
}

/// The size of a word in bytes.
const WORD: usize = size_of::<u64>();

impl<B: Deref<Target = [u8]>> Prefix<B> {
    pub(crate) fn new(bytes: B) -> Self {
        let (mut word, mut mask) = ([0; WORD], [0; WORD]);
        for (at, byte) in bytes.iter().take(WORD).enumerate() {
            (word[at], mask[at]) = (*byte, 0xFF);
        }
        Self { bytes, word: u64::from_le_bytes(word), mask: u64::from_le_bytes(mask) }
    }

    /// Returns the end of these bytes in `bytes`, if they are at `at`.
    #[inline(always)]
    pub(crate) fn end_in(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..)?;
        let found = match rest.first_chunk() {
            Some(first) if self.bytes.len() <= WORD => {
                (u64::from_le_bytes(*first) ^ self.word) & self.mask == 0
            }
            _ => rest.starts_with(&self.bytes),
        };
        found.then_some(at + self.bytes.len())
    }
}

impl<B: Deref<Target = [u8]>> Deref for Prefix<B> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_as_any_prefix_is() {
        let bytes: Vec<u8> = (0..40).collect();
        for at in 0..=bytes.len() {
            for len in 0..=bytes.len() - at {
                let prefix = Prefix::new(&bytes[at..at + len]);
                assert_eq!(*prefix, bytes[at..at + len]);
                assert_eq!(prefix.end_in(&bytes, at), Some(at + len));
                for end in at..at + len {
                    assert_eq!(prefix.end_in(&bytes[..end], at), None, "it is cut");
                    let mut other = bytes.clone();
                    other[end] ^= 0x80;
                    assert_eq!(prefix.end_in(&other, at), None, "another byte");
                }
            }
        }
        assert_eq!(Prefix::new(&b""[..]).end_in(&bytes, 41), None);
    }
}
