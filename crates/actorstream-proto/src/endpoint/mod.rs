//! `Endpoint`: connects a path, a request, an event type and a rule for the end.

pub mod answer;
pub mod event;
pub(crate) mod framing;
pub mod raw;
pub(crate) mod typed_event;
pub mod verbatim;

pub use framing::Framing;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::marker::PhantomData;

use crate::endpoint::event::Event;
use crate::endpoint::raw::RawEvent;
use crate::request::multipart::RequestBody;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`: the request has no body.
    Get,
    /// `POST`.
    Post,
    /// `DELETE`: the request has no body.
    Delete,
}

/// Encodes a name or an id as one path segment, so that external input cannot name another path. Dots are kept,
/// except in the segments `.` and `..`.
pub fn segment(name: &str) -> String {
    let dots = name.bytes().all(|byte| byte == b'.');
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~=".contains(&byte) || (byte == b'.' && !dots) {
            segment.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

/// An endpoint of the API, or of a server like it.
pub trait Endpoint: Clone + Send + 'static {
    /// The event type of its streams.
    type Event: Event;

    /// The path below the base URL, starting with `/`; it may contain a query.
    fn path(&self) -> Cow<'_, str>;

    /// The method. Default: `POST`.
    fn method(&self) -> Method {
        Method::Post
    }

    /// Prepares the request for streaming or not. The default sets the field `stream`.
    fn prepare(&self, body: &mut RequestBody, streamed: bool) {
        if streamed {
            body.set("stream", &true);
        } else {
            body.remove("stream");
            body.remove("stream_options");
        }
    }

    /// The kind of operation, in the words of OpenTelemetry's conventions for generative AI. Default: `generate_content`.
    fn operation(&self) -> &'static str {
        "generate_content"
    }

    /// The number of choices requested: a body that ends before that many have ended is truncated. Default: 1.
    fn choices(&self, body: &RequestBody) -> usize {
        let _ = body;
        1
    }

    /// The format of the streamed response. Default: an event stream.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Whether the body of an unstreamed response is passed on without parsing, so that an error in it is not an
    /// error of the call. Default: no.
    fn is_verbatim(&self) -> bool {
        false
    }

    /// The path that resumes a response after the event with this number, with `GET`. Default: `None`; a broken
    /// stream is then truncated.
    fn resume(&self, id: &str, after: u64) -> Option<String> {
        let _ = (id, after);
        None
    }

    /// The path that cancels a response which would otherwise continue at the server, with `POST`. Default: `None`.
    fn cancel(&self, id: &str) -> Option<String> {
        let _ = id;
        None
    }

    /// The id of the stream's response, if it is known before the stream reports it.
    fn response_id(&self) -> Option<&str> {
        None
    }

    /// The number of the event after which the stream begins, for a stream that was started elsewhere.
    fn starts_after(&self) -> Option<u64> {
        None
    }

    /// Whether a body that ends cleanly is complete, regardless of its events. Default: no, since proxies turn a dead
    /// upstream into a clean end.
    fn ends_on_close(&self) -> bool {
        false
    }
}

/// Any other endpoint: a path, and the type of its events (raw ones by default). The request is sent as the caller
/// wrote it, so for most servers it must contain `"stream": true`.
///
/// ```
/// use actorstream_proto::endpoint::{Custom, Endpoint};
///
/// let endpoint = Custom::post("/v2/generate");
/// assert_eq!(endpoint.path(), "/v2/generate");
/// ```
#[derive(Debug)]
pub struct Custom<E = RawEvent> {
    path: Cow<'static, str>,
    method: Method,
    ends_on_close: bool,
    event: PhantomData<fn() -> E>,
}

impl Custom {
    /// Creates an endpoint for `POST`. A missing leading `/` is added.
    pub fn post(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::Post, path.into())
    }

    /// Creates an endpoint for `GET`.
    pub fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::Get, path.into())
    }

    /// Creates an endpoint for `DELETE`.
    pub fn delete(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::Delete, path.into())
    }

    fn new(method: Method, mut path: Cow<'static, str>) -> Self {
        if !path.starts_with('/') {
            path = format!("/{path}").into();
        }
        Self { path, method, ends_on_close: false, event: PhantomData }
    }

    /// Changes the event type, for example to [`Typed`](crate::endpoint::raw::Typed).
    #[must_use]
    pub fn events<E: Event>(self) -> Custom<E> {
        Custom { path: self.path, method: self.method, ends_on_close: self.ends_on_close, event: PhantomData }
    }
}

impl<E> Custom<E> {
    /// Treats a body that ends cleanly as complete: for servers that send neither `[DONE]` nor a documented last
    /// event.
    #[must_use]
    pub fn ends_on_close(mut self) -> Self {
        self.ends_on_close = true;
        self
    }
}

impl<E> Clone for Custom<E> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), ..*self }
    }
}

impl<E: Event> Endpoint for Custom<E> {
    type Event = E;

    fn path(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.path)
    }

    fn method(&self) -> Method {
        self.method
    }

    fn prepare(&self, body: &mut RequestBody, streamed: bool) {
        // The endpoint's fields are unknown: the request is sent as the caller wrote it.
        let _ = (body, streamed);
    }

    /// Reads the field `n`, the number of choices or images.
    fn choices(&self, body: &RequestBody) -> usize {
        body.count("n")
    }

    fn ends_on_close(&self) -> bool {
        self.ends_on_close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_names_no_other_path() {
        for (name, expected) in [
            ("my-gpt_4.1~x=", "my-gpt_4.1~x="),
            ("../files?x=1#y", "..%2Ffiles%3Fx=1%23y"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("a b\r\nEvil: 1", "a%20b%0D%0AEvil%3A%201"),
            ("%2e%2e", "%252e%252e"),
            ("é@h", "%C3%A9%40h"),
            ("", ""),
        ] {
            assert_eq!(segment(name), expected, "{name}");
        }
    }
}
