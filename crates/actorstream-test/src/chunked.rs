//! Incremental decoding and encoding of the chunked transfer coding.

use bytes::{BufMut, Bytes, BytesMut};

/// Decodes a chunked body as its bytes arrive, however they are split.
#[derive(Debug)]
pub(crate) struct ChunkedDecoder {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the line that begins a chunk: the size so far, and whether its digits have ended.
    Size {
        size: u64,
        digits: u8,
        over: bool,
    },
    Data(u64),
    /// After the data: CR and LF; the CR may be missing.
    AfterData,
    /// In the trailers; `empty` while nothing of the current line was seen.
    Trailer {
        empty: bool,
    },
    Done,
}

const SIZE: State = State::Size { size: 0, digits: 0, over: false };

/// The bytes are not a chunked body.
#[derive(Debug)]
pub(crate) struct NotChunked;

impl ChunkedDecoder {
    pub(crate) fn new() -> Self {
        Self { state: SIZE }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Decodes `input`, passes the data to `data`, and returns how many bytes it consumed: all of them, unless the
    /// body ended before.
    pub(crate) fn feed(&mut self, input: &[u8], mut data: impl FnMut(&[u8])) -> Result<usize, NotChunked> {
        let mut at = 0;
        while at < input.len() && !self.is_done() {
            if let State::Data(left) = self.state {
                let available = (input.len() - at) as u64;
                let take = left.min(available) as usize;
                data(&input[at..at + take]);
                at += take;
                self.state = match left - take as u64 {
                    0 => State::AfterData,
                    left => State::Data(left),
                };
            } else {
                self.state = self.state.step(input[at])?;
                at += 1;
            }
        }
        Ok(at)
    }
}

impl State {
    /// Returns the state after one byte of framing.
    fn step(self, byte: u8) -> Result<State, NotChunked> {
        Ok(match (self, byte) {
            (State::Size { digits: 0, .. }, b'\n') => return Err(NotChunked),
            (State::Size { size: 0, .. }, b'\n') => State::Trailer { empty: true },
            (State::Size { size, .. }, b'\n') => State::Data(size),
            (State::Size { size, digits, over: false }, digit)
                if digit.is_ascii_hexdigit() && digits < 16 =>
            {
                State::Size { size: size << 4 | u64::from(hex(digit)), digits: digits + 1, over: false }
            }
            // Spaces, an extension, the CR.
            (State::Size { size, digits, over }, b' ' | b'\t' | b';' | b'\r') => {
                State::Size { size, digits, over: over || digits > 0 }
            }
            (State::Size { over: true, .. }, _) => self,
            (State::AfterData, b'\r') => State::AfterData,
            (State::AfterData, b'\n') => SIZE,
            (State::Trailer { empty }, b'\r') => State::Trailer { empty },
            (State::Trailer { empty: true }, b'\n') => State::Done,
            (State::Trailer { .. }, byte) => State::Trailer { empty: byte == b'\n' },
            _ => return Err(NotChunked),
        })
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

/// The chunk that ends a chunked body.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Encodes `data` as one chunk; nothing for no data, because an empty chunk would end the body.
pub(crate) fn chunk(data: &[u8]) -> Bytes {
    if data.is_empty() {
        return Bytes::new();
    }
    let size = format!("{:x}\r\n", data.len());
    let mut chunk = BytesMut::with_capacity(size.len() + data.len() + 2);
    chunk.put_slice(size.as_bytes());
    chunk.put_slice(data);
    chunk.put_slice(b"\r\n");
    chunk.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8], split: usize) -> Result<(Vec<u8>, usize, bool), NotChunked> {
        let (mut decoder, mut body, mut taken) = (ChunkedDecoder::new(), Vec::new(), 0);
        for part in input.chunks(split) {
            taken += decoder.feed(part, |data| body.extend_from_slice(data))?;
        }
        Ok((body, taken, decoder.is_done()))
    }

    #[test]
    fn decodes_however_it_is_split() {
        let input = b"4\r\nWiki\r\nA ; name=value\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
        for split in 1..=input.len() {
            let (body, taken, done) = decode(input, split).unwrap();
            assert_eq!(body, b"Wiki0123456789", "split {split}");
            assert_eq!((taken, done), (input.len(), true));
        }
    }

    #[test]
    fn stops_behind_the_end_and_knows_a_cut_body() {
        let (_, taken, done) = decode(b"1\r\na\r\n0\r\n\r\nPOST", 99).unwrap();
        assert_eq!((taken, done), (11, true));
        assert!(!decode(b"5\r\nab", 99).unwrap().2);
        assert!(!decode(b"1\r\na\r\n0\r\n", 99).unwrap().2);
        decode(b"zz\r\n", 99).unwrap_err();
        decode(b"\r\n", 99).unwrap_err();
    }

    #[test]
    fn written_chunks_are_read_back() {
        let written = [chunk(&[7; 300]), chunk(b""), LAST_CHUNK.into()].concat();
        let (body, taken, done) = decode(&written, 5).unwrap();
        assert_eq!((body.len(), taken, done), (300, written.len(), true));
    }
}
