//! `Payload`: the data of an event as it came.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// The data of one event exactly as it came, a slice of the read it came in.
///
/// This is where everything is that a typed event has no field for. Parsing it costs what it costs, and nothing
/// until you do. A payload keeps the buffer of its read (up to 32 KiB, which the streams of a
/// thread share) alive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; bytes that are not UTF-8 read as U+FFFD, as the standard of event streams says.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Parses the payload as JSON.
    ///
    /// # Errors
    /// When it is no JSON, or holds what `serde_json` cannot hold, such as half a surrogate pair.
    pub fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(&self.0)
    }

    /// The payload as a JSON value that is written out to the letter as it came, or `None` if it is no JSON.
    pub fn raw_value(&self) -> Option<&RawValue> {
        serde_json::from_slice(&self.0).ok()
    }

    /// The payload as shared bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}
