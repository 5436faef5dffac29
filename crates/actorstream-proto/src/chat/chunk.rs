//! `ChatCompletionChunk`: one event of a streamed chat completion.

use crate::error::ApiError;
use crate::event::{DecodeError, Decoded, Event, Verdict};
use crate::frugal;
use crate::lenient;
use crate::list::List;
use crate::payload::Payload;
use crate::shared::Shared;
use crate::sse::Frame;
use crate::template::{Patterned, Template};
use crate::text::Text;
use crate::usage::Usage;
use crate::wire::Extra;

use super::completion::{ChatCompletion, FinishReason, Logprobs};
use super::moderation::Moderation;
use super::request::ServiceTier;

crate::object! {
    /// One event of a streamed chat completion.
    ///
    /// Every field that a server leaves out has its default; what this type has no field for is in `extra`, and the
    /// whole event as it came in `raw`. It dereferences to a [`ChunkEnvelope`], which holds the fields that are the same
    /// in nearly every chunk: `chunk.id`, `chunk.model`, `chunk.usage`, …
    pub struct ChatCompletionChunk {
        /// What each choice goes on with. Empty in the chunk that carries the usage.
        pub choices: List<ChunkChoice>,
        /// Random text that hides the length of the chunk.
        pub obfuscation: Option<Text>,
    }
    + {
        /// The event as it came.
        pub raw: Payload,
    }
    => envelope:
    /// The fields of a [`ChatCompletionChunk`] that the chunks of a stream share.
    ChunkEnvelope {
        /// The id of the completion, the same in each chunk (though not with every server).
        pub id: Option<Text>,
        /// `chat.completion.chunk`.
        pub object: Option<Text>,
        /// When the completion was made, in seconds since 1970.
        pub created: Option<u64>,
        /// The model that answers.
        pub model: Option<Text>,
        /// The tokens taken, in one of the last chunks, if asked for.
        pub usage: Option<Box<Usage>>,
        /// The processing tier that was used.
        pub service_tier: Option<ServiceTier>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<Text>,
        /// What a check of prompt and answer found, in a chunk of its own, if asked for.
        pub moderation: Option<Box<Moderation>>,
    }

    /// What one choice goes on with.
    pub struct ChunkChoice {
        /// Which choice, from 0.
        pub index: u32,
        /// What is new.
        pub delta: Delta,
        /// Why the choice ended; in its last chunk.
        pub finish_reason: Option<FinishReason>,
        /// The probabilities of the new tokens, if asked for.
        pub logprobs: Option<Box<Logprobs>>,
    }

    /// What is new in a message. It dereferences to [`RareDelta`] for all but the two usual fields: `delta.role`,
    /// `delta.reasoning_content`, …
    pub struct Delta {
        /// More of the text.
        pub content: Option<Text>,
        /// More of the tool calls.
        pub tool_calls: Option<Vec<ToolCallDelta>>,
    }
    => rare:
    /// The fields of a [`Delta`] that most chunks do not have, or have alike.
    RareDelta {
        /// Whose message it is; in the first chunk, with some servers in each.
        pub role: Option<Text>,
        /// More of the refusal.
        pub refusal: Option<Text>,
        /// More of the function call, the deprecated form of a tool call.
        pub function_call: Option<Box<FunctionDelta>>,
        /// More of the sound.
        pub audio: Option<Box<AudioDelta>>,
        /// More of the reasoning, as DeepSeek, vLLM, llama.cpp and LiteLLM send it.
        pub reasoning_content: Option<Text>,
        /// More of the reasoning, as OpenRouter, Ollama and newer vLLM send it.
        pub reasoning: Option<Text>,
    }

    /// More of a tool call.
    pub struct ToolCallDelta {
        /// Which call of the message, from 0. Some servers leave it out.
        pub index: Option<u32>,
        /// The call's id; in its first chunk, with some servers in each.
        pub id: Option<Text>,
        /// `function` or `custom`.
        pub r#type: Option<Text> = "type",
        /// More of the call of a function.
        pub function: Option<FunctionDelta>,
        /// More of the call of a custom tool.
        pub custom: Option<Box<CustomToolDelta>>,
    }

    /// More of the call of a function.
    pub struct FunctionDelta {
        /// The function's name; in the first chunk, with some servers in each.
        pub name: Option<Text>,
        /// More of the arguments, which are JSON when they are whole.
        pub arguments: Option<Text>,
    }

    /// More of the call of a custom tool.
    pub struct CustomToolDelta {
        /// The tool's name.
        pub name: Option<Text>,
        /// More of the input.
        pub input: Option<Text>,
    }

    /// More of the sound of a message.
    pub struct AudioDelta {
        /// The id of the sound.
        pub id: Option<Text>,
        /// More of the sound, in base64.
        pub data: Option<Text>,
        /// More of what is said.
        pub transcript: Option<Text>,
        /// Until when the server knows the id, in seconds since 1970.
        pub expires_at: Option<u64>,
    }
}

impl ChatCompletionChunk {
    /// What the chunk says of the choice of this index.
    #[inline]
    pub fn choice(&self, index: u32) -> Option<&ChunkChoice> {
        self.choices.iter().find(|choice| choice.index == index)
    }

    /// What is new in the text of choice 0, which is the only one unless more were asked for.
    #[inline]
    pub fn content(&self) -> Option<&str> {
        self.choice(0)?.delta.content.as_deref()
    }

    /// What is new in the reasoning of choice 0, under whichever name the server sends it.
    pub fn reasoning(&self) -> Option<&str> {
        self.choice(0)?.delta.reasoning_text().map(Text::as_str)
    }

    /// Why choice 0 ended.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choice(0)?.finish_reason.as_ref()
    }
}

impl ChatCompletionChunk {
    pub(super) fn envelope(&self) -> &Shared<ChunkEnvelope> {
        &self.envelope
    }
}

impl Delta {
    /// Whether any of the rare fields may be there.
    pub(super) fn has_rare(&self) -> bool {
        !self.rare.is_none()
    }

    /// Whether there is more of one of the rare texts.
    pub(super) fn has_rare_texts(&self) -> bool {
        let RareDelta { role: _, refusal, function_call, audio, reasoning_content, reasoning } = &**self;
        refusal.is_some()
            || reasoning_content.is_some()
            || reasoning.is_some()
            || function_call.is_some()
            || audio.is_some()
    }

    /// What is new in the reasoning, under whichever name the server sends it.
    pub fn reasoning_text(&self) -> Option<&Text> {
        let filled = |text: &&Text| !text.is_empty();
        self.reasoning_content.as_ref().filter(filled).or(self.reasoning.as_ref())
    }
}

/// What an event of a completion says about its stream, from the fields that are no completion's.
pub(crate) fn verdict(object: Option<&str>, extra: &Extra, payload: &Payload) -> Verdict {
    let suspicious = object == Some("error") || (!extra.is_empty() && looks_foreign(extra));
    if !suspicious {
        return Verdict::Data;
    }
    if extra.get("type").is_some_and(|r#type| r#type == "keepalive") {
        return Verdict::KeepAlive;
    }
    frugal::json(payload.as_bytes())
        .ok()
        .as_ref()
        .and_then(ApiError::from_json)
        .map_or(Verdict::Data, Verdict::Fail)
}

fn looks_foreign(extra: &Extra) -> bool {
    extra.get("error").is_some() || extra.get("type").is_some()
}

impl Event for ChatCompletionChunk {
    type Response = ChatCompletion;
    type Accumulator = super::ChatAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let mut event: Self = lenient::parse(&frame.data)?.unwrap_or_default();
        event.raw = frame.data.into();
        let verdict = verdict(event.object.as_deref(), &event.extra, &event.raw);
        if verdict == Verdict::Data {
            template.learn(&event, event.raw.bytes());
        }
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<ChatCompletion, DecodeError> {
        lenient::parse(&bytes::Bytes::copy_from_slice(body))?
            .ok_or_else(|| DecodeError("a chat completion is an object".into()))
    }

    fn finish_reasons(response: &ChatCompletion) -> Vec<Text> {
        let reasons = response.choices.iter().filter_map(|choice| choice.finish_reason.as_ref());
        reasons.map(|reason| Text::from(reason.as_str())).collect()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}

/// A text of a chunk that changes from one to the next.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// The text of a choice.
    Content(usize),
    /// Its refusal.
    Refusal(usize),
    /// Its reasoning.
    ReasoningContent(usize),
    /// Its reasoning, under the other name.
    Reasoning(usize),
    /// The arguments of one of its tool calls.
    Arguments(usize, usize),
    /// What hides the chunk's length.
    Obfuscation,
}

impl Patterned for ChatCompletionChunk {
    type Place = Place;

    fn changing(&mut self, mut visit: impl FnMut(&mut Text, Place)) {
        if self.choices.iter().any(|choice| choice.logprobs.is_some()) {
            // With these no chunk is like another.
            return;
        }
        for (at, choice) in self.choices.iter_mut().enumerate() {
            let delta = &mut choice.delta;
            delta.content.iter_mut().for_each(|text| visit(text, Place::Content(at)));
            // What is shared is asked first: to change it is to copy it.
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
        }
    }

    fn fixed(&mut self, mut visit: impl FnMut(&mut Text)) {
        let ChunkEnvelope { id, object, model, system_fingerprint, .. } = &mut **self;
        [id, object, model, system_fingerprint].into_iter().flatten().for_each(&mut visit);
        for choice in &mut *self.choices {
            for call in choice.delta.tool_calls.iter_mut().flatten() {
                let ToolCallDelta { id, r#type, function, custom, .. } = call;
                [id, r#type].into_iter().flatten().for_each(&mut visit);
                function.iter_mut().filter_map(|function| function.name.as_mut()).for_each(&mut visit);
                if let Some(custom) = custom {
                    [&mut custom.name, &mut custom.input].into_iter().flatten().for_each(&mut visit);
                }
            }
            if !choice.delta.has_rare() {
                continue;
            }
            let RareDelta { role, function_call, audio, .. } = &mut *choice.delta;
            role.iter_mut().for_each(&mut visit);
            if let Some(function) = function_call {
                [&mut function.name, &mut function.arguments].into_iter().flatten().for_each(&mut visit);
            }
            if let Some(audio) = audio {
                [&mut audio.id, &mut audio.data, &mut audio.transcript]
                    .into_iter()
                    .flatten()
                    .for_each(&mut visit);
            }
        }
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }

    /// What the trait does, in one go: this is the way of nearly every chunk.
    #[inline]
    fn append(&self, out: &mut Vec<Self>) {
        let [ChunkChoice { index, delta, finish_reason: None, logprobs: None, extra }] = &*self.choices
        else {
            return out.push(self.clone());
        };
        let Delta { content, tool_calls: None, extra: delta_extra, rare } = delta else {
            return out.push(self.clone());
        };
        if !(extra.is_empty() && delta_extra.is_empty() && self.extra.is_empty()) {
            return out.push(self.clone());
        }
        let empty = |text: &Option<Text>| text.as_ref().map(|_| Text::default());
        // Not pushed: that would put it together elsewhere, before there is room for it.
        out.extend(std::iter::once_with(|| {
            let (content, rare) = (empty(content), rare.clone());
            let delta = Delta { content, tool_calls: None, extra: delta_extra.of_known(), rare };
            let choice = ChunkChoice {
                index: *index,
                delta,
                finish_reason: None,
                logprobs: None,
                extra: extra.of_known(),
            };
            Self {
                choices: List::of(choice),
                obfuscation: empty(&self.obfuscation),
                extra: self.extra.of_known(),
                raw: Payload::default(),
                envelope: self.envelope.clone(),
            }
        }));
    }
}
