//! What reading one payload may cost, so that a short one cannot take much memory or time.

use std::cell::Cell;

use serde_json::Value;

use crate::wire::weight;

/// How many bytes of typed list items a byte of JSON may become, beyond the first [`FREE_ITEMS`]: `{}` is two bytes, and a
/// choice without any fields some hundreds.
const ITEMS_PER_BYTE: usize = 8;
/// How many bytes of list items are free.
const FREE_ITEMS: usize = 128 << 10;
/// How often a value, with all that is in it, may be read again to forgive what is wrong in it.
const ROUNDS: usize = 16;

thread_local! {
    /// How many bytes of list items may still be made of what is being parsed on this thread.
    static ITEMS: Cell<usize> = const { Cell::new(usize::MAX) };
    /// What may still be spent on reading parts of it again; `None` while nothing is.
    static AGAIN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Puts a value back that held before.
struct Restore<T: Copy + 'static>(&'static std::thread::LocalKey<Cell<T>>, T);

impl<T: Copy> Drop for Restore<T> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Runs `parse`, which makes of `len` bytes no more list items than is just.
pub(crate) fn parsing<T>(len: usize, parse: impl FnOnce() -> T) -> T {
    let most = FREE_ITEMS.saturating_add(len.saturating_mul(ITEMS_PER_BYTE));
    let _restore = Restore(&ITEMS, ITEMS.replace(most));
    parse()
}

/// Whether one more item of this type may be made.
pub(crate) fn may_make<T>() -> bool {
    let left = ITEMS.get().checked_sub(size_of::<T>());
    if let Some(left) = left.filter(|_| ITEMS.get() != usize::MAX) {
        ITEMS.set(left);
    }
    left.is_some()
}

/// What may be spent on reading a value again and again.
pub(crate) fn budget(value: &Value) -> usize {
    weight(value).saturating_mul(ROUNDS)
}

/// Runs `forgive`, which reads a value again and again. Inside of another value that is forgiven, it spends of that one's
/// budget.
pub(crate) fn forgiving<T>(budget: usize, forgive: impl FnOnce() -> T) -> T {
    let inside = AGAIN.get().is_some();
    let _restore = (!inside).then(|| Restore(&AGAIN, AGAIN.replace(Some(budget))));
    forgive()
}

/// Whether a value may be read once more; if so, it costs what the value weighs, and items made in vain are none.
pub(crate) fn read_again<T, E>(value: &Value, read: impl FnOnce() -> Result<T, E>) -> Option<Result<T, E>> {
    let left = AGAIN.get()?.checked_sub(weight(value))?;
    AGAIN.set(Some(left));
    let items = ITEMS.get();
    let result = read();
    if result.is_err() {
        ITEMS.set(items);
    }
    Some(result)
}
