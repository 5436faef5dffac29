//! `Endpoint`: what ties a path, a request, an event type and a rule for the end together.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::marker::PhantomData;

use crate::event::Event;
use crate::multipart::RequestBody;
use crate::raw::RawEvent;
use crate::session::Framing;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`: the request has no body.
    Get,
    /// `POST`.
    Post,
}

/// A name or an id as a segment of a path: it comes from outside, and must not name another path. A point is kept where it
/// is not one of the segments `.` and `..`.
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
    /// What its streams are made of.
    type Event: Event;

    /// The path below the base URL, from its `/` on; it may hold a query.
    fn path(&self) -> Cow<'_, str>;

    /// The method. `POST` unless said otherwise.
    fn method(&self) -> Method {
        Method::Post
    }

    /// Makes the request one that is streamed, or one that is not. Sets the field `stream` unless said otherwise.
    fn prepare(&self, body: &mut RequestBody, streamed: bool) {
        if streamed {
            body.set("stream", &true);
        } else {
            body.remove("stream");
            body.remove("stream_options");
        }
    }

    /// How many choices the request asks for: a body that ends before that many have ended is cut off. 1 unless said
    /// otherwise.
    fn choices(&self, body: &RequestBody) -> usize {
        let _ = body;
        1
    }

    /// What the streamed answer is made of: an event stream unless said otherwise.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// The path that goes on with a response after the event of this number, asked with `GET`; `None` unless said
    /// otherwise: then a broken stream is truncated.
    fn resume(&self, id: &str, after: u64) -> Option<String> {
        let _ = (id, after);
        None
    }

    /// The path that stops a response which the server would go on with by itself, asked with `POST`; `None` unless
    /// said otherwise.
    fn cancel(&self, id: &str) -> Option<String> {
        let _ = id;
        None
    }

    /// The id of the response that the stream is of, where it is known before the stream says it.
    fn response_id(&self) -> Option<&str> {
        None
    }

    /// The number of the event after which the stream begins, for one that somebody else began.
    fn starts_after(&self) -> Option<u64> {
        None
    }

    /// Whether a body that ends cleanly is complete, whatever its events say. `false` unless said otherwise: proxies
    /// turn a dead upstream into a clean end.
    fn ends_on_close(&self) -> bool {
        false
    }
}

/// Any other endpoint: a path, and the type of its events (raw ones unless said otherwise). The request goes out as the
/// caller wrote it, so most servers want `"stream": true` in it.
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
    /// An endpoint that is asked with `POST`. A missing leading `/` is added.
    pub fn post(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::Post, path.into())
    }

    /// An endpoint that is asked with `GET`.
    pub fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::Get, path.into())
    }

    fn new(method: Method, mut path: Cow<'static, str>) -> Self {
        if !path.starts_with('/') {
            path = format!("/{path}").into();
        }
        Self { path, method, ends_on_close: false, event: PhantomData }
    }

    /// The same endpoint with events of another type, such as [`Typed`](crate::raw::Typed).
    #[must_use]
    pub fn events<E: Event>(self) -> Custom<E> {
        Custom { path: self.path, method: self.method, ends_on_close: self.ends_on_close, event: PhantomData }
    }
}

impl<E> Custom<E> {
    /// Takes a body that ends cleanly for a complete one: for servers that send neither `[DONE]` nor any event that
    /// says it is the last.
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
        // Nothing is known of the endpoint's fields: the request goes out as the caller wrote it.
        let _ = (body, streamed);
    }

    /// The field `n`, by which the API counts choices and images.
    fn choices(&self, body: &RequestBody) -> usize {
        body.get("n").unwrap_or(1)
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
