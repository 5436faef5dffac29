//! `Secret`: a text that is never shown.

use std::fmt;
use std::sync::Arc;

/// An API key. Neither `Debug` nor anything else shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a text secret; white space around it is dropped.
    pub fn new(text: &str) -> Self {
        // A key read from a file ends in a line feed often enough.
        Self(text.trim().into())
    }

    /// The text, to be sent where it belongs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
