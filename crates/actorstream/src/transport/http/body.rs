//! `Body`: finds the body of a response in the bytes of its connection.
//!
//! awc treats a truncated body as complete, so bodies are read here: bytes in, slices of them out, and a check that
//! the body ended where its framing says. The data of small chunks in one read are moved together within the read
//! buffer, so that later stages see one slice, however the server has split it.

use actorstream_proto::session::BodyEnd;
use awc::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use awc::http::{StatusCode, Version};
use bytes::{Buf as _, Bytes, BytesMut};

/// The maximum length in bytes of a chunk size line, and of the trailer; the content of both is ignored.
const MAX_EXTRAS: usize = 16 << 10;

/// Chunk data up to this size is moved next to the previous data; larger data becomes a separate piece.
const MAX_MOVED: usize = 2 << 10;

/// A piece of a body, or its end.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    End(BodyEnd),
}

/// The body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// This many more bytes.
    Length(u64),
    /// Until the connection closes.
    UntilClose,
    /// Chunks.
    Chunked(Chunked),
}

/// The position in a chunked body. `extras` counts the skipped bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// In the digits of a size; at least one was read if it has `begun`.
    Size { size: u64, begun: bool },
    /// After them, in the same line.
    Extension { size: u64, extras: usize },
    /// The line feed that ends that line follows.
    SizeEnd { size: u64 },
    /// In the data, with this many bytes left.
    Data { left: u64 },
    /// The end of the line after the data follows; its carriage return may have been read.
    DataEnd { cr: bool },
    /// In the trailer; its current line is empty so far if `blank`.
    Trailer { blank: bool, extras: usize },
    /// After the last chunk.
    Done,
}

/// The bytes are not valid chunks. Contains what is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

impl Body {
    /// Determines the body of a response with this head, which awc has parsed: it rejects contradictory ones.
    pub(crate) fn of(status: StatusCode, version: Version, headers: &HeaderMap) -> Self {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Self::Length(0);
        }
        let coding = value(TRANSFER_ENCODING).filter(|_| version == Version::HTTP_11);
        if coding.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Self::Chunked(Chunked::Size { size: 0, begun: false });
        }
        value(CONTENT_LENGTH).and_then(|length| length.parse().ok()).map_or(Self::UntilClose, Self::Length)
    }

    /// Returns whether all of it has arrived.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunked::Done))
    }

    /// Takes the next piece of the body from the bytes that were read. `None` if all of them were taken, or the body
    /// is complete.
    pub(crate) fn next(&mut self, read: &mut BytesMut) -> Result<Option<Bytes>, Broken> {
        let piece = match self {
            Self::Length(left) => {
                let there = first(*left, read.len());
                *left -= there as u64;
                split_to(read, there)
            }
            Self::UntilClose => split_to(read, read.len()),
            Self::Chunked(chunked) => chunked.next(read)?,
        };
        Ok(if piece.is_empty() { None } else { Some(piece) })
    }
}

/// Returns `left`, or `there` if fewer bytes are available.
fn first(left: u64, there: usize) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}

/// Takes this many bytes. If that is all of them, the handle to the read buffer goes with them, which frees the
/// buffer sooner.
#[inline]
fn split_to(read: &mut BytesMut, len: usize) -> Bytes {
    let taken = if len == read.len() { std::mem::take(read) } else { read.split_to(len) };
    taken.freeze()
}

impl Chunked {
    /// Returns whether the next byte is the first of a chunk.
    #[inline]
    fn is_between(self) -> bool {
        matches!(self, Self::Size { begun: false, .. })
    }

    /// Takes the data of as many chunks as one piece should hold. The data before a framing error is returned first,
    /// and the error by the next call.
    #[inline]
    fn next(&mut self, read: &mut BytesMut) -> Result<Bytes, Broken> {
        let mut data = 0..0;
        // Everything before this position was examined.
        let mut at = 0;
        loop {
            let rest = &read[at..];
            let whole = if self.is_between() { whole_chunk(rest) } else { None };
            let (start, end, next) = match (whole, &mut *self) {
                (Some((start, end)), _) => (start, end, end + 2),
                (None, Self::Data { left }) => {
                    let there = first(*left, rest.len());
                    if there == 0 || (!data.is_empty() && there > MAX_MOVED) {
                        break;
                    }
                    *left -= there as u64;
                    if *left == 0 {
                        *self = Self::DataEnd { cr: false };
                    }
                    (0, there, there)
                }
                (None, Self::Done) => break,
                (None, _) if rest.is_empty() => break,
                (None, _) => {
                    let (len, skipped) = self.skip(rest);
                    at += len;
                    match skipped {
                        Ok(()) => continue,
                        // The next call finds the error again.
                        Err(_) if !data.is_empty() => break,
                        Err(broken) => return Err(broken),
                    }
                }
            };
            if data.is_empty() {
                data = at + start..at + end;
            } else if end - start <= MAX_MOVED {
                read.copy_within(at + start..at + end, data.end);
                data.end += end - start;
            } else {
                break;
            }
            at += next;
        }
        let mut taken = split_to(read, at);
        taken.truncate(data.end);
        taken.advance(data.start);
        Ok(taken)
    }

    /// Skips framing between data, up to the end of a line or an invalid byte, and returns how far that is.
    #[inline(never)]
    fn skip(&mut self, read: &[u8]) -> (usize, Result<(), Broken>) {
        for (at, byte) in read.iter().enumerate() {
            match self.after(*byte) {
                Ok(next) => *self = next,
                Err(broken) => return (at, Err(broken)),
            }
            if self.is_between() || matches!(self, Self::Data { .. } | Self::Done) {
                return (at + 1, Ok(()));
            }
        }
        (read.len(), Ok(()))
    }

    /// Returns the position after one more byte of framing.
    fn after(self, byte: u8) -> Result<Self, Broken> {
        Ok(match (self, byte) {
            (Self::Size { size, .. }, _) if byte.is_ascii_hexdigit() => {
                if size >> 60 != 0 {
                    return Err(Broken("the size of a chunk is too large"));
                }
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                Self::Size { size: size << 4 | u64::from(digit), begun: true }
            }
            (Self::Size { begun: false, .. }, _) => return Err(Broken("a chunk has no size")),
            (Self::Size { size, .. } | Self::Extension { size, .. }, b'\r') => Self::SizeEnd { size },
            (Self::Size { size, .. } | Self::Extension { size, .. } | Self::SizeEnd { size }, b'\n') => {
                if size == 0 {
                    Self::Trailer { blank: true, extras: 0 }
                } else {
                    Self::Data { left: size }
                }
            }
            (Self::Size { size, .. }, b';' | b' ' | b'\t') => Self::Extension { size, extras: 1 },
            (Self::Size { .. }, _) => return Err(Broken("the size of a chunk is not a number")),
            (Self::SizeEnd { .. }, _) => {
                return Err(Broken("the size of a chunk is not followed by a line end"));
            }
            (Self::Extension { size, extras }, _) if extras < MAX_EXTRAS => {
                Self::Extension { size, extras: extras + 1 }
            }
            (Self::DataEnd { cr: false }, b'\r') => Self::DataEnd { cr: true },
            (Self::DataEnd { .. }, b'\n') => Self::Size { size: 0, begun: false },
            (Self::DataEnd { .. }, _) => return Err(Broken("a chunk is longer than its size")),
            (Self::Trailer { blank: true, .. }, b'\n') => Self::Done,
            (Self::Trailer { blank, extras }, _) if extras < MAX_EXTRAS => {
                // The carriage return of an empty line does not make it non-empty.
                let blank = byte == b'\n' || (blank && byte == b'\r');
                Self::Trailer { blank, extras: extras + 1 }
            }
            (Self::Extension { .. } | Self::Trailer { .. }, _) => {
                return Err(Broken("the extensions or trailers of the chunks are too long"));
            }
            (Self::Data { .. } | Self::Done, _) => self,
        })
    }
}

/// Returns the position of the data of a complete chunk, in the format of nearly all servers.
#[inline]
fn whole_chunk(read: &[u8]) -> Option<(usize, usize)> {
    let (size, start) = size_line(read)?;
    let end = start.checked_add(size)?;
    read.get(end..)?.starts_with(b"\r\n").then_some((start, end))
}

/// Parses a line with only a size, and returns the size and the line's length. `None` for any other line, and for the
/// size 0.
fn size_line(bytes: &[u8]) -> Option<(usize, usize)> {
    /// This many digits cannot overflow.
    const MOST: usize = 7;
    let mut size = 0;
    for (at, byte) in bytes.iter().take(MOST + 1).enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if size > 0 && bytes.get(at + 1) == Some(&b'\n') => return Some((size, at + 2)),
            _ => return None,
        };
        size = size << 4 | usize::from(digit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked() -> Body {
        Body::Chunked(Chunked::Size { size: 0, begun: false })
    }

    /// Returns the body in these reads, the bytes after it, and whether it is complete.
    fn read(mut body: Body, reads: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>, bool), Broken> {
        let (mut whole, mut rest) = (Vec::new(), Vec::new());
        for read in reads {
            let mut read = BytesMut::from(*read);
            while let Some(piece) = body.next(&mut read)? {
                assert!(!piece.is_empty());
                whole.extend_from_slice(&piece);
            }
            assert!(read.is_empty() || body.is_complete());
            rest.extend_from_slice(&read);
        }
        Ok((whole, rest, body.is_complete()))
    }

    #[test]
    fn any_cut_of_the_same_bytes_is_the_same_body() {
        let bytes =
            b"4\r\nwiki\r\n6;x=\"y\"\r\npedia \r\n00E \r\nin \r\n\r\nchunks.\r\n0\r\nA: b\r\nC: d\r\n\r\nX";
        let whole = (b"wikipedia in \r\n\r\nchunks.".to_vec(), b"X".to_vec(), true);
        assert_eq!(read(chunked(), &[bytes]), Ok(whole.clone()));
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let cut = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(chunked(), &cut), Ok(whole.clone()), "cut at {first} and {second}");
            }
        }
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(chunked(), &each), Ok(whole));
    }

    /// Every chunk size, in every notation and in reads of every size, decodes to the original body.
    #[test]
    fn chunks_of_any_size_in_reads_of_any_size_are_the_same_body() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..500 {
            let (mut whole, mut wire) = (Vec::new(), Vec::new());
            for _ in 0..random.usize(0..20) {
                let most = *random.choice(&[1, 20, 400, MAX_MOVED, 3 * MAX_MOVED]).unwrap_or(&1);
                let len = random.usize(1..=most);
                let data: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
                let size =
                    if random.bool() { format!("{:x}", data.len()) } else { format!("{:03X}", data.len()) };
                let extension = *random.choice(&["", "", "", ";a", " "]).unwrap_or(&"");
                let line = *random.choice(&["\r\n", "\r\n", "\r\n", "\n"]).unwrap_or(&"\n");
                wire.extend(
                    [size.as_bytes(), extension.as_bytes(), line.as_bytes(), &data, line.as_bytes()].concat(),
                );
                whole.extend(data);
            }
            wire.extend(b"0\r\n\r\nrest");
            let most = *random.choice(&[1, 7, 100, 1000, wire.len()]).unwrap_or(&1);
            let (mut reads, mut left) = (Vec::new(), &*wire);
            while !left.is_empty() {
                let (read, behind) = left.split_at(random.usize(1..=most).min(left.len()));
                reads.push(read);
                left = behind;
            }
            assert_eq!(read(chunked(), &reads), Ok((whole, b"rest".to_vec(), true)), "seed {seed}");
        }
    }

    #[test]
    fn every_prefix_of_chunks_is_incomplete() {
        let bytes = b"3\r\nabc\r\n0\r\n\r\n";
        for end in 0..bytes.len() {
            let (_, _, complete) = read(chunked(), &[&bytes[..end]]).unwrap();
            assert!(!complete, "{end}");
        }
        assert_eq!(read(chunked(), &[bytes]), Ok((b"abc".to_vec(), vec![], true)));
    }

    #[test]
    fn the_chunks_of_a_read_are_one_piece_up_to_what_is_broken() {
        let bytes = b"3\r\nabc\r\n2;x\r\nde\r\n1\nf\n4\r\ngh";
        let mut body = chunked();
        let mut read = BytesMut::from(&bytes[..]);
        assert_eq!(body.next(&mut read), Ok(Some(Bytes::from_static(b"abcdefgh"))));
        assert_eq!(body.next(&mut read), Ok(None));
        let mut read = BytesMut::from(&b"ij\r\n1\r\nk\r\nx"[..]);
        assert_eq!(body.next(&mut read), Ok(Some(Bytes::from_static(b"ijk"))));
        assert_eq!(body.next(&mut read), Err(Broken("a chunk has no size")));
        let mut body = chunked();
        let mut read = BytesMut::from(&b"1\r\na\r\n0\r\n\r\nnext"[..]);
        assert_eq!(body.next(&mut read), Ok(Some(Bytes::from_static(b"a"))));
        assert!(body.is_complete());
        assert_eq!(body.next(&mut read), Ok(None));
        assert_eq!(read, b"next"[..]);
    }

    #[test]
    fn large_chunks_stay_where_they_are() {
        let (small, large) = ("a".repeat(MAX_MOVED), "b".repeat(MAX_MOVED + 1));
        let chunk = |data: &str| format!("{:x}\r\n{data}\r\n", data.len());
        let bytes = [&large, &small, &large, &small].map(|data| chunk(data)).concat();
        // The same when they are incomplete, and are parsed byte by byte.
        for end in [bytes.len(), bytes.len() - 1] {
            let mut body = chunked();
            let mut read = BytesMut::from(&bytes.as_bytes()[..end]);
            let whole = [&large, &small].map(String::as_str).concat();
            for _ in 0..2 {
                assert!(body.next(&mut read).unwrap().unwrap() == whole);
            }
            assert_eq!(body.next(&mut read), Ok(None));
        }
        let mut body = chunked();
        let mut read = BytesMut::from(&*format!("1;\r\na\r\n801;\r\n{large}"));
        assert!(body.next(&mut read).unwrap().unwrap() == "a");
        assert!(body.next(&mut read).unwrap().unwrap() == large);
    }

    #[test]
    fn line_feeds_alone_end_lines_too() {
        assert_eq!(read(chunked(), &[b"3\nabc\n0\n\n"]), Ok((b"abc".to_vec(), vec![], true)));
    }

    #[test]
    fn a_malformed_chunk_is_reported() {
        for (bytes, wrong) in [
            (&b"\r\n"[..], "a chunk has no size"),
            (b"x\r\n", "a chunk has no size"),
            (b"3g\r\n", "the size of a chunk is not a number"),
            (b"-1\r\n", "a chunk has no size"),
            (b"3\rabc", "the size of a chunk is not followed by a line end"),
            (b"3\r\nabcd", "a chunk is longer than its size"),
            (b"3\r\nabc\r\r", "a chunk is longer than its size"),
            (b"10000000000000000\r\n", "the size of a chunk is too large"),
        ] {
            assert_eq!(read(chunked(), &[bytes]), Err(Broken(wrong)), "{}", bytes.escape_ascii());
        }
        assert!(read(chunked(), &[b"fffffffffffffff0\r\n"]).is_ok());
        let long = [&b"3;"[..], &[b'x'; MAX_EXTRAS + 1]].concat();
        let trailer = [&b"0\r\n"[..], &b"a: b\r\n".repeat(MAX_EXTRAS)].concat();
        for bytes in [long, trailer] {
            assert_eq!(
                read(chunked(), &[&bytes]),
                Err(Broken("the extensions or trailers of the chunks are too long"))
            );
        }
    }

    #[test]
    fn a_length_ends_a_body_and_without_one_nothing_does() {
        assert_eq!(read(Body::Length(3), &[b"ab", b"cd"]), Ok((b"abc".to_vec(), b"d".to_vec(), true)));
        assert_eq!(read(Body::Length(3), &[b"ab"]), Ok((b"ab".to_vec(), vec![], false)));
        assert_eq!(read(Body::UntilClose, &[b"ab", b"cd"]), Ok((b"abcd".to_vec(), vec![], false)));
    }

    #[test]
    fn the_head_tells_the_framing() {
        let body = |status, version, headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| {
                let name = awc::http::header::HeaderName::from_static(name);
                (name, awc::http::header::HeaderValue::from_static(value))
            });
            Body::of(status, version, &headers.collect())
        };
        let (ok, new, old) = (StatusCode::OK, Version::HTTP_11, Version::HTTP_10);
        assert_eq!(body(ok, new, &[("transfer-encoding", " Chunked "), ("content-length", "3")]), chunked());
        assert_eq!(body(ok, new, &[("content-length", " 3 ")]), Body::Length(3));
        assert_eq!(body(ok, old, &[("transfer-encoding", "chunked")]), Body::UntilClose);
        assert_eq!(body(ok, new, &[]), Body::UntilClose);
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, StatusCode::SWITCHING_PROTOCOLS] {
            assert_eq!(body(status, new, &[("content-length", "3")]), Body::Length(0));
        }
    }
}
