//! The texts that change from one chunk to the next, for the template.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::chunk::{ChatCompletionChunk, ChunkChoice, ChunkEnvelope, Delta, RareDelta};
use super::translate::may_be_misplaced;
use crate::answer::shape::may_have_reason;
use crate::answer::usage::Usage;
use crate::answer::verdict::may_report_error;
use crate::json::deferred::Deferred;
use crate::json::late::Origin;
use crate::json::list::List;
use crate::json::payload::Payload;
use crate::json::shared::Shared;
use crate::json::text::Text;
use crate::outcome::error_signs::is_telling;
use crate::template::{MOST_ITEMS, Part, Parts, Patterned};

/// A text of a chunk that changes from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The text of a choice.
    Content(usize),
    /// The refusal of a choice.
    Refusal(usize),
    /// The reasoning of a choice.
    ReasoningContent(usize),
    /// The reasoning of a choice, under the other name.
    Reasoning(usize),
    /// The arguments of a tool call of a choice.
    Arguments(usize, usize),
    /// The padding.
    Obfuscation,
    /// The log probabilities of a choice.
    Logprobs(usize),
}

impl Patterned for ChatCompletionChunk {
    type Place = Place;

    fn changing(&mut self, mut visit: impl FnMut(&mut Text, Place)) {
        if self.choices.iter().any(|choice| choice.message.is_some()) {
            // Chunks with a message do not repeat.
            return;
        }
        for (at, choice) in self.choices.iter_mut().enumerate() {
            let delta = &mut choice.delta;
            delta.content.iter_mut().for_each(|text| visit(text, Place::Content(at)));
            // Check shared data first: changing it would copy it.
            if delta.refusal.is_some() || delta.reasoning_content.is_some() || delta.reasoning.is_some() {
                let RareDelta { refusal, reasoning_content, reasoning, .. } = &mut **delta;
                refusal.iter_mut().for_each(|text| visit(text, Place::Refusal(at)));
                reasoning_content.iter_mut().for_each(|text| visit(text, Place::ReasoningContent(at)));
                reasoning.iter_mut().for_each(|text| visit(text, Place::Reasoning(at)));
            }
            for (call, delta) in delta.tool_calls.iter_mut().flatten().enumerate() {
                let arguments = delta.function.as_mut().and_then(|function| function.arguments.as_mut());
                arguments.into_iter().for_each(|text| visit(text, Place::Arguments(at, call)));
            }
        }
        self.obfuscation.iter_mut().for_each(|text| visit(text, Place::Obfuscation));
    }

    #[inline]
    fn at(&mut self, place: Place) -> Option<&mut Text> {
        match place {
            Place::Content(at) => self.choices.get_mut(at)?.delta.content.as_mut(),
            Place::Refusal(at) => self.choices.get_mut(at)?.delta.refusal.as_mut(),
            Place::ReasoningContent(at) => self.choices.get_mut(at)?.delta.reasoning_content.as_mut(),
            Place::Reasoning(at) => self.choices.get_mut(at)?.delta.reasoning.as_mut(),
            Place::Arguments(at, call) => {
                let calls = self.choices.get_mut(at)?.delta.tool_calls.as_mut()?;
                calls.get_mut(call)?.function.as_mut()?.arguments.as_mut()
            }
            Place::Obfuscation => self.obfuscation.as_mut(),
            Place::Logprobs(_) => None,
        }
    }

    fn take_json(&mut self, mut visit: impl FnMut(&[u8], Place)) {
        for (at, choice) in self.choices.iter_mut().enumerate() {
            if let Some(logprobs) = choice.logprobs.take() {
                visit(&logprobs.json(), Place::Logprobs(at));
            }
        }
    }

    fn read_json(&mut self, place: Place, read: &Bytes, at: usize) -> Option<usize> {
        let Place::Logprobs(choice) = place else { return None };
        let (logprobs, end) = Deferred::in_line(read, at)?;
        self.choices.get_mut(choice)?.logprobs = Some(logprobs);
        Some(end)
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }

    fn repeats(&mut self) -> bool {
        let calls = self.choices.iter().filter_map(|choice| choice.delta.tool_calls.as_ref()).map(Vec::len);
        self.choices.len() + calls.sum::<usize>() <= MOST_ITEMS
            && !self.choices.iter().any(may_be_misplaced)
            && !may_report_error(&self.extra, self.choices.is_empty())
    }

    fn can_put_off(&self) -> bool {
        let may_tell = |name: &str| name == "type" || is_telling(name) || may_have_reason(name);
        !self.choices.is_empty()
            && self.object.as_deref() != Some("error")
            && !self.choices.iter().any(ChunkChoice::is_failed)
            && !self.extra.names().any(may_tell)
            && !self.extra.has_deltas()
    }

    fn has_unknown_counts(&self) -> bool {
        Usage::may_be_in(&self.extra)
    }

    fn part(name: &[u8]) -> Part {
        match name {
            b"choices" | b"object" | b"obfuscation" | b"service_tier" | b"moderation" => Part::Fixed,
            b"id" | b"created" | b"model" | b"usage" | b"system_fingerprint" => Part::Shared,
            _ => Part::Extra,
        }
    }

    fn is_count(name: &[u8]) -> bool {
        Usage::is_count(name)
    }

    fn unknown_fields(&self) -> usize {
        self.extra.count()
    }

    fn put_off(&mut self, origin: Origin, parts: Parts) {
        if parts.shared {
            self.put_off_envelope(Shared::put_off(origin.clone(), envelope_in));
        }
        if parts.extra {
            self.extra.put_off(origin, extra_in);
        }
    }

    /// An optimized version for the most common path.
    #[inline]
    fn append(&self, out: &mut Vec<Self>) {
        let [ChunkChoice { index, delta, finish_reason: None, logprobs: None, message: None, extra }] =
            &*self.choices
        else {
            return out.push(self.clone());
        };
        let Delta { content, tool_calls: None, extra: delta_extra, rare } = delta else {
            return out.push(self.clone());
        };
        let empty = |text: &Option<Text>| text.as_ref().map(|_| Text::default());
        // Built in place: pushing would build it elsewhere first.
        out.extend(std::iter::once_with(|| {
            let (content, rare) = (empty(content), rare.clone());
            let delta = Delta { content, tool_calls: None, extra: delta_extra.clone(), rare };
            let choice = ChunkChoice {
                index: *index,
                delta,
                finish_reason: None,
                logprobs: None,
                message: None,
                extra: extra.clone(),
            };
            Self {
                choices: List::of(choice),
                obfuscation: empty(&self.obfuscation),
                extra: self.extra.clone(),
                raw: Payload::default(),
                envelope: self.envelope().clone(),
            }
        }));
    }
}

/// Parses a chunk for its envelope.
pub(super) fn envelope_in(payload: &Bytes) -> ChunkEnvelope {
    ChatCompletionChunk::parse(payload).map(|mut chunk| std::mem::take(&mut *chunk)).unwrap_or_default()
}

/// Parses a chunk for its unknown fields.
pub(super) fn extra_in(payload: &Bytes) -> Map<String, Value> {
    ChatCompletionChunk::parse(payload).map(|mut chunk| chunk.extra.take()).unwrap_or_default()
}
