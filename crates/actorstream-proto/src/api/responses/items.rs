//! `Items`: maps events to the items of a response.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

/// The items so far, identified by their ids or, if these are not distinct, by their index in the output.
#[derive(Debug, Default)]
pub(super) struct Items {
    by_id: BTreeMap<String, usize>,
    /// The last item with this index.
    by_index: BTreeMap<u64, usize>,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    id: String,
    r#type: String,
    /// The id of the call, if the item is one.
    call: String,
    index: u64,
    /// Whether an event contained the item itself, not only a part of it.
    announced: bool,
    /// Whether it is complete, so that an event with another id is about another item.
    ended: bool,
}

impl Items {
    /// Returns the number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the item of one of these types that an event about a part belongs to. Some servers use one id for all
    /// items; then the index decides. An item of another type is never returned.
    pub(super) fn find(&self, id: &str, index: u64, types: &[&str]) -> Option<usize> {
        let by_id = if id.is_empty() { None } else { self.by_id.get(id).copied() };
        let by_index = self.by_index.get(&index).copied();
        if by_index.is_some_and(|at| self.items[at].id == id && self.fits(at, types)) {
            return by_index;
        }
        let by_index = by_index.filter(|at| id.is_empty() || !self.items[*at].ended);
        // Without an event for the item itself, and after its end, only events with its index are about it.
        let by_id = by_id.filter(|at| {
            let item = &self.items[*at];
            (item.announced && !item.ended) || item.index == index
        });
        let [by_id, by_index] = [by_id, by_index].map(|at| at.filter(|at| self.may_be(*at, types)));
        by_id
            .filter(|at| self.fits(*at, types))
            .or(by_index.filter(|at| self.fits(*at, types)))
            .or(by_id)
            .or(by_index)
            .or_else(|| if id.is_empty() { self.last_call(types) } else { None })
    }

    /// Returns the last incomplete call of one of these types, to which arguments without id and index belong.
    fn last_call(&self, types: &[&str]) -> Option<usize> {
        let is_call = |r#type: &&str| r#type.ends_with("_call");
        let open = |item: &Item| !item.ended && types.contains(&item.r#type.as_str());
        if types.is_empty() || !types.iter().all(is_call) { None } else { self.items.iter().rposition(open) }
    }

    fn fits(&self, at: usize, types: &[&str]) -> bool {
        types.is_empty() || types.contains(&self.items[at].r#type.as_str())
    }

    /// Returns whether an item may have one of these types: it has one, or its type is unknown.
    fn may_be(&self, at: usize, types: &[&str]) -> bool {
        /// The types of items whose parts arrive in separate events.
        const KNOWN: [&str; 8] = [
            "message",
            "reasoning",
            "function_call",
            "custom_tool_call",
            "mcp_call",
            "code_interpreter_call",
            "shell_call",
            "shell_call_output",
        ];
        self.fits(at, types) || !KNOWN.contains(&self.items[at].r#type.as_str())
    }

    /// Returns the item that an event begins or ends. Some servers give several items one index: items of another type
    /// or another call, or of another id where the item begins, are different items.
    pub(super) fn find_whole(&self, key: Key<'_>, index: u64, begins: bool) -> Option<usize> {
        let by_index = self.by_index.get(&index).copied().filter(|at| self.key(*at).may_be(&key));
        if key.id.is_empty() || by_index.is_some_and(|at| self.items[at].id == key.id) {
            return by_index;
        }
        // If all items have one id, an item that starts under a new index is another one.
        let elsewhere = begins && !self.by_index.contains_key(&index);
        let by_id = self.by_id.get(key.id).copied().filter(|at| self.key(*at).may_be(&key));
        if let Some(at) = by_id.filter(|_| !elsewhere) {
            return Some(at);
        }
        let other_id = |at: &usize| begins && !self.items[*at].id.is_empty();
        by_index.filter(|at| !other_id(at))
    }

    /// Adds an item that begins with one of its parts. Returns its position in order of arrival.
    pub(super) fn begin(&mut self, id: &str, r#type: &str, index: u64) -> usize {
        let at = self.add(Key { id, r#type, call: "" }, index);
        self.items[at].announced = false;
        at
    }

    /// Adds an item. Returns its position in order of arrival.
    pub(super) fn add(&mut self, key: Key<'_>, index: u64) -> usize {
        let at = self.items.len();
        let Key { id, r#type, call } = key;
        let [id, r#type, call] = [id, r#type, call].map(str::to_owned);
        self.items.push(Item { id, r#type, call, index, announced: true, ended: false });
        self.by_index.insert(index, at);
        self.know(at, key);
        at
    }

    /// Marks an item as complete.
    pub(super) fn end(&mut self, at: usize) {
        self.items[at].ended = true;
    }

    /// Adds further identifying fields of an item.
    pub(super) fn know(&mut self, at: usize, key: Key<'_>) {
        let item = &mut self.items[at];
        item.announced = true;
        for (own, other) in [(&mut item.r#type, key.r#type), (&mut item.call, key.call)] {
            if own.is_empty() {
                other.clone_into(own);
            }
        }
        if !key.id.is_empty() && !self.by_id.contains_key(key.id) {
            if item.id.is_empty() {
                key.id.clone_into(&mut item.id);
            }
            self.by_id.insert(key.id.to_owned(), at);
        }
    }

    /// Returns the identifying fields of an item.
    pub(super) fn key(&self, at: usize) -> Key<'_> {
        let Item { id, r#type, call, .. } = &self.items[at];
        Key { id, r#type, call }
    }

    /// Returns the output index that the server gave an item.
    pub(super) fn index(&self, at: usize) -> u64 {
        self.items[at].index
    }

    /// Returns a unique number for an item: its index, if that is unique.
    pub(super) fn number(&self, at: usize) -> u64 {
        /// Larger than the number of items of any response.
        const FAR: u64 = 1 << 32;
        let index = self.items[at].index;
        let first = self.items[..at].iter().all(|item| item.index != index);
        if first { index } else { FAR + at as u64 }
    }
}

/// The identifying fields of an item. A field is empty if the server does not send it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) id: &'a str,
    pub(super) r#type: &'a str,
    /// The id of the call, if the item is one.
    pub(super) call: &'a str,
}

impl<'a> Key<'a> {
    pub(super) fn of(item: &'a Value) -> Self {
        let field = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        Self { id: field("id"), r#type: field("type"), call: field("call_id") }
    }

    /// Returns whether both may be the same item.
    fn may_be(&self, other: &Key<'_>) -> bool {
        let alike = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
        alike(self.r#type, other.r#type) && alike(self.call, other.call)
    }
}

/// Maps the items of the complete output to the items received so far: by id, by the id of the call, and then by
/// type and order, since some servers give an item another id at the end.
pub(super) fn places(before: &[Key<'_>], later: &[Key<'_>]) -> Vec<Option<usize>> {
    /// The number of candidates that an item is compared with, so that many items take linear time.
    const MOST: usize = 64;
    type Name = for<'a> fn(&Key<'a>) -> [&'a str; 2];
    let names: [Name; 4] = [
        |key| [key.id, key.call],
        |key| [key.id, key.id],
        |key| [key.call, key.call],
        |key| [key.r#type, key.r#type],
    ];
    let mut taken = vec![false; before.len()];
    let mut places = vec![None; later.len()];
    for name in names {
        let mut candidates: BTreeMap<[&str; 2], VecDeque<usize>> = BTreeMap::new();
        for (at, key) in before.iter().enumerate().filter(|(at, _)| !taken[*at]) {
            candidates.entry(name(key)).or_default().push_back(at);
        }
        for (place, key) in places.iter_mut().zip(later).filter(|(place, _)| place.is_none()) {
            let own = name(key);
            let Some(candidates) = candidates.get_mut(&own).filter(|_| !own.contains(&"")) else { continue };
            let mut near = candidates.iter().take(MOST);
            if let Some(at) = near.position(|at| before[*at].may_be(key)).and_then(|at| candidates.remove(at))
            {
                *place = Some(at);
                taken[at] = true;
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &'static str, r#type: &'static str) -> Key<'static> {
        Key { id, r#type, call: "" }
    }

    #[test]
    fn items_of_one_index_are_told_apart() {
        let mut items = Items::default();
        let message = items.add(key("msg", "message"), 0);
        assert_eq!(items.find("msg", 7, &[]), Some(message));
        assert_eq!(items.find("", 0, &[]), Some(message));
        assert_eq!(items.find("made-up", 0, &[]), Some(message));
        assert_eq!(items.find("", 1, &[]), None);
        assert_eq!(items.find_whole(key("fc", "function_call"), 0, true), None, "another type");
        assert_eq!(items.find_whole(key("msg_2", "message"), 0, true), None, "another id");
        assert_eq!(
            items.find_whole(key("msg_2", "message"), 0, false),
            Some(message),
            "the same with a new id"
        );
        assert_eq!(items.find_whole(key("", "message"), 0, true), Some(message));
        let call = items.add(key("fc", "function_call"), 0);
        assert_eq!(
            (items.find("msg", 0, &[]), items.find("fc", 0, &[]), items.find("", 0, &[])),
            (Some(message), Some(call), Some(call))
        );
        assert_eq!(items.find("msg", 0, &["function_call"]), Some(call), "one id for all");
        assert_eq!(items.find("msg", 7, &["function_call"]), None, "no call has begun there");
        assert_eq!(items.number(message), 0);
        assert_ne!(items.number(call), 0);
    }

    #[test]
    fn items_that_their_parts_began_have_the_index_of_these() {
        let mut items = Items::default();
        let first = items.begin("m", "message", 0);
        assert_eq!((items.find("m", 0, &["message"]), items.find("m", 1, &["message"])), (Some(first), None));
        let second = items.begin("m", "message", 1);
        assert_eq!(items.find("m", 1, &["message"]), Some(second));
        items.know(first, key("m", "message"));
        assert_eq!(items.find("m", 7, &["message"]), Some(first), "the id of the item is known");
    }

    #[test]
    fn the_items_of_the_whole_output_are_told_by_id_call_type_and_order() {
        let item = |id: &'static str, call: &'static str| Key { id, r#type: "function_call", call };
        let before = [key("m", "message"), item("one", "a"), item("one", "b"), item("", "c")];
        for (later, places) in [
            (vec![item("one", "b"), item("one", "a")], vec![Some(2), Some(1)]),
            (vec![item("x", "b"), key("y", "message"), item("", "d")], vec![Some(2), Some(0), None]),
            (vec![item("m", ""), item("c", "")], vec![Some(1), Some(2)]),
            (vec![key("one", "reasoning"), key("", "")], vec![None, None]),
        ] {
            assert_eq!(super::places(&before, &later), places, "{later:?}");
        }
    }
}
