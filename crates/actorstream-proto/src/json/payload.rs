//! `Payload`: the data of an event, verbatim.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// The data of one event, verbatim, as a slice of its read.
///
/// It contains everything for which a typed event has no field. It is parsed only on request. A payload keeps the
/// buffer of its read alive (up to 32 KiB, shared by the streams of a thread).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text; bytes that are not UTF-8 read as U+FFFD, as in the event stream standard.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Parses the payload as JSON.
    ///
    /// # Errors
    /// If it is not JSON, or contains something that `serde_json` cannot represent, such as half a surrogate pair.
    pub fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(&self.0)
    }

    /// Returns the payload as a JSON value that serializes verbatim, or `None` if it is not JSON.
    pub fn raw_value(&self) -> Option<&RawValue> {
        serde_json::from_slice(&self.0).ok()
    }

    /// Returns the payload as shared bytes.
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
