//! Assembles the tool calls of a message from their deltas.

use std::collections::BTreeMap;

use crate::answer::came::Written;
use crate::json::from_json::unset;
use crate::json::text::Text;

use super::chunk::{FunctionDelta, ToolCallDelta};
use super::completion::{CustomCall, FunctionCall, ToolCall};

/// The size in bytes that a tool call counts for besides its arguments.
pub(super) const TOOL_CALL: usize = 4 << 10;

/// The effect of a delta on the calls of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed {
    /// The position of the call, in order of arrival.
    pub(crate) at: usize,
    /// The number of bytes by which the arguments grew.
    pub(crate) grown: usize,
    /// The approximate number of further bytes held.
    pub(crate) held: usize,
    /// Whether the arguments started again, so that the previous ones are void.
    pub(crate) again: bool,
}

/// The position of a delta in a chunk's list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) place: usize,
    pub(crate) of: usize,
}

/// The started calls of one message.
#[derive(Debug, Default)]
pub(crate) struct ToolCalls {
    calls: Vec<Call>,
    /// The position of the last call with this index.
    by_index: BTreeMap<u32, usize>,
    /// The position of the first call with this id.
    by_id: BTreeMap<String, usize>,
    /// The calls of the last list with more than one delta, in its order.
    group: Vec<usize>,
    next_group: Vec<usize>,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u32>,
    call: ToolCall,
    /// The unpaired surrogate at the end of the arguments so far.
    carry: u16,
    arguments: Written,
}

impl ToolCalls {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns a call as received so far.
    pub(crate) fn get(&self, at: usize) -> &ToolCall {
        &self.calls[at].call
    }

    /// Adds a delta.
    pub(crate) fn push(&mut self, delta: &mut ToolCallDelta, listed: Listed, keep: bool) -> Pushed {
        let at = self.find(delta, listed).unwrap_or_else(|| {
            self.calls.push(Call { index: delta.index, call: unset("{}"), ..Call::default() });
            self.calls.len() - 1
        });
        self.know(at, delta, listed);
        let Call { call, carry, arguments, .. } = &mut self.calls[at];
        let mut held = 0;
        call.extra.merge(&delta.extra, &mut held);
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
        let (mut grown, mut again) = (0, false);
        if let Some(function) = &mut delta.function {
            let into = call.function.get_or_insert_with(empty_function);
            into.extra.merge(&function.extra, &mut held);
            held += push_name(&mut into.name, function.name.as_ref(), !arguments.has_begun());
            if let Some(text) = &mut function.arguments {
                text.join(carry);
                // Complete arguments followed by new ones were a placeholder, or are repeated.
                again = arguments.begins_again(text);
                if again {
                    into.arguments.clear();
                    arguments.clear();
                }
                arguments.push(text);
                if keep {
                    into.arguments.push_str(text);
                    grown += text.len();
                }
            }
        }
        if let Some(custom) = delta.custom.as_deref_mut() {
            let into: &mut CustomCall = call.custom.get_or_insert_with(|| unset(r#"{"input":""}"#));
            into.extra.merge(&custom.extra, &mut held);
            held += push_name(&mut into.name, custom.name.as_ref(), !arguments.has_begun());
            grown += push_text(&mut into.input, custom.input.as_mut(), carry, keep);
            custom.input.iter().for_each(|input| arguments.push_text(input));
        }
        Pushed { at, grown, held, again }
    }

    /// Records how the call at this position is identified.
    fn know(&mut self, at: usize, delta: &ToolCallDelta, listed: Listed) {
        if let Some(index) = delta.index {
            self.calls[at].index.get_or_insert(index);
            if self.by_index.get(&index) != Some(&at) {
                self.by_index.insert(index, at);
            }
        }
        if listed.of > 1 {
            if listed.place == 0 {
                self.next_group.clear();
            }
            self.next_group.push(at);
            if listed.place + 1 == listed.of {
                self.group.clone_from(&self.next_group);
            }
        }
    }

    /// Returns the call that a delta continues; `None` if it begins one.
    ///
    /// The id decides, then the index, then the position in the list, which is that of the last call if the list has
    /// one delta. Some servers give every call the index 0, and some generate an id for each delta, so a delta with a
    /// known index and an unknown id [begins another call](Call::is_followed_by) only if it cannot continue this one.
    fn find(&self, delta: &ToolCallDelta, listed: Listed) -> Option<usize> {
        let id = delta.id.as_deref().filter(|id| !id.is_empty());
        let by_index = delta.index.and_then(|index| self.by_index.get(&index).copied());
        if let Some(at) = id.and_then(|id| self.by_id.get(id).copied()) {
            let call = &self.calls[at];
            let same = delta.index.is_none() || call.index.is_none() || call.index == delta.index;
            // A shared id identifies no call.
            let at = if same || (by_index.is_none() && name_of(delta).is_none()) { at } else { by_index? };
            return (!self.is_another_entry(at, delta, id, listed)).then_some(at);
        }
        let at = match (delta.index, id) {
            (Some(index), _) => self.in_group(index, listed).or(by_index)?,
            (None, Some(_)) if name_of(delta).is_some() => return None,
            (None, _) if listed.of > 1 => match self.group.get(listed.place) {
                Some(at) => *at,
                None => return None,
            },
            (None, _) => self.calls.len().checked_sub(1)?,
        };
        let other = self.calls[at].is_followed_by(delta, id) || self.is_another_entry(at, delta, id, listed);
        (!other).then_some(at)
    }

    /// Returns the call at this position of the last list, if several calls of that list have this index.
    fn in_group(&self, index: u32, listed: Listed) -> Option<usize> {
        if listed.of < 2 {
            return None;
        }
        let mut of_index = self.group.iter().filter(|at| self.calls[**at].index == Some(index));
        let first = of_index.next()?;
        let several = of_index.any(|at| at != first);
        self.group.get(listed.place).copied().filter(|at| several && self.calls[*at].index == Some(index))
    }

    /// Returns whether a delta that would continue this call begins another one, because an earlier delta of the same
    /// list belongs to it: entries of one list are separate calls, unless a server sends several deltas of a call at once.
    fn is_another_entry(&self, at: usize, delta: &ToolCallDelta, id: Option<&str>, listed: Listed) -> bool {
        if listed.place == 0 || !self.next_group.contains(&at) {
            return false;
        }
        let Some(name) = name_of(delta) else { return false };
        let Call { call, arguments, .. } = &self.calls[at];
        let same_name = call.name() == name;
        let goes_on = arguments.has_begun() && !arguments.is_whole();
        !(same_name && (goes_on || id.is_some_and(|id| id == call.id)))
    }

    /// Returns the part of a call's complete arguments that was not in a delta; `None` if they do not extend the
    /// arguments received so far. The call is identified by its id, or by its position.
    pub(crate) fn rest_of<'a>(&self, id: Option<&str>, place: usize, whole: &'a str) -> Option<&'a str> {
        let at = id.filter(|id| !id.is_empty()).and_then(|id| self.by_id.get(id).copied()).unwrap_or(place);
        match self.calls.get(at) {
            Some(call) => call.arguments.rest_of(whole),
            None => Some(whole),
        }
    }

    /// Returns the calls in the order of their index; those without one in order of arrival.
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

impl Call {
    /// Returns whether a delta that matches this call by its index or position begins another one instead.
    fn is_followed_by(&self, delta: &ToolCallDelta, id: Option<&str>) -> bool {
        let Some(name) = name_of(delta) else { return false };
        let arguments = &self.arguments;
        let known = self.call.function.is_some() || self.call.custom.is_some();
        if known && delta.function.is_some() != self.call.function.is_some() {
            return true;
        }
        let other_id = id.is_some_and(|id| !self.call.id.is_empty() && self.call.id != id);
        let own = self.call.name();
        if own != name {
            // A name may arrive in parts until the arguments begin.
            return !own.is_empty() && (other_id || arguments.has_begun());
        }
        let news = arguments_of(delta).unwrap_or_default().trim();
        if delta.custom.is_some() {
            return other_id;
        }
        match arguments.is_whole() {
            // An identical value is a repetition, and `{}` a placeholder.
            true => {
                other_id || (news.starts_with(['{', '[']) && !arguments.is_braces() && !arguments.is(news))
            }
            false => other_id && !arguments.has_begun() && news.is_empty(),
        }
    }
}

fn name_of(delta: &ToolCallDelta) -> Option<&str> {
    let function = delta.function.as_ref().and_then(|function| function.name.as_deref());
    let name = function.or_else(|| delta.custom.as_ref().and_then(|custom| custom.name.as_deref()));
    name.filter(|name| !name.is_empty())
}

fn arguments_of(delta: &ToolCallDelta) -> Option<&str> {
    let function = delta.function.as_ref().and_then(|function| function.arguments.as_deref());
    function.or_else(|| delta.custom.as_ref().and_then(|custom| custom.input.as_deref()))
}

/// Returns an empty function call.
pub(super) fn empty_function() -> FunctionCall {
    unset(r#"{"arguments":""}"#)
}

/// Adds a delta of a function call. Returns by how many bytes it grew.
pub(super) fn push_function(
    into: &mut FunctionCall,
    delta: &mut FunctionDelta,
    carry: &mut u16,
    keep: bool,
) -> usize {
    name_function(into, delta) + push_text(&mut into.arguments, delta.arguments.as_mut(), carry, keep)
}

/// Adds the fields of a function delta besides its arguments. Returns about how many more bytes are held.
fn name_function(into: &mut FunctionCall, delta: &FunctionDelta) -> usize {
    let mut held = 0;
    into.extra.merge(&delta.extra, &mut held);
    held + push_name(&mut into.name, delta.name.as_ref(), into.arguments.is_empty())
}

/// Sets a name, or appends another part of it; a repeated name is not doubled. Returns by how many bytes it grew.
fn push_name(into: &mut String, name: Option<&Text>, may_go_on: bool) -> usize {
    let Some(name) = name.filter(|name| into != name.as_str() && (into.is_empty() || may_go_on)) else {
        return 0;
    };
    // Some servers repeat the part that has already arrived.
    let rest = name.strip_prefix(into.as_str()).unwrap_or(name);
    into.push_str(rest);
    rest.len()
}

/// Appends a delta to a text. Returns by how many bytes the text grew.
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

/// Adds the deltas of calls.
pub(super) fn push_calls(calls: &mut ToolCalls, deltas: &mut [ToolCallDelta], keep: bool) -> usize {
    let (before, of) = (calls.len(), deltas.len());
    let mut grown = 0;
    for (place, delta) in deltas.iter_mut().enumerate() {
        let pushed = calls.push(delta, Listed { place, of }, keep);
        grown += pushed.grown + pushed.held;
    }
    grown + (calls.len() - before) * TOOL_CALL
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns the calls that the deltas add up to, as `[id, name, arguments]`.
    fn add_up(deltas: &[Value]) -> Vec<[String; 3]> {
        let mut calls = ToolCalls::default();
        for delta in deltas {
            let list = delta.as_array().map_or(std::slice::from_ref(delta), Vec::as_slice);
            for (place, delta) in list.iter().enumerate() {
                let mut delta: ToolCallDelta = serde_json::from_value(delta.clone()).unwrap();
                calls.push(&mut delta, Listed { place, of: list.len() }, true);
            }
        }
        let calls = calls.take();
        calls
            .into_iter()
            .map(|call| [call.id.clone(), call.name().into(), call.function.unwrap_or_default().arguments])
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
    fn a_call_of_another_kind_is_another_call() {
        let custom =
            |id: &str, input: &str| json!({"index": 0, "id": id, "custom": {"name": "f", "input": input}});
        let function = |id: &str, arguments: &str| json!({"index": 0, "id": id, "function": {"name": "f", "arguments": arguments}});
        for (deltas, calls) in [
            ([custom("a", "x"), function("b", "")], [["a", "f", ""], ["b", "f", ""]]),
            ([function("a", "{"), custom("b", "x")], [["a", "f", "{"], ["b", "f", ""]]),
            ([function("", ""), custom("", "x")], [["", "f", ""], ["", "f", ""]]),
        ] {
            assert_eq!(add_up(&deltas), whole(&calls), "{deltas:?}");
        }
    }

    #[test]
    fn entries_of_one_list_are_calls_of_their_own() {
        let call = |arguments: &str| json!({"index": 0, "function": {"name": "f", "arguments": arguments}});
        let named = |id: &str, name: &str, arguments: &str| json!({"index": 0, "id": id, "function": {"name": name, "arguments": arguments}});
        let more = |arguments: &str| json!({"index": 0, "function": {"arguments": arguments}});
        let two = |first: [&'static str; 3], second: [&'static str; 3]| whole(&[first, second]);
        for (deltas, calls) in [
            (vec![json!([call("{}"), call("{}")])], two(["", "f", "{}"], ["", "f", "{}"])),
            (vec![json!([call("{}"), call("{\"x\":1}")])], two(["", "f", "{}"], ["", "f", "{\"x\":1}"])),
            (
                vec![json!([named("a", "f", "{\"x\":1}"), named("a", "g", "{\"y\":2}")])],
                two(["a", "f", "{\"x\":1}"], ["a", "g", "{\"y\":2}"]),
            ),
            (
                vec![json!([named("a", "f", ""), named("b", "f", "{}")])],
                two(["a", "f", ""], ["b", "f", "{}"]),
            ),
            (
                vec![
                    json!([call(""), call("")]),
                    json!([more("{\"x\""), more("{\"y\"")]),
                    json!([more(":1}"), more(":2}")]),
                ],
                two(["", "f", "{\"x\":1}"], ["", "f", "{\"y\":2}"]),
            ),
        ] {
            assert_eq!(add_up(&deltas), calls, "{deltas:?}");
        }
        // Several deltas of one call at once.
        for deltas in [
            json!([call(""), more("{\"x\""), more(":1}")]),
            json!([call("{\"x\""), call(":1}")]),
            json!([named("a", "f", ""), named("a", "f", "{\"x\":1}")]),
            json!([named("a", "f", "{\"x\""), named("b", "f", ":1}")]),
            json!([named("a", "f", "{\"x\":1}"), named("a", "f", "{\"x\":1}")]),
        ] {
            let calls = add_up(std::slice::from_ref(&deltas));
            let got: Vec<_> = calls.iter().map(|[_, name, arguments]| (&**name, &**arguments)).collect();
            assert_eq!(got, [("f", "{\"x\":1}")], "{deltas}");
        }
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

    #[test]
    fn without_an_index_by_the_place_in_the_list() {
        let f = |arguments: &str| json!({"function": {"arguments": arguments}});
        let begun = json!([{"id": "a", "function": {"name": "f", "arguments": ""}}, {"id": "b", "function": {"name": "g"}}]);
        let ab = whole(&[["a", "f", "{\"x\":1}"], ["b", "g", "{\"y\":2}"]]);
        assert_eq!(add_up(&[begun.clone(), json!([f("{\"x\":1}"), f("{\"y\":2}")])]), ab);
        assert_eq!(add_up(&[begun, json!([f("{\"x\""), f("{\"y\"")]), json!([f(":1}"), f(":2}")])]), ab);
        let nameless = json!([{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}}]);
        assert_eq!(add_up(&[nameless]), whole(&[["", "f", "{}"], ["", "f", "{}"]]));
    }

    #[test]
    fn a_new_name_after_whole_arguments_is_a_new_call() {
        let call = |id: &str, name: &str, arguments: &str| json!({"index": 0, "id": id, "function": {"name": name, "arguments": arguments}});
        let two = whole(&[["", "f", "{\"x\":1}"], ["", "g", "{\"x\":2}"]]);
        assert_eq!(add_up(&[call("", "f", "{\"x\":1}"), call("", "g", "{\"x\":2}")]), two);
        let pieces =
            [call("", "f", "{\"x\""), call("", "f", ":1}"), call("", "g", "{\"x\":"), call("", "g", "2}")];
        assert_eq!(add_up(&pieces), two);
        let twice = [call("", "f", "{\"x\":1}"), call("", "f", "{\"x\":2}")];
        assert_eq!(add_up(&twice), whole(&[["", "f", "{\"x\":1}"], ["", "f", "{\"x\":2}"]]));
        let ids = [call("a", "f", "{\"x\""), call("b", "f", ":1}"), call("c", "f", "")];
        assert_eq!(add_up(&ids[..2]), whole(&[["a", "f", "{\"x\":1}"]]), "an id for each delta");
    }

    #[test]
    fn arguments_that_begin_again_are_placeholders_or_repeated() {
        let piece = |arguments: &str| json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}});
        let one = whole(&[["a", "f", "{\"x\":1}"]]);
        for pieces in [
            [piece("{}"), piece("{\"x\":"), piece("1}")],
            [piece("{\"x\":1}"), piece("{\"x\":1}"), piece("")],
            [piece("{ }"), piece(" "), piece("{\"x\":1}")],
            [piece("{\"x\":1}"), piece("{\"x\""), piece(":1}")],
        ] {
            assert_eq!(add_up(&pieces), one, "{pieces:?}");
        }
        let bare = json!({"index": 0, "function": {"arguments": "{\"x\":1}"}});
        assert_eq!(add_up(&[piece("{}"), bare]), one);
        // Braces in a string do not begin an object.
        let text = [piece("{\"x\":\"}"), piece("{"), piece("\\\"}"), piece("{\"}")];
        assert_eq!(add_up(&text), whole(&[["a", "f", "{\"x\":\"}{\\\"}{\"}"]]));
    }

    #[test]
    fn absent_fields_of_a_call_stay_absent() {
        let mut calls = ToolCalls::default();
        let mut delta: ToolCallDelta =
            serde_json::from_value(json!({"function": {"arguments": "{}"}})).unwrap();
        calls.push(&mut delta, Listed { place: 0, of: 1 }, true);
        assert_eq!(
            serde_json::to_value(calls.take()).unwrap(),
            json!([{"type": "function", "function": {"arguments": "{}"}}])
        );
    }
}
