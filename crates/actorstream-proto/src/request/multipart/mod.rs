//! Forms with files: `multipart/form-data` bodies as plain data, which the caller sends.
//!
//! ```
//! use std::path::Path;
//!
//! use actorstream_proto::request::multipart::{FilePart, Form, Segment};
//!
//! let form = Form::new().text("model", "whisper-1").file("file", FilePart::from_path("talk.mp3"));
//!
//! let body = form.encode("a-random-boundary");
//! assert_eq!(body.content_type(), "multipart/form-data; boundary=a-random-boundary");
//! assert_eq!(body.segments()[1], Segment::File("talk.mp3".into()));
//! assert_eq!(body.len(|path: &Path| (path == Path::new("talk.mp3")).then_some(1_000)), Some(1_220));
//! ```

mod encode;
mod file;
mod request_body;
mod writer;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use encode::{Encoded, Segment};
pub(crate) use file::media_type;
pub use file::{FileContent, FilePart};
pub(crate) use request_body::request_body;
pub use request_body::{RequestBody, ToRequestBody};
pub(crate) use writer::FormWriter;

/// The fields and files of a form, in the order in which they are sent.
///
/// A form is plain data and can be sent repeatedly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    entries: Vec<Entry>,
}

/// One part of a [`Form`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the field; several parts may share it.
    pub name: String,
    /// The content of the part.
    pub value: EntryValue,
}

/// The content of a part of a [`Form`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryValue {
    /// Text, sent verbatim.
    Text(String),
    /// A file.
    File(FilePart),
}

impl Entry {
    fn text(&self) -> Option<&str> {
        match &self.value {
            EntryValue::Text(text) => Some(text),
            EntryValue::File(_) => None,
        }
    }
}

impl Form {
    /// Creates a form without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text field, after any others with this name.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.entries.push(Entry { name: name.into(), value: EntryValue::Text(value.into()) });
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, file: impl Into<FilePart>) -> Self {
        self.entries.push(Entry { name: name.into(), value: EntryValue::File(file.into()) });
        self
    }

    /// Returns the parts, in the order in which they are sent.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Sets a text field, replacing all parts with this name.
    ///
    /// A string is sent verbatim and any other value as JSON; `null` sends nothing. A new field precedes the files,
    /// where servers that parse incrementally expect it.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        let place = self.entries.iter().position(|entry| entry.name == name);
        self.remove(name);
        let Some(text) = text_of(value) else { return };
        let place = place
            .or_else(|| self.entries.iter().position(|entry| entry.text().is_none()))
            .unwrap_or(self.entries.len());
        self.entries.insert(place, Entry { name: name.to_owned(), value: EntryValue::Text(text) });
    }

    /// Removes all parts with this name.
    pub fn remove(&mut self, name: &str) {
        self.entries.retain(|entry| entry.name != name);
    }

    /// Returns the value of the first text field with this name, if it has this type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = self.entries.iter().filter(|entry| entry.name == name).find_map(Entry::text)?;
        serde_json::from_str(text).or_else(|_| serde_json::from_value(Value::String(text.to_owned()))).ok()
    }

    /// Encodes the form, with `boundary` between its parts.
    ///
    /// The boundary has 1 to 70 characters from letters, digits, `-` and `_`, and must not occur in the parts, so
    /// choose a random one for each request.
    #[must_use]
    pub fn encode(&self, boundary: &str) -> Encoded {
        encode::encode(self, boundary)
    }
}

/// Returns a value as the text of a field; `None` for `null`.
fn text_of<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    let json = serde_json::to_string(value).ok().filter(|json| json != "null")?;
    if json.starts_with('"') { serde_json::from_str(&json).ok() } else { Some(json) }
}
