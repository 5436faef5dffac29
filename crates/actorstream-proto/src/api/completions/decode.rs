//! Deserializes a chunk, and a complete completion.

use bytes::Bytes;

use super::CompletionAccumulator;
use super::chunk::{CompletionChunk, CompletionChunkChoice};
use super::completion::Completion;
use super::dialect::{is_misplaced, settle, settle_whole, translate};
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

impl Event for CompletionChunk {
    type Response = Completion;
    type Accumulator = CompletionAccumulator;
    type Memory = Template<Self>;

    fn decode(frame: Frame, template: &mut Template<Self>) -> Result<Decoded<Self>, DecodeError> {
        let mut read = lenient::parse_with::<Self>(&frame.data, translate)?;
        if read.as_ref().is_some_and(is_misplaced) {
            read = lenient::parse_translated(&frame.data, translate)?.or(read);
        }
        let Some(mut event) = read else {
            let event = Self { raw: frame.data.into(), ..Self::default() };
            let verdict = error_in(&event.raw).map_or(Verdict::Data, Verdict::Fail);
            return Ok(Decoded { event, verdict });
        };
        event.raw = frame.data.into();
        settle(&mut event);
        let mut choices = event.choices.iter();
        let failed = choices.any(|choice| is_failed(choice.finish_reason.as_ref(), &choice.extra));
        let (object, bare) = (event.object.as_deref(), event.choices.is_empty());
        let signs = Signs { object, extra: &event.extra, failed, bare };
        let verdict = verdict(&signs, &event, &event.raw);
        if verdict == Verdict::Data {
            template.learn(event.raw.bytes());
        }
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Completion, DecodeError> {
        let (what, list) = ("text completion", "choices");
        let mut response = crate::json::whole::object_with_list_of(body, what, list, translate)?;
        settle_whole(&mut response);
        Ok(response)
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let frame = Frame { event: None, data: body.clone() };
        let decoded = Self::decode(frame, &mut Template::default()).into_iter();
        let is_whole = |choices: &[CompletionChunkChoice]| {
            !choices.is_empty() && choices.iter().all(|choice| choice.text.is_some())
        };
        decoded.filter(|decoded| is_whole(&decoded.event.choices)).collect()
    }

    fn status(response: &Completion) -> Status {
        finish_reason::status(response.choices.iter().filter_map(|choice| choice.finish_reason.as_ref()))
    }

    fn finish_reasons(response: &Completion) -> Vec<Text> {
        let reasons = response.choices.iter().filter_map(|choice| choice.finish_reason.as_ref());
        reasons.map(|reason| Text::from(reason.as_str())).collect()
    }

    fn identity(response: &Completion) -> Identity<'_> {
        Identity::new(Some(&response.id), Some(&response.model))
    }

    fn tokens(response: &Completion) -> Option<Tokens> {
        response.usage.as_ref().map(Usage::tokens)
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}
