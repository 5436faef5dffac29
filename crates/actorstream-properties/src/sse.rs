//! The decoder of event streams reads what the standard says, however the bytes are split, and beside that what servers write
//! that can mean one thing only.

use actorstream_proto::outcome::error::ApiError;
use actorstream_proto::sse::{Frame, SseDecoder, TooLong};
use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::input::{Input, reads, shown};

/// What came out: the frames, and how the stream ended.
type Decoded = (Vec<Frame>, Result<Option<Frame>, TooLong>);

/// See the module.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let max = input.pick(&[usize::MAX >> 1, 0, 1, 16, 100, 1000]);
    let body = input.rest();
    let whole = decode(body, max, reads(body.len(), []));
    for frame in &whole.0 {
        let is_error = frame.event.as_deref().is_some_and(|name| name.ends_with(b"error"));
        assert!(!frame.data.is_empty() || is_error, "{frame:?} is no event");
        assert!(frame.data.len() <= max.saturating_add(1), "{frame:?} is over {max}");
    }
    if max > body.len() {
        assert_eq!(whole, line_by_line(body), "whole, and line by line");
    }
    for way in input.cuts(body.len()) {
        assert_eq!(decode(body, max, way.clone()), whole, "cut at {}", shown(&way));
    }
}

fn decode(body: &[u8], max: usize, reads: impl IntoIterator<Item = std::ops::Range<usize>>) -> Decoded {
    let mut decoder = SseDecoder::new(max);
    let mut frames = Vec::new();
    for read in reads {
        decoder.feed(Bytes::copy_from_slice(&body[read]));
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(too_long) => return (frames, Err(too_long)),
            }
        }
    }
    // What is left is one event, and perhaps an error behind it.
    let last = decoder.finish();
    frames.extend(decoder.finish());
    assert_eq!(decoder.finish(), None, "an end that does not end");
    (frames, Ok(last))
}

/// The standard, word by word, over the whole body; only an event whose data is empty is none. Beside that, what servers
/// write that can mean one thing only.
fn line_by_line(body: &[u8]) -> Decoded {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut lines = Vec::new();
    let (mut line, mut after_cr) = (Vec::new(), false);
    for &byte in body {
        match byte {
            b'\n' if std::mem::take(&mut after_cr) => {}
            b'\n' | b'\r' => lines.push(std::mem::take(&mut line)),
            byte => line.push(byte),
        }
        after_cr = byte == b'\r';
    }
    let mut reader = Reader::default();
    let mut frames = Vec::new();
    for line in &lines {
        frames.extend(reader.line(line));
    }
    let mut rest = if line.is_empty() { None } else { reader.line(&line) };
    let mut left = Vec::new();
    while let Some(frame) = rest.or_else(|| reader.end()) {
        left.push(frame);
        rest = None;
    }
    let mut left = left.into_iter();
    let last = left.next();
    frames.extend(left);
    (frames, Ok(last))
}

/// What has come of an event.
#[derive(Default)]
struct Reader {
    name: Option<Bytes>,
    data: Vec<Vec<u8>>,
    /// JSON that stands in no field.
    stray: Vec<u8>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Option<Frame> {
        if line.is_empty() {
            return self.end();
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => self.name = Some(Bytes::copy_from_slice(value)),
            b"data" => return self.data(value),
            b"error" => {
                let nothing: [&[u8]; 5] = [b"", b"null", b"{}", b"\"\"", b"false"];
                if !nothing.contains(&value.trim_ascii()) {
                    self.name = Some(Bytes::from_static(b"error"));
                    self.data.push(value.to_vec());
                }
            }
            b"" => {}
            _ if self.stray.is_empty() && !line.starts_with(b"{") => {}
            _ => {
                self.stray.extend_from_slice(line);
                self.stray.push(b'\n');
            }
        }
        None
    }

    /// A line that is JSON, behind one that is, begins another event.
    fn data(&mut self, value: &[u8]) -> Option<Frame> {
        let begins = matches!(value.trim_ascii_start().first(), Some(b'{' | b'['));
        let before = match self.data.as_slice() {
            [only] if begins && begins_object(only) => serde_json::from_slice::<IgnoredAny>(only).is_ok(),
            _ => false,
        };
        let frame = if before {
            let data = self.data.pop().unwrap_or_default();
            Some(Frame { event: self.name.clone(), data: data.into() })
        } else {
            self.stray()
        };
        self.data.push(value.to_vec());
        frame
    }

    fn stray(&mut self) -> Option<Frame> {
        let stray = std::mem::take(&mut self.stray);
        ApiError::from_json(&serde_json::from_slice(&stray).ok()?)?;
        Some(Frame { event: Some(Bytes::from_static(b"error")), data: stray.into() })
    }

    fn end(&mut self) -> Option<Frame> {
        let empty = self.data.iter().all(Vec::is_empty) && self.data.len() < 2;
        if empty && let Some(error) = self.stray() {
            return Some(error);
        }
        let (name, data) = (self.name.take(), std::mem::take(&mut self.data).join(&b'\n'));
        let named =
            name.as_deref().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default().trim();
        let is_error = named == "error" || named.ends_with(".error");
        (!data.is_empty() || is_error).then(|| Frame { event: name, data: data.into() })
    }
}

/// Whether a line begins with an object, or with a list whose first item is one.
fn begins_object(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let inside = |list: &[u8]| list.trim_ascii_start().starts_with(b"{");
    line.starts_with(b"{") || line.strip_prefix(b"[").is_some_and(inside)
}
