//! Deviations of servers from OpenAI's format that do not prevent a chunk from being deserialized: other names for
//! the reasoning, the usage in other fields, invalid finish reasons.

use serde_json::{Map, Value};

use crate::answer::finish_reason::settle_reason;
use crate::answer::shape::words;
use crate::answer::usage::Usage;
use crate::json::text::Text;

use super::chunk::{ChatCompletionChunk, ChunkChoice, Delta};
use super::completion::ChatCompletion;

/// Normalizes a deserialized chunk.
pub(super) fn settle(chunk: &mut ChatCompletionChunk) {
    let mut usage = None;
    number_choices(&mut chunk.choices);
    for choice in &mut *chunk.choices {
        settle_reason(&mut choice.finish_reason);
        if !choice.delta.extra.is_empty() {
            settle_delta(&mut choice.delta);
            usage = usage.or_else(|| Usage::elsewhere(&choice.delta.extra));
        }
        if let Some(message) = choice.message.as_deref_mut().filter(|message| !message.extra.is_empty()) {
            settle_delta(message);
            usage = usage.or_else(|| Usage::elsewhere(&message.extra));
        }
        if !choice.extra.is_empty() {
            usage = usage.or_else(|| Usage::elsewhere(&choice.extra));
        }
    }
    // Check shared data first: changing it would copy it.
    if chunk.usage.as_ref().is_some_and(|usage| !usage.extra.is_empty())
        && let Some(usage) = &mut chunk.usage
    {
        usage.settle();
    }
    if chunk.usage.as_ref().is_some_and(|usage| usage.is_hollow()) {
        chunk.usage = None;
    }
    if !chunk.extra.is_empty() && chunk.usage.as_ref().is_none_or(|usage| usage.says_nothing()) {
        usage = usage.or_else(|| Usage::elsewhere(&chunk.extra));
    }
    if let Some(usage) = usage
        && chunk.usage.as_ref().is_none_or(|usage| usage.says_nothing())
    {
        chunk.usage = Some(Box::new(usage));
    }
}

/// The position of the field `index` among those of a choice.
const INDEX: u32 = 0;

/// Gives several choices without indices the indices of their positions.
fn number_choices(choices: &mut [ChunkChoice]) {
    if choices.len() > 1 && !choices.iter().any(|choice| choice.extra.has(INDEX)) {
        (0..).zip(choices).for_each(|(index, choice)| choice.index = index);
    }
}

/// Normalizes an unstreamed completion.
pub(super) fn settle_whole(response: &mut ChatCompletion) {
    for choice in &mut response.choices {
        settle_reason(&mut choice.finish_reason);
        let message = &mut choice.message;
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !said(&message.reasoning_content) && !said(&message.reasoning) {
            message.reasoning = message.extra.change(reasoning_in).or(message.reasoning.take());
        }
    }
    if let Some(usage) = &mut response.usage {
        usage.settle();
    }
    let hollow = response.usage.as_ref().is_some_and(Usage::is_hollow);
    if hollow || response.usage.is_none() {
        let choices = response.choices.iter().find_map(|choice| Usage::elsewhere(&choice.extra));
        response.usage = choices.or_else(|| Usage::elsewhere(&response.extra));
    }
}

fn settle_delta(delta: &mut Delta) {
    // An unpaired surrogate is not silence: the next delta completes it.
    let silent = |text: &Option<Text>| text.as_ref().is_none_or(|text| text.is_empty() && !text.has_half());
    if silent(&delta.reasoning_content)
        && silent(&delta.reasoning)
        && let Some(text) = delta.extra.change(reasoning_in)
    {
        delta.reasoning = Some(text.into());
    }
}

/// Other names for the reasoning.
pub(super) const REASONING: [&str; 9] = [
    "thinking",
    "reasoning_text",
    "thinking_content",
    "thinking_text",
    "thought",
    "thoughts",
    "reasoningContent",
    "reasoningText",
    "thinkingContent",
];

/// Takes reasoning from other fields: a text is removed from them, details are kept.
pub(super) fn reasoning_in(fields: &mut Map<String, Value>) -> Option<String> {
    for name in REASONING {
        if let Some(Value::String(_)) = fields.get(name)
            && let Some(Value::String(text)) = fields.shift_remove(name)
        {
            return Some(text);
        }
    }
    ["reasoning_details", "thinking_blocks", "thinking"].iter().find_map(|name| {
        let value = fields.get(*name)?;
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let text: String = list.iter().filter_map(words).collect();
        Some(text).filter(|text| !text.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::endpoint::event::Event;
    use crate::sse::Frame;

    fn delta(delta: &Value) -> Delta {
        let data = json!({"choices": [{"index": 0, "delta": delta}]}).to_string().into();
        let chunk =
            ChatCompletionChunk::decode(Frame { event: None, data }, &mut Default::default()).unwrap();
        chunk.event.choices[0].delta.clone()
    }

    #[test]
    fn parts_of_a_content_are_what_they_say() {
        for (content, text, reasoning) in [
            (json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), Some("ab"), None),
            (json!([{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}]), None, Some("t")),
            (
                json!([{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}]),
                Some("a"),
                Some("t"),
            ),
            (json!([{"type": "reasoning", "reasoning": "t"}, "a"]), Some("a"), Some("t")),
            (json!([{"type": "text", "text": {"value": "a", "annotations": []}}]), Some("a"), None),
            (json!({"type": "text", "text": "a"}), Some("a"), None),
            (json!({"type": "text", "text": "a", "provider": {}}), Some("a"), None),
            (json!({"type": "text", "text": "", "provider": {}}), Some(""), None),
            (json!({"type": "thinking", "thinking": "t", "signature": "s"}), None, Some("t")),
            (json!({"type": "text", "note": 1}), Some("{\"type\":\"text\",\"note\":1}"), None),
            (json!({"text": "a"}), Some("a"), None),
            (json!({"parts": [{"text": "a"}], "role": "model"}), Some("a"), None),
            (json!([{"text": "t", "thought": true}, {"text": "a"}]), Some("a"), Some("t")),
            (json!([{"type": "text", "content": "a"}]), Some("a"), None),
            (json!({"answer": 5}), Some("{\"answer\":5}"), None),
            (json!({"text": "a", "answer": 5}), Some("{\"text\":\"a\",\"answer\":5}"), None),
            (json!([]), None, None),
        ] {
            let delta = delta(&json!({"content": content}));
            assert_eq!(delta.content.as_deref(), text, "{content}");
            assert_eq!(delta.reasoning_text().map(Text::as_str), reasoning, "{content}");
        }
        let other = delta(
            &json!({"content": [{"type": "image_url", "image_url": {"url": "u"}}, {"type": "refusal", "refusal": "no"}]}),
        );
        assert_eq!((other.content.as_deref(), other.refusal.as_deref()), (None, Some("no")));
        assert_eq!(other.extra.get("content_parts").unwrap()[0]["image_url"]["url"], "u");
    }

    #[test]
    fn reasoning_has_many_names() {
        for fields in [
            json!({"thinking": "t"}),
            json!({"reasoning_text": "t"}),
            json!({"thinking_content": "t"}),
            json!({"thought": "t"}),
            json!({"reasoningContent": "t"}),
            json!({"reasoning": {"content": "t"}}),
            json!({"reasoning_content": [{"type": "text", "text": "t"}]}),
            json!({"reasoning": "", "thinking": "t"}),
            json!({"reasoning_details": [{"type": "reasoning.text", "text": "t", "index": 0}]}),
            json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "t"}, {"type": "reasoning.encrypted", "data": "x"}]}),
            json!({"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}),
            json!({"reasoning_content": "t", "reasoning_details": [{"type": "reasoning.text", "text": "other"}]}),
        ] {
            assert_eq!(delta(&fields).reasoning_text().unwrap(), "t", "{fields}");
        }
        assert_eq!(
            delta(&json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}))
                .reasoning_text(),
            None
        );
    }
}
