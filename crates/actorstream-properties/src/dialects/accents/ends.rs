//! Finish reasons: early, late, repeated, hollow.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::stream::{Event, Kind, Stream};
use super::texts::is_known;

fn set_reason(event: &mut Event, reason: Value) {
    if let Some(choice) = event.choice() {
        choice.insert("finish_reason".into(), reason);
    }
}

/// Every chunk has the finish reason, as with servers that know it from the start.
pub(super) fn early(stream: &mut Stream, _: &mut Rng) -> bool {
    let reasons: Vec<Option<&str>> = stream.answer.choices.iter().map(|choice| choice.reason).collect();
    // What is cut must not look complete.
    if !stream.is_complete() || !stream.claim("reasons") {
        return false;
    }
    for event in stream.data() {
        if let Some(index) = event.index()
            && let Some(Some(reason)) = reasons.get(usize::try_from(index).unwrap_or(usize::MAX))
        {
            set_reason(event, json!(reason));
        }
    }
    true
}

/// The chunk that ends a choice has its last piece, too.
pub(super) fn with_last(stream: &mut Stream, random: &mut Rng) -> bool {
    let mut changed = false;
    let mut at = 1;
    while at < stream.events.len() {
        let mut last = stream.events[at].clone();
        let before = &mut stream.events[at - 1];
        let (index, reason) = (last.index(), last.reason());
        let follows = index.is_some() && before.index() == index && is_known(&mut last);
        // In a completion it is all text; in a chat the chunk that ends a choice says nothing else.
        let silent = last.choice().is_some_and(|choice| {
            choice.get("text").is_some_and(|text| text == "")
                || choice.get("delta").is_some_and(|delta| *delta == json!({}))
        });
        let first = before.reason().is_none();
        match reason.filter(|_| follows && silent && first && random.bool()) {
            Some(reason) => {
                set_reason(before, reason);
                stream.events.remove(at);
                changed = true;
            }
            None => at += 1,
        }
    }
    changed
}

/// The chunk that ends a choice comes twice, the second time perhaps behind all else.
pub(super) fn twice(stream: &mut Stream, random: &mut Rng) -> bool {
    let ends: Vec<usize> =
        (0..stream.events.len()).filter(|at| is_bare_end(&mut stream.events[*at])).collect();
    let Some(at) = random.choice(ends) else { return false };
    let again = without_usage(&stream.events[at]);
    let to = stream.place(random).max(at + 1);
    stream.events.insert(to, again);
    true
}

/// Whether an event ends a choice and says nothing else.
fn is_bare_end(event: &mut Event) -> bool {
    if event.reason().is_none() {
        return false;
    }
    event.choice().is_some_and(|choice| {
        choice.get("text").is_some_and(|text| text == "")
            || choice.get("delta").is_some_and(|delta| *delta == json!({}))
    })
}

/// The same event without the tokens, which may be fewer than those that have come since.
fn without_usage(event: &Event) -> Event {
    let mut event = event.clone();
    forget_usage(&mut event.json);
    event
}

/// Takes the usage out of a value, wherever a server puts it.
fn forget_usage(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove("usage");
            fields.values_mut().for_each(forget_usage);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_usage),
        _ => {}
    }
}

/// The chunk that ends a choice comes late: behind other choices, or behind the usage.
pub(super) fn late(stream: &mut Stream, random: &mut Rng) -> bool {
    let ends = (0..stream.events.len()).filter(|at| {
        let event = &mut stream.events[*at];
        is_bare_end(event) && event.json == without_usage(event).json
    });
    let Some(at) = random.choice(ends.collect::<Vec<_>>()) else { return false };
    let to = stream.place(random);
    if to <= at + 1 {
        return false;
    }
    let end = stream.events.remove(at);
    stream.events.insert(to - 1, end);
    true
}

/// `stop` follows another reason.
pub(super) fn stop_behind(stream: &mut Stream, random: &mut Rng) -> bool {
    let ends: Vec<usize> =
        (0..stream.events.len()).filter(|at| is_bare_end(&mut stream.events[*at])).collect();
    let Some(at) = random.choice(ends) else { return false };
    let mut stop = without_usage(&stream.events[at]);
    set_reason(&mut stop, json!("stop"));
    let to = if random.bool() { at + 1 } else { stream.place(random).max(at + 1) };
    stream.events.insert(to, stop);
    true
}

/// No choice has a finish reason, and `[DONE]` ends the stream.
pub(super) fn none(stream: &mut Stream, random: &mut Rng) -> bool {
    let good = stream.meaning.end == "completed";
    if !good
        || !stream.is_complete()
        || random.u8(..3) > 0
        || !stream.claim("reasons")
        || !stream.claim("[DONE]")
    {
        return false;
    }
    for event in stream.data() {
        set_reason(event, Value::Null);
    }
    stream.meaning.reasons.clear();
    true
}

/// What is no finish reason stands where none is.
pub(super) fn hollow(stream: &mut Stream, random: &mut Rng) -> bool {
    let nothing = [json!(""), json!("null"), json!(" "), json!("None"), Value::Null, json!("none")]
        [random.usize(..6)]
    .clone();
    let mut changed = false;
    for event in stream.data() {
        for choice in event.choices() {
            if let Some(reason) =
                choice.get_mut("finish_reason").filter(|reason| reason.is_null() && random.bool())
            {
                *reason = nothing.clone();
                changed = true;
            }
        }
    }
    changed
}

/// Whether an event is what says that a stream is complete.
pub(super) fn is_done(event: &Event) -> bool {
    event.kind == Kind::Last && event.lines.is_some()
}
