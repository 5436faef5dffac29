//! Plain text.

use actorstream::output::{Change, Position};
use bytes::{Bytes, BytesMut};

use super::Encoder;
use super::reader::{Reader, Report};
use crate::event::{Api, End, Event, Failure, Logged};

/// Writes the text of the response.
#[derive(Debug)]
pub(super) struct TextEncoder {
    reader: Reader,
    text: Text,
}

/// The state of the written text.
#[derive(Debug)]
struct Text {
    first_choice_only: bool,
    /// The position of the last text written.
    last: Option<Position>,
    /// The positions that were written in deltas; their complete texts are not written again.
    told: Vec<Position>,
    /// Another response has begun, with different positions.
    next_answer: bool,
    ended: bool,
}

impl TextEncoder {
    pub(super) fn new(api: Api) -> Self {
        let first_choice_only = api != Api::Responses;
        let text = Text { first_choice_only, last: None, told: Vec::new(), next_answer: false, ended: false };
        Self { reader: Reader::new(api), text }
    }
}

impl Encoder for TextEncoder {
    fn content_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn encode_after(&mut self, entry: &Logged, frames: u64, out: &mut BytesMut) {
        let (reader, text) = (&mut self.reader, &mut self.text);
        if text.ended {
            return;
        }
        let before = out.len();
        match &entry.event {
            Event::Upstream(event) => reader.push(event, &mut |report| text.report(&report, out)),
            // The text protocol does not show parts.
            Event::Part(part) => reader.part(part, &mut |report| text.report(&report, out)),
            Event::Reset => {
                reader.reset();
                text.told.clear();
                if text.last.take().is_some() {
                    out.extend_from_slice(b"\n\n[the answer begins again]\n\n");
                }
            }
            Event::End(end) => {
                text.ended = true;
                match end {
                    End::Finish { .. } => reader.finish(&mut |report| text.report(&report, out)),
                    End::Error(failure) => text.fail(failure, out),
                    End::Abort { .. } => {}
                }
            }
        }
        if frames > 0 {
            // An entry is a single frame.
            out.truncate(before);
        }
    }

    fn ping(&self) -> Option<Bytes> {
        None
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.text.ended, true) {
            self.text.fail(failure, out);
        }
    }
}

impl Text {
    fn report(&mut self, report: &Report<'_>, out: &mut BytesMut) {
        match report {
            Report::NextAnswer => {
                self.next_answer = true;
                self.told.clear();
            }
            Report::Change(Change::TextDelta { at, delta, .. } | Change::RefusalDelta { at, delta, .. }) => {
                self.write(*at, delta, out);
            }
            Report::Change(
                Change::TextDone { at, text: whole } | Change::RefusalDone { at, refusal: whole },
            ) if !self.told.contains(at) => {
                self.write(*at, whole, out);
            }
            Report::Change(_) | Report::Reason(_) => {}
        }
    }

    fn write(&mut self, at: Position, text: &str, out: &mut BytesMut) {
        if text.is_empty() || (self.first_choice_only && at.output != 0) {
            return;
        }
        if !self.told.contains(&at) {
            self.told.push(at);
        }
        let next_answer = std::mem::take(&mut self.next_answer);
        if let Some(last) = self.last.replace(at)
            && (last != at || next_answer)
        {
            out.extend_from_slice(b"\n\n");
        }
        out.extend_from_slice(text.as_bytes());
    }

    fn fail(&self, failure: &Failure, out: &mut BytesMut) {
        if self.last.is_some() {
            out.extend_from_slice(b"\n\n");
        }
        out.extend_from_slice(format!("[error: {}]\n", failure.message).as_bytes());
    }
}
