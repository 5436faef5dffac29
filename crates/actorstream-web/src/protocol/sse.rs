//! The framing of event streams: `id:`, `event:` and `data:` lines.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

/// The content type of an event stream.
pub(super) const CONTENT_TYPE: &str = "text/event-stream";

/// The capacity in bytes that is kept from one entry to the next.
const KEPT: usize = 4 << 10;

/// A comment, which every client ignores. No blank line follows it: with one, OpenAI's Python client takes it for an
/// event without data, and fails.
pub(super) fn ping() -> Bytes {
    Bytes::from_static(b": ping\n")
}

/// The frames of one entry, collected until all of them exist: only then is the last one known.
#[derive(Debug, Default)]
pub(super) struct Frames {
    data: Vec<u8>,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    event: Option<String>,
    /// The end of the frame in the data.
    end: usize,
}

impl Frames {
    /// Adds a frame with a value as JSON.
    pub(super) fn json(&mut self, event: Option<&str>, value: &impl Serialize) {
        // The values consist of strings, numbers and JSON values, which always serialize.
        if serde_json::to_writer(&mut self.data, value).is_ok() {
            self.close(event);
        }
    }

    /// Adds a frame with verbatim data.
    pub(super) fn raw(&mut self, event: Option<&str>, data: &str) {
        self.data.extend_from_slice(data.as_bytes());
        self.close(event);
    }

    fn close(&mut self, event: Option<&str>) {
        self.frames.push(Frame { event: event.map(str::to_owned), end: self.data.len() });
    }

    /// Writes the frames except the first `after`, with ids if they belong to an entry, and clears them.
    pub(super) fn write(&mut self, generation: &str, seq: Option<u64>, after: u64, out: &mut BytesMut) {
        let mut start = 0;
        let last = self.frames.len();
        for (number, frame) in (1..).zip(&self.frames) {
            let data = &self.data[start..frame.end];
            start = frame.end;
            if number as u64 <= after {
                continue;
            }
            if let Some(seq) = seq {
                // A cursor, as `crate::id::Cursor` reads it.
                let frame = if number < last { format!(".{number}") } else { String::new() };
                out.extend_from_slice(format!("id: {generation}.{seq}{frame}\n").as_bytes());
            }
            if let Some(event) = &frame.event {
                field("event", event.as_bytes(), out);
            }
            field("data", data, out);
            out.put_u8(b'\n');
        }
        self.data.clear();
        // Do not keep the capacity that an image needed.
        self.data.shrink_to(KEPT);
        self.frames.clear();
    }
}

/// Writes a field; a value of several lines becomes several lines of that field, so that nothing in it ends the
/// frame.
fn field(name: &str, value: &[u8], out: &mut BytesMut) {
    let mut rest = value;
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        out.reserve(name.len() + end + 3);
        out.put_slice(name.as_bytes());
        out.put_slice(b": ");
        out.put_slice(&rest[..end]);
        out.put_u8(b'\n');
        match &rest[end..] {
            [] => break,
            [b'\r', b'\n', next @ ..] | [_, next @ ..] => rest = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use actorstream::proto::sse::SseDecoder;

    use super::*;

    #[test]
    fn only_the_last_frame_of_an_entry_has_its_number() {
        let mut frames = Frames::default();
        let mut out = BytesMut::new();
        for after in [0, 1, 3] {
            frames.raw(None, "a");
            frames.raw(Some("x"), "b");
            frames.raw(None, "c");
            frames.write("g", Some(4), after, &mut out);
            out.put_slice(b"|");
        }
        frames.raw(None, "d");
        frames.write("g", None, 0, &mut out);
        assert_eq!(
            out,
            "id: g.4.1\ndata: a\n\nid: g.4.2\nevent: x\ndata: b\n\nid: g.4\ndata: c\n\n|\
             id: g.4.2\nevent: x\ndata: b\n\nid: g.4\ndata: c\n\n||data: d\n\n"
        );
    }

    #[test]
    fn lines_in_a_value_do_not_end_the_frame() {
        let mut frames = Frames::default();
        let mut out = BytesMut::new();
        frames.raw(Some("e\ndata: forged"), "{\n\n\"a\":\r\n1\r}");
        frames.write("g", None, 0, &mut out);
        let mut decoder = SseDecoder::new(1000);
        decoder.feed(out.freeze());
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(frame.data, "{\n\n\"a\":\n1\n}");
        assert_eq!(decoder.next_frame().unwrap(), None);
    }
}
