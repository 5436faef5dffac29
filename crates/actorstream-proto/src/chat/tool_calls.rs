//! Puts the tool calls of a message together from their deltas.

use std::collections::BTreeMap;

use crate::text::Text;

use super::chunk::{FunctionDelta, ToolCallDelta};
use super::completion::{CustomCall, FunctionCall, ToolCall};

/// What a delta did to the calls of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed {
    /// The place of the call, in the order of their coming.
    pub(crate) at: usize,
    /// By how many bytes the arguments grew.
    pub(crate) grown: usize,
    /// About how many bytes more are held beside these.
    pub(crate) held: usize,
}

/// The calls of one message that have begun.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    calls: Vec<Call>,
    /// Where the last call of an index is.
    by_index: BTreeMap<u32, usize>,
    /// Where the first call of an id is.
    by_id: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u32>,
    call: ToolCall,
    /// Half a character that ended the arguments so far.
    carry: u16,
}

impl ToolCalls {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// A call, as far as it has come.
    pub(crate) fn get(&self, at: usize) -> &ToolCall {
        &self.calls[at].call
    }

    /// Adds a delta.
    pub(crate) fn push(&mut self, delta: &mut ToolCallDelta, keep: bool) -> Pushed {
        let at = self.find(delta).unwrap_or_else(|| {
            self.calls.push(Call { index: delta.index, ..Call::default() });
            let at = self.calls.len() - 1;
            self.by_index.extend(delta.index.map(|index| (index, at)));
            at
        });
        let Call { call, carry, .. } = &mut self.calls[at];
        let mut held = call.extra.merge(&delta.extra);
        if call.id.is_empty()
            && let Some(id) = delta.id.as_ref().filter(|id| !id.is_empty())
        {
            call.id.push_str(id);
            held += id.len();
            let first = self.by_id.entry(call.id.clone()).or_insert(at);
            *first = at.min(*first);
        }
        if call.r#type.is_empty()
            && let Some(r#type) = &delta.r#type
        {
            call.r#type.push_str(r#type);
            held += r#type.len();
        }
        let mut grown = 0;
        if let Some(function) = &mut delta.function {
            let into = call.function.get_or_insert_default();
            held += name_function(into, function);
            grown += push_text(&mut into.arguments, function.arguments.as_mut(), carry, keep);
        }
        if let Some(custom) = delta.custom.as_deref_mut() {
            let into: &mut CustomCall = call.custom.get_or_insert_default();
            held += into.extra.merge(&custom.extra);
            held += push_name(&mut into.name, custom.name.as_ref(), into.input.is_empty());
            grown += push_text(&mut into.input, custom.input.as_mut(), carry, keep);
        }
        Pushed { at, grown, held }
    }

    /// The call that a delta goes on with; `None` if it begins one.
    ///
    /// The index says it, where it is there. Some servers give every call the index 0: a delta with another id *and*
    /// a name begins another call. (An id alone does not: some servers make one up for each delta.) Without an index
    /// the id says it, and without an id the delta goes on with the last call, unless it names a function.
    fn find(&self, delta: &ToolCallDelta) -> Option<usize> {
        let id = delta.id.as_deref().filter(|id| !id.is_empty());
        let name = delta.function.as_ref().and_then(|function| function.name.as_deref());
        let name = name.or_else(|| delta.custom.as_ref().and_then(|custom| custom.name.as_deref()));
        let name = name.filter(|name| !name.is_empty());
        match (delta.index, id) {
            (Some(index), _) => {
                let at = *self.by_index.get(&index)?;
                let call = &self.calls[at].call;
                let other = id.is_some_and(|id| !call.id.is_empty() && call.id != id);
                if other && name.is_some() {
                    return id.and_then(|id| self.by_id.get(id)).copied();
                }
                Some(at)
            }
            (None, Some(id)) => {
                let known = self.by_id.get(id).copied();
                known.or_else(|| if name.is_some() { None } else { self.calls.len().checked_sub(1) })
            }
            (None, None) => {
                let last = self.calls.last()?;
                let begins = name.is_some() && has_arguments(&last.call);
                if begins { None } else { Some(self.calls.len() - 1) }
            }
        }
    }

    /// The calls, in the order of their index, those without one in the order of their coming.
    pub(crate) fn take(&mut self) -> Vec<ToolCall> {
        let mut calls = std::mem::take(self).calls;
        calls.sort_by_key(|call| call.index.unwrap_or(u32::MAX));
        let finished = calls.into_iter().map(|mut call| {
            let function = call.call.function.as_mut().map(|function| &mut function.arguments);
            let custom = call.call.custom.as_mut().map(|custom| &mut custom.input);
            if let (true, Some(text)) = (call.carry != 0, function.or(custom)) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            if call.call.r#type.is_empty() {
                call.call.r#type = if call.call.custom.is_some() { "custom" } else { "function" }.to_owned();
            }
            call.call
        });
        finished.collect()
    }
}

fn has_arguments(call: &ToolCall) -> bool {
    call.function.as_ref().is_some_and(|function| !function.arguments.is_empty())
        || call.custom.as_ref().is_some_and(|custom| !custom.input.is_empty())
}

/// Adds a delta of a function's call; returns by how many bytes it grew.
pub(super) fn push_function(
    into: &mut FunctionCall,
    delta: &mut FunctionDelta,
    carry: &mut u16,
    keep: bool,
) -> usize {
    name_function(into, delta) + push_text(&mut into.arguments, delta.arguments.as_mut(), carry, keep)
}

/// Adds what a delta says of a function beside its arguments; returns about how many bytes more are held.
fn name_function(into: &mut FunctionCall, delta: &FunctionDelta) -> usize {
    into.extra.merge(&delta.extra) + push_name(&mut into.name, delta.name.as_ref(), into.arguments.is_empty())
}

/// Sets a name, or appends a further piece of it; a name that is repeated is not doubled. Returns by how many bytes it
/// grew.
fn push_name(into: &mut String, name: Option<&Text>, may_go_on: bool) -> usize {
    if let Some(name) = name
        && into != name.as_str()
        && (into.is_empty() || may_go_on)
    {
        into.push_str(name);
        return name.len();
    }
    0
}

/// Appends a delta to a text; returns by how many bytes the text grew.
#[inline]
pub(crate) fn push_text(into: &mut String, delta: Option<&mut Text>, carry: &mut u16, keep: bool) -> usize {
    let Some(delta) = delta else { return 0 };
    delta.join(carry);
    if !keep {
        return 0;
    }
    into.push_str(delta);
    delta.len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What the deltas add up to, as `[id, name, arguments]`.
    fn add_up(deltas: &[Value]) -> Vec<[String; 3]> {
        let mut calls = ToolCalls::default();
        for delta in deltas {
            let mut delta: ToolCallDelta = serde_json::from_value(delta.clone()).unwrap();
            calls.push(&mut delta, true);
        }
        let calls = calls.take();
        calls
            .into_iter()
            .map(|call| [call.id.clone(), call.name().into(), call.function.unwrap().arguments])
            .collect()
    }

    fn whole(calls: &[[&str; 3]]) -> Vec<[String; 3]> {
        calls.iter().map(|call| call.map(str::to_owned)).collect()
    }

    #[test]
    fn by_index_interleaved_and_out_of_order() {
        let calls = add_up(&[
            json!({"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}),
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}),
            json!({"index": 1, "function": {"arguments": "[1"}}),
            json!({"index": 0, "function": {"arguments": "}"}}),
            json!({"index": 1, "function": {"arguments": "]"}}),
        ]);
        assert_eq!(calls, whole(&[["a", "f", "{}"], ["b", "g", "[1]"]]));
    }

    #[test]
    fn repeated_ids_and_names_are_not_doubled() {
        let piece = |arguments: &str| json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}});
        assert_eq!(add_up(&[piece("{\"a\""), piece(":1"), piece("}")]), whole(&[["a", "f", "{\"a\":1}"]]));
    }

    #[test]
    fn an_id_made_up_for_each_delta_begins_no_call() {
        let calls = add_up(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}),
            json!({"index": 0, "id": "z", "function": {"arguments": "}"}}),
        ]);
        assert_eq!(calls, whole(&[["a", "f", "{}"]]));
    }

    #[test]
    fn the_same_index_for_every_call() {
        let calls = add_up(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}),
            json!({"index": 0, "id": "b", "function": {"name": "f", "arguments": "{1}"}}),
        ]);
        assert_eq!(calls, whole(&[["a", "f", "{}"], ["b", "f", "{1}"]]));
    }

    #[test]
    fn without_an_index_by_id_and_order() {
        let calls = add_up(&[
            json!({"id": "a", "function": {"name": "f", "arguments": "{"}}),
            json!({"function": {"arguments": "}"}}),
            json!({"id": "b", "function": {"name": "g", "arguments": "["}}),
            json!({"id": "a", "function": {"arguments": " "}}),
            json!({"id": "b", "function": {"arguments": "]"}}),
        ]);
        assert_eq!(calls, whole(&[["a", "f", "{} "], ["b", "g", "[]"]]));
        let nameless = add_up(&[
            json!({"function": {"name": "f", "arguments": "{}"}}),
            json!({"function": {"name": "g", "arguments": "[]"}}),
        ]);
        assert_eq!(nameless, whole(&[["", "f", "{}"], ["", "g", "[]"]]));
    }

    #[test]
    fn a_name_in_pieces_and_a_huge_index() {
        let calls = add_up(&[
            json!({"index": 2_147_483_648_u32, "id": "a", "function": {"name": "get_"}}),
            json!({"index": 2_147_483_648_u32, "function": {"name": "time", "arguments": "{}"}}),
        ]);
        assert_eq!(calls, whole(&[["a", "get_time", "{}"]]));
    }
}
