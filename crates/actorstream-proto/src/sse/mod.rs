//! Bytes → frames: a decoder for `text/event-stream` that returns slices of the read.
//!
//! An event within one read is never copied; of an event that is split across two reads, only the split line is. The
//! grammar is the HTML standard's: LF, CR and CRLF end a line, a byte order mark at the start is dropped, the `data:`
//! lines of one event are joined by a line feed, and an event without data is ignored.
//!
//! Unambiguous deviations of servers are accepted: data lines that are each valid JSON, or `[DONE]`, are separate
//! events; an `error:` line, and JSON outside any field that reports an error, are events named `error`; and an event
//! of that name counts even without data.

mod data;
pub(crate) mod prefix;
mod sniff;

pub use sniff::{Sniff, sniff};

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr2;
use smallvec::SmallVec;

use crate::json::bounded;
use crate::outcome::api_error::is_error_event;
use crate::outcome::error::ApiError;
use crate::sse::prefix::Prefix;
use data::Data;
use sniff::BOM;

/// One event of the stream, as it was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The value of the last `event:` line, if there was one.
    pub event: Option<Bytes>,
    /// The `data:` lines, joined by line feeds.
    pub data: Bytes,
}

/// An event exceeds the limit, which is given in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub usize);

/// The maximum length of the remembered text before an event's data: its name, and ignored fields.
const MAX_LEAD: usize = 256;

/// The decoder. Feed it a read, take all frames, then feed it the next read.
#[derive(Debug)]
pub struct SseDecoder {
    /// The read being decoded; empty once it is consumed.
    chunk: Bytes,
    /// The position of the first byte that was not consumed.
    at: usize,
    /// The start of the next or current event, unless that began in an earlier read.
    start: Option<usize>,
    /// The text before the data of the last event that began in a read. The next event nearly always starts with the
    /// same text.
    lead: Prefix<SmallVec<[u8; 16]>>,
    /// The start of an incomplete line.
    partial: BytesMut,
    /// The name of the current event.
    event: Option<Bytes>,
    data: Data,
    /// JSON outside any field.
    stray: BytesMut,
    /// The last line ended in CR at the very end of a read: a following LF belongs to it.
    skip_lf: bool,
    /// No line has been consumed yet, so a byte order mark may precede the first one.
    at_start: bool,
    max_event: usize,
}

impl SseDecoder {
    /// Creates a decoder that refuses an event of more than `max_event` bytes.
    pub fn new(max_event: usize) -> Self {
        Self {
            chunk: Bytes::new(),
            at: 0,
            start: None,
            lead: Prefix::default(),
            partial: BytesMut::new(),
            event: None,
            data: Data::None,
            stray: BytesMut::new(),
            skip_lf: false,
            at_start: true,
            max_event,
        }
    }

    /// Feeds the next read. The frames of the previous one must have been taken.
    #[inline]
    pub fn feed(&mut self, chunk: Bytes) {
        let done = self.is_done();
        debug_assert!(done, "the frames of the last read were not taken");
        self.chunk = chunk;
        let between = !self.skip_lf && !self.at_start && self.partial.is_empty() && self.event.is_none();
        let between = between && self.stray.is_empty();
        self.start = (between && matches!(self.data, Data::None)).then_some(0);
    }

    /// Returns whether the read is consumed; if so, nothing of it is kept.
    #[inline]
    pub fn is_done(&mut self) -> bool {
        let done = self.at == self.chunk.len();
        if done && !self.chunk.is_empty() {
            self.chunk = Bytes::new();
            self.at = 0;
        }
        done
    }

    /// Returns the read, and the expected position of the next event's data, if the event starts like the previous
    /// one. A caller that can determine the end of the data [takes](Self::take_expected) it, which saves the search
    /// for that end.
    #[inline]
    pub(crate) fn expected(&self) -> Option<(&Bytes, usize)> {
        if self.lead.is_empty() || self.start != Some(self.at) {
            return None;
        }
        Some((&self.chunk, self.lead.end_in(&self.chunk, self.at)?))
    }

    /// Takes the event whose data is at the [expected](Self::expected) position from `start` to `end` and contains no
    /// line end, if the event ends there.
    #[inline(always)]
    pub(crate) fn take_expected(&mut self, start: usize, end: usize) -> Option<Bytes> {
        let blank = match self.chunk.get(end..)? {
            [b'\n', b'\n', ..] => 2,
            [b'\r', b'\n', b'\r', b'\n', ..] => 4,
            _ => return None,
        };
        debug_assert!(memchr2(b'\n', b'\r', &self.chunk[start..end]).is_none(), "the data end before");
        if end - self.at > self.max_event {
            return None;
        }
        self.at = end + blank;
        self.start = Some(self.at);
        Some(self.last_slice(start, end))
    }

    /// Clears the expectation about the next event.
    pub(crate) fn expect_nothing(&mut self) {
        self.lead = Prefix::default();
    }

    /// Returns the next complete event of the read, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`TooLong`] if an event, or a line of it, exceeds the limit; the decoder must not be used after that.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        loop {
            if self.is_done() {
                return Ok(None);
            }
            let rest = &self.chunk[self.at..];
            if std::mem::take(&mut self.skip_lf) && rest.starts_with(b"\n") {
                self.at += 1;
                continue;
            }
            let Some(len) = memchr2(b'\n', b'\r', rest) else {
                self.check(rest.len())?;
                self.partial.extend_from_slice(rest);
                self.chunk = Bytes::new();
                self.at = 0;
                return Ok(None);
            };
            self.check(len)?;
            let (start, end) = (self.at, self.at + len);
            self.at = end + 1;
            if self.chunk[end] == b'\r' {
                match self.chunk.get(self.at) {
                    Some(b'\n') => self.at += 1,
                    Some(_) => {}
                    None => self.skip_lf = true,
                }
            }
            let frame = if self.partial.is_empty() {
                self.line(start, end)
            } else {
                self.partial.extend_from_slice(&self.chunk[start..end]);
                self.partial_line()
            };
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }

    /// Returns the events at the end of the body that no blank line follows, one per call. The standard drops such
    /// an event; the caller decides whether it counts, since servers send their last error this way.
    pub fn finish(&mut self) -> Option<Frame> {
        if !self.partial.is_empty() {
            let frame = self.partial_line();
            if frame.is_some() {
                return frame;
            }
        }
        self.dispatch()
    }

    /// Fails if `more` bytes would take the current event past the limit.
    fn check(&self, more: usize) -> Result<(), TooLong> {
        if self.data.len() + self.partial.len() + self.stray.len() + more > self.max_event {
            return Err(TooLong(self.max_event));
        }
        Ok(())
    }

    /// Handles a line within the read.
    fn line(&mut self, start: usize, end: usize) -> Option<Frame> {
        let line = &self.chunk[start..end];
        let bom = bom(&mut self.at_start, line);
        match Line::of(&line[bom..]) {
            Line::Blank => return self.dispatch(),
            Line::Data(value) => {
                let start = start + bom + value;
                let first = matches!(self.data, Data::None) && start < end;
                if first && let Some(from) = self.start {
                    self.remember(from, start);
                }
                if first && self.chunk.get(self.at) == Some(&b'\n') && self.stray.is_empty() {
                    // The usual event: complete, with one line of data.
                    self.at += 1;
                    self.start = Some(self.at);
                    return Some(Frame { event: self.event.take(), data: self.last_slice(start, end) });
                }
                return self.push_data(self.chunk.slice(start..end));
            }
            Line::Event(value) => self.event = Some(self.chunk.slice(start + bom + value..end)),
            Line::Comment => {}
            line => self.other_line(&line, self.chunk.slice(start + bom..end)),
        }
        None
    }

    /// Handles a line that was assembled from several reads.
    fn partial_line(&mut self) -> Option<Frame> {
        let line = self.partial.split().freeze();
        let bom = bom(&mut self.at_start, &line);
        match Line::of(&line[bom..]) {
            Line::Blank => return self.dispatch(),
            Line::Data(value) => return self.push_data(line.slice(bom + value..)),
            Line::Event(value) => self.event = Some(line.slice(bom + value..)),
            kind => self.other_line(&kind, line.slice(bom..)),
        }
        None
    }

    /// Adds a line of data. Returns the previous event, if that is complete by itself.
    fn push_data(&mut self, line: Bytes) -> Option<Frame> {
        let before = match self.data.split(&line) {
            Some(data) => Some(Frame { event: self.event.clone(), data }),
            None => self.stray_error(),
        };
        self.data.push(line);
        before
    }

    /// Handles a line that is not a standard field.
    #[cold]
    fn other_line(&mut self, kind: &Line, line: Bytes) {
        match kind {
            Line::Error(value) => {
                let value = line.slice(*value..);
                if !matches!(value.trim_ascii(), b"" | b"null" | b"{}" | b"\"\"" | b"false") {
                    self.event = Some(Bytes::from_static(b"error"));
                    self.data.push(value);
                }
            }
            Line::Other if self.stray.is_empty() && line.first() != Some(&b'{') => {}
            Line::Other => {
                self.stray.extend_from_slice(&line);
                self.stray.extend_from_slice(b"\n");
            }
            Line::Blank | Line::Data(_) | Line::Event(_) | Line::Comment => {}
        }
    }

    /// Returns JSON outside any field as an event, if it reports an error.
    fn stray_error(&mut self) -> Option<Frame> {
        if self.stray.is_empty() {
            return None;
        }
        let stray = std::mem::take(&mut self.stray).freeze();
        ApiError::from_json(&bounded::json(&stray).ok()?)?;
        Some(Frame { event: Some(Bytes::from_static(b"error")), data: stray })
    }

    /// Returns a slice of the read, or the read itself, if nothing of it is left.
    #[inline(always)]
    fn last_slice(&mut self, start: usize, end: usize) -> Bytes {
        if self.at < self.chunk.len() {
            return self.chunk.slice(start..end);
        }
        self.at = 0;
        let mut slice = std::mem::take(&mut self.chunk);
        slice.truncate(end);
        slice.advance(start);
        slice
    }

    /// Remembers the text before the data of an event.
    fn remember(&mut self, from: usize, to: usize) {
        let lead = &self.chunk[from..to];
        if *self.lead != *lead {
            let kept = if lead.len() <= MAX_LEAD { lead } else { &[] };
            self.lead = Prefix::new(SmallVec::from_slice(kept));
        }
    }

    fn dispatch(&mut self) -> Option<Frame> {
        if self.data.len() == 0
            && let Some(error) = self.stray_error()
        {
            return Some(error);
        }
        // The rest of the read follows this event.
        self.start = self.stray.is_empty().then_some(self.at);
        let event = self.event.take();
        if self.data.len() == 0 && !is_error_event(event.as_deref()) {
            self.data = Data::None;
            return None;
        }
        Some(Frame { event, data: self.data.take() })
    }
}

/// The kind of a line, and where its value begins.
enum Line {
    Blank,
    Data(usize),
    Event(usize),
    /// A field that llama.cpp uses for errors.
    Error(usize),
    Comment,
    /// An ignored field, or something that is not a field.
    Other,
}

impl Line {
    fn of(line: &[u8]) -> Self {
        if line.is_empty() {
            return Self::Blank;
        }
        let value = |name: &[u8]| match line.strip_prefix(name)? {
            [] => Some(name.len()),
            [b':', b' ', ..] => Some(name.len() + 2),
            [b':', ..] => Some(name.len() + 1),
            _ => None,
        };
        value(b"data").map(Self::Data).or_else(|| value(b"event").map(Self::Event)).unwrap_or_else(|| {
            match value(b"error") {
                Some(value) => Self::Error(value),
                None if line[0] == b':' => Self::Comment,
                None => Self::Other,
            }
        })
    }
}

/// Returns the length of the byte order mark at the start of a line: it counts only in the first one.
fn bom(at_start: &mut bool, line: &[u8]) -> usize {
    if std::mem::take(at_start) && line.starts_with(BOM) { BOM.len() } else { 0 }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
