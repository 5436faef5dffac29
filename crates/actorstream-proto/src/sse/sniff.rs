//! Classifies the first bytes of a body.

use memchr::memchr2;

/// The byte order mark.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Classifies the first bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniff {
    /// It is an event stream.
    Events,
    /// It is something else: JSON, HTML, text.
    Other,
    /// Too few bytes to decide.
    More,
}

/// Returns whether `head`, the first bytes of a body, starts an event stream: a line that is a comment or a known
/// field, preceded only by blank lines and unknown fields.
pub fn sniff(head: &[u8]) -> Sniff {
    const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b"error"];
    if BOM.starts_with(head) {
        return Sniff::More;
    }
    let mut rest = head.strip_prefix(BOM).unwrap_or(head);
    loop {
        let start = rest.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        rest = &rest[start..];
        if rest.first() == Some(&b':') {
            return Sniff::Events;
        }
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let end = rest.iter().position(|byte| !in_name(byte));
        let name = &rest[..end.unwrap_or(rest.len())];
        let Some(end) = end else { return Sniff::More };
        match rest[end] {
            b':' | b'\n' | b'\r' if FIELDS.contains(&name) => return Sniff::Events,
            b':' if !name.is_empty() => {}
            _ => return Sniff::Other,
        }
        match memchr2(b'\n', b'\r', &rest[end..]) {
            Some(line) => rest = &rest[end + line..],
            None => return Sniff::More,
        }
    }
}
