//! Bytes → frames: a decoder for `text/event-stream` that hands out slices of what was read.
//!
//! An event that lies whole in one read is never copied; of an event that is split over two reads only the split
//! line is. The grammar is the HTML standard's: LF, CR and CRLF end a line, a byte order mark at the start is
//! dropped, `data:` lines of one event are joined by a line feed, an event without data is none.

use bytes::{Bytes, BytesMut};
use memchr::{memchr2, memchr3};

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

/// The decoder. Feed it a read, take all the frames, feed it the next read.
#[derive(Debug)]
pub struct SseDecoder {
    /// The read that is being decoded, from the first byte that was not yet taken.
    chunk: Bytes,
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
            partial: BytesMut::new(),
            event: None,
            data: Data::None,
            skip_lf: false,
            at_start: true,
            max_event,
        }
    }

    /// Gives the decoder the next read. The frames of the one before must have been taken.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the frames of the last read were not taken");
        self.chunk = chunk;
    }

    /// The next whole event of what was fed, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`TooLong`] when an event, or a line of it, outgrows the limit; the decoder is of no use after that.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        while !self.chunk.is_empty() {
            if std::mem::take(&mut self.skip_lf) && self.chunk[0] == b'\n' {
                let _ = self.chunk.split_to(1);
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', &self.chunk) else {
                let rest = std::mem::take(&mut self.chunk);
                self.check(rest.len())?;
                self.partial.extend_from_slice(&rest);
                break;
            };
            self.check(end)?;
            let line = if self.partial.is_empty() {
                self.chunk.slice(..end)
            } else {
                self.partial.extend_from_slice(&self.chunk[..end]);
                self.partial.split().freeze()
            };
            let crlf = self.chunk[end] == b'\r';
            let _ = self.chunk.split_to(end + 1);
            if crlf {
                match self.chunk.first() {
                    Some(b'\n') => drop(self.chunk.split_to(1)),
                    Some(_) => {}
                    None => self.skip_lf = true,
                }
            }
            if let Some(frame) = self.line(line) {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// What stood at the end of the body without a blank line after it. The standard drops such an event; whether
    /// it counts is for the caller to say, since servers do send their last error this way.
    pub fn finish(&mut self) -> Option<Frame> {
        if !self.partial.is_empty() {
            let line = self.partial.split().freeze();
            if let Some(frame) = self.line(line) {
                return Some(frame);
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

    fn line(&mut self, mut line: Bytes) -> Option<Frame> {
        if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line = line.slice(3..);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let value = |name: &[u8]| {
            let rest = line.strip_prefix(name)?;
            match rest.first() {
                None => Some(Bytes::new()),
                Some(b':') => {
                    let space = usize::from(rest.get(1) == Some(&b' '));
                    Some(line.slice(name.len() + 1 + space..))
                }
                Some(_) => None,
            }
        };
        if let Some(data) = value(b"data") {
            self.data.push(data);
        } else if let Some(event) = value(b"event") {
            self.event = Some(event);
        }
        None
    }

    fn dispatch(&mut self) -> Option<Frame> {
        let event = self.event.take();
        if self.data.len() == 0 {
            self.data = Data::None;
            return None;
        }
        Some(Frame { event, data: self.data.take() })
    }
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
    const BOM: &[u8] = b"\xef\xbb\xbf";
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
