//! Tool calls of a chat: in pieces or whole, and otherwise told apart.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::plain::Call;
use super::super::stream::{Event, Stream};
use super::texts::mix_by;

/// The delta of a call that an event is, if it is one alone.
fn only_call(event: &mut Event) -> Option<(u64, u64)> {
    let choice = event.index()?;
    match event.delta()?.get("tool_calls")?.as_array()?.as_slice() {
        [call] => Some((choice, call["index"].as_u64()?)),
        _ => None,
    }
}

fn call_of(event: &mut Event) -> Option<&mut Value> {
    event.delta()?.get_mut("tool_calls")?.get_mut(0)
}

/// The text of a call's delta.
fn text_of(call: &mut Value) -> Option<&mut Value> {
    let (kind, text) =
        if call.get("custom").is_some() { ("custom", "input") } else { ("function", "arguments") };
    call.get_mut(kind)?.get_mut(text)
}

/// All deltas of calls.
fn deltas(stream: &mut Stream) -> impl Iterator<Item = (u64, &mut Map<String, Value>)> {
    stream.data().flat_map(Event::choices).flat_map(|choice| {
        let index = choice["index"].as_u64().unwrap_or(0);
        let calls = choice.get_mut("delta").and_then(|delta| delta.get_mut("tool_calls"));
        let calls = calls.and_then(Value::as_array_mut).into_iter().flatten();
        calls.filter_map(move |call| Some((index, call.as_object_mut()?)))
    })
}

/// The events of each call, in order.
fn by_call(stream: &mut Stream) -> BTreeMap<(u64, u64), Vec<usize>> {
    let mut calls: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, event) in stream.events.iter_mut().enumerate() {
        if let Some(call) = only_call(event) {
            calls.entry(call).or_default().push(at);
        }
    }
    calls
}

/// The text of each call, as far as it comes.
fn text_at(stream: &mut Stream, at: &[usize]) -> String {
    let texts = at.iter().filter_map(|at| {
        let text = text_of(call_of(&mut stream.events[*at])?)?;
        text.as_str().map(str::to_owned)
    });
    texts.collect()
}

/// Each call comes in one piece; perhaps all of them in one list.
pub(super) fn whole(stream: &mut Stream, random: &mut Rng) -> bool {
    let together = random.bool();
    let calls = by_call(stream);
    let odd = ["arguments", "names", "empty piece"].iter().any(|claim| stream.is_claimed(claim));
    if calls.is_empty() || odd || !stream.claim("calls") {
        return false;
    }
    let mut gone = BTreeSet::new();
    let mut lists: BTreeMap<u64, usize> = BTreeMap::new();
    for ((choice, _), at) in calls {
        let text = text_at(stream, &at);
        if let Some(own) = call_of(&mut stream.events[at[0]]).and_then(text_of) {
            *own = Value::String(text);
        }
        gone.extend(at[1..].iter().copied());
        if together {
            match lists.get(&choice) {
                Some(list) => {
                    let call = call_of(&mut stream.events[at[0]]).cloned();
                    let delta = stream.events[*list].delta();
                    let calls =
                        delta.and_then(|delta| delta.get_mut("tool_calls")).and_then(Value::as_array_mut);
                    calls.into_iter().for_each(|calls| calls.extend(call.clone()));
                    gone.insert(at[0]);
                }
                None => drop(lists.insert(choice, at[0])),
            }
        }
    }
    let mut at = 0;
    stream.events.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
    true
}

/// Calls are mixed, as their indices allow.
pub(super) fn mix(stream: &mut Stream, random: &mut Rng) -> bool {
    let calls = by_call(stream);
    if calls.len() < 2 || !stream.claim("order of calls") {
        return false;
    }
    mix_by(stream, random, |event| only_call(event).map(|(choice, call)| choice << 32 | call))
}

/// A call begins with `{}`, and the arguments follow.
pub(super) fn braces_first(stream: &mut Stream, random: &mut Rng) -> bool {
    let calls = by_call(stream);
    if stream.is_claimed("arguments") || stream.is_claimed("names") {
        return false;
    }
    let mut changed = false;
    for at in calls.into_values() {
        let json = text_at(stream, &at).starts_with('{');
        let call = call_of(&mut stream.events[at[0]]).filter(|call| call.get("custom").is_none());
        let first = call.and_then(text_of);
        let first = first.filter(|text| *text == "" && json && random.bool());
        if let Some(text) = first {
            *text = json!(["{}", "{ }", "{}\n"][random.usize(..3)]);
            changed = true;
        }
    }
    changed && stream.claim("arguments")
}

/// All the arguments come once more behind a call.
pub(super) fn repeat(stream: &mut Stream, random: &mut Rng) -> bool {
    let named = random.bool();
    if stream.is_claimed("calls") || stream.is_claimed("arguments") {
        return false;
    }
    let mut again = Vec::new();
    for at in by_call(stream).into_values() {
        let text = text_at(stream, &at);
        let whole = serde_json::from_str::<Value>(&text).is_ok_and(|json| json.is_object());
        if !whole || random.bool() {
            continue;
        }
        let mut event = stream.events[if named { at[0] } else { at[at.len() - 1] }].clone();
        if let Some(own) = call_of(&mut event).and_then(text_of) {
            *own = Value::String(text);
            again.push((at[at.len() - 1] + 1, event));
        }
    }
    let changed = !again.is_empty();
    again.sort_by_key(|(at, _)| *at);
    for (at, event) in again.into_iter().rev() {
        stream.events.insert(at, event);
    }
    changed && stream.claim("arguments")
}

/// A piece without text follows a call.
pub(super) fn empty_piece(stream: &mut Stream, random: &mut Rng) -> bool {
    if stream.is_claimed("calls") || !stream.claim("empty piece") {
        return false;
    }
    let mut behind = Vec::new();
    for at in by_call(stream).into_values() {
        let mut event = stream.events[at[at.len() - 1]].clone();
        if at.len() < 2 || random.bool() {
            continue;
        }
        if let Some(own) = call_of(&mut event).and_then(text_of) {
            *own = json!("");
            behind.push((at[at.len() - 1] + 1, event));
        }
    }
    behind.sort_by_key(|(at, _)| *at);
    let changed = !behind.is_empty();
    for (at, event) in behind.into_iter().rev() {
        stream.events.insert(at, event);
    }
    changed
}

/// The name of a call comes in two pieces.
pub(super) fn name_in_pieces(stream: &mut Stream, _: &mut Rng) -> bool {
    if stream.is_claimed("calls") || stream.is_claimed("arguments") || stream.is_claimed("order of calls") {
        return false;
    }
    let mut more = Vec::new();
    for at in by_call(stream).into_values() {
        // Whoever views a call that is cut before its arguments sees what of the name has come.
        if at.len() < 2 {
            continue;
        }
        let call = call_of(&mut stream.events[at[0]]).expect("a call");
        let kind = if call.get("custom").is_some() { "custom" } else { "function" };
        let name = call[kind]["name"].as_str().unwrap_or_default().to_owned();
        if name.len() < 4 {
            continue;
        }
        let (first, second) = name.split_at(3);
        call[kind]["name"] = json!(first);
        let index = call["index"].clone();
        let mut event = stream.events[at[0]].clone();
        if let Some(call) = call_of(&mut event) {
            *call = json!({"index": index, kind: {"name": second}});
        }
        more.push((at[0] + 1, event));
    }
    more.sort_by_key(|(at, _)| *at);
    let changed = !more.is_empty();
    for (at, event) in more.into_iter().rev() {
        stream.events.insert(at, event);
    }
    changed && stream.claim("names")
}

/// The name and the type of a call stand in each of its deltas, and the id, too.
pub(super) fn repeat_names(stream: &mut Stream, random: &mut Rng) -> bool {
    let names = random.bool();
    if stream.is_claimed("ids") || !stream.claim("names") {
        return false;
    }
    let mut known: BTreeMap<(u64, u64), (Value, Value, String, Value)> = BTreeMap::new();
    let mut changed = false;
    for (choice, call) in deltas(stream) {
        let Some(index) = call.get("index").and_then(Value::as_u64) else { continue };
        let kind = if call.contains_key("custom") { "custom" } else { "function" };
        let (id, r#type) = (call.get("id").cloned(), call.get("type").cloned());
        let name = call.get(kind).and_then(|own| own.get("name")).cloned();
        if let (Some(id), Some(name)) = (id, name) {
            known.insert((choice, index), (id, r#type.unwrap_or_default(), kind.to_owned(), name));
            continue;
        }
        let Some((id, r#type, kind, name)) = known.get(&(choice, index)).cloned() else { continue };
        changed = true;
        call.insert("id".into(), id);
        call.insert("type".into(), r#type);
        if let Some(own) = call.get_mut(&kind).filter(|_| names).and_then(Value::as_object_mut) {
            own.insert("name".into(), name);
        }
    }
    changed
}

/// Fields that later deltas of a call have only with OpenAI are empty, `null` or missing; perhaps the type of all.
pub(super) fn bare(stream: &mut Stream, random: &mut Rng) -> bool {
    let way = random.u8(..4);
    let mut changed = false;
    for (_, call) in deltas(stream) {
        let kind = if call.contains_key("custom") { "custom" } else { "function" };
        if call.contains_key("id") {
            if way == 3 && kind == "function" {
                changed |= call.shift_remove("type").is_some();
            }
            continue;
        }
        let nothing = [json!(""), Value::Null][usize::from(way % 2)].clone();
        call.insert("id".into(), nothing.clone());
        call.insert("type".into(), if way > 1 { json!(kind) } else { nothing.clone() });
        if let Some(own) = call.get_mut(kind).and_then(Value::as_object_mut)
            && !own.contains_key("name")
        {
            own.insert("name".into(), nothing);
        }
        changed = true;
    }
    changed
}

/// Arguments that are whole come as an object.
pub(super) fn objects(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    for (_, call) in deltas(stream) {
        let Some(arguments) = call.get_mut("function").and_then(|function| function.get_mut("arguments"))
        else {
            continue;
        };
        let json = arguments.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        // Written anew it must be what it was.
        let same =
            json.filter(|json| json.is_object() && Some(json.to_string().as_str()) == arguments.as_str());
        if let Some(json) = same.filter(|_| random.bool()) {
            *arguments = json;
            changed = true;
        }
    }
    changed
}

/// Calls are told apart by something else than their index.
pub(super) fn address(stream: &mut Stream, random: &mut Rng) -> bool {
    // Whether the arguments of each call are whole before the next one begins, as without an index they must be.
    let in_order = !stream.is_claimed("order of calls");
    let clean = !stream.is_claimed("arguments") && !stream.is_claimed("empty piece");
    if stream.is_claimed("names") && !stream.is_claimed("ids") || deltas(stream).next().is_none() {
        return false;
    }
    if stream.meaning.choices.iter().all(|(_, said)| said.calls.is_empty()) || !stream.claim("ids") {
        return false;
    }
    let way = random.u8(..8);
    // Under one index, a name that is new tells another call, and so does another id behind whole arguments.
    let apart = pairs(stream, |before, call| {
        let whole = serde_json::from_str::<Value>(&before.pieces.concat()).is_ok_and(|json| json.is_object());
        before.name != call.name || before.custom || before.custom != call.custom || whole
    });
    let differ = pairs(stream, |before, call| before.name != call.name && !before.pieces.is_empty());
    match way {
        // The id in each delta tells it.
        0 | 1 if way == 0 || (apart && in_order) => {
            if !in_order {
                // Without an index they are in the order of their coming.
                stream.claim("any order");
            }
            let mut ids = BTreeMap::new();
            for (choice, call) in deltas(stream) {
                let index = call.get("index").and_then(Value::as_u64);
                let id = call.get("id").cloned();
                let id = ids.entry((choice, index)).or_insert_with(|| id.unwrap_or_default()).clone();
                call.insert("id".into(), id);
                renumber(call, way);
            }
            true
        }
        // One call comes after the other, each begins with an id.
        2 if in_order => {
            deltas(stream).for_each(|(_, call)| renumber(call, 0));
            true
        }
        // The same with one index for all; what follows whole arguments is another call.
        3 if in_order && apart && clean => {
            deltas(stream).for_each(|(_, call)| renumber(call, 1));
            true
        }
        // One index, no ids, and another name after whole arguments.
        4 if in_order && clean && differ => {
            for (_, call) in deltas(stream) {
                renumber(call, 1);
                call.insert("id".into(), json!(""));
            }
            forget_ids(stream);
            true
        }
        // No ids: what does not come is absent.
        5 => {
            deltas(stream).for_each(|(_, call)| drop(call.shift_remove("id")));
            forget_ids(stream);
            true
        }
        // Another id in each delta: the first one counts.
        6 => {
            let mut number = 0;
            let mut changed = false;
            for (_, call) in deltas(stream) {
                if !call.contains_key("id") {
                    number += 1;
                    call.insert("id".into(), json!(format!("made-up-{number}")));
                    changed = true;
                }
            }
            changed
        }
        // Numbered on over all choices, or from 1.
        _ => {
            for (_, call) in deltas(stream) {
                let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
                call.insert("index".into(), json!(index + 1));
            }
            true
        }
    }
}

/// Whether something holds of each call and the one before it.
fn pairs(stream: &Stream, holds: fn(&Call, &Call) -> bool) -> bool {
    (0..stream.answer.choices.len()).all(|choice| {
        let calls: Vec<_> = stream.answer.calls(choice).collect();
        calls.windows(2).all(|pair| holds(pair[0], pair[1]))
    })
}

fn renumber(call: &mut Map<String, Value>, way: u8) {
    match way {
        0 => drop(call.shift_remove("index")),
        _ => drop(call.insert("index".into(), json!(0))),
    }
}

fn forget_ids(stream: &mut Stream) {
    let calls = stream.meaning.choices.iter_mut().flat_map(|(_, said)| &mut said.calls);
    calls.for_each(|[id, ..]| id.clear());
    for choice in stream.data().flat_map(Event::choices) {
        let calls = choice.get_mut("message").and_then(|message| message.get_mut("tool_calls"));
        for call in calls.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
        {
            call.shift_remove("id");
        }
    }
}
