//! `RawEvent` and `Typed`: events of endpoints without types in this crate.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::endpoint::typed_event::verdict_of_type;
use crate::json::bounded;
use crate::json::lenient;
use crate::json::payload::Payload;
use crate::json::reader::{Reader, Wrong};
use crate::json::text::Text;
use crate::outcome::ending::Ending;
use crate::outcome::error::ApiError;
use crate::outcome::error_signs::{is_problem, is_telling, may_tell, names_error};
use crate::outcome::finish::Status;
use crate::outcome::identity::Identity;
use crate::sse::Frame;

/// An event of any endpoint, verbatim.
///
/// It still recognizes the API's conventions: `[DONE]`, the documented last events of the streaming endpoints
/// (`response.completed`, `image_generation.completed`, …), `finish_reason`, and every format of an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawEvent {
    /// The value of the `event:` line, if there was one.
    pub name: Option<Text>,
    /// The data as it arrived.
    pub payload: Payload,
    ended: Option<Ended>,
}

/// The part of a stream that an event ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ended {
    /// Choices: those in the event, those that it ends, and whether one of them is cut short.
    Choices { seen: Choices, ended: Choices, cut_short: bool },
    /// One image.
    Image,
    /// Nothing: it is an event of a response, which ends with a later event.
    Response,
}

/// A set of choices by index, one bit each. The API has at most 128 choices; the last bit represents all higher
/// indices.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Choices(u128);

impl Choices {
    fn add(&mut self, index: u32) {
        self.0 |= 1 << index.min(u128::BITS - 1);
    }

    fn add_all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Serialize for RawEvent {
    /// Serializes the payload as JSON if it is JSON, otherwise as text.
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
    /// The fields that determine what any event means for its stream.
    pub(crate) struct Signals {
        /// The event's type.
        pub r#type: Option<Text> = "type",
        /// An error, in one of its formats.
        pub error: Option<Present>,
        /// Several errors.
        pub errors: Option<Present>,
        /// The status of the request in MiniMax's format.
        pub base_resp: Option<Present>,
        /// `error` in the flat format.
        pub object: Option<Text>,
        /// The status of a response.
        pub status: Option<Text>,
        /// Choices with a finish reason.
        pub choices: Option<Vec<Choice>>,
        /// The response of a Responses event.
        pub response: Option<Box<Signals>>,
    }
    /// A choice of a chat or text completion.
    pub(crate) struct Choice {
        /// Its index.
        pub index: Option<u32>,
        /// Its finish reason.
        pub finish_reason: Option<Text>,
        /// An error.
        pub error: Option<Present>,
        /// Its delta.
        pub delta: Option<Box<Signals>>,
        /// Its message.
        pub message: Option<Box<Signals>>,
        /// More of its text, or the whole text.
        pub text: Option<Present>,
    }
}

impl Signals {
    /// Returns whether an error may be reported.
    fn is_suspicious(&self) -> bool {
        let r#type = self.r#type.as_deref().unwrap_or_default();
        self.error.is_some()
            || self.errors.is_some()
            || self.base_resp.is_some()
            || r#type.ends_with("error")
            || r#type == "response.failed"
            || self.object.as_deref() == Some("error")
            || self.status.as_deref() == Some("failed")
            || self.has_signs(r#type)
            || self.response.as_ref().is_some_and(|response| response.is_suspicious())
            || self.choices.iter().flatten().any(Choice::is_suspicious)
    }
}

impl Signals {
    /// Returns whether the event has a field that may be a sign of an error and that events of its type do not have.
    fn has_signs(&self, r#type: &str) -> bool {
        if !r#type.is_empty() && !names_error(r#type) && !is_problem(r#type) {
            return false;
        }
        let bare = self.choices.as_ref().is_none_or(Vec::is_empty);
        let tells = |name: &str| if bare { may_tell(name) } else { is_telling(name) };
        (bare && self.status.is_some()) || self.extra.names().any(tells)
    }
}

impl Choice {
    fn is_suspicious(&self) -> bool {
        let inner = [&self.delta, &self.message].into_iter().flatten();
        self.error.is_some()
            || self.ending() == Ending::Failed
            || inner.into_iter().any(|message| message.error.is_some())
    }

    fn ending(&self) -> Ending {
        self.finish_reason.as_ref().map_or(Ending::None, |reason| Ending::of(reason))
    }
}

/// A value that is present, of any kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Present;

impl crate::json::from_json::FromJson for Present {
    fn blank() -> Self {
        Self
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        reader.ignore()
    }
}

impl Serialize for Present {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// Returns the meaning of a payload for its stream by the API's conventions, and what it ends. `name` is the value of the
/// `event:` line, which some servers send instead of a `type`.
fn read_signals(payload: &Bytes, name: Option<&[u8]>) -> Result<(Verdict, Option<Ended>), DecodeError> {
    let name = name.and_then(|name| str::from_utf8(name).ok()).map(str::trim);
    let error = || {
        let mut json = bounded::json(payload).ok()?;
        if let (Value::Object(event), Some(name)) = (&mut json, name) {
            event.entry("type").or_insert_with(|| name.into());
        }
        ApiError::from_json(&json)
    };
    let Some(mut signals) = lenient::parse::<Signals>(payload)? else {
        let listed = payload.trim_ascii_start().first() == Some(&b'[');
        return Ok((listed.then(error).flatten().map_or(Verdict::Data, Verdict::Fail), None));
    };
    if signals.r#type.is_none() {
        signals.r#type = name.map(Text::from);
    }
    if signals.is_suspicious()
        && let Some(error) = error()
    {
        return Ok((Verdict::Fail(error), None));
    }
    let r#type = signals.r#type.as_deref().unwrap_or_default();
    let status = signals.response.as_ref().and_then(|response| response.status.as_deref());
    let verdict = match (verdict_of_type(r#type), status) {
        (Verdict::Finish(_), Some("completed")) => Verdict::Finish(Status::Completed),
        (Verdict::Finish(_), Some("incomplete" | "cancelled")) => Verdict::Finish(Status::Incomplete),
        (verdict, _) => verdict,
    };
    if verdict == Verdict::FinishChoice {
        return Ok((verdict, Some(Ended::Image)));
    }
    let choices = signals.choices.unwrap_or_default();
    let (mut seen, mut ended) = (Choices::default(), Choices::default());
    let cut_short = choices.iter().any(|choice| choice.ending().is_incomplete());
    for (position, choice) in (0..).zip(&choices) {
        let index = choice.index.unwrap_or(position);
        seen.add(index);
        if choice.ending() != Ending::None {
            ended.add(index);
        }
    }
    let ended = if choices.is_empty() {
        r#type.starts_with("response.").then_some(Ended::Response)
    } else {
        Some(Ended::Choices { seen, ended, cut_short })
    };
    Ok((verdict, ended))
}

/// Returns the verdict on a body that is an unstreamed response.
fn read_whole(body: &Bytes) -> Option<Verdict> {
    let signals = lenient::parse::<Signals>(body).ok()??;
    let choices = signals.choices.unwrap_or_default();
    let whole = |choice: &Choice| choice.message.is_some() || choice.text.is_some();
    let cut_short = choices.iter().any(|choice| choice.ending().is_incomplete());
    match signals.status.as_deref() {
        Some("completed") if signals.object.as_deref() == Some("response") => {
            Some(Verdict::Finish(Status::Completed))
        }
        Some("incomplete" | "cancelled") if signals.object.as_deref() == Some("response") => {
            Some(Verdict::Finish(Status::Incomplete))
        }
        _ if choices.is_empty() || !choices.iter().all(whole) => None,
        _ if cut_short => Some(Verdict::Finish(Status::Incomplete)),
        _ => Some(Verdict::Data),
    }
}

fn name(frame: &Frame) -> Option<Text> {
    frame.event.as_ref().map(|name| Text::from(String::from_utf8_lossy(name).into_owned()))
}

impl Event for RawEvent {
    type Response = Value;
    type Accumulator = Finished;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        let (verdict, ended) = read_signals(&frame.data, frame.event.as_deref())?;
        let event = Self { name: name(&frame), payload: frame.data.into(), ended };
        Ok(Decoded { event, verdict })
    }

    fn decode_whole(body: &[u8]) -> Result<Value, DecodeError> {
        bounded::json(body).map_err(|error| DecodeError(error.to_string()))
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let event = Self::from(Payload::from(body.clone()));
        read_whole(body).map(|verdict| Decoded { event, verdict }).into_iter().collect()
    }

    fn finish_reasons(_: &Value) -> Vec<Text> {
        Vec::new()
    }

    fn identity(response: &Value) -> Identity<'_> {
        let text = |name| response.get(name).and_then(Value::as_str);
        Identity::new(text("id"), text("model"))
    }

    fn payload(&self) -> &Payload {
        &self.payload
    }
}

/// Tracks only whether a stream of raw events is complete; its response is `null`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finished {
    seen: Choices,
    ended: Choices,
    images: usize,
    /// A choice was cut short.
    cut_short: bool,
    /// Whether the events are those of a response.
    response: bool,
}

impl Finished {
    fn push(&mut self, event: &RawEvent) {
        match event.ended {
            Some(Ended::Choices { seen, ended, cut_short }) => {
                self.cut_short |= cut_short;
                self.seen.add_all(seen);
                self.ended.add_all(ended);
            }
            Some(Ended::Image) => self.images += 1,
            Some(Ended::Response) => self.response = true,
            None => {}
        }
    }

    fn is_complete(&self, choices: usize) -> bool {
        let choices = choices.max(1);
        (self.seen == self.ended && self.ended.len() >= choices) || self.images >= choices
    }

    fn missing(&self, choices: usize) -> String {
        let asked = choices.max(1);
        match (self.seen.len(), self.images) {
            (0, 0) => "no last event came".to_owned(),
            (0, images) => missing_of(images, asked, "images"),
            (come, _) if come < asked => missing_of(come, asked, "choices"),
            (come, _) => format!("{} of {come} choices had a finish_reason", self.ended.len()),
        }
    }
}

/// Describes how much of the requested items has arrived.
pub(crate) fn missing_of(come: usize, asked: usize, what: &str) -> String {
    format!("{come} of {asked} {what} came")
}

macro_rules! accumulate {
    ($event:ty, $raw:expr $(, $param:ident: $($bound:tt)+)?) => {
        impl$(<$param: $($bound)+>)? Accumulator<$event> for Finished {
            fn push(&mut self, event: &mut $event, _: bool) {
                let raw: fn(&$event) -> &RawEvent = $raw;
                Finished::push(self, raw(event));
            }

            fn size(&self) -> usize {
                0
            }

            fn is_complete(&self, choices: usize) -> bool {
                Finished::is_complete(self, choices)
            }

            fn ends_with_done(&self) -> bool {
                !self.response
            }

            fn status(&self) -> Status {
                if self.cut_short { Status::Incomplete } else { Status::Completed }
            }

            fn missing(&self, choices: usize) -> String {
                Finished::missing(self, choices)
            }

            fn take(&mut self) -> Value {
                Value::Null
            }
        }
    };
}
accumulate!(RawEvent, |event| event);
accumulate!(Typed<T>, |event| &event.raw, T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static);

/// An event of any type that serde can deserialize, with its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed<T> {
    /// The event; `None` if the payload is JSON of a different shape.
    pub value: Option<T>,
    /// The event as it arrived.
    pub raw: RawEvent,
}

impl<T: DeserializeOwned> Typed<T> {
    fn of(Decoded { event, verdict }: Decoded<RawEvent>) -> Decoded<Self> {
        let value = serde_json::from_slice(event.payload.as_bytes()).ok();
        Decoded { event: Self { value, raw: event }, verdict }
    }
}

impl<T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static> Event for Typed<T> {
    type Response = Value;
    type Accumulator = Finished;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        Ok(Self::of(RawEvent::decode(frame, &mut ())?))
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        RawEvent::whole(body).into_iter().map(Self::of).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(data: &'static str) -> Verdict {
        RawEvent::decode(Frame { event: None, data: Bytes::from_static(data.as_bytes()) }, &mut ())
            .unwrap()
            .verdict
    }

    #[test]
    fn what_is_not_read_need_not_be_readable() {
        for data in [
            &br#"{"choices":[],"error":1e400}"#[..],
            br#"{"choices":[{"text":1e400,"index":0}]}"#,
            b"{\"choices\":[{\"text\":\"\xff\",\"index\":0}]}",
            br#"{"choices":[{"text":"\ud83d","index":0}]}"#,
        ] {
            let frame = Frame { event: None, data: Bytes::from_static(data) };
            let decoded = RawEvent::decode(frame, &mut ()).unwrap();
            assert_eq!(decoded.verdict, Verdict::Data, "{}", data.escape_ascii());
        }
    }

    #[test]
    fn what_an_event_says_about_its_stream() {
        assert_eq!(verdict(r#"{"a":1}"#), Verdict::Data);
        assert_eq!(verdict("[1]"), Verdict::Data);
        assert_eq!(verdict(r#"{"type":"keepalive","sequence_number":1}"#), Verdict::KeepAlive);
        assert_eq!(verdict(r#"{"type":"response.completed"}"#), Verdict::Finish(Status::Completed));
        assert_eq!(verdict(r#"{"type":"response.incomplete"}"#), Verdict::Finish(Status::Incomplete));
        assert_eq!(
            verdict(r#"{"type":"response.done","response":{"status":"incomplete"}}"#),
            Verdict::Finish(Status::Incomplete)
        );
        assert_eq!(verdict(r#"{"type":"speech.audio.done"}"#), Verdict::Finish(Status::Completed));
        assert_eq!(verdict(r#"{"type":"image_edit.completed"}"#), Verdict::FinishChoice);
        for (data, message) in [
            (r#"{"type":"error","message":"m"}"#, "m"),
            (r#"{"error":"m"}"#, "m"),
            (r#"{"object":"error","message":"m"}"#, "m"),
            (r#"{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}"#, "m"),
            (r#"{"type":"response.completed","response":{"status":"failed","error":{"message":"m"}}}"#, "m"),
            (r#"{"type":"response.error","message":"m"}"#, "m"),
            (r#"[{"error":{"message":"m"}}]"#, "m"),
            (r#"{"errors":[{"message":"m"}]}"#, "m"),
            (r#"{"choices":[{"index":0,"error":{"message":"m"}}]}"#, "m"),
            (r#"{"choices":[{"index":0,"delta":{"error":{"message":"m"}}}]}"#, "m"),
            (r#"{"base_resp":{"status_code":1004,"status_msg":"m"}}"#, "m"),
        ] {
            let Verdict::Fail(error) = verdict(data) else { panic!("{data} is not an error") };
            assert_eq!(error.message, message, "{data}");
        }
        for none in [
            r#"{"error":null}"#,
            r#"{"choices":[],"error":{}}"#,
            r#"{"choices":[{"error":""}],"errors":[]}"#,
            r#"{"base_resp":{"status_code":0,"status_msg":""}}"#,
        ] {
            assert_eq!(verdict(none), Verdict::Data, "{none}");
        }
    }

    #[test]
    fn the_name_of_an_event_is_its_type_where_it_has_no_other() {
        let verdict = |name: &'static str, data: &'static str| {
            let frame = Frame { event: Some(Bytes::from(name)), data: Bytes::from_static(data.as_bytes()) };
            RawEvent::decode(frame, &mut ()).unwrap().verdict
        };
        let finish = |status: Status| Verdict::Finish(status);
        for (name, data, is) in [
            ("response.completed", r#"{"response":{"id":"r"}}"#, finish(Status::Completed)),
            (" response.completed", r#"{"response":{"status":"incomplete"}}"#, finish(Status::Incomplete)),
            ("response.incomplete", "{}", finish(Status::Incomplete)),
            ("response.completed", r#"{"type":"response.created"}"#, Verdict::Data),
            ("message", r#"{"choices":[]}"#, Verdict::Data),
        ] {
            assert_eq!(verdict(name, data), is, "{name} {data}");
        }
        assert!(matches!(verdict("response.failed", r#"{"response":{"error":null}}"#), Verdict::Fail(_)));
    }

    #[test]
    fn not_json_is_an_error() {
        RawEvent::decode(Frame { event: None, data: Bytes::from_static(b"ping") }, &mut ()).unwrap_err();
    }
}
