//! `ObservedRequest`: a request that is about to go out; `ObservedCall`: the call that it is of.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::endpoint::Method;
use awc::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;

use crate::settings::framing::is_framing;

/// A call of a client, as its observers see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedCall {
    pub(crate) id: u64,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) operation: &'static str,
    pub(crate) model: Option<Box<str>>,
    pub(crate) is_streamed: bool,
}

impl ObservedCall {
    /// Returns the id of the stream, as in [`StreamRef::id`](crate::StreamRef::id).
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns for whom the call is made, if the call or the client says so.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns the name of the operation in OpenTelemetry's conventions: `chat`, `text_completion`, `embeddings`, …
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the model that the call asks for.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns whether the response is streamed.
    pub fn is_streamed(&self) -> bool {
        self.is_streamed
    }
}

/// What a request is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// A response: the first one of a call, or the next one of a tool loop.
    Response,
    /// The rest of a response whose stream broke.
    Resumption,
    /// The cancellation of a response in background mode. It is given up after a second.
    Cancellation,
}

/// A request that is about to go out. `Debug` shows neither the body nor the values of headers.
pub struct ObservedRequest {
    pub(crate) call: Arc<ObservedCall>,
    pub(crate) purpose: Purpose,
    pub(crate) attempt: u32,
    pub(crate) backend: Option<Arc<str>>,
    pub(crate) method: Method,
    pub(crate) url: Arc<str>,
    /// `None` for a form.
    pub(crate) body: Option<Bytes>,
    pub(crate) changes: Changes,
}

/// What observers change about a request. `Debug` does not show it.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) answer: Option<Bytes>,
    /// The first change that is impossible.
    pub(crate) wrong: Option<String>,
}

impl ObservedRequest {
    /// Returns the call that the request is of.
    pub fn call(&self) -> &ObservedCall {
        &self.call
    }

    /// Returns what the request is sent for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the number of the attempt, from 1: for a response, in its call or round; for a resumption, since the last event.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the name of the backend that is asked; `None` for the client's own server.
    pub fn backend(&self) -> Option<&str> {
        self.backend.as_deref()
    }

    /// Returns the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns the URL, without its query, which may hold secrets.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the body: JSON, as changed so far. Empty without a body, and for a form, whose files are read while it is sent.
    pub fn body(&self) -> &[u8] {
        self.changes.body.as_ref().or(self.body.as_ref()).map_or(&[], |body| body)
    }

    /// Sends this JSON in place of the body. It must ask for as many choices, and for a stream if the request does. A request without
    /// a body, or of a form, ends with `Config`.
    pub fn set_body(&mut self, json: impl Into<Bytes>) {
        if self.body.as_ref().is_none_or(Bytes::is_empty) {
            self.fail("an observer has set the body of a request that has none, or is a form".to_owned());
        }
        self.changes.body = Some(json.into());
    }

    /// Sends this header, in place of one of the same name. A header with which the client frames the request, or that HTTP does not
    /// allow, ends the call with `Config`. A value under a name that is known for credentials, such as `authorization`, is removed
    /// from errors like a key.
    pub fn set_header(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let parsed = name.trim().parse::<HeaderName>().ok().zip(HeaderValue::from_str(value.trim()).ok());
        match parsed {
            Some((name, mut value)) if !is_framing(&name) => {
                value.set_sensitive(true);
                self.changes.headers.retain(|(other, _)| other != name);
                self.changes.headers.push((name, value));
            }
            _ => self.fail(format!("an observer has set the header {name:?}, which cannot be sent")),
        }
    }

    /// Answers the request in place of the server: nothing is sent, and no later observer is asked. `body` is the body of a 2xx
    /// response: an event stream, or the whole response as JSON, which a stream turns into an event.
    pub fn answer(&mut self, body: impl Into<Bytes>) {
        self.changes.answer = Some(body.into());
    }

    fn fail(&mut self, message: String) {
        self.changes.wrong.get_or_insert(message);
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

impl fmt::Debug for ObservedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedRequest")
            .field("call", &self.call)
            .field("purpose", &self.purpose)
            .field("attempt", &self.attempt)
            .field("backend", &self.backend)
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
