//! Detects from the first bytes of a body whether it is really in the coding that its header declares.
//!
//! Some servers and proxies keep the header when they send the body uncompressed. Such a body is read as it is.

use super::coding::ContentCoding;

/// The result of examining the first bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Too few bytes to decide.
    Unknown,
    /// The body is not in the coding.
    Plain,
    /// The body is in the coding.
    Coded,
}

/// Text of this many bytes that starts like an event stream, JSON or a page is plain, even if the declared coding
/// has no magic number: no encoder produces such bytes from a real response.
const PLAIN: usize = 16;

/// The same for any other text. Raw deflate contains runs of letters, but none this long.
const TEXT: usize = 64;

/// Examines the first bytes of a body; if it has `ended`, they are all of it.
pub(super) fn start(coding: ContentCoding, first: &[u8], ended: bool) -> Start {
    let told = match coding {
        ContentCoding::Gzip => begins_with(first, &[0x1f..=0x1f, 0x8b..=0x8b]),
        ContentCoding::Zstd => {
            let frame = begins_with(first, &[0x28..=0x28, 0xb5..=0xb5, 0x2f..=0x2f, 0xfd..=0xfd]);
            let skippable = begins_with(first, &[0x50..=0x5f, 0x2a..=0x2a, 0x4d..=0x4d, 0x18..=0x18]);
            if frame == Start::Plain { skippable } else { frame }
        }
        ContentCoding::Deflate | ContentCoding::Brotli => looks_like_text(first, ended),
    };
    match told {
        Start::Unknown if ended && first.is_empty() => Start::Plain,
        Start::Unknown if ended => Start::Coded,
        // It takes two bytes to distinguish zlib from raw deflate.
        Start::Coded if coding == ContentCoding::Deflate && first.len() < 2 && !ended => Start::Unknown,
        told => told,
    }
}

/// Compares the first bytes with a magic number.
fn begins_with(first: &[u8], mark: &[std::ops::RangeInclusive<u8>]) -> Start {
    match first.iter().zip(mark).all(|(byte, mark)| mark.contains(byte)) {
        true if first.len() < mark.len() => Start::Unknown,
        true => Start::Coded,
        false => Start::Plain,
    }
}

fn looks_like_text(first: &[u8], ended: bool) -> Start {
    let first = &first[..first.len().min(TEXT)];
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_text = std::str::from_utf8(first).err().is_none_or(|error| error.error_len().is_none());
    match is_text && !first.iter().any(is_control) {
        false => Start::Coded,
        true if first.len() >= if begins_plainly(first) { PLAIN } else { TEXT } => Start::Plain,
        // A single byte may be a complete compressed body without content.
        true if ended && first.len() > 1 => Start::Plain,
        true => Start::Unknown,
    }
}

/// Returns whether text starts like JSON, a page, or a field of an event stream.
fn begins_plainly(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] =
        [b"{", b"[", b"\"", b"<", b":", b"data", b"event", b"id:", b"retry", b"error"];
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    STARTS.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODINGS: [ContentCoding; 4] =
        [ContentCoding::Gzip, ContentCoding::Deflate, ContentCoding::Brotli, ContentCoding::Zstd];

    #[test]
    fn text_is_plain_whatever_it_is_said_to_be() {
        let texts = [
            "data: {\"choices\":[",
            ": comment\n\ndata: 1",
            "{\"error\":{\"message\":",
            "[{\"a\":1},{\"b\":2}]",
        ];
        let more = ["<!doctype html><html>", "\u{feff}data: é {\"a\":\"b\"}", "{\"é\":\"ééééééé\"}"];
        for coding in CODINGS {
            for text in texts.into_iter().chain(more) {
                assert_eq!(start(coding, text.as_bytes(), false), Start::Plain, "{coding:?} {text}");
                for end in 0..text.len() {
                    let start = start(coding, &text.as_bytes()[..end], false);
                    assert_ne!(start, Start::Coded, "{coding:?} {text} to {end}");
                }
            }
            let long = b"Internal Server Error: ".repeat(3);
            assert_eq!(start(coding, &long, false), Start::Plain, "{coding:?}");
            assert_eq!(start(coding, b"{}", true), Start::Plain, "{coding:?}");
            assert_eq!(start(coding, b"", true), Start::Plain, "{coding:?}");
            assert_eq!(start(coding, b"", false), Start::Unknown, "{coding:?}");
        }
    }

    #[test]
    fn coded_bodies_are_known_by_their_first_bytes() {
        for (coding, first) in [
            (ContentCoding::Gzip, &[0x1f, 0x8b][..]),
            (ContentCoding::Deflate, &[0x78, 0x9c]),
            (ContentCoding::Deflate, &[0xab, 0xae]),
            (ContentCoding::Brotli, &[0x0b]),
            (ContentCoding::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
            (ContentCoding::Zstd, &[0x53, 0x2a, 0x4d, 0x18]),
        ] {
            assert_eq!(start(coding, first, false), Start::Coded, "{coding:?}");
            assert_eq!(start(coding, &first[..first.len() - 1], false), Start::Unknown, "{coding:?}");
        }
        // Raw deflate of `data: {"choices"`, and letters that raw deflate may start with.
        let deflate = b"\x4a\x49\x2c\x49\xb4\x52\xa8";
        assert_eq!(start(ContentCoding::Deflate, deflate, false), Start::Coded);
        assert_eq!(start(ContentCoding::Deflate, b"b`bdffbf`d`aadfa", false), Start::Unknown);
        // An incomplete magic number is not plain text.
        assert_eq!(start(ContentCoding::Gzip, &[0x1f], true), Start::Coded);
        // gzip always has its magic number: bytes without it are plain.
        assert_eq!(start(ContentCoding::Gzip, &[0xff, 0xfb], false), Start::Plain);
        assert_eq!(start(ContentCoding::Zstd, b"(a", false), Start::Plain);
    }
}
