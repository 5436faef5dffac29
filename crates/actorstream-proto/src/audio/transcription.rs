//! `TranscriptionEvent`: one event of a streamed transcription, and the transcript that they add up to.

use serde_json::Value;

use super::generated::{TranscriptionStreamEvent, TranscriptionUsage};
use super::transcript::{Transcript, TranscriptSegment, whole};
use crate::chat::push_text;
use crate::event::{Accumulator, DecodeError, Decoded, Event, Verdict};
use crate::finish::Status;
use crate::payload::Payload;
use crate::sse::Frame;
use crate::text::Text;
use crate::typed_event::{typed_events, verdict_of};

/// What a segment, or the probability of a token, counts for beside its text.
const ITEM: usize = 256;

typed_events! {
    /// One event of a streamed transcription. It dereferences to the [`TranscriptionStreamEvent`] to match on.
    pub struct TranscriptionEvent(TranscriptionStreamEvent);
}

impl TranscriptionEvent {
    /// More of the text, if that is what the event is. The chunks that vLLM sends, in the shape of a chat's, are too.
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

/// Whether an event in the shape of a chat's chunk ends its choice.
fn ends_choice(json: &Value) -> bool {
    json.pointer("/choices/0/finish_reason").is_some_and(|reason| !reason.is_null())
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

    fn decode_whole(body: &[u8]) -> Result<Transcript, DecodeError> {
        whole(body)
    }

    /// None: a transcription has no reason to end.
    fn finish_reasons(_: &Transcript) -> Vec<Text> {
        Vec::new()
    }

    fn payload(&self) -> &Payload {
        &self.raw
    }
}

/// Puts a transcription together.
#[derive(Debug, Default)]
pub struct TranscriptAccumulator {
    response: Transcript,
    /// Half a character that ended the text so far.
    carry: u16,
    complete: bool,
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
                    // The last word of the server, which also comes where no delta did.
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
                }
            }
            TranscriptionStreamEvent::Segment(_) => {}
            TranscriptionStreamEvent::Unknown(json) => {
                self.complete |= ends_choice(json);
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

    fn take(&mut self) -> Transcript {
        if std::mem::take(&mut self.carry) != 0 {
            self.response.text.push(char::REPLACEMENT_CHARACTER);
        }
        std::mem::take(&mut self.response)
    }
}
