//! `Extra`: the fields of an object that its struct does not know.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::json::from_json::FromJson;
use crate::json::late::{Late, Origin};
use crate::json::reader::{Reader, Wrong};
use crate::json::weight::weight;

type Fields = Map<String, Value>;

/// The fields of an object beyond those that its struct knows.
#[derive(Clone, Default)]
pub struct Extra {
    /// One bit for each known field that came as `null`, in the order of the fields.
    pub(crate) nulls: u64,
    /// One bit for each known field that did not come; none in an object that was not read.
    pub(crate) absent: u64,
    fields: Option<Arc<Late<Fields>>>,
}

impl Extra {
    /// Returns the value of an unknown field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields()?.get(name)
    }

    #[inline]
    fn fields(&self) -> Option<&Fields> {
        self.fields.as_deref().map(Late::get)
    }

    fn fields_mut(&mut self) -> &mut Fields {
        Arc::make_mut(self.fields.get_or_insert_default()).get_mut()
    }

    /// Returns whether a known field is replaced.
    #[inline]
    pub(crate) fn has_known(&self, name: &str) -> bool {
        self.fields().is_some_and(|fields| fields.contains_key(name))
    }

    /// Returns whether there is no unknown field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_none()
    }

    /// Iterates over the unknown fields.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields().into_iter().flatten()
    }

    /// Adds a field, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        self.fields_mut().insert(name.into(), value);
    }

    /// Reads a field that is unknown.
    pub(crate) fn read(&mut self, name: &[u8], reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let name = str::from_utf8(name).map_err(|_| Wrong::new("a name is not UTF-8"))?;
        let mut value = Value::Null;
        value.read(reader)?;
        self.insert(name, value);
        Ok(())
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
        self.fields = Some(Arc::new(Late::unread(origin, read)));
    }

    /// Returns where the unknown fields stand, if they are read when they are looked at.
    #[inline]
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.fields.as_deref()?.origin()
    }

    /// Takes the unknown fields.
    pub(crate) fn take(&mut self) -> Fields {
        self.fields
            .take()
            .map(|mut fields| std::mem::take(Arc::make_mut(&mut fields).get_mut()))
            .unwrap_or_default()
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
        if let Some(fields) = later.fields() {
            self.merge_fields(fields, held);
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
            last.0 = (later.origin().is_none() && !later.has_deltas()).then(|| Arc::clone(fields));
            self.merge(later, held);
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

/// The unknown fields that were merged last, unless merging them again would add something.
#[derive(Debug, Default)]
pub(crate) struct Merged(Option<Arc<Late<Fields>>>);

impl Merged {
    #[inline]
    fn is(&self, fields: &Arc<Late<Fields>>) -> bool {
        self.0.as_ref().is_some_and(|last| Arc::ptr_eq(last, fields))
    }
}

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
