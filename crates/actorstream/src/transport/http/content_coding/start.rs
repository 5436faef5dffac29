//! What the first bytes of a body tell about the coding that it is said to be in.
//!
//! Servers and proxies leave the header where they send the body as it is. Plain bodies are read as what they are.

use super::coding::ContentCoding;

/// What the first bytes of a body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// There are too few of them.
    Unknown,
    /// In no coding.
    Plain,
    /// In the coding.
    Coded,
}

/// So many bytes of text that begin as an event stream, JSON or a page does are in no coding, also where that has no mark. No
/// encoder makes them of anything that is an answer.
const PLAIN: usize = 16;

/// The same of any text. Raw deflate has runs of letters, but not such long ones.
const TEXT: usize = 64;

/// What the first bytes of a body are. They are all of it if it `ended` there.
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
        // Two bytes tell zlib from raw deflate.
        Start::Coded if coding == ContentCoding::Deflate && first.len() < 2 && !ended => Start::Unknown,
        told => told,
    }
}

/// Whether bytes begin with a mark.
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
        // One byte may be all of a compressed body that holds nothing.
        true if ended && first.len() > 1 => Start::Plain,
        true => Start::Unknown,
    }
}

/// Whether text begins as JSON, a page, or a field of an event stream.
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
        // Raw deflate of `data: {"choices"`, and letters that it may begin with.
        let deflate = b"\x4a\x49\x2c\x49\xb4\x52\xa8";
        assert_eq!(start(ContentCoding::Deflate, deflate, false), Start::Coded);
        assert_eq!(start(ContentCoding::Deflate, b"b`bdffbf`d`aadfa", false), Start::Unknown);
        // The start of a mark is not the end of a text.
        assert_eq!(start(ContentCoding::Gzip, &[0x1f], true), Start::Coded);
        // A mark says it: without one, bytes are in no such coding.
        assert_eq!(start(ContentCoding::Gzip, &[0xff, 0xfb], false), Start::Plain);
        assert_eq!(start(ContentCoding::Zstd, b"(a", false), Start::Plain);
    }
}
