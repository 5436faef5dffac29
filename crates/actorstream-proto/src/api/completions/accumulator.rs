//! `CompletionAccumulator`: chunks → the text completion that the unstreamed call would have returned.

use crate::answer::finish_reason::settle;
use crate::answer::places::Places;
use crate::answer::usage::Usage;
use crate::api::chat::push_text;
use crate::endpoint::event::Accumulator;
use crate::endpoint::raw::missing_of;
use crate::json::from_json::unset;
use crate::json::text::Text;
use crate::json::weight::weight;

use super::chunk::{CompletionChunk, CompletionChunkChoice};
use super::completion::{Completion, CompletionChoice, CompletionLogprobs};

/// The position of the field `choices` among those of a completion.
const CHOICES: u32 = 4;

/// The size in bytes that a choice counts for besides its text, so that the response limit also bounds the number of
/// choices.
const CHOICE: usize = 16 << 10;

/// Accumulates a text completion.
#[derive(Debug, Default)]
pub struct CompletionAccumulator {
    response: Completion,
    /// For each choice of the response, the unpaired surrogate at the end of its text so far.
    carries: Vec<u16>,
    places: Places,
    size: usize,
}

impl Accumulator<CompletionChunk> for CompletionAccumulator {
    fn push(&mut self, chunk: &mut CompletionChunk, keep: bool) {
        let response = &mut self.response;
        for (into, text) in [(&mut response.id, &chunk.id), (&mut response.model, &chunk.model)] {
            if let (true, Some(text)) = (into.is_empty(), text) {
                into.push_str(text);
                self.size += text.len();
            }
        }
        if response.created == 0 {
            response.created = chunk.created.unwrap_or(0);
        }
        if response.system_fingerprint.is_none() {
            response.system_fingerprint = chunk.system_fingerprint.as_ref().map(Text::to_string);
        }
        if let Some(usage) = &chunk.usage {
            Usage::update(&mut response.usage, usage);
        }
        if keep {
            let mut held = 0;
            response.extra.merge(&chunk.extra, &mut held);
            self.size += held;
        }
        for choice in &mut *chunk.choices {
            self.push_choice(choice, keep);
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn is_complete(&self, choices: usize) -> bool {
        let all = &self.response.choices;
        all.len() >= choices.max(1) && all.iter().all(|choice| choice.finish_reason.is_some())
    }

    fn missing(&self, choices: usize) -> String {
        let all = &self.response.choices;
        if all.len() < choices.max(1) {
            return missing_of(all.len(), choices.max(1), "choices");
        }
        let ended = all.iter().filter(|choice| choice.finish_reason.is_some()).count();
        format!("{ended} of {} choices had a finish_reason", all.len())
    }

    fn take(&mut self) -> Completion {
        let mut response = std::mem::take(&mut self.response);
        // Fields that did not arrive stay absent.
        response.extra.absent = !(1 << CHOICES);
        for (choice, carry) in response.choices.iter_mut().zip(std::mem::take(&mut self.carries)) {
            if carry != 0 {
                choice.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        response.choices.sort_by_key(|choice| choice.index);
        "text_completion".clone_into(&mut response.object);
        response
    }
}

impl CompletionAccumulator {
    fn push_choice(&mut self, delta: &mut CompletionChunkChoice, keep: bool) {
        let choices = &mut self.response.choices;
        let (at, new) = self.places.of(delta.index);
        if new {
            if choices.is_empty() {
                // There is nearly always only one choice, and a `Vec` would grow to four at once.
                choices.reserve_exact(1);
            }
            choices.push(CompletionChoice { index: delta.index, ..empty_choice() });
            self.carries.push(0);
            self.size += CHOICE;
        }
        let (choice, carry) = (&mut choices[at], &mut self.carries[at]);
        // Some servers send a finish reason in every chunk, so the second surrogate of a pair may still follow.
        let waits = delta.text.as_ref().is_some_and(|text| !text.is_empty() || text.has_half());
        self.size += push_text(&mut choice.text, delta.text.as_mut(), carry, keep);
        if delta.finish_reason.is_some() && !waits && std::mem::take(carry) != 0 {
            let mut whole = delta.text.take().map(String::from).unwrap_or_default();
            whole.push(char::REPLACEMENT_CHARACTER);
            delta.text = Some(whole.into());
            if keep {
                choice.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        if keep {
            if let Some(logprobs) = &delta.logprobs {
                self.size += push_logprobs(choice.logprobs.get_or_insert_default(), logprobs);
            }
            let mut held = 0;
            choice.extra.merge(&delta.extra, &mut held);
            self.size += held;
        }
        if let Some(reason) = &delta.finish_reason {
            self.size += reason.as_str().len();
            settle(&mut choice.finish_reason, reason);
        }
    }
}

/// Returns an empty choice; the fields that the unstreamed response has as `null` are `null`.
fn empty_choice() -> CompletionChoice {
    unset(r#"{"text":"","index":0,"logprobs":null}"#)
}

fn push_logprobs(into: &mut CompletionLogprobs, delta: &CompletionLogprobs) -> usize {
    fn extend<T: Clone>(into: &mut Option<Vec<T>>, delta: Option<&Vec<T>>) -> usize {
        let Some(delta) = delta else { return 0 };
        into.get_or_insert_default().extend_from_slice(delta);
        delta.len() * size_of::<T>()
    }
    let tokens = delta.tokens.iter().flatten().map(String::len).sum::<usize>();
    let tops = delta.top_logprobs.iter().flatten().map(weight).sum::<usize>();
    extend(&mut into.text_offset, delta.text_offset.as_ref())
        + extend(&mut into.token_logprobs, delta.token_logprobs.as_ref())
        + extend(&mut into.tokens, delta.tokens.as_ref())
        + extend(&mut into.top_logprobs, delta.top_logprobs.as_ref())
        + tokens
        + tops
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::endpoint::event::Event;
    use crate::sse::Frame;

    #[test]
    fn adds_up_to_what_the_unstreamed_call_answers() {
        let mut accumulator = CompletionAccumulator::default();
        let mut texts = String::new();
        for json in [
            json!({"id": "c", "object": "text_completion", "created": 1.5, "model": "m", "system_fingerprint": "fp",
                   "choices": [{"index": 1, "text": "B", "logprobs": null, "finish_reason": null}]}),
            json!({"id": "c", "choices": [{"index": 0, "text": "He", "logprobs": {"tokens": ["He"],
                   "token_logprobs": [-0.5], "top_logprobs": [{"He": -0.5}], "text_offset": [0]}}]}),
            json!({"id": "c", "choices": [{"index": 0, "text": "y", "logprobs": {"tokens": ["y"],
                   "token_logprobs": [null], "top_logprobs": [null], "text_offset": [2]}, "finish_reason": "length"}]}),
            json!({"id": "c", "choices": [{"index": 1, "text": "", "finish_reason": "stop"}]}),
            json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
        ] {
            let frame = Frame { event: None, data: Bytes::from(json.to_string()) };
            let mut chunk = CompletionChunk::decode(frame, &mut Default::default()).unwrap().event;
            accumulator.push(&mut chunk, true);
            texts.push_str(chunk.text().unwrap_or_default());
        }
        assert_eq!(texts, "Hey");
        assert!(accumulator.is_complete(2) && !accumulator.is_complete(3));
        let whole = json!({"id": "c", "object": "text_completion", "created": 1, "model": "m",
            "choices": [
                {"index": 0, "text": "Hey", "finish_reason": "length", "logprobs": {"tokens": ["He", "y"],
                 "token_logprobs": [-0.5, null], "top_logprobs": [{"He": -0.5}, null], "text_offset": [0, 2]}},
                {"index": 1, "text": "B", "finish_reason": "stop", "logprobs": null}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, "system_fingerprint": "fp"});
        assert_eq!(serde_json::to_value(accumulator.take()).unwrap(), whole);
    }
}
