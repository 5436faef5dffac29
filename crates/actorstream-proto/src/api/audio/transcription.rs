//! `TranscriptionEvent`: one event of a streamed transcription, and the transcript that they add up to.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::generated::{TranscriptionStreamEvent, TranscriptionUsage};
use super::transcript::{Transcript, TranscriptSegment, text, whole};
use crate::api::chat::push_text;
use crate::endpoint::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::endpoint::typed_event::{typed_events, verdict_of};
use crate::json::bounded;
use crate::json::extra::Extra;
use crate::json::lenient::coerce;
use crate::json::payload::Payload;
use crate::json::text::Text;
use crate::outcome::ending::{Ending, reason_in};
use crate::outcome::finish::Status;
use crate::sse::Frame;

/// The size in bytes that a segment, or the log probability of a token, counts for besides its text.
const ITEM: usize = 256;

typed_events! {
    /// One event of a streamed transcription. It dereferences to [`TranscriptionStreamEvent`] for matching.
    pub struct TranscriptionEvent(TranscriptionStreamEvent);
}

impl TranscriptionEvent {
    /// Returns the new text, if the event has any, also from the chat-like chunks that vLLM sends.
    pub fn text(&self) -> Option<&str> {
        match &self.event {
            TranscriptionStreamEvent::Delta(delta) => Some(&delta.delta),
            TranscriptionStreamEvent::Unknown(json) => {
                json.pointer("/choices/0/delta/content").and_then(Value::as_str)
            }
            TranscriptionStreamEvent::Segment(_) | TranscriptionStreamEvent::Done(_) => None,
        }
    }
}

/// Returns the meaning of the finish reason of a chat-like chunk.
fn ending(json: &Value) -> Ending {
    let reason = json.pointer("/choices/0/finish_reason").and_then(reason_in);
    reason.map_or(Ending::None, Ending::of)
}

/// Converts an unstreamed transcription to its last event.
fn whole_transcription(body: &[u8]) -> Option<TranscriptionStreamEvent> {
    let Value::Object(mut json) = bounded::json(body).ok()? else { return None };
    let is_text = json.get("text").is_some_and(Value::is_string);
    if !is_text || json.contains_key("type") {
        return None;
    }
    json.insert("type".into(), "transcript.text.done".into());
    Some(TranscriptionStreamEvent::from(Value::Object(json)))
}

impl Event for TranscriptionEvent {
    type Response = Transcript;
    type Accumulator = TranscriptAccumulator;
    type Memory = ();

    fn decode(frame: Frame, (): &mut ()) -> Result<Decoded<Self>, DecodeError> {
        let event = Self::read(frame)?;
        let verdict = match &event.event {
            TranscriptionStreamEvent::Segment(_) | TranscriptionStreamEvent::Delta(_) => Verdict::Data,
            TranscriptionStreamEvent::Done(_) => Verdict::Finish(Status::Completed),
            TranscriptionStreamEvent::Unknown(json) => verdict_of(json),
        };
        Ok(Decoded { event, verdict })
    }

    fn whole(body: &Bytes) -> Vec<Decoded<Self>> {
        let event = whole_transcription(body).map(|event| Self { event, raw: body.clone().into() });
        let verdict = Verdict::Finish(Status::Completed);
        event.map(|event| Decoded { event, verdict }).into_iter().collect()
    }

    fn decode_whole(body: &[u8]) -> Result<Transcript, DecodeError> {
        whole(body)
    }

    fn decode_text(body: &[u8]) -> Option<Result<Transcript, DecodeError>> {
        Some(text(body))
    }

    /// None: a transcription has no finish reason.
    fn finish_reasons(_: &Transcript) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}

/// Takes the fields of an unstreamed transcription that the last event of a stream does not have. Returns their
/// size.
fn take_rest(response: &mut Transcript, extra: &Extra) -> usize {
    let fields: Map<String, Value> =
        extra.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let rest: Option<Transcript> = if fields.is_empty() { None } else { coerce(Value::Object(fields)) };
    let Some(rest) = rest else { return 0 };
    let items = rest.segments.as_ref().map_or(0, Vec::len) + rest.words.as_ref().map_or(0, Vec::len);
    let spoken = |segments: &Vec<TranscriptSegment>| -> usize {
        segments.iter().map(|segment| segment.text().len()).sum()
    };
    let texts = rest.segments.as_ref().map_or(0, spoken);
    response.task = rest.task.or(response.task.take());
    response.language = rest.language.or(response.language.take());
    response.duration = rest.duration.or(response.duration.take());
    response.words = rest.words.or(response.words.take());
    response.segments = rest.segments.or(response.segments.take());
    ITEM * items + texts
}

/// Accumulates a transcription.
#[derive(Debug, Default)]
pub struct TranscriptAccumulator {
    response: Transcript,
    /// The unpaired surrogate at the end of the text so far.
    carry: u16,
    complete: bool,
    cut_short: bool,
    size: usize,
}

impl Accumulator<TranscriptionEvent> for TranscriptAccumulator {
    fn push(&mut self, event: &mut TranscriptionEvent, keep: bool) {
        let response = &mut self.response;
        match &mut event.event {
            TranscriptionStreamEvent::Delta(delta) => {
                self.size += push_text(&mut response.text, Some(&mut delta.delta), &mut self.carry, keep);
                if let (true, Some(more)) = (keep, &delta.logprobs) {
                    self.size += ITEM * more.len();
                    response.logprobs.get_or_insert_default().extend_from_slice(more);
                }
            }
            TranscriptionStreamEvent::Segment(segment) if keep => {
                self.size += ITEM + segment.text.len();
                let mut segment = segment.clone();
                for text in [&mut segment.r#type, &mut segment.id, &mut segment.text, &mut segment.speaker] {
                    text.detach();
                }
                let segments = response.segments.get_or_insert_default();
                segments.push(TranscriptSegment::Diarized(Box::new(segment)));
            }
            TranscriptionStreamEvent::Done(done) => {
                if let Some(usage) = &done.usage {
                    let usage = serde_json::to_value(usage).unwrap_or_default();
                    response.usage = Some(TranscriptionUsage::from(usage));
                }
                if keep {
                    // The server's final text replaces the deltas; some servers send no deltas.
                    if !done.text.is_empty() {
                        response.text = done.text.to_string();
                        self.carry = 0;
                        self.size = self.size.max(done.text.len());
                    }
                    if let Some(logprobs) = &done.logprobs {
                        self.size += ITEM * logprobs.len();
                        response.logprobs = Some(logprobs.clone());
                    }
                    response.languages.clone_from(&done.languages);
                    self.size += take_rest(response, &done.extra);
                }
            }
            TranscriptionStreamEvent::Segment(_) => {}
            TranscriptionStreamEvent::Unknown(json) => {
                let ending = ending(json);
                self.complete |= ending != Ending::None;
                self.cut_short |= ending.is_incomplete();
                if let Some(usage) = json.get("usage").filter(|usage| usage.is_object()) {
                    response.usage = Some(TranscriptionUsage::from(usage.clone()));
                }
                if let (true, Some(text)) = (keep, event.text()) {
                    self.size += text.len();
                    response.text.push_str(text);
                }
            }
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn is_complete(&self, _: usize) -> bool {
        self.complete
    }

    fn status(&self) -> Status {
        if self.cut_short { Status::Incomplete } else { Status::Completed }
    }

    fn take(&mut self) -> Transcript {
        if std::mem::take(&mut self.carry) != 0 {
            self.response.text.push(char::REPLACEMENT_CHARACTER);
        }
        std::mem::take(&mut self.response)
    }
}
