//! Bytes → frames: a decoder for `text/event-stream` that hands out slices of what was read.
//!
//! An event that lies whole in one read is never copied; of an event that is split over two reads only the split
//! line is. The grammar is the HTML standard's: LF, CR and CRLF end a line, a byte order mark at the start is
//! dropped, `data:` lines of one event are joined by a line feed, an event without data is none.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::{memchr2, memchr3};
use smallvec::SmallVec;

use crate::prefix::Prefix;

/// One event of the stream, as it stood on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The value of the last `event:` line, if there was one.
    pub event: Option<Bytes>,
    /// The `data:` lines, joined by line feeds.
    pub data: Bytes,
}

/// An event grew past the limit; the number is that limit in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub usize);

/// How long that may be which is remembered of an event beside its data: its name, and fields that say nothing here.
const MAX_LEAD: usize = 256;

/// The decoder. Feed it a read, take all the frames, feed it the next read.
#[derive(Debug)]
pub struct SseDecoder {
    /// The read that is being decoded; empty once all of it is taken.
    chunk: Bytes,
    /// Where in it the first byte is that was not yet taken.
    at: usize,
    /// Where in it the event begins that comes next, or is being put together, unless that began in an earlier read.
    start: Option<usize>,
    /// What stood before the data of the last event that began in a read: the next one nearly always begins with it, too.
    lead: Prefix<SmallVec<[u8; 16]>>,
    /// The start of a line whose end has not arrived.
    partial: BytesMut,
    /// The event that is being put together.
    event: Option<Bytes>,
    data: Data,
    /// The last line ended in CR at the very end of a read: a LF that follows belongs to it.
    skip_lf: bool,
    /// No line has been taken yet, so a byte order mark may stand before the first one.
    at_start: bool,
    max_event: usize,
}

/// The data of the event that is being put together.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::None => 0,
            Data::One(line) => line.len(),
            Data::Joined(lines) => lines.len(),
        }
    }

    fn push(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Data::None => Data::One(line),
            Data::One(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(&first);
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Data::Joined(lines)
            }
            Data::Joined(mut lines) => {
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Data::Joined(lines)
            }
        };
    }

    fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Data::None => Bytes::new(),
            Data::One(line) => line,
            Data::Joined(lines) => lines.freeze(),
        }
    }
}

impl SseDecoder {
    /// A decoder that refuses an event of more than `max_event` bytes.
    pub fn new(max_event: usize) -> Self {
        Self {
            chunk: Bytes::new(),
            at: 0,
            start: None,
            lead: Prefix::default(),
            partial: BytesMut::new(),
            event: None,
            data: Data::None,
            skip_lf: false,
            at_start: true,
            max_event,
        }
    }

    /// Gives the decoder the next read. The frames of the one before must have been taken.
    #[inline]
    pub fn feed(&mut self, chunk: Bytes) {
        let done = self.is_done();
        debug_assert!(done, "the frames of the last read were not taken");
        self.chunk = chunk;
        let between = !self.skip_lf && !self.at_start && self.partial.is_empty() && self.event.is_none();
        self.start = (between && matches!(self.data, Data::None)).then_some(0);
    }

    /// Whether all of what was fed is taken; then nothing of it is kept.
    #[inline]
    pub fn is_done(&mut self) -> bool {
        let done = self.at == self.chunk.len();
        if done && !self.chunk.is_empty() {
            self.chunk = Bytes::new();
            self.at = 0;
        }
        done
    }

    /// The read, and where in it the data of the next event should be, if that begins as the last one did. Whoever knows
    /// how they go on [takes](Self::take_expected) them, and spares the search for their end.
    #[inline]
    pub(crate) fn expected(&self) -> Option<(&Bytes, usize)> {
        if self.lead.is_empty() || self.start != Some(self.at) {
            return None;
        }
        Some((&self.chunk, self.lead.end_in(&self.chunk, self.at)?))
    }

    /// Takes the event whose data stand from `start`, where they were [expected](Self::expected), to `end`, none of which ends
    /// a line, if it ends there.
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

    /// The next event is no more expected to begin as the last one did.
    pub(crate) fn expect_nothing(&mut self) {
        self.lead = Prefix::default();
    }

    /// The next whole event of what was fed, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`TooLong`] when an event, or a line of it, outgrows the limit; the decoder is of no use after that.
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

    /// What stood at the end of the body without a blank line after it. The standard drops such an event; whether
    /// it counts is for the caller to say, since servers do send their last error this way.
    pub fn finish(&mut self) -> Option<Frame> {
        if !self.partial.is_empty() {
            let frame = self.partial_line();
            if frame.is_some() {
                return frame;
            }
        }
        self.dispatch()
    }

    /// Fails when `more` bytes would take the event that is being put together past the limit.
    fn check(&self, more: usize) -> Result<(), TooLong> {
        if self.data.len() + self.partial.len() + more > self.max_event {
            return Err(TooLong(self.max_event));
        }
        Ok(())
    }

    /// A line that stands in the read.
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
                if first && self.chunk.get(self.at) == Some(&b'\n') {
                    // The usual event, with one line of data, and it is whole.
                    self.at += 1;
                    self.start = Some(self.at);
                    return Some(Frame { event: self.event.take(), data: self.last_slice(start, end) });
                }
                self.data.push(self.chunk.slice(start..end));
            }
            Line::Event(value) => self.event = Some(self.chunk.slice(start + bom + value..end)),
            Line::Other => {}
        }
        None
    }

    /// The line that was put together from several reads.
    fn partial_line(&mut self) -> Option<Frame> {
        let line = self.partial.split().freeze();
        let bom = bom(&mut self.at_start, &line);
        match Line::of(&line[bom..]) {
            Line::Blank => return self.dispatch(),
            Line::Data(value) => self.data.push(line.slice(bom + value..)),
            Line::Event(value) => self.event = Some(line.slice(bom + value..)),
            Line::Other => {}
        }
        None
    }

    /// A slice of the read; the read itself, if nothing is left of it.
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

    /// Remembers what stood before the data of an event.
    fn remember(&mut self, from: usize, to: usize) {
        let lead = &self.chunk[from..to];
        if *self.lead != *lead {
            let kept = if lead.len() <= MAX_LEAD { lead } else { &[] };
            self.lead = Prefix::new(SmallVec::from_slice(kept));
        }
    }

    fn dispatch(&mut self) -> Option<Frame> {
        self.start = Some(self.at);
        let event = self.event.take();
        if self.data.len() == 0 {
            self.data = Data::None;
            return None;
        }
        Some(Frame { event, data: self.data.take() })
    }
}

/// What a line is, and where in it the value begins.
enum Line {
    Blank,
    Data(usize),
    Event(usize),
    /// A comment, or a field that says nothing here.
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
        value(b"data").map(Self::Data).or_else(|| value(b"event").map(Self::Event)).unwrap_or(Self::Other)
    }
}

/// The byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How long the byte order mark is with which a line begins: it counts in the first one alone.
fn bom(at_start: &mut bool, line: &[u8]) -> usize {
    if std::mem::take(at_start) && line.starts_with(BOM) { BOM.len() } else { 0 }
}

/// What the first bytes of a body say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniff {
    /// It reads as an event stream.
    Events,
    /// It is something else: JSON, HTML, text.
    Other,
    /// Too few bytes to tell.
    More,
}

/// Whether `head`, the first bytes of a body, starts an event stream: a line that is a comment or a known field.
pub fn sniff(head: &[u8]) -> Sniff {
    const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];
    if BOM.starts_with(head) {
        return Sniff::More;
    }
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let start = head.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or(head.len());
    let head = &head[start..];
    if head.first() == Some(&b':') {
        return Sniff::Events;
    }
    match memchr3(b':', b'\n', b'\r', head) {
        Some(end) if FIELDS.contains(&&head[..end]) => Sniff::Events,
        None if FIELDS.iter().any(|field| field.starts_with(head)) => Sniff::More,
        Some(_) | None => Sniff::Other,
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
