//! `CompletionChunk`: one event of a streamed text completion.

use crate::chat::FinishReason;
use crate::event::{DecodeError, Decoded, Event, Verdict};
use crate::lenient;
use crate::list::List;
use crate::payload::Payload;
use crate::sse::Frame;
use crate::template::{Patterned, Template};
use crate::text::Text;
use crate::usage::Usage;

use super::completion::{Completion, CompletionLogprobs};

crate::object! {
    /// One event of a streamed text completion.
    pub struct CompletionChunk {
        /// The id of the completion.
        pub id: Option<Text>,
        /// `text_completion`.
        pub object: Option<Text>,
        /// When the completion was made, in seconds since 1970.
        pub created: Option<u64>,
        /// The model that answers.
        pub model: Option<Text>,
        /// What each choice goes on with. Empty in the chunk that carries the usage.
        pub choices: List<CompletionChunkChoice>,
        /// The tokens taken, in one of the last chunks, if asked for.
        pub usage: Option<Box<Usage>>,
        /// The server's configuration, as a hash.
        pub system_fingerprint: Option<Text>,
        /// Random text that hides the length of the chunk.
        pub obfuscation: Option<Text>,
    }
    + {
        /// The event as it came.
        pub raw: Payload,
    }

    /// What one choice goes on with.
    pub struct CompletionChunkChoice {
        /// More of the text.
        pub text: Option<Text>,
        /// Which choice, from 0.
        pub index: u32,
        /// The probabilities of the new tokens, if asked for.
        pub logprobs: Option<Box<CompletionLogprobs>>,
        /// Why the choice ended; in its last chunk.
        pub finish_reason: Option<FinishReason>,
    }
}

impl CompletionChunk {
    /// What the chunk says of the choice of this index.
    pub fn choice(&self, index: u32) -> Option<&CompletionChunkChoice> {
        self.choices.iter().find(|choice| choice.index == index)
    }

    /// What is new in the text of choice 0, which is the only one unless more were asked for.
    pub fn text(&self) -> Option<&str> {
        self.choice(0)?.text.as_deref()
    }
}

impl Event for CompletionChunk {
    type Response = Completion;
    type Accumulator = super::CompletionAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let mut event: Self = lenient::parse(&frame.data)?.unwrap_or_default();
        event.raw = frame.data.into();
        let verdict = crate::chat::verdict(event.object.as_deref(), &event.extra, &event.raw);
        if verdict == Verdict::Data {
            template.learn(&event, event.raw.bytes());
        }
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Completion, DecodeError> {
        lenient::parse(&bytes::Bytes::copy_from_slice(body))?
            .ok_or_else(|| DecodeError("a completion is an object".into()))
    }

    fn finish_reasons(response: &Completion) -> Vec<Text> {
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
    /// That of a choice.
    Text(usize),
    /// What hides the chunk's length.
    Obfuscation,
}

impl Patterned for CompletionChunk {
    type Place = Place;

    fn changing(&mut self, mut visit: impl FnMut(&mut Text, Place)) {
        for (at, choice) in self.choices.iter_mut().enumerate() {
            choice.text.iter_mut().for_each(|text| visit(text, Place::Text(at)));
        }
        self.obfuscation.iter_mut().for_each(|text| visit(text, Place::Obfuscation));
    }

    fn at(&mut self, place: Place) -> Option<&mut Text> {
        match place {
            Place::Text(at) => self.choices.get_mut(at)?.text.as_mut(),
            Place::Obfuscation => self.obfuscation.as_mut(),
        }
    }

    fn fixed(&mut self, visit: impl FnMut(&mut Text)) {
        let Self { id, object, model, system_fingerprint, .. } = self;
        [id, object, model, system_fingerprint].into_iter().flatten().for_each(visit);
    }

    fn raw(&mut self) -> &mut Payload {
        &mut self.raw
    }
}
