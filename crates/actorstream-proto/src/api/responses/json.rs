//! Lists and fields of an item that is kept as JSON.

use serde_json::{Map, Value};

pub(super) fn at(list: &mut [Value], index: u64) -> Option<&mut Value> {
    list.get_mut(usize::try_from(index).ok()?)
}

/// Replaces an existing item, or appends the next one.
pub(super) fn set_at(list: &mut Vec<Value>, index: u64, value: Value) {
    match usize::try_from(index) {
        Ok(index) if index < list.len() => list[index] = value,
        Ok(index) if index == list.len() => list.push(value),
        Ok(_) | Err(_) => {}
    }
}

/// Returns a field of an object, which is created if it is missing. (The map's own `entry` allocates the name each
/// time.)
pub(super) fn field_of<'a>(
    object: &'a mut Map<String, Value>,
    name: &str,
    new: fn() -> Value,
) -> &'a mut Value {
    if !object.contains_key(name) {
        object.insert(name.to_owned(), new());
    }
    &mut object[name]
}

pub(super) fn list_of<'a>(item: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    let list = field_of(item.as_object_mut()?, name, || Value::Array(Vec::new()));
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut()
}

pub(super) fn push_to(part: &mut Value, name: &str, value: Value) {
    if let Some(list) = list_of(part, name) {
        list.push(value);
    }
}
