//! `Extra`: the fields of an object that its struct does not know.

use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use memchr::{memchr, memmem};
use serde_json::{Map, Value};

use crate::json::late::{Late, Origin};
use crate::json::reader::{self, Reader, Wrong};
use crate::json::slices::{Slices, name_of, value_of};
use crate::json::weight::weight;

type Fields = Map<String, Value>;

/// The fields of an object beyond those that its struct knows.
#[derive(Clone, Default)]
pub struct Extra {
    /// One bit for each known field that came as `null`, in the order of the fields.
    pub(crate) nulls: u64,
    /// One bit for each known field that did not come; none in an object that was not read.
    pub(crate) absent: u64,
    fields: Option<Arc<Unknown>>,
}

/// Unknown fields, of which there is at least one.
enum Unknown {
    Late(Late<Fields>),
    Slices(Slices),
}

impl Unknown {
    #[inline]
    fn get(&self) -> &Fields {
        match self {
            Self::Late(fields) => fields.get(),
            Self::Slices(fields) => fields.get(),
        }
    }
}

impl Clone for Unknown {
    fn clone(&self) -> Self {
        Self::Late(Late::Read(self.get().clone()))
    }
}

impl Default for Unknown {
    fn default() -> Self {
        Self::Late(Late::default())
    }
}

impl Extra {
    /// Returns the value of an unknown field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let fields = match self.fields.as_deref()? {
            Unknown::Slices(fields) if !fields.has(name.as_bytes()) => return None,
            fields => fields.get(),
        };
        // To hash the name takes longer than to look at a few.
        if fields.len() > FEW {
            fields.get(name)
        } else {
            fields.iter().find_map(|(known, value)| (known == name).then_some(value))
        }
    }

    #[inline]
    fn fields(&self) -> Option<&Fields> {
        self.fields.as_deref().map(Unknown::get)
    }

    fn fields_mut(&mut self) -> &mut Fields {
        let fields = Arc::make_mut(self.fields.get_or_insert_default());
        if let Unknown::Slices(_) = fields {
            *fields = fields.clone();
        }
        match fields {
            Unknown::Late(fields) => fields.get_mut(),
            Unknown::Slices(_) => unreachable!("they were read above"),
        }
    }

    /// Returns whether a known field is replaced.
    #[inline]
    pub(crate) fn has_known(&self, name: &str) -> bool {
        match self.fields.as_deref() {
            Some(Unknown::Late(fields)) => fields.get().contains_key(name),
            // What stands there is unknown.
            Some(Unknown::Slices(_)) | None => false,
        }
    }

    /// Returns whether there is no unknown field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_none()
    }

    /// Iterates over the unknown fields.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields().into_iter().flatten()
    }

    /// Iterates over the names of the unknown fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let (slices, fields) = match self.fields.as_deref() {
            Some(Unknown::Slices(slices)) => (Some(slices), None),
            Some(Unknown::Late(fields)) => (None, Some(fields.get())),
            None => (None, None),
        };
        let slices = slices.into_iter().flat_map(Slices::iter).map(|(name, _)| name_of(name));
        slices.chain(fields.into_iter().flat_map(Map::keys).map(String::as_str))
    }

    /// Returns whether one of the unknown fields may be an object with a field of this name.
    pub(crate) fn may_hold(&self, name: &str) -> bool {
        match self.fields.as_deref() {
            Some(Unknown::Late(fields)) => fields.get().values().any(|value| value.get(name).is_some()),
            // What is escaped may be any name.
            Some(Unknown::Slices(fields)) => fields.iter().any(|(_, json)| {
                json.starts_with(b"{")
                    && (memmem::find(json, name.as_bytes()).is_some() || memchr(b'\\', json).is_some())
            }),
            None => false,
        }
    }

    /// Adds a field, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.fields_mut().insert(name.into(), value);
    }

    /// Reads a field that is unknown: when it is looked at, if it stands in a short payload.
    pub(crate) fn read(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let text = str::from_utf8(name).map_err(|_| Wrong::new("a name is not UTF-8"))?;
        let json = reader.any()?;
        if let Some((payload, name, value)) = reader.places(name, json)
            && let Some(fields) = self.slices(payload)
            && fields.fits(text.as_bytes())
        {
            fields.push(name, value);
            return Ok(());
        }
        self.insert(text, reader::value(json)?);
        Ok(())
    }

    /// Returns the fields that stand in this payload, if all of them do.
    fn slices(&mut self, payload: &Bytes) -> Option<&mut Slices> {
        let fields =
            self.fields.get_or_insert_with(|| Arc::new(Unknown::Slices(Slices::new(payload.clone()))));
        match Arc::get_mut(fields)? {
            Unknown::Slices(fields) => Some(fields),
            Unknown::Late(_) => None,
        }
    }

    /// Changes the unknown fields, if there are any.
    pub(crate) fn change<T>(&mut self, change: impl FnOnce(&mut Fields) -> Option<T>) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let fields = self.fields_mut();
        let changed = change(fields);
        if fields.is_empty() {
            self.fields = None;
        }
        changed
    }

    /// The same fields, of which `read` reads the unknown ones from the payload when they are looked at.
    pub(crate) fn put_off(&mut self, origin: Origin, read: fn(&Bytes) -> Fields) {
        self.fields = Some(Arc::new(Unknown::Late(Late::unread(origin, read))));
    }

    /// Returns where the unknown fields stand, if they are read when they are looked at.
    #[inline]
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self.fields.as_deref()? {
            Unknown::Late(fields) => fields.origin(),
            Unknown::Slices(_) => None,
        }
    }

    /// Takes the unknown fields.
    pub(crate) fn take(&mut self) -> Fields {
        if self.is_empty() {
            return Fields::default();
        }
        let fields = std::mem::take(self.fields_mut());
        self.fields = None;
        fields
    }

    /// Whether the known field of this number came with a value.
    pub(crate) fn has(&self, field: u32) -> bool {
        (self.nulls | self.absent) & (1 << field) == 0
    }

    /// Merges the unknown fields of a later event. Servers repeat such fields in each, so the later value replaces the
    /// earlier one; only the lists and strings that are [known to be deltas](DELTAS) are appended, and the fields of
    /// objects merged. Nothing replaces something that is said by saying nothing. Adds to `held` about how many bytes more
    /// are held, or fewer.
    #[inline]
    pub(crate) fn merge(&mut self, later: &Extra, held: &mut usize) {
        if let Some(later) = &later.fields {
            self.merge_unknown(later, held);
        }
    }

    fn merge_unknown(&mut self, later: &Unknown, held: &mut usize) {
        match later {
            Unknown::Slices(later) => merge_slices(self.fields_mut(), later.iter(), MOST_LEVELS, held),
            Unknown::Late(later) => self.merge_fields(later.get(), held),
        }
    }

    pub(crate) fn merge_fields(&mut self, later: &Fields, held: &mut usize) {
        merge_fields(self.fields_mut(), later.iter(), held);
    }

    /// Does the same, unless these are the fields that were merged `last`.
    #[inline]
    pub(crate) fn merge_unless(&mut self, last: &mut Merged, later: &Extra, held: &mut usize) {
        if let Some(fields) = &later.fields
            && !last.is(fields)
        {
            self.merge_or_not(last, fields, held);
        }
    }

    #[inline(never)]
    fn merge_or_not(&mut self, last: &mut Merged, later: &Arc<Unknown>, held: &mut usize) {
        if !last.came_again(later) {
            let is_late = matches!(&**later, Unknown::Late(later) if later.origin().is_some());
            // Those of one event alone do not come again.
            let may_repeat = Arc::strong_count(later) > 1 && !is_late;
            last.0 = may_repeat.then(|| (Arc::downgrade(later), None));
            self.merge_unknown(later, held);
        }
    }

    /// Returns whether any of the unknown fields comes in pieces.
    pub(crate) fn has_deltas(&self) -> bool {
        self.fields().is_some_and(has_deltas)
    }

    /// How many fields there are, those of objects among them.
    pub(crate) fn count(&self) -> usize {
        fn inside(value: &Value) -> usize {
            match value {
                Value::Object(fields) => fields.values().map(|value| 1 + inside(value)).sum(),
                Value::Array(list) => list.iter().map(inside).sum(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
            }
        }
        self.iter().map(|(_, value)| 1 + inside(value)).sum()
    }

    /// About how many bytes the unknown fields hold.
    pub(crate) fn weight(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + weight(value)).sum()
    }
}

/// The unknown fields that were merged last, and whether merging them again adds something, once that was asked.
#[derive(Default)]
pub(crate) struct Merged(Option<(Weak<Unknown>, Option<bool>)>);

impl Merged {
    /// Returns whether it is known that these fields were merged last, and that merging them again adds nothing.
    #[inline]
    fn is(&self, fields: &Arc<Unknown>) -> bool {
        matches!(&self.0, Some((last, Some(false))) if std::ptr::eq(last.as_ptr(), Arc::as_ptr(fields)))
    }

    /// Finds out whether that is so.
    fn came_again(&mut self, fields: &Arc<Unknown>) -> bool {
        let Some((last, adds)) = &mut self.0 else { return false };
        std::ptr::eq(last.as_ptr(), Arc::as_ptr(fields))
            && !*adds.get_or_insert_with(|| has_deltas(fields.get()))
    }
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Merged")
    }
}

/// An object of so few fields is looked through.
const FEW: usize = 8;

/// Unknown fields that are documented to come in pieces: of OpenRouter, LiteLLM, Cohere, vLLM.
const DELTAS: [&str; 6] =
    ["reasoning_details", "thinking_blocks", "annotations", "images", "tool_plan", "token_ids"];

/// Returns whether any of these fields has pieces in it, in an object that is merged.
fn has_deltas(fields: &Fields) -> bool {
    fields.iter().any(|(name, value)| match value {
        Value::Object(object) => has_deltas(object),
        Value::String(text) => !text.is_empty() && DELTAS.contains(&name.as_str()),
        Value::Array(list) => !list.is_empty() && DELTAS.contains(&name.as_str()),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    })
}

fn merge_fields<'a>(
    into: &mut Fields,
    later: impl Iterator<Item = (&'a String, &'a Value)>,
    held: &mut usize,
) {
    for (name, value) in later {
        match into.entry(name) {
            serde_json::map::Entry::Vacant(entry) => {
                *held += name.len() + weight(entry.insert(value.clone()));
            }
            serde_json::map::Entry::Occupied(mut entry) => {
                let is_delta = DELTAS.contains(&name.as_str());
                merge(entry.get_mut(), value, is_delta, held);
            }
        }
    }
}

/// So many objects in each other are merged without being read: what is in them is looked through once for each.
const MOST_LEVELS: u32 = 2;

/// Merges fields that were not read; `levels` is how many objects in each other may be left unread.
fn merge_slices<'a>(
    into: &mut Fields,
    later: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    levels: u32,
    held: &mut usize,
) {
    for (name, json) in later {
        let name = name_of(name);
        let entry = if into.len() > FEW {
            into.get_mut(name)
        } else {
            into.iter_mut().find_map(|(known, value)| (known == name).then_some(value))
        };
        match entry {
            Some(value) => merge_json(value, json, DELTAS.contains(&name), levels, held),
            None => {
                let value = value_of(json);
                *held += name.len() + weight(&value);
                into.insert(name.to_owned(), value);
            }
        }
    }
}

/// Merges a value that was not read: what is there is changed where possible, as most values resemble the last one.
fn merge_json(into: &mut Value, json: &[u8], is_delta: bool, levels: u32, held: &mut usize) {
    match (into, json) {
        (_, [b'n', ..]) => {}
        (Value::String(text), [b'"', new @ .., b'"']) if !is_delta && memchr(b'\\', new).is_none() => {
            let new = name_of(new);
            *held = (*held + new.len()).saturating_sub(text.len());
            text.clear();
            text.push_str(new);
        }
        (Value::Object(fields), [b'{', ..])
            if levels > 0
                && let Some(slices) = reader::slices(json) =>
        {
            merge_slices(fields, slices.into_iter(), levels - 1, held);
        }
        (into, json) => merge(into, &value_of(json), is_delta, held),
    }
}

fn merge(into: &mut Value, later: &Value, is_delta: bool, held: &mut usize) {
    match (into, later) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(more)) if is_delta => {
            text.push_str(more);
            *held += more.len();
        }
        (Value::Array(list), Value::Array(more)) if is_delta => {
            list.extend(more.iter().cloned());
            *held += more.iter().map(weight).sum::<usize>();
        }
        (Value::Object(object), Value::Object(more)) => merge_fields(object, more.iter(), held),
        (into, later) => {
            *held = (*held + weight(later)).saturating_sub(weight(into));
            *into = later.clone();
        }
    }
}

impl PartialEq for Extra {
    /// Compares the unknown fields; whether a known field was absent or `null` makes no difference.
    fn eq(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::from_json::read_into;
    use crate::json::object::tests::Thing;

    #[test]
    fn fields_that_were_not_read_are_merged_as_those_that_were() {
        let deep = |value: Value| json!({"a": {"b": {"c": {"d": value, "e": [1]}}}});
        let many = |value: &str| Value::Object((0..40).map(|at| (format!("n{at}"), value.into())).collect());
        let values = [
            json!({"x": 1}),
            json!({"x": "long text", "y": null, "z": {"s": "a", "n": [1, {"k": "v"}]}}),
            json!({"x": "\n\"escaped é", "y": [], "z": {"s": "é", "t": {}, "n": null}}),
            json!({"x": null, "annotations": [1], "tool_plan": "a", "z": 7}),
            json!({"annotations": [{"k": 1}, 2], "tool_plan": "b\n", "z": {"annotations": [3]}}),
            json!({"z": {"annotations": [4], "s": "text"}, "annotations": "not a list"}),
            deep(json!("first")),
            deep(json!({"more": true})),
            many("a"),
            many("another"),
        ];
        for one in &values {
            for other in &values {
                for last in &values {
                    let (mut unread, mut read) = (Extra::default(), Extra::default());
                    let (mut held, mut expected) = (0, 0);
                    for value in [one, other, last] {
                        let mut thing = Thing::default();
                        read_into(&mut thing, &Bytes::from(value.to_string())).unwrap();
                        unread.merge(&thing.extra, &mut held);
                        read.merge_fields(value.as_object().unwrap(), &mut expected);
                    }
                    assert_eq!(unread, read, "{one} {other} {last}");
                    assert_eq!(held, expected, "{one} {other} {last}");
                    assert_eq!(unread.weight(), held, "{one} {other} {last}");
                }
            }
        }
    }

    #[test]
    fn a_field_is_read_when_it_is_looked_at() {
        let payload = Bytes::from_static(br#"{"x":{"usage":1},"count":3,"y":"\u00e9","x2":null}"#);
        let mut thing = Thing::default();
        read_into(&mut thing, &payload).unwrap();
        let extra = &thing.extra;
        assert_eq!(extra.names().collect::<Vec<_>>(), ["x", "y", "x2"]);
        assert!(extra.may_hold("usage") && !extra.may_hold("other") && !extra.is_empty());
        assert_eq!((extra.get("z"), extra.get("y")), (None, Some(&json!("é"))));
        assert_eq!(extra.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x", "y", "x2"]);
        let mut changed = extra.clone();
        changed.insert("y", json!(2));
        assert_eq!((changed.get("y"), extra.get("y")), (Some(&json!(2)), Some(&json!("é"))));
    }
}
