//! `ChatAccumulator`: chunks → the chat completion that the unstreamed call would have returned.

use smallvec::SmallVec;

use crate::answer::finish_reason::settle;
use crate::answer::places::Places;
use crate::answer::usage::Usage;
use crate::endpoint::event::Accumulator;
use crate::endpoint::raw::missing_of;
use crate::json::deferred::Pieces;
use crate::json::extra::{Extra, Merged};
use crate::json::from_json::unset;
use crate::json::shared::Shared;
use crate::json::text::Text;

use super::chunk::{AudioDelta, ChatCompletionChunk, ChunkChoice, ChunkEnvelope, Delta, RareDelta};
use super::completion::{ChatChoice, ChatCompletion, ChatMessage};
use super::envelopes::{Envelopes, PutOff};
use super::logprobs;
use super::pattern::extra_in;
use super::snapshot::{Into, catch_up};
use super::texts::Texts;
use super::tool_calls::{ToolCalls, empty_function, push_calls, push_function, push_text};

/// The position of the field `choices` among those of a completion.
const CHOICES: u32 = 4;

/// The size in bytes that a choice counts for besides its text, so that the response limit also bounds the number of
/// choices.
const CHOICE: usize = 16 << 10;
/// Accumulates a chat completion.
#[derive(Debug, Default)]
pub struct ChatAccumulator {
    response: ChatCompletion,
    /// For each choice of the response, the state that is not in the response.
    states: Vec<ChoiceState>,
    envelopes: Envelopes,
    unknown: Unknown,
    places: Places,
    /// The bytes held: unknown fields may become shorter.
    held: usize,
    /// The most bytes held so far.
    size: usize,
}

#[derive(Debug, Default)]
struct ChoiceState {
    /// Boxed, since most choices have none.
    tool_calls: Option<Box<ToolCalls>>,
    /// The unpaired surrogates at the ends of the texts so far.
    carries: Carries,
    /// How far the texts that are not kept have arrived; boxed, since most are kept.
    came: Option<Box<Texts>>,
    /// The unknown fields that were merged last.
    merged: Merged,
    merged_in_message: Merged,
    /// The log probabilities so far.
    logprobs: Pieces,
}

/// What is remembered of the unknown fields of chunks.
#[derive(Debug, Default)]
struct Unknown {
    /// Those that were merged last.
    merged: Merged,
    /// Those that have not been merged.
    put_off: Option<PutOff>,
}

#[derive(Debug, Default)]
struct Carries {
    content: u16,
    refusal: u16,
    reasoning_content: u16,
    reasoning: u16,
    function: u16,
    transcript: u16,
}

impl Carries {
    fn any_rare(&self) -> bool {
        self.refusal | self.reasoning_content | self.reasoning != 0
    }
}

impl Accumulator<ChatCompletionChunk> for ChatAccumulator {
    #[inline]
    fn push(&mut self, chunk: &mut ChatCompletionChunk, keep: bool) {
        if !self.envelopes.repeats(chunk.envelope()) {
            self.push_envelope(chunk.envelope());
        }
        if keep && !chunk.extra.is_empty() {
            self.push_extra(&chunk.extra);
        }
        for choice in &mut *chunk.choices {
            self.push_choice(choice, keep);
        }
        self.size = self.size.max(self.held);
    }

    #[inline]
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

    fn take(&mut self) -> ChatCompletion {
        self.add_envelopes();
        self.add_extra();
        let mut response = std::mem::take(&mut self.response);
        // Fields that did not arrive stay absent.
        response.extra.absent = !(1 << CHOICES);
        for (choice, mut state) in response.choices.iter_mut().zip(std::mem::take(&mut self.states)) {
            state.flush(choice);
            choice.logprobs = state.logprobs.take();
            if let Some(mut calls) = state.tool_calls.filter(|calls| calls.len() > 0) {
                choice.message.tool_calls = Some(calls.take());
            }
        }
        response.choices.sort_by_key(|choice| choice.index);
        "chat.completion".clone_into(&mut response.object);
        response
    }
}

impl ChatAccumulator {
    /// Handles the fields that chunks share; a repeated envelope adds nothing.
    #[cold]
    fn push_envelope(&mut self, envelope: &Shared<ChunkEnvelope>) {
        if self.envelopes.recurs(envelope) {
            return;
        }
        self.add_envelopes();
        self.add_envelope(envelope);
        self.envelopes.remember(envelope);
    }

    /// Adds the envelopes that are due.
    fn add_envelopes(&mut self) {
        let due: SmallVec<[_; 2]> = self.envelopes.due().collect();
        due.iter().for_each(|envelope| self.add_envelope(envelope));
    }

    /// Handles unknown fields: of those that can be read late, only the last of a form are.
    fn push_extra(&mut self, extra: &Extra) {
        let (origin, size) = (extra.origin(), &mut self.held);
        if self.unknown.put_off.as_mut().is_some_and(|last| last.replace(origin, size)) {
            return;
        }
        self.add_extra();
        self.response.extra.merge_unless(&mut self.unknown.merged, extra, &mut self.held);
        self.unknown.put_off = origin.map(PutOff::new);
    }

    /// Adds the unknown fields that were put off.
    fn add_extra(&mut self) {
        if let Some(payload) = self.unknown.put_off.take().and_then(|mut last| last.take()) {
            // Their strings have been counted.
            self.response.extra.merge_fields(&extra_in(&payload), &mut 0);
        }
    }

    fn add_envelope(&mut self, envelope: &ChunkEnvelope) {
        let response = &mut self.response;
        if response.id.is_empty()
            && let Some(id) = &envelope.id
        {
            response.id.push_str(id);
            self.held += id.len();
        }
        if response.model.is_empty()
            && let Some(model) = &envelope.model
        {
            response.model.push_str(model);
            self.held += model.len();
        }
        if response.created == 0 {
            response.created = envelope.created.unwrap_or(0);
        }
        if response.system_fingerprint.is_none() {
            response.system_fingerprint = envelope.system_fingerprint.as_ref().map(Text::to_string);
        }
        if let Some(tier) = &envelope.service_tier {
            response.service_tier = Some(tier.clone());
        }
        if let Some(usage) = &envelope.usage {
            Usage::update(&mut response.usage, usage);
        }
        if let Some(moderation) = &envelope.moderation {
            response.moderation = Some(moderation.clone());
        }
    }

    /// Returns the position of a choice, which is created if it is new.
    fn place(&mut self, index: u32) -> usize {
        let (at, new) = self.places.of(index);
        if new {
            self.add_choice(index);
        }
        at
    }

    #[cold]
    fn add_choice(&mut self, index: u32) {
        let choices = &mut self.response.choices;
        if choices.is_empty() {
            // There is nearly always only one choice, and a `Vec` would grow to four at once.
            choices.reserve_exact(1);
            self.states.reserve_exact(1);
        }
        choices.push(ChatChoice { index, ..empty_choice() });
        self.states.push(ChoiceState::default());
        self.held += CHOICE;
    }

    #[inline]
    fn push_choice(&mut self, delta: &mut ChunkChoice, keep: bool) {
        let at = self.place(delta.index);
        let (choice, state) = (&mut self.response.choices[at], &mut self.states[at]);
        let (message, carries) = (&mut choice.message, &mut state.carries);
        let ends = delta.finish_reason.is_some();
        let news = &mut delta.delta;
        let mut grown = grow(&mut message.content, &mut news.content, &mut carries.content, ends, keep);
        if news.has_rare() || (ends && carries.any_rare()) {
            grown += push_rare(message, news, carries, ends, keep);
        }
        if !keep {
            state.came.get_or_insert_default().push(news);
        }
        if let Some(calls) = &mut news.tool_calls {
            grown += push_calls(state.tool_calls.get_or_insert_default(), calls, keep);
        }
        if keep {
            if let Some(probabilities) = &delta.logprobs {
                let json = probabilities.json();
                state.logprobs.push(&json);
                grown += logprobs::weight(probabilities, json.len());
            }
            message.extra.merge_unless(&mut state.merged_in_message, &news.extra, &mut self.held);
            choice.extra.merge_unless(&mut state.merged, &delta.extra, &mut self.held);
        }
        if let Some(snapshot) = delta.message.as_deref() {
            // It says more of the message's fields.
            state.merged_in_message = Merged::default();
            let (came, calls) = (&mut state.came, &mut state.tool_calls);
            let into =
                Into { message, came: came.get_or_insert_default(), calls: calls.get_or_insert_default() };
            grown += catch_up(into, news, snapshot, keep);
        }
        if let Some(reason) = &delta.finish_reason {
            grown += reason.as_str().len();
            settle(&mut choice.finish_reason, reason);
        }
        self.held += grown;
    }
}

/// Returns an empty choice; the fields that the unstreamed response has as `null` are `null`.
fn empty_choice() -> ChatChoice {
    unset(r#"{"index":0,"message":{"content":null,"refusal":null},"logprobs":null}"#)
}

/// Handles the rare fields of a delta.
#[inline(never)]
fn push_rare(
    message: &mut ChatMessage,
    news: &mut Delta,
    carries: &mut Carries,
    ends: bool,
    keep: bool,
) -> usize {
    let mut grown = 0;
    if let Some(role) = news.role.as_ref().filter(|role| !role.is_empty() && message.role != role.as_str()) {
        role.as_str().clone_into(&mut message.role);
        grown += role.len();
    }
    let releases = ends && carries.any_rare();
    if !releases && !news.has_rare_texts() {
        return grown;
    }
    let RareDelta { refusal, function_call, audio, reasoning_content, reasoning, .. } = &mut **news;
    for (into, text, carry) in [
        (&mut message.refusal, refusal, &mut carries.refusal),
        (&mut message.reasoning_content, reasoning_content, &mut carries.reasoning_content),
        (&mut message.reasoning, reasoning, &mut carries.reasoning),
    ] {
        grown += grow(into, text, carry, ends, keep);
    }
    if let Some(function) = function_call {
        let into = message.function_call.get_or_insert_with(empty_function);
        grown += push_function(into, function, &mut carries.function, keep);
    }
    if let Some(audio) = audio {
        grown += push_audio(
            message.audio.get_or_insert_with(|| unset("{}")),
            audio,
            &mut carries.transcript,
            keep,
        );
    }
    grown
}

/// Appends to a text. Returns by how many bytes it grew.
#[inline(always)]
fn grow(
    into: &mut Option<String>,
    text: &mut Option<Text>,
    carry: &mut u16,
    ends: bool,
    keep: bool,
) -> usize {
    let mut grown = 0;
    // Some servers send a finish reason in every chunk, so the second surrogate of a pair may still follow.
    let waits = text.as_ref().is_some_and(|text| !text.is_empty() || text.has_half());
    if text.is_some() {
        grown += push_text(into.get_or_insert_default(), text.as_mut(), carry, keep);
    }
    if ends && !waits {
        grown += release(into, text, carry, keep);
    }
    grown
}

/// The choice has ended: an unpaired surrogate becomes U+FFFD in the last chunk.
#[cold]
fn release(into: &mut Option<String>, text: &mut Option<Text>, carry: &mut u16, keep: bool) -> usize {
    if std::mem::take(carry) == 0 {
        return 0;
    }
    let mut whole = text.take().map(String::from).unwrap_or_default();
    whole.push(char::REPLACEMENT_CHARACTER);
    *text = Some(whole.into());
    if !keep {
        return 0;
    }
    into.get_or_insert_default().push(char::REPLACEMENT_CHARACTER);
    char::REPLACEMENT_CHARACTER.len_utf8()
}

impl ChoiceState {
    /// The stream has ended: an unpaired surrogate becomes U+FFFD.
    fn flush(&self, choice: &mut ChatChoice) {
        let (message, carries) = (&mut choice.message, &self.carries);
        for (carry, text) in [
            (carries.content, &mut message.content),
            (carries.refusal, &mut message.refusal),
            (carries.reasoning_content, &mut message.reasoning_content),
            (carries.reasoning, &mut message.reasoning),
        ] {
            if let (true, Some(text)) = (carry != 0, text) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
}

fn push_audio(into: &mut super::Audio, delta: &mut AudioDelta, carry: &mut u16, keep: bool) -> usize {
    let mut grown = 0;
    if into.id.is_empty()
        && let Some(id) = &delta.id
    {
        into.id.push_str(id);
        grown += id.len();
    }
    into.expires_at = delta.expires_at.unwrap_or(into.expires_at);
    grown
        + push_text(&mut into.data, delta.data.as_mut(), &mut 0, keep)
        + push_text(&mut into.transcript, delta.transcript.as_mut(), carry, keep)
}

#[cfg(test)]
#[path = "accumulator_tests.rs"]
mod tests;
