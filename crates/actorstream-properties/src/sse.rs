//! The decoder of event streams reads what the standard says, however the bytes are split.

use actorstream_proto::sse::{Frame, SseDecoder, TooLong};
use bytes::Bytes;

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
        assert!(!frame.data.is_empty() && frame.data.len() <= max, "{frame:?} is over {max}");
    }
    if max > body.len() {
        assert_eq!(whole, by_the_standard(body), "whole, and as the standard says");
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
    (frames, Ok(decoder.finish()))
}

/// The standard, word by word, over the whole body; only an event whose data is empty is none.
fn by_the_standard(body: &[u8]) -> Decoded {
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
    let mut frames = Vec::new();
    let mut event = None;
    let mut data: Vec<Vec<u8>> = Vec::new();
    let mut take = |line: &[u8]| {
        if line.is_empty() {
            let name = event.take();
            let data = std::mem::take(&mut data).join(&b'\n');
            return (!data.is_empty()).then(|| Frame { event: name, data: data.into() });
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => event = Some(Bytes::copy_from_slice(value)),
            b"data" => data.push(value.to_vec()),
            _ => {}
        }
        None
    };
    for line in &lines {
        frames.extend(take(line));
    }
    if !line.is_empty() {
        take(&line);
    }
    let last = take(b"");
    (frames, Ok(last))
}
