//! `Input`: bytes that say how they are to be played.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

/// Reads choices off the front of an input.
#[derive(Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    random: fastrand::Rng,
}

impl<'a> Input<'a> {
    /// Reads from these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self { bytes, random: fastrand::Rng::with_seed(hasher.finish()) }
    }

    /// The next byte; 0 when there is none.
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    /// One of several things.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()].clone()
    }

    /// Whether something is so.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// What was not read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Ways to cut `len` bytes into reads: not at all, everywhere, and at random places, which are the same for the same
    /// input.
    pub fn cuts(&mut self, len: usize) -> Vec<Vec<Range<usize>>> {
        // Single bytes of a long input take long and show nothing new.
        let step = 1 + len / 4096;
        let mut ways = vec![reads(len, (1..len).step_by(step))];
        for few in [2, 2, 8] {
            let mut places: Vec<usize> =
                (0..self.random.usize(1..=few)).map(|_| self.random.usize(..=len)).collect();
            places.sort_unstable();
            ways.push(reads(len, places));
        }
        ways
    }
}

/// Where reads were cut, for a message.
pub(crate) fn shown(reads: &[Range<usize>]) -> String {
    if reads.len() > 10 { "many places".into() } else { format!("{reads:?}") }
}

/// The reads that are left when `len` bytes are cut at these places.
pub fn reads(len: usize, cuts: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut reads = Vec::new();
    for to in cuts.into_iter().chain([len]) {
        reads.push(from..to);
        from = to;
    }
    reads
}
