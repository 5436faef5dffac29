//! A request as it arrived at the upstream.

use bytes::Bytes;
use serde_json::Value;

/// A request as it arrived at the upstream, complete with its body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method as sent, such as `POST`.
    pub method: String,
    /// Scheme, host and port in the request line, such as `http://api.test:8080`, if the upstream is used as a proxy.
    pub origin: Option<String>,
    /// The path without the query, as sent: nothing is decoded.
    pub path: String,
    /// The part after the `?`, if any.
    pub query: Option<String>,
    /// The headers in the order sent, names in lower case; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, without chunked framing.
    pub body: Bytes,
    /// The connection it arrived on, numbered from 0 in the order of acceptance.
    pub connection: usize,
    /// Its number among all requests to this upstream, from 0 in the order of complete arrival.
    pub index: usize,
}

impl Request {
    /// Returns the first value of a header; `name` is case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Parses the body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON; the message contains the body. [`try_json`](Self::try_json) does not panic.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.try_json().unwrap_or_else(|error| {
            panic!("the body of {} {} is not JSON ({error}): {:?}", self.method, self.path, self.text())
        })
    }

    /// Parses the body as JSON, or returns the error.
    pub fn try_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Returns the body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns whether the client asks to close the connection after the response.
    pub(crate) fn closes(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "connection" && lists(value, "close"))
    }
}

/// Returns whether a comma-separated header value contains `token`.
pub(crate) fn lists(value: &str, token: &str) -> bool {
    value.split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}
