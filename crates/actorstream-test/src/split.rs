//! How the bytes of a reply are split into writes.

use std::sync::Arc;

/// How the bytes of a reply are split into writes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Split {
    /// Each step is a write.
    #[default]
    Steps,
    Every(usize),
    At(Arc<[usize]>),
    Random(u64),
}

/// Returns the length of each write.
#[derive(Debug)]
pub(crate) struct Splitter {
    split: Split,
    /// Bytes already written.
    at: usize,
    random: u64,
}

impl Splitter {
    pub(crate) fn new(split: Split) -> Self {
        let random = match split {
            // Zero would stay zero forever.
            Split::Random(seed) => seed ^ 0x9e37_79b9_7f4a_7c15 | 1,
            _ => 0,
        };
        Self { split, at: 0, random }
    }

    /// Returns the length of the next write, however many bytes are pending; `None` if each step is one write. Called
    /// once for each write.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let length = match &self.split {
            Split::Steps => None,
            Split::Every(length) => Some((*length).max(1)),
            Split::At(offsets) => {
                offsets.iter().filter(|offset| **offset > self.at).min().map(|offset| offset - self.at)
            }
            Split::Random(_) => Some(self.random_length()),
        };
        self.at += length.unwrap_or_default();
        length
    }

    /// Half of them are 1 to 4 bytes long, where parsers fail; the others up to 64, some up to 1024.
    fn random_length(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let value = self.random >> 11;
        let largest = match value % 8 {
            0..4 => 4,
            4..7 => 64,
            _ => 1024,
        };
        1 + (value >> 3) as usize % largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(split: Split) -> Vec<Option<usize>> {
        let mut splitter = Splitter::new(split);
        (0..5).map(|_| splitter.next()).collect()
    }

    #[test]
    fn cuts_where_it_was_told() {
        assert_eq!(lengths(Split::Steps), [None; 5]);
        assert_eq!(lengths(Split::Every(3)), [Some(3); 5]);
        assert_eq!(lengths(Split::Every(0)), [Some(1); 5]);
        assert_eq!(lengths(Split::At([1, 9, 4].into())), [Some(1), Some(3), Some(5), None, None]);
    }

    #[test]
    fn random_cuts_are_the_same_for_the_same_seed() {
        assert_eq!(lengths(Split::Random(7)), lengths(Split::Random(7)));
        assert_ne!(lengths(Split::Random(7)), lengths(Split::Random(8)));
        let mut splitter = Splitter::new(Split::Random(0));
        for _ in 0..1000 {
            assert!((1..=1024).contains(&splitter.next().unwrap()));
        }
    }
}
