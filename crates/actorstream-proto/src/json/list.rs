//! `List`: a list that nearly always holds one item, and then allocates nothing.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

/// A list whose first item needs no allocation; it dereferences to a slice.
#[derive(Debug, PartialEq)]
pub struct List<T>(SmallVec<[T; 1]>);

impl<T> List<T> {
    /// Creates a list of one item.
    #[inline]
    pub fn of(item: T) -> Self {
        Self(SmallVec::from_buf([item]))
    }

    /// Creates a list by applying `map` to each item.
    #[inline]
    pub fn map<U>(&self, mut map: impl FnMut(&T) -> U) -> List<U> {
        match &**self {
            [item] => List(SmallVec::from_buf([map(item)])),
            items => items.iter().map(map).collect(),
        }
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) {
        self.0.push(item);
    }
}

impl<T: Clone> Clone for List<T> {
    fn clone(&self) -> Self {
        self.map(T::clone)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items);
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = smallvec::IntoIter<[T; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
