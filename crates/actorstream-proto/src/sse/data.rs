//! `Data`: the data of the current event.

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;

/// The data of the current event.
#[derive(Debug, Default)]
pub(super) enum Data {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Data::None => 0,
            Data::One(line) => line.len(),
            Data::Joined(lines) => lines.len(),
        }
    }

    pub(super) fn push(&mut self, line: Bytes) {
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

    /// Takes the previous line, if it is a JSON object or a list of them by itself and a separate event follows.
    pub(super) fn split(&mut self, next: &[u8]) -> Option<Bytes> {
        let Self::One(line) = self else { return None };
        let begins = matches!(next.trim_ascii_start().first(), Some(b'{' | b'['));
        let start = line.trim_ascii_start();
        let first = start.strip_prefix(b"[").map_or(start, <[u8]>::trim_ascii_start).first();
        let whole = begins && first == Some(&b'{');
        if whole && serde_json::from_slice::<IgnoredAny>(line).is_ok() { Some(self.take()) } else { None }
    }

    pub(super) fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Data::None => Bytes::new(),
            Data::One(line) => line,
            Data::Joined(lines) => lines.freeze(),
        }
    }
}
