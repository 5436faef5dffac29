//! `Late`: a value that is read from its payload when it is looked at.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// A value that was read, or that is read from its payload when it is looked at for the first time.
pub(crate) enum Late<T> {
    Read(T),
    Unread(Unread<T>),
}

/// A value that stands in a payload, of which it is known that it can be read.
pub(crate) struct Unread<T> {
    origin: Origin,
    read: fn(&Bytes) -> T,
    value: OnceLock<T>,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The payload.
    pub(crate) payload: Bytes,
    /// Its form.
    pub(crate) form: Form,
    /// The length of the strings in which unknown fields differ from those of the form's other payloads.
    pub(crate) strings: usize,
}

/// Identifies payloads that differ in nothing but some strings and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form(u64);

impl Form {
    /// Returns a form that no payload has yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl<T> Late<T> {
    /// A value that `read` reads from the payload where it stands.
    pub(crate) fn unread(origin: Origin, read: fn(&Bytes) -> T) -> Self {
        Self::Unread(Unread { origin, read, value: OnceLock::new() })
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        match self {
            Self::Read(value) => value,
            Self::Unread(unread) => unread.value.get_or_init(|| (unread.read)(&unread.origin.payload)),
        }
    }

    /// Returns where a value stands that is read when it is looked at.
    #[inline]
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Read(_) => None,
            Self::Unread(unread) => Some(&unread.origin),
        }
    }
}

impl<T: Clone> Late<T> {
    /// Returns the value to change it. It no longer depends on its payload then.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        if let Self::Unread(_) = self {
            *self = Self::Read(self.get().clone());
        }
        match self {
            Self::Read(value) => value,
            Self::Unread(_) => unreachable!("it was read above"),
        }
    }
}

impl<T: Clone> Clone for Late<T> {
    fn clone(&self) -> Self {
        Self::Read(self.get().clone())
    }
}

impl<T: Default> Default for Late<T> {
    fn default() -> Self {
        Self::Read(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
