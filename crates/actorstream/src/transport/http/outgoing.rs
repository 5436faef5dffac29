//! `Outgoing`: a request to send.

use std::collections::BTreeMap;
use std::sync::Arc;

use actorstream_proto::endpoint::{Framing, Method};
use actorstream_proto::outcome::credentials::collect_secrets;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::request::body::Body;
use actorstream_proto::request::multipart::{Form, RequestBody};
use awc::http::Uri;
use bytes::Bytes;

use crate::settings::observer::Changes;
use crate::settings::quota::Admission;

/// A request to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: OutgoingBody,
    pub(crate) framing: Framing,
    /// The key for this attempt, if it differs from that of the settings.
    pub(crate) key: Option<Secret>,
    /// The server's own model names, by the names in requests, if it has any.
    pub(crate) models: Option<Arc<BTreeMap<String, String>>>,
    /// What observers have changed about this attempt.
    pub(crate) changes: Option<Box<Changes>>,
    /// Its place in the client's quota; boxed, since most clients have none.
    pub(crate) admission: Option<Box<Admission>>,
}

impl Outgoing {
    /// Creates a request that uses the key of the settings and keeps its model name.
    pub(crate) fn new(method: Method, uri: Uri, body: OutgoingBody, framing: Framing) -> Self {
        Self { method, uri, body, framing, key: None, models: None, changes: None, admission: None }
    }

    /// The same request, as no observer and no quota has seen it yet.
    pub(crate) fn again(&self) -> Self {
        Self {
            method: self.method,
            uri: self.uri.clone(),
            body: self.body.clone(),
            framing: self.framing,
            key: self.key.clone(),
            models: self.models.clone(),
            changes: None,
            admission: None,
        }
    }

    /// Returns the URL for errors: without the query, which may hold secrets.
    pub(crate) fn shown_url(&self) -> Option<Arc<str>> {
        self.uri.to_string().split('?').next().map(Arc::from)
    }

    /// Returns the JSON of the body with the server's name for the model.
    pub(crate) fn json(&self, json: &Bytes) -> Bytes {
        let renamed = || {
            let models = self.models.as_deref()?;
            let mut body = Body::read(str::from_utf8(json).ok()?, usize::MAX, |_| true).ok()?;
            body.set("model", models.get(&body.get::<String>("model")?)?);
            Some(body.to_bytes())
        };
        renamed().unwrap_or_else(|| json.clone())
    }

    /// The JSON to send in place of this one: as observers have changed it, or with the server's name of the model.
    pub(crate) fn body_to_send(&self, json: &Bytes) -> Bytes {
        let changed = self.changes.as_ref().and_then(|changes| changes.body.clone());
        changed.unwrap_or_else(|| self.json(json))
    }

    /// Returns the model that is asked, and about how many tokens the request and its response take: four characters a token, without
    /// files in it, and as many as the response may have.
    pub(crate) fn estimate(&self) -> (Option<String>, u64) {
        const WANTED: [&str; 5] = ["model", "n", "max_completion_tokens", "max_output_tokens", "max_tokens"];
        let json = match &self.body {
            OutgoingBody::Json(json) => self.body_to_send(json),
            OutgoingBody::Form(form) => return (form.get("model"), 0),
        };
        let Ok(text) = str::from_utf8(&json) else { return (None, 0) };
        let fields = Body::read(text, usize::MAX, |name| WANTED.contains(&name)).unwrap_or_default();
        let most = WANTED[2..].iter().find_map(|name| fields.get::<u64>(name)).unwrap_or_default();
        let choices = fields.get::<u64>("n").unwrap_or(1);
        let written = length_without_files(text) as u64 / 4;
        (fields.get("model"), written.saturating_add(most.saturating_mul(choices)))
    }

    /// Returns the secrets that are of this attempt alone: its key, and credentials that observers have set.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = self.key.iter().cloned().collect();
        for (name, value) in self.changes.iter().flat_map(|changes| &changes.headers) {
            collect_secrets(name.as_str(), value.to_str().unwrap_or_default(), &mut secrets);
        }
        secrets
    }

    /// Frees the body, since the request will not be retried: prompts are long, and streams last.
    #[inline]
    pub(crate) fn let_go(&mut self) {
        if !matches!(&self.body, OutgoingBody::Json(json) if json.is_empty()) {
            self.body = OutgoingBody::empty();
            self.changes = None;
        }
    }
}

/// Returns how many bytes of a JSON text are not the content of a file in a data URL.
fn length_without_files(mut text: &str) -> usize {
    const MARK: &str = ";base64,";
    let is_content = |char: char| char.is_ascii_alphanumeric() || "+/=-_\\".contains(char);
    let mut length = 0;
    while let Some(at) = text.find(MARK) {
        let (before, behind) = text.split_at(at + MARK.len());
        length += before.len();
        text = behind.trim_start_matches(is_content);
    }
    length + text.len()
}

/// The body of a request.
#[derive(Debug, Clone)]
pub(crate) enum OutgoingBody {
    Json(Bytes),
    /// Encoded for each attempt, which opens the files.
    Form(Box<Form>),
}

impl OutgoingBody {
    pub(crate) fn empty() -> Self {
        Self::Json(Bytes::new())
    }
}

impl From<RequestBody> for OutgoingBody {
    fn from(body: RequestBody) -> Self {
        match body {
            RequestBody::Json(body) => Self::Json(body.to_bytes()),
            RequestBody::Multipart(form) => Self::Form(Box::new(form)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_do_not_count() {
        let image = "iVBORw0KGgo+/\\/=".repeat(1_000);
        let text = format!(r#"{{"a":"data:image/png;base64,{image}","b":"data:x;base64,{image}"}}"#);
        assert_eq!(length_without_files(&text), text.len() - 2 * image.len());
        // What only looks like a file counts.
        for text in ["", r#"";base64,;base64,""#, r#"";base64, and so on""#] {
            assert_eq!(length_without_files(text), text.len());
        }
        // In a time that grows with the length.
        let many = ";base64,".repeat(1 << 18);
        assert_eq!(length_without_files(&many), many.len());
    }
}
