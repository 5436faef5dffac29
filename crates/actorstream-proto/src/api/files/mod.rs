//! `/files`: upload, list, read and delete files.

mod generated;

use std::borrow::Cow;

use serde_json::Value;

pub use generated::{
    FileDeleted, FileExpiry, FileList, FileListRequest, FileObject, FileOrder, FilePurpose, FileRequest,
    FileStatus,
};

use crate::endpoint::answer::{Answer, WholeAnswer};
use crate::endpoint::verbatim::Verbatim;
use crate::endpoint::{Custom, Endpoint, Method, segment};
use crate::json::whole::Field;
use crate::request::multipart::{FilePart, RequestBody};

/// The endpoint `POST /files`. It does not stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

impl Files {
    /// The endpoint `GET /files`.
    pub fn list(request: &FileListRequest) -> Custom<Answer<FileList>> {
        let fields = serde_json::to_value(request).unwrap_or_default();
        let parameters = fields.as_object().into_iter().flatten().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}={}", segment(name), segment(&value))
        });
        let query: Vec<String> = parameters.collect();
        let path = if query.is_empty() { "/files".to_owned() } else { format!("/files?{}", query.join("&")) };
        Custom::get(path).events()
    }

    /// The endpoint `GET /files/{id}`.
    pub fn get(id: &str) -> Custom<Answer<FileObject>> {
        Custom::get(format!("/files/{}", segment(id))).events()
    }

    /// The endpoint `GET /files/{id}/content`.
    pub fn content(id: &str) -> Verbatim {
        Verbatim::new(Method::Get, format!("/files/{}/content", segment(id)))
    }

    /// The endpoint `DELETE /files/{id}`.
    pub fn delete(id: &str) -> Custom<Answer<FileDeleted>> {
        Custom::delete(format!("/files/{}", segment(id))).events()
    }
}

impl Endpoint for Files {
    type Event = Answer<FileObject>;

    fn operation(&self) -> &'static str {
        "files"
    }

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed("/files")
    }

    fn prepare(&self, body: &mut RequestBody, _: bool) {
        // In a form, an object is sent field by field.
        if let RequestBody::Multipart(form) = body
            && let Some(Value::Object(expiry)) = form.get("expires_after")
        {
            form.remove("expires_after");
            for (name, value) in expiry {
                form.set(&format!("expires_after[{name}]"), &value);
            }
        }
    }
}

impl WholeAnswer for FileObject {
    const NAME: &'static str = "file";
    const FIELD: Field = Field::Any("id");
}

impl WholeAnswer for FileList {
    const NAME: &'static str = "list of files";
    const FIELD: Field = Field::List("data");
}

impl WholeAnswer for FileDeleted {
    const NAME: &'static str = "deletion";
    const FIELD: Field = Field::Any("deleted");
}

impl FileRequest {
    /// Creates a request to upload a file for `purpose`.
    pub fn new(purpose: impl Into<FilePurpose>, file: impl Into<FilePart>) -> Self {
        Self { purpose: purpose.into(), ..Self::of_files(file.into()) }
    }

    /// Sets how many seconds after its creation the file expires, from 3,600 to 2,592,000.
    #[must_use]
    pub fn expires_in(self, seconds: u64) -> Self {
        self.expires_after(FileExpiry::new(seconds))
    }
}
