//! `Answer`: the response of an endpoint that does not stream.

use bytes::Bytes;

use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::json::from_json::FromJson;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::json::whole::{self, Field};
use crate::outcome::finish::Status;
use crate::sse::Frame;

/// The response type of an endpoint that does not stream.
pub trait WholeAnswer:
    FromJson + Clone + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// The name of the response in errors, such as `list of models`.
    const NAME: &'static str;
    /// A field that every response has. A body without it is not such a response.
    const FIELD: Field;
}

/// The response of an endpoint that does not stream, as the only event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer<T> {
    /// The response.
    pub value: T,
    /// The body as it arrived.
    pub raw: Payload,
}

impl<T: WholeAnswer> Answer<T> {
    fn read(body: &Bytes) -> Result<Decoded<Self>, DecodeError> {
        let event = Self { value: Self::decode_whole(body)?, raw: body.clone().into() };
        Ok(Decoded { event, verdict: Verdict::Finish(Status::Completed) })
    }
}

impl<T: WholeAnswer> Event for Answer<T> {
    type Response = T;
    type Accumulator = AnswerAccumulator<T>;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        Self::read(&frame.data)
    }

    fn decode_whole(body: &[u8]) -> Result<T, DecodeError> {
        whole::object_with(body, T::NAME, T::FIELD)
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        Self::read(body).into_iter().collect()
    }

    fn finish_reasons(_: &T) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}

/// Holds the response of an endpoint that does not stream.
#[derive(Debug, Default)]
pub struct AnswerAccumulator<T> {
    answer: Option<T>,
    size: usize,
}

impl<T: WholeAnswer> Accumulator<Answer<T>> for AnswerAccumulator<T> {
    fn push(&mut self, event: &mut Answer<T>, _: bool) {
        self.size = event.raw.as_bytes().len().max(1);
        self.answer = Some(event.value.clone());
    }

    fn size(&self) -> usize {
        self.size
    }

    fn is_complete(&self, _: usize) -> bool {
        self.answer.is_some()
    }

    fn holds(&self) -> bool {
        self.answer.is_some()
    }

    fn take(&mut self) -> T {
        self.answer.take().unwrap_or_default()
    }
}
