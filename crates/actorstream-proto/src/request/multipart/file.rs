//! Files as parts of a form.

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// A file to send with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// The file name for the server. Some servers derive the kind of a file from its extension.
    pub name: String,
    /// The source of the content.
    pub content: FileContent,
    /// The media type. If absent, it is derived from the extension of the name; if that is unknown, it is
    /// `application/octet-stream`.
    pub content_type: Option<String>,
}

/// The source of a [`FilePart`]'s content.
#[derive(Clone, PartialEq, Eq)]
pub enum FileContent {
    /// A file on disk, read when the form is sent.
    Path(PathBuf),
    /// Bytes in memory.
    Bytes(Bytes),
}

impl FilePart {
    /// Creates a file from a path, which is opened when the form is sent. Its name is the last component of `path`.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
        Self { name, content: FileContent::Path(path), content_type: None }
    }

    /// Creates a file called `name` with these bytes.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), content: FileContent::Bytes(bytes.into()), content_type: None }
    }

    /// Sets the file name for the server.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the media type, such as `audio/wav`.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Returns the media type that is sent.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or_else(|| media_type(&self.name))
    }
}

impl From<&Path> for FilePart {
    fn from(path: &Path) -> Self {
        Self::from_path(path)
    }
}

impl From<PathBuf> for FilePart {
    fn from(path: PathBuf) -> Self {
        Self::from_path(path)
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// Returns the media type for the extension of `name`.
pub(crate) fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "aac" => "audio/aac",
        "aif" | "aiff" => "audio/aiff",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "mp3" | "mpga" => "audio/mpeg",
        "oga" | "ogg" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "mpeg" | "mpg" => "video/mpeg",
        "webm" => "video/webm",
        "bmp" => "image/bmp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "jpeg" | "jpg" => "image/jpeg",
        "png" => "image/png",
        "tif" | "tiff" => "image/tiff",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}
