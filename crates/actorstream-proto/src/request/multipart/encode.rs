//! Encodes a form as the bytes and files that make up its body.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{EntryValue, FileContent, FilePart, Form};

/// An encoded form: its concatenated segments are the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    content_type: String,
    segments: Vec<Segment>,
}

/// A segment of a body.
#[derive(Clone, PartialEq, Eq)]
pub enum Segment {
    /// These bytes.
    Bytes(Bytes),
    /// The content of this file.
    File(PathBuf),
}

impl Encoded {
    /// The `Content-Type` header of the request.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Returns the segments of the body.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the segments of the body.
    #[must_use]
    pub fn into_segments(self) -> Vec<Segment> {
        self.segments
    }

    /// Returns the length of the body in bytes, if `size_of` returns the size of each file.
    pub fn len(&self, size_of: impl Fn(&Path) -> Option<u64>) -> Option<u64> {
        self.segments.iter().try_fold(0_u64, |sum, segment| {
            let size = match segment {
                Segment::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
                Segment::File(path) => size_of(path),
            };
            sum.checked_add(size?)
        })
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Writes the form with `boundary` between its parts.
pub(super) fn encode(form: &Form, boundary: &str) -> Encoded {
    debug_assert!(
        (1..=70).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{boundary:?} is not a valid boundary"
    );
    let mut out = Writer::default();
    for entry in form.entries() {
        let name = escape(&entry.name);
        out.text.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\""));
        match &entry.value {
            EntryValue::Text(text) => {
                out.text.push_str("\r\n\r\n");
                out.text.push_str(text);
            }
            EntryValue::File(file) => out.file(file),
        }
        out.text.push_str("\r\n");
    }
    out.text.push_str(&format!("--{boundary}--\r\n"));
    out.flush();
    Encoded { content_type: format!("multipart/form-data; boundary={boundary}"), segments: out.segments }
}

/// Segments so far, and text that will be part of the next one.
#[derive(Default)]
struct Writer {
    segments: Vec<Segment>,
    text: String,
}

impl Writer {
    fn file(&mut self, file: &FilePart) {
        let name = escape(&file.name);
        // Control characters are dropped: a line end would end the header.
        let media_type: String = file.media_type().chars().filter(|c| !c.is_control()).collect();
        self.text.push_str(&format!("; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\n"));
        self.flush();
        self.segments.push(match &file.content {
            FileContent::Path(path) => Segment::File(path.clone()),
            FileContent::Bytes(bytes) => Segment::Bytes(bytes.clone()),
        });
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.segments.push(Segment::Bytes(std::mem::take(&mut self.text).into()));
        }
    }
}

/// Escapes a name for use between quotes. By HTML's rule, a quote, CR and LF are percent-encoded, and nothing else.
fn escape(name: &str) -> Cow<'_, str> {
    if !name.contains(['"', '\r', '\n']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}
