//! `Places`: maps indexes to positions in a list, as fast in a long list as in a short one.

use std::collections::BTreeMap;

/// The positions of items in a list, by the items' own indexes, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The index of the first item, which is nearly always the only one.
    first: Option<u32>,
    others: BTreeMap<u32, usize>,
}

impl Places {
    /// Returns the position of an index, and whether it is new, at the end of the list.
    #[inline]
    pub(crate) fn of(&mut self, index: u32) -> (usize, bool) {
        match self.first {
            None => {
                self.first = Some(index);
                (0, true)
            }
            Some(first) if first == index => (0, false),
            Some(_) => {
                let next = self.others.len() + 1;
                let at = *self.others.entry(index).or_insert(next);
                (at, at == next)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_coming() {
        let mut places = Places::default();
        let got: Vec<_> = [7, 7, 0, u32::MAX, 0, 7, 3].map(|index| places.of(index)).into();
        assert_eq!(got, [(0, true), (0, false), (1, true), (2, true), (1, false), (0, false), (3, true)]);
    }
}
