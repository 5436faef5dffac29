//! The items of a response: told otherwise, mixed, and by some of their events alone.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::plain::Item;
use super::super::stream::{Event, Kind, Stream};
use super::texts::mix_by;

/// What brings an item. What it says comes several times; as long as one of these is left, nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// `output_item.added`, which has the name of a call.
    Added,
    /// The deltas.
    Deltas,
    /// `output_text.done` and the like.
    Texts,
    /// `content_part.done` and the like.
    Parts,
    /// `output_item.done`.
    Items,
    /// The output of the last event.
    Last,
}

impl Carrier {
    const ALL: [Self; 6] = [Self::Added, Self::Deltas, Self::Texts, Self::Parts, Self::Items, Self::Last];

    fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Deltas => "deltas",
            Self::Texts => "texts",
            Self::Parts => "parts",
            Self::Items => "items",
            Self::Last => "last",
        }
    }

    /// Whether an event is one of these.
    fn is(self, event: &Event) -> bool {
        let r#type = event.r#type();
        let part = r#type.contains("_part.");
        match self {
            Self::Added => r#type == "response.output_item.added",
            Self::Deltas => r#type.ends_with(".delta"),
            Self::Texts if event.kind == Kind::Last => false,
            Self::Texts => r#type.ends_with(".done") && !part && r#type != "response.output_item.done",
            Self::Parts => r#type.ends_with(".done") && part,
            Self::Items => r#type == "response.output_item.done",
            Self::Last => event.kind == Kind::Last,
        }
    }
}

/// Notes that what this carries is lost; `false` if it is all that is left, or lost already.
pub(super) fn may_lose(stream: &mut Stream, carrier: Carrier) -> bool {
    let left = |other: Carrier| other != carrier && !stream.is_claimed(other.name());
    let named = [Carrier::Added, Carrier::Items, Carrier::Last].into_iter().any(left);
    // Deltas of a call that nothing began belong to none.
    let called = left(Carrier::Items) || left(Carrier::Last);
    let called = called || (left(Carrier::Added) && (left(Carrier::Deltas) || left(Carrier::Texts)));
    let said = [Carrier::Deltas, Carrier::Texts, Carrier::Parts, Carrier::Items, Carrier::Last]
        .into_iter()
        .any(left);
    let counted = carrier == Carrier::Deltas && stream.is_claimed("counted");
    !counted && stream.is_complete() && named && called && said && stream.claim(carrier.name())
}

fn some_carrier(random: &mut Rng) -> Carrier {
    Carrier::ALL[random.usize(..Carrier::ALL.len() - 1)]
}

/// All events of one kind are missing, which others make up for; perhaps also those that say nothing.
pub(super) fn lose(stream: &mut Stream, random: &mut Rng) -> bool {
    let carrier = some_carrier(random);
    if random.u8(..4) == 0 {
        // Parts and the response need no beginning.
        let before = stream.events.len();
        let kinds = [".created", ".in_progress", "_part.added"];
        let kind = kinds[random.usize(..kinds.len())];
        // Without a last event these may have the tokens.
        let counts = |event: &Event| event.json.pointer("/response/usage").is_some_and(Value::is_object);
        let stays = |event: &Event| !event.r#type().ends_with(kind) || counts(event);
        if !stream.events.iter().any(|event| event.kind != Kind::Error && stays(event)) {
            return false;
        }
        stream.events.retain(stays);
        return stream.events.len() < before;
    }
    if !may_lose(stream, carrier) {
        return false;
    }
    stream.events.retain(|event| !carrier.is(event));
    true
}

/// All events of one kind say nothing of the text.
pub(super) fn hollow(stream: &mut Stream, random: &mut Rng) -> bool {
    let carrier = [Carrier::Texts, Carrier::Parts, Carrier::Items][random.usize(..3)];
    if !may_lose(stream, carrier) {
        return false;
    }
    let null = random.bool();
    for event in stream.data().filter(|event| carrier.is(event)) {
        match carrier {
            Carrier::Items => empty_item(&mut event.json["item"], null),
            Carrier::Parts => empty_texts(&mut event.json["part"]),
            _ => empty_texts(&mut event.json),
        }
    }
    true
}

fn empty_texts(json: &mut Value) {
    for name in ["text", "refusal", "arguments", "input"] {
        if let Some(text) = json.get_mut(name) {
            *text = json!("");
        }
    }
}

/// Takes away what an item says.
pub(super) fn empty_item(item: &mut Value, null: bool) {
    empty_texts(item);
    for name in ["content", "summary"] {
        if let Some(list) = item.get_mut(name) {
            *list = if null { Value::Null } else { json!([]) };
        }
    }
}

/// The events of several items are mixed.
pub(super) fn mix(stream: &mut Stream, random: &mut Rng) -> bool {
    mix_by(stream, random, |event| event.json.get("output_index")?.as_u64()) && stream.claim("order of items")
}

/// Events that are no deltas come twice, the second time perhaps later.
pub(super) fn twice(stream: &mut Stream, random: &mut Rng) -> bool {
    let once: Vec<usize> = (0..stream.events.len())
        .filter(|at| {
            let event = &stream.events[*at];
            event.kind == Kind::Data && event.is_data() && !event.r#type().ends_with(".delta")
        })
        .collect();
    let Some(at) = random.choice(once) else { return false };
    let again = stream.events[at].clone();
    let end = stream.events.iter().position(|event| matches!(event.kind, Kind::Last | Kind::Error));
    let end = end.unwrap_or(stream.events.len());
    let to = if random.bool() || end <= at { at + 1 } else { random.usize(at + 1..=end) };
    stream.events.insert(to, again);
    stream.claim("twice");
    true
}

/// Whether an event is about the reasoning.
fn is_reasoning(event: &Event) -> bool {
    event.r#type().starts_with("response.reasoning")
}

/// The reasoning comes as text, as open models give it, and not as a summary.
pub(super) fn reasoning_text(stream: &mut Stream, _: &mut Rng) -> bool {
    let mut changed = false;
    for event in &mut stream.events {
        if is_reasoning(event) {
            let r#type = event.r#type().replace("reasoning_summary_part", "content_part");
            event.json["type"] = json!(r#type.replace("reasoning_summary_text", "reasoning_text"));
            if let Some(json) = event.json.as_object_mut()
                && let Some(index) = json.shift_remove("summary_index")
            {
                json.insert("content_index".into(), index);
                changed = true;
            }
            if let Some(part) = event.json.get_mut("part") {
                part["type"] = json!("reasoning_text");
            }
            event.name = Some(event.r#type().to_owned());
        }
        if let Some(item) = event.json.get_mut("item") {
            as_text(item);
        }
        let output = event.json.get_mut("response").and_then(|response| response.get_mut("output"));
        output.and_then(Value::as_array_mut).into_iter().flatten().for_each(as_text);
    }
    changed
}

fn as_text(item: &mut Value) {
    if item["type"] == "reasoning"
        && let Some(Value::Array(parts)) = item.get_mut("summary").map(Value::take)
    {
        let text = |part: Value| json!({"type": "reasoning_text", "text": part["text"]});
        item["summary"] = json!([]);
        if !parts.is_empty() {
            item["content"] = parts.into_iter().map(text).collect();
        }
    }
}

/// Each delta of the reasoning has a part of its own; no event begins one.
pub(super) fn counted(stream: &mut Stream, _: &mut Rng) -> bool {
    let reasons = stream
        .answer
        .choices
        .first()
        .is_some_and(|choice| choice.items.iter().any(|item| matches!(item, Item::Reasoning(_))));
    // Who counts the deltas sends them.
    if !reasons || stream.is_claimed("deltas") || !stream.claim("counted") {
        return false;
    }
    let item = stream.answer.choices[0].items.iter().position(|item| matches!(item, Item::Reasoning(_)));
    let own =
        |event: &Event| event.json.get("output_index").and_then(Value::as_u64) == item.map(|at| at as u64);
    stream.events.retain(|event| !(own(event) && event.r#type().contains("_part.")));
    let mut count = 0;
    for event in &mut stream.events {
        if !is_reasoning(event) {
            continue;
        }
        for name in ["content_index", "summary_index"] {
            if let Some(index) = event.json.get_mut(name) {
                *index = json!(count);
            }
        }
        count += u64::from(event.r#type().ends_with(".delta"));
    }
    count > 0
}

/// Items are told apart by their ids alone, or by their index alone.
pub(super) fn address(stream: &mut Stream, random: &mut Rng) -> bool {
    let way = random.u8(..9);
    let items = stream.answer.choices.first().map_or(0, |choice| choice.items.len());
    // What comes twice under ids that are made up for each event may be two things.
    let twice = way == 3 && stream.is_claimed("twice");
    if items == 0 || twice || (way < 8 && !stream.claim("address of items")) {
        return false;
    }
    match way {
        0..=2 => {
            let nothing = [None, Some(json!("")), Some(Value::Null)][usize::from(way)].clone();
            each_id(stream, false, &mut |_| nothing.clone());
        }
        3 => {
            let mut number = 0;
            each_id(stream, true, &mut |_| {
                number += 1;
                Some(json!(format!("made-up-{number}")))
            });
        }
        4 => each_id(stream, true, &mut |_| Some(json!("the-id"))),
        5 => each_id(stream, true, &mut |_| None),
        6 | 7 => {
            let zero = way == 6;
            for event in stream.data().filter_map(|event| event.json.as_object_mut()) {
                if event.contains_key("output_index") {
                    if zero {
                        event.insert("output_index".into(), json!(0));
                    } else {
                        event.shift_remove("output_index");
                    }
                }
            }
            // Without an index they are in the order of their coming.
            if stream.is_claimed("order of items") {
                stream.claim("any order");
            }
        }
        _ => {
            let parts: BTreeSet<u64> = stream
                .data()
                .filter_map(|event| event.json.get("content_index").and_then(Value::as_u64))
                .collect();
            if parts.len() > 1 {
                return false;
            }
            for event in stream.data().filter_map(|event| event.json.as_object_mut()) {
                event.shift_remove("content_index");
            }
        }
    }
    true
}

/// Gives each event about an item another id, and perhaps the items.
fn each_id(stream: &mut Stream, items: bool, id: &mut dyn FnMut(&str) -> Option<Value>) {
    let mut set = |object: &mut Value, name: &str| {
        let Some(object) = object.as_object_mut() else { return };
        let Some(before) = object.get(name).and_then(Value::as_str).map(str::to_owned) else { return };
        match id(&before) {
            Some(id) => drop(object.insert(name.to_owned(), id)),
            None => drop(object.shift_remove(name)),
        }
    };
    for event in stream.data() {
        set(&mut event.json, "item_id");
        if !items {
            continue;
        }
        if let Some(item) = event.json.get_mut("item") {
            set(item, "id");
        }
        let output = event.json.get_mut("response").and_then(|response| response.get_mut("output"));
        output.and_then(Value::as_array_mut).into_iter().flatten().for_each(|item| set(item, "id"));
    }
}
