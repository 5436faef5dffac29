//! `Outgoing`: a request to send.

use std::collections::BTreeMap;
use std::sync::Arc;

use actorstream_proto::endpoint::{Framing, Method};
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::request::body::Body;
use actorstream_proto::request::multipart::{Form, RequestBody};
use awc::http::Uri;
use bytes::Bytes;

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
}

impl Outgoing {
    /// Creates a request that uses the key of the settings and keeps its model name.
    pub(crate) fn new(method: Method, uri: Uri, body: OutgoingBody, framing: Framing) -> Self {
        Self { method, uri, body, framing, key: None, models: None }
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

    /// Frees the body, since the request will not be retried: prompts are long, and streams last.
    #[inline]
    pub(crate) fn let_go(&mut self) {
        if !matches!(&self.body, OutgoingBody::Json(json) if json.is_empty()) {
            self.body = OutgoingBody::empty();
        }
    }
}

/// The body of a request.
#[derive(Debug)]
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
