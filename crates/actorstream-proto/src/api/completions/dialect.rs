//! Deviations of servers from OpenAI's format: chunks in the shape of chat chunks, and text or usage in other
//! fields.

use serde_json::{Map, Value};

use super::chunk::{CompletionChunk, CompletionChunkChoice};
use super::completion::Completion;
use crate::answer::finish_reason::settle_reason;
use crate::answer::shape::{has_reason, is_choiceless, is_open, list_choices, says, words};
use crate::answer::usage::Usage;

/// The position of the field `index` among those of a choice.
const INDEX: u32 = 1;

/// Returns whether a deserialized chunk has content in other fields than OpenAI's, so that it must be
/// [translated](translate).
pub(super) fn is_misplaced(chunk: &CompletionChunk) -> bool {
    match &*chunk.choices {
        [] => !chunk.extra.is_empty() && is_choiceless(&chunk.extra),
        [choice] if has_reason(&chunk.extra) && is_open(choice.finish_reason.as_ref()) => true,
        choices => choices.iter().any(has_misplaced),
    }
}

fn has_misplaced(choice: &CompletionChunkChoice) -> bool {
    let silent = choice.text.as_ref().is_none_or(|text| text.is_empty() && !text.has_half());
    !choice.extra.is_empty()
        && ((silent && has_other_text(choice))
            || (has_reason(&choice.extra) && is_open(choice.finish_reason.as_ref())))
}

/// Returns whether another field holds the text of a choice that has none.
fn has_other_text(choice: &CompletionChunkChoice) -> bool {
    ["delta", "content", "message"].iter().any(|name| choice.extra.get(name).is_some_and(says))
}

/// Returns whether it depends on the text of a choice that nothing of it is misplaced.
pub(super) fn may_be_misplaced(choice: &CompletionChunkChoice) -> bool {
    !choice.extra.is_empty() && (has_other_text(choice) || has_reason(&choice.extra))
}

/// Converts a chunk of another shape: the text is in the delta, in parts, or at the top of the chunk.
pub(super) fn translate(chunk: &mut Value) {
    let Value::Object(chunk) = chunk else { return };
    list_choices(chunk);
    let whole = chunk.get("object").is_some_and(|object| object == "chat.completion");
    let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        translate_choice(choice, whole);
    }
}

/// Moves the text to its field. A `message` is the text so far, not new text, so it counts only if it is `whole`.
fn translate_choice(choice: &mut Map<String, Value>, whole: bool) {
    match choice.get("text") {
        Some(Value::Object(_) | Value::Array(_)) => {
            if let Some(text) = choice.get("text").and_then(words) {
                choice.insert("text".into(), text.into());
            }
        }
        Some(text) if says(text) => {}
        _ => {
            let names = ["delta", "content", "message"];
            let names = names.iter().filter(|name| **name != "message" || whole);
            let text = names.filter_map(|name| choice.get(*name)).find_map(words);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                choice.insert("text".into(), text.into());
            }
        }
    }
}

/// Normalizes a deserialized chunk.
pub(super) fn settle(chunk: &mut CompletionChunk) {
    let mut usage = None;
    let choices = &mut *chunk.choices;
    if choices.len() > 1 && !choices.iter().any(|choice| choice.extra.has(INDEX)) {
        (0..).zip(&mut *choices).for_each(|(index, choice)| choice.index = index);
    }
    for choice in choices {
        settle_reason(&mut choice.finish_reason);
        if !choice.extra.is_empty() {
            usage = usage.or_else(|| Usage::elsewhere(&choice.extra));
        }
    }
    if let Some(count) = &mut chunk.usage {
        count.settle();
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

/// Normalizes an unstreamed completion.
pub(super) fn settle_whole(response: &mut Completion) {
    response.choices.iter_mut().for_each(|choice| settle_reason(&mut choice.finish_reason));
    if let Some(usage) = &mut response.usage {
        usage.settle();
    }
}
