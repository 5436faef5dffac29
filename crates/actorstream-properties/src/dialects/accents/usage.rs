//! Usage: moved, doubled, running, hollow.

use fastrand::Rng;
use serde_json::{Value, json};

use super::super::chat;
use super::super::plain::{Counts, Endpoint};
use super::super::stream::{Event, Stream};

/// The event that carries the usage.
fn carrier(stream: &mut Stream) -> Option<usize> {
    stream
        .events
        .iter()
        .position(|event| event.is_data() && event.json.get("usage").is_some_and(Value::is_object))
}

/// Another event of the answer.
fn another(stream: &Stream, not: usize, random: &mut Rng) -> Option<usize> {
    let data = (0..stream.events.len()).filter(|at| *at != not && stream.events[*at].is_data());
    random.choice(data.collect::<Vec<_>>())
}

/// The usage comes with the last chunk of a choice.
pub(super) fn with_end(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = carrier(stream) else { return false };
    let Some(Event { json: Value::Object(before), lines: None, .. }) =
        at.checked_sub(1).and_then(|at| stream.events.get_mut(at))
    else {
        return false;
    };
    if !stream_is_bare(before) {
        return false;
    }
    let usage = stream.events[at].json["usage"].clone();
    stream.events[at - 1].json["usage"] = usage;
    if random.bool() && stream.events[at].json["choices"] == json!([]) {
        stream.events.remove(at);
    }
    true
}

fn stream_is_bare(chunk: &serde_json::Map<String, Value>) -> bool {
    chunk.contains_key("choices") && !chunk.contains_key("usage")
}

/// The usage stands in an object of the gateway's, in a choice, or in a delta.
pub(super) fn elsewhere(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = carrier(stream).filter(|_| stream.claim("place of usage")) else { return false };
    let stays = random.u8(..4) == 0;
    let usage = stream.events[at].json["usage"].clone();
    let chat = stream.answer.endpoint == Endpoint::Chat;
    let event = &mut stream.events[at];
    match random.u8(..4) {
        0 => event.json["x_groq"] = json!({"id": "req_1", "usage": usage}),
        1 => event.json["metadata"] = json!({"usage": usage}),
        way => {
            if event.choices().is_empty() {
                let choice =
                    if chat { json!({"index": 0, "delta": {}}) } else { json!({"index": 0, "text": ""}) };
                event.json["choices"] = json!([choice]);
            }
            let choice = &mut event.choices()[0];
            if way == 2 && choice.get("delta").is_some_and(Value::is_object) {
                choice["delta"]["usage"] = usage;
            } else {
                choice["usage"] = usage;
            }
        }
    }
    if !stays && let Value::Object(chunk) = &mut stream.events[at].json {
        chunk.shift_remove("usage");
    }
    true
}

/// The usage comes before the rest, or twice.
pub(super) fn early(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = carrier(stream) else { return false };
    if stream.events[at].json["choices"] != json!([]) || !stream.claim("order of usage") {
        return false;
    }
    let event = if random.bool() { stream.events[at].clone() } else { stream.events.remove(at) };
    let place = stream.place(random);
    stream.events.insert(place, event);
    true
}

/// The chunks before count as far as they have come.
pub(super) fn running(stream: &mut Stream, random: &mut Rng) -> bool {
    let (Some(at), Some(counts)) = (carrier(stream), stream.answer.usage) else { return false };
    if !stream.claim("order of usage") {
        return false;
    }
    let last = stream.events.iter().rposition(|event| event.json.get("usage").is_some_and(Value::is_object));
    let with_input = random.bool();
    let mut so_far = 0;
    for event in &mut stream.events[..at] {
        if event.is_data() && random.u8(..3) > 0 && last.is_some() {
            so_far = (so_far + 1).min(counts.output[0]);
            let input = if with_input { counts.input } else { [0, 0] };
            let mut usage = chat::usage(Counts { input, output: [so_far, so_far.min(counts.output[1])] });
            if random.bool()
                && let Value::Object(usage) = &mut usage
            {
                usage.shift_remove("completion_tokens_details");
            }
            event.json["usage"] = usage;
        }
    }
    so_far > 0
}

/// The chunk with the usage has a choice in which nothing is new.
pub(super) fn with_choice(stream: &mut Stream, random: &mut Rng) -> bool {
    let Some(at) = carrier(stream) else { return false };
    let chat = stream.answer.endpoint == Endpoint::Chat;
    let event = &mut stream.events[at];
    if event.json["choices"] != json!([]) {
        return false;
    }
    let choice = match (chat, random.u8(..3)) {
        (true, 0) => json!({"index": 0, "delta": {}, "finish_reason": null}),
        (true, 1) => {
            json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null})
        }
        (true, _) => json!({"index": 0, "delta": null}),
        (false, 0) => json!({"index": 0, "text": "", "finish_reason": null}),
        (false, _) => json!({"index": 0, "text": null}),
    };
    // A choice that has not begun would begin with it.
    let begun = !stream.answer.choices.is_empty();
    if begun {
        stream.events[at].json["choices"] = json!([choice]);
    }
    begun
}

/// Usage that counts nothing stands beside other things, also behind the usage that counts.
pub(super) fn hollow(stream: &mut Stream, random: &mut Rng) -> bool {
    let chunks = stream.answer.endpoint != Endpoint::Responses;
    let mut hollow = vec![
        json!({}),
        Value::Null,
        json!({"prompt_tokens": null, "completion_tokens": null, "total_tokens": null}),
        json!({"input_tokens": null, "output_tokens": null, "total_tokens": null}),
    ];
    if chunks && stream.meaning.usage.is_some() {
        hollow.push(json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}));
    }
    let hollow = hollow[random.usize(..hollow.len())].clone();
    let mut changed = false;
    let own = carrier(stream);
    for at in 0..stream.events.len() {
        if Some(at) == own || random.bool() || another(stream, own.unwrap_or(at), random).is_none() {
            continue;
        }
        let event = &mut stream.events[at];
        if !event.is_data() {
            continue;
        }
        let holder = if chunks { Some(&mut event.json) } else { event.json.get_mut("response") };
        if let Some(holder) = holder
            && holder.get("usage").is_none_or(|usage| !usage.is_object())
        {
            holder["usage"] = hollow.clone();
            changed = true;
        }
    }
    changed
}
