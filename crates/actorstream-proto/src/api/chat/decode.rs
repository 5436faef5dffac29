//! Deserializes a chunk, and a complete completion.

use bytes::Bytes;

use super::ChatAccumulator;
use super::chunk::{ChatCompletionChunk, ChunkChoice};
use super::completion::ChatCompletion;
use super::dialect;
use super::translate::{is_misplaced, translate};
use crate::answer::finish_reason;
use crate::answer::output::Tokens;
use crate::answer::usage::Usage;
use crate::answer::verdict::{Signs, error_in, is_failed, verdict};
use crate::endpoint::event::{DecodeError, Decoded, Event, Verdict};
use crate::json::lenient;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::finish::Status;
use crate::outcome::identity::Identity;
use crate::sse::Frame;
use crate::template::Template;

impl ChunkChoice {
    pub(super) fn is_failed(&self) -> bool {
        is_failed(self.finish_reason.as_ref(), &self.extra)
            || is_failed(None, &self.delta.extra)
            || self.message.as_ref().is_some_and(|message| is_failed(None, &message.extra))
    }
}

impl Event for ChatCompletionChunk {
    type Response = ChatCompletion;
    type Accumulator = ChatAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let mut event = Self::default();
        if !lenient::parse_into(&mut event, &frame.data, translate)? {
            event.raw = frame.data.into();
            let verdict = error_in(&event.raw).map_or(Verdict::Data, Verdict::Fail);
            return Ok(Decoded { event, verdict });
        }
        if is_misplaced(&event)
            && let Some(translated) = lenient::parse_translated(&frame.data, translate)?
        {
            event = translated;
        }
        event.raw = frame.data.into();
        dialect::settle(&mut event);
        let failed = event.choices.iter().any(ChunkChoice::is_failed);
        let (object, bare) = (event.object.as_deref(), event.choices.is_empty());
        let signs = Signs { object, extra: &event.extra, failed, bare };
        let verdict = verdict(&signs, &event, &event.raw);
        if verdict == Verdict::Data {
            template.learn(event.raw.bytes());
        }
        Ok(Decoded { event, verdict })
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let frame = Frame { event: None, data: body.clone() };
        let decoded = Self::decode(frame, &mut Template::default()).into_iter();
        // A choice that has ended is complete, even in the shape of a chunk.
        let is_whole = |choices: &[ChunkChoice]| {
            let whole = |choice: &ChunkChoice| choice.message.is_some() || choice.finish_reason.is_some();
            !choices.is_empty() && choices.iter().all(whole)
        };
        decoded.filter(|decoded| is_whole(&decoded.event.choices)).collect()
    }

    fn status(response: &ChatCompletion) -> Status {
        finish_reason::status(response.choices.iter().filter_map(|choice| choice.finish_reason.as_ref()))
    }

    fn decode_whole(body: &[u8]) -> Result<ChatCompletion, DecodeError> {
        let (what, list) = ("chat completion", "choices");
        let mut response = crate::json::whole::object_with_list_of(body, what, list, translate)?;
        dialect::settle_whole(&mut response);
        Ok(response)
    }

    fn finish_reasons(response: &ChatCompletion) -> Vec<Text> {
        let reasons = response.choices.iter().filter_map(|choice| choice.finish_reason.as_ref());
        reasons.map(|reason| Text::from(reason.as_str())).collect()
    }

    fn identity(response: &ChatCompletion) -> Identity<'_> {
        Identity::new(Some(&response.id), Some(&response.model))
    }

    fn tokens(response: &ChatCompletion) -> Option<Tokens> {
        response.usage.as_ref().map(Usage::tokens)
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}
