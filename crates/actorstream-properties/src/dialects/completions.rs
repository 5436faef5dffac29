//! A text completion as OpenAI streams it.

use serde_json::{Value, json};

use super::chat::usage;
use super::plain::{Answer, Item};
use super::stream::Event;

/// The events, without `[DONE]`.
pub(super) fn events(answer: &Answer) -> Vec<Event> {
    let mut events = Vec::new();
    for (index, choice) in answer.choices.iter().enumerate() {
        for item in &choice.items {
            let Item::Message(parts) = item else { continue };
            let pieces = parts.iter().flat_map(|part| &part.pieces);
            events.extend(pieces.map(|text| chunk(index, json!(text), Value::Null)));
        }
        if let Some(reason) = choice.reason {
            events.push(chunk(index, json!(""), json!(reason)));
        }
    }
    if let Some(counts) = answer.usage {
        let mut last = chunk(0, json!(""), Value::Null);
        last.json["choices"] = json!([]);
        last.json["usage"] = usage(counts);
        events.push(last);
    }
    events
}

fn chunk(index: usize, text: Value, reason: Value) -> Event {
    Event::data(json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": "m-1",
        "choices": [{"text": text, "index": index, "logprobs": null, "finish_reason": reason}],
    }))
}
