//! `Shared`: fields that are the same in nearly every event of a stream, stored once.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use crate::json::late::{Late, Origin};

/// Fields that the events of a stream share; it dereferences to them.
///
/// Cloning copies nothing. Changing a field affects this event only.
#[derive(Clone)]
pub struct Shared<T>(Option<Arc<Late<T>>>);

/// Fields that can all be absent.
pub trait Fields: Default + Clone + 'static {
    /// The fields, all absent.
    fn none() -> &'static Self;
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Fields> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(fields) => fields.get(),
            None => T::none(),
        }
    }
}

impl<T: Fields> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_default()).get_mut()
    }
}

impl<T: Fields + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Fields + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T> Shared<T> {
    /// Whether nothing is shared, and no field there.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Fields that `read` reads from the payload when they are looked at.
    pub(crate) fn put_off(origin: Origin, read: fn(&Bytes) -> T) -> Self {
        Self(Some(Arc::new(Late::unread(origin, read))))
    }

    /// Returns where the fields stand, if they are read when they are looked at.
    #[inline]
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.0.as_deref()?.origin()
    }

    /// Shares these fields.
    pub(crate) fn of(fields: T) -> Self {
        Self(Some(Arc::new(Late::Read(fields))))
    }

    /// Remembers which fields these are. Those of one event alone do not come again, and are not remembered: a mark keeps
    /// their allocation.
    pub(crate) fn mark(&self) -> Mark<T> {
        let mark = |fields| if Arc::strong_count(fields) > 1 { Arc::downgrade(fields) } else { Weak::new() };
        Mark(self.0.as_ref().map(mark))
    }
}

/// Tells fields that were seen from others, and keeps none of them alive.
pub(crate) struct Mark<T>(Option<Weak<Late<T>>>);

impl<T> Mark<T> {
    /// Returns whether these are the marked fields, unchanged. (Where fields are changed that are marked they move, so
    /// the place tells them apart.)
    #[inline]
    pub(crate) fn is(&self, fields: &Shared<T>) -> bool {
        match (&self.0, &fields.0) {
            (Some(mark), Some(fields)) => std::ptr::eq(mark.as_ptr(), Arc::as_ptr(fields)),
            (mark, fields) => mark.is_none() && fields.is_none(),
        }
    }
}

impl<T> fmt::Debug for Mark<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Default, PartialEq)]
    struct Name {
        name: Option<String>,
    }

    impl Fields for Name {
        fn none() -> &'static Self {
            static NONE: Name = Name { name: None };
            &NONE
        }
    }

    #[test]
    fn a_change_is_seen_by_one_alone() {
        let mut one = Shared::<Name>::default();
        assert_eq!(one.name, None);
        one.name = Some("a".into());
        let mut other = one.clone();
        assert_eq!(one, other);
        other.name = Some("b".into());
        assert_eq!((one.name.as_deref(), other.name.as_deref()), (Some("a"), Some("b")));
    }

    #[test]
    fn a_mark_tells_what_was_changed_since() {
        let mut fields = Shared::<Name>::default();
        assert!(fields.mark().is(&Shared::default()));
        fields.name = Some("a".into());
        assert!(!Shared::<Name>::default().mark().is(&fields));
        assert!(!fields.mark().is(&fields), "no other event has them");
        let other = fields.clone();
        let mark = fields.mark();
        assert!(mark.is(&other));
        fields.name = Some("b".into());
        assert!(!mark.is(&fields));
        drop((fields, other));
        let mut others = Vec::new();
        for _ in 0..100 {
            let other = Shared::of(Name { name: Some("a".into()) });
            assert!(!mark.is(&other), "the place was used again");
            others.push(other);
        }
    }
}
