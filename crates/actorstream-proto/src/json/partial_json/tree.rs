//! The value while it grows: a tree, and the way from its root to what is still open in it.
//!
//! Safe Rust has no pointer into the middle of a tree that the tree's owner can also lend out. So the open values are
//! lifted out of the tree onto a stack where each is at hand, and hung back before anyone looks: at most once per
//! piece, at one look-up per open value, and not at all for a piece that leaves the tree alone.

use serde_json::Value;

/// How long the keys that lead to an open value may be together, in bytes, if it is to show before it is whole.
///
/// To lift a value and to hang it back costs a comparison with its key. Were that key without bound, a long one with
/// a string in tiny pieces behind it would make the work quadratic.
pub(super) const SHOWN_KEYS: usize = 4 << 10;

#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    root: Value,
    /// What is open, outermost first: containers, and at the end perhaps a string.
    open: Vec<Open>,
    /// The key of what comes next, where an object is innermost.
    key: String,
    /// Whether the open values are on the stack rather than in the tree.
    lifted: bool,
    /// Bytes compared and values moved.
    #[cfg(test)]
    pub(super) work: usize,
}

#[derive(Debug, Clone)]
struct Open {
    /// The value; null while it hangs in the tree.
    value: Value,
    /// Where it belongs, if its parent is an object.
    key: String,
    /// The length of the keys that lead here, this one included, in bytes.
    keys: usize,
    /// Its parent has a place for it: it was shown before.
    hung: bool,
}

impl Tree {
    /// What has come; only whole after [`Tree::hang`].
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn into_root(self) -> Value {
        self.root
    }

    /// How many values are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether the innermost container is an object; only for a tree in which no string is open.
    pub(super) fn in_object(&mut self) -> bool {
        self.lift();
        self.open.last().is_some_and(|open| open.value.is_object())
    }

    /// The key of what comes next, to be written.
    pub(super) fn key(&mut self) -> &mut String {
        &mut self.key
    }

    /// The innermost open value, if it is a string.
    pub(super) fn text(&mut self) -> Option<&mut String> {
        self.lift();
        as_string(&mut self.open.last_mut()?.value)
    }

    /// Lengthens the open string where it hangs, which is cheaper than to lift it; `false` if it cannot be done.
    pub(super) fn append_in_place(&mut self, text: &str) -> bool {
        if self.lifted || self.open.last().is_none_or(|open| !open.hung) {
            return false;
        }
        let mut value = Some(&mut self.root);
        for open in self.open.iter().skip(1) {
            value = value.and_then(|parent| place(parent, &open.key));
        }
        #[cfg(test)]
        {
            self.work += self.open.iter().map(|open| 1 + open.key.len()).sum::<usize>();
        }
        value.and_then(as_string).map(|string| string.push_str(text)).is_some()
    }

    /// Adds a value that is whole.
    pub(super) fn add(&mut self, value: Value) {
        self.lift();
        let key = std::mem::take(&mut self.key);
        match self.open.last_mut() {
            Some(parent) => insert(&mut parent.value, key, value),
            None => self.root = value,
        }
    }

    /// Adds a value that goes on, and makes it the innermost one.
    pub(super) fn open(&mut self, value: Value) {
        self.lift();
        let key = std::mem::take(&mut self.key);
        let keys = self.open.last().map_or(0, |parent| parent.keys) + key.len();
        self.open.push(Open { value, key, keys, hung: false });
    }

    /// Ends the innermost value.
    pub(super) fn close(&mut self) {
        self.lift();
        let Some(Open { value, key, hung, .. }) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) if hung => fill(&mut parent.value, &key, value),
            Some(parent) => insert(&mut parent.value, key, value),
            None => self.root = value,
        }
    }

    /// Takes the open values out of the tree, if they are in it.
    fn lift(&mut self) {
        if self.lifted {
            return;
        }
        self.lifted = true;
        for inner in 0..self.open.len() {
            let (outer, rest) = self.open.split_at_mut(inner);
            let open = &mut rest[0];
            if !open.hung {
                break;
            }
            let place = match outer.last_mut() {
                Some(parent) => place(&mut parent.value, &open.key),
                None => Some(&mut self.root),
            };
            open.value = place.map(Value::take).unwrap_or_default();
            #[cfg(test)]
            {
                self.work += 1 + open.key.len();
            }
        }
    }

    /// Puts the open values back into the tree, each into its parent.
    pub(super) fn hang(&mut self) {
        if !self.lifted {
            return;
        }
        self.lifted = false;
        for inner in (0..self.open.len()).rev() {
            let (outer, rest) = self.open.split_at_mut(inner);
            let open = &mut rest[0];
            if open.keys > SHOWN_KEYS {
                continue;
            }
            let value = open.value.take();
            match outer.last_mut() {
                Some(parent) if open.hung => fill(&mut parent.value, &open.key, value),
                Some(parent) => insert(&mut parent.value, open.key.clone(), value),
                None => self.root = value,
            }
            open.hung = true;
            #[cfg(test)]
            {
                self.work += 1 + open.key.len();
            }
        }
    }
}

/// Where the open child of `parent` hangs: it is the last one of an array, and has the key in an object.
fn place<'a>(parent: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match parent {
        Value::Array(items) => items.last_mut(),
        Value::Object(entries) => entries.get_mut(key),
        _ => None,
    }
}

fn fill(parent: &mut Value, key: &str, value: Value) {
    if let Some(place) = place(parent, key) {
        *place = value;
    }
}

fn insert(parent: &mut Value, key: String, value: Value) {
    match parent {
        Value::Array(items) => items.push(value),
        Value::Object(entries) => drop(entries.insert(key, value)),
        _ => {}
    }
}

fn as_string(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
