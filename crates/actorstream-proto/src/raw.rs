//! `RawEvent` and `Typed`: events of endpoints that the crate has no types for.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::frugal;
use crate::lenient;
use crate::payload::Payload;
use crate::sse::Frame;
use crate::text::Text;
use crate::typed_event::{verdict_of, verdict_of_type};

/// An event kept as it came, of any endpoint.
///
/// It knows the API's conventions all the same: `[DONE]`, the last events that are documented for the streaming
/// endpoints (`response.completed`, `image_generation.completed`, …), `finish_reason`, and every shape of an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawEvent {
    /// The value of the `event:` line, if there was one.
    pub name: Option<Text>,
    /// The data as it came.
    pub payload: Payload,
    ended: Option<Ended>,
}

/// What of a response an event ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ended {
    /// All the choices in the event, or not.
    Choices(bool),
    /// One image.
    Image,
}

impl Serialize for RawEvent {
    /// As the payload, if that is JSON, else as its text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.payload.raw_value() {
            Some(json) => json.serialize(serializer),
            None => serializer.serialize_str(&self.payload.text()),
        }
    }
}

impl From<Payload> for RawEvent {
    fn from(payload: Payload) -> Self {
        Self { payload, ..Self::default() }
    }
}

crate::object! {
    /// The fields by which any event says what it means for the stream.
    pub(crate) struct Signals {
        /// The event's type.
        pub r#type: Option<Text> = "type",
        /// An error, in one of its shapes.
        pub error: Option<Present>,
        /// `error` in the flat shape.
        pub object: Option<Text>,
        /// Choices with a finish reason.
        pub choices: Option<Vec<Choice>>,
        /// The response of a Responses event.
        pub response: Option<Box<Signals>>,
    }
    /// A choice of a chat or text completion.
    pub(crate) struct Choice {
        /// Why it ended.
        pub finish_reason: Option<Text>,
    }
}

/// A value that is there, whatever it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Present;

impl crate::wire::Wire for Present {
    fn wire<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::Deserialize::deserialize(deserializer).map(|serde::de::IgnoredAny| Self)
    }
}

impl Serialize for Present {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// What a payload says about its stream by the API's conventions, and what of the response it ends.
fn read_signals(payload: &Bytes) -> Result<(Verdict, Option<Ended>), DecodeError> {
    let Some(signals) = lenient::parse::<Signals>(payload)? else {
        return Ok((Verdict::Data, None));
    };
    let r#type = signals.r#type.as_deref();
    let failed = matches!(r#type, Some("error" | "response.failed"));
    let flat = signals.object.as_deref() == Some("error");
    if signals.error.is_some() || failed || flat {
        let verdict = verdict_of(&frugal::json(payload).unwrap_or_default());
        if matches!(verdict, Verdict::Fail(_)) {
            return Ok((verdict, None));
        }
    }
    let verdict = verdict_of_type(r#type.unwrap_or_default());
    if verdict == Verdict::FinishChoice {
        return Ok((verdict, Some(Ended::Image)));
    }
    let choices = signals.choices.unwrap_or_default();
    let ended = (!choices.is_empty())
        .then(|| Ended::Choices(choices.iter().all(|choice| choice.finish_reason.is_some())));
    Ok((verdict, ended))
}

fn name(frame: &Frame) -> Option<Text> {
    frame.event.as_ref().map(|name| Text::from(String::from_utf8_lossy(name).into_owned()))
}

impl Event for RawEvent {
    type Response = Value;
    type Accumulator = Finished;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        let (verdict, ended) = read_signals(&frame.data)?;
        let event = Self { name: name(&frame), payload: frame.data.into(), ended };
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Value, DecodeError> {
        frugal::json(body).map_err(|error| DecodeError(error.to_string()))
    }

    fn finish_reasons(_: &Value) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.payload
    }
}

/// Knows of a stream of raw events only whether it is complete; its response is `null`, since the events are all
/// there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finished {
    choices: bool,
    images: usize,
}

impl Accumulator<RawEvent> for Finished {
    fn push(&mut self, event: &mut RawEvent, _: bool) {
        match event.ended {
            Some(Ended::Choices(ended)) => self.choices = ended,
            Some(Ended::Image) => self.images += 1,
            None => {}
        }
    }

    fn size(&self) -> usize {
        0
    }

    fn is_complete(&self, choices: usize) -> bool {
        self.choices || self.images >= choices.max(1)
    }

    fn take(&mut self) -> Value {
        Value::Null
    }
}

/// An event of any type that serde reads, beside the payload that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed<T> {
    /// The event; `None` where the payload is JSON of another shape.
    pub value: Option<T>,
    /// The event as it came.
    pub raw: RawEvent,
}

impl<T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static> Event for Typed<T> {
    type Response = Value;
    type Accumulator = Finished;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        let Decoded { event, verdict } = RawEvent::decode(frame, &mut ())?;
        let value = serde_json::from_slice(event.payload.as_bytes()).ok();
        Ok(Decoded { event: Self { value, raw: event }, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Value, DecodeError> {
        RawEvent::decode_whole(body)
    }

    fn finish_reasons(_: &Value) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.raw.payload
    }
}

impl<T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static> Accumulator<Typed<T>> for Finished {
    fn push(&mut self, event: &mut Typed<T>, keep: bool) {
        Accumulator::<RawEvent>::push(self, &mut event.raw, keep);
    }

    fn size(&self) -> usize {
        0
    }

    fn is_complete(&self, choices: usize) -> bool {
        Accumulator::<RawEvent>::is_complete(self, choices)
    }

    fn take(&mut self) -> Value {
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finish::Status;

    fn verdict(data: &'static str) -> Verdict {
        RawEvent::decode(Frame { event: None, data: Bytes::from_static(data.as_bytes()) }, &mut ())
            .unwrap()
            .verdict
    }

    #[test]
    fn what_an_event_says_about_its_stream() {
        assert_eq!(verdict(r#"{"a":1}"#), Verdict::Data);
        assert_eq!(verdict("[1]"), Verdict::Data);
        assert_eq!(verdict(r#"{"type":"keepalive","sequence_number":1}"#), Verdict::KeepAlive);
        assert_eq!(verdict(r#"{"type":"response.completed"}"#), Verdict::Finish(Status::Completed));
        assert_eq!(verdict(r#"{"type":"response.incomplete"}"#), Verdict::Finish(Status::Incomplete));
        assert_eq!(verdict(r#"{"type":"speech.audio.done"}"#), Verdict::Finish(Status::Completed));
        assert_eq!(verdict(r#"{"type":"image_edit.completed"}"#), Verdict::FinishChoice);
        for (data, message) in [
            (r#"{"type":"error","message":"m"}"#, "m"),
            (r#"{"error":"m"}"#, "m"),
            (r#"{"object":"error","message":"m"}"#, "m"),
            (r#"{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}"#, "m"),
        ] {
            let Verdict::Fail(error) = verdict(data) else { panic!("{data} is no error") };
            assert_eq!(error.message, message, "{data}");
        }
        assert_eq!(verdict(r#"{"error":null}"#), Verdict::Data);
    }

    #[test]
    fn not_json_is_an_error() {
        RawEvent::decode(Frame { event: None, data: Bytes::from_static(b"ping") }, &mut ()).unwrap_err();
    }
}
