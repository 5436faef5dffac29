//! Recorded responses with the arrival times of their chunks.

use std::time::Duration;

use bytes::Bytes;

use crate::reply::Reply;

/// The extension of a chunk with the time since the previous one.
const WAIT: &str = "wait_ms=";

/// The extension of the last chunk if the client disconnected before the response ended.
const HOLD: &str = "hold";

impl Reply {
    /// Creates a reply from a recorded response, like [`recorded`](Self::recorded), with the timing of the
    /// recording. Before a chunk with the extension `wait_ms=N`, it waits N milliseconds. At a last chunk with the
    /// extension `hold`, it is silent until the client disconnects. Recordings of the crate actorstream have these
    /// extensions.
    pub fn replayed(http: impl Into<Bytes>) -> Self {
        let http = http.into();
        let Some(head) = chunked_head(&http) else { return Self::recorded(http) };
        let mut reply = Self::raw().bytes(http.slice(..head));
        let mut at = head;
        while let Some(chunk) = Chunk::find(&http[at..]) {
            if !chunk.wait.is_zero() {
                reply = reply.wait(chunk.wait);
            }
            if chunk.holds {
                return reply.hold();
            }
            reply = reply.bytes(http.slice(at..at + chunk.length));
            at += chunk.length;
        }
        if at == http.len() { reply } else { reply.bytes(http.slice(at..)) }
    }
}

/// Returns the length of the head, if the body is chunked.
fn chunked_head(http: &[u8]) -> Option<usize> {
    let end = http.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = str::from_utf8(&http[..end]).ok()?.to_ascii_lowercase();
    head.lines().any(|line| line.replace(' ', "") == "transfer-encoding:chunked").then_some(end)
}

/// A chunk in a recording.
#[derive(Debug)]
struct Chunk {
    /// Its bytes, including the framing.
    length: usize,
    wait: Duration,
    holds: bool,
}

impl Chunk {
    /// Returns the chunk that begins here; `None` if it is the last one, incomplete, or invalid.
    fn find(bytes: &[u8]) -> Option<Self> {
        let line = bytes.windows(2).position(|window| window == b"\r\n")?;
        let mut parts = str::from_utf8(&bytes[..line]).ok()?.split(';').map(str::trim);
        let size = usize::from_str_radix(parts.next()?, 16).ok()?;
        let (mut wait, mut holds) = (Duration::ZERO, false);
        for extension in parts {
            if let Some(milliseconds) = extension.strip_prefix(WAIT) {
                wait = Duration::from_millis(milliseconds.parse().ok()?);
            }
            holds |= extension == HOLD;
        }
        let length = line.checked_add(4)?.checked_add(size)?;
        let is_whole = length <= bytes.len() && size > 0;
        (is_whole || holds).then_some(Self { length, wait, holds })
    }
}
