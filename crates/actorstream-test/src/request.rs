//! A request as it arrived at the upstream.

use bytes::Bytes;
use serde_json::Value;

/// A request as it arrived at the upstream, complete with its body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method as sent, `POST` for instance.
    pub method: String,
    /// Scheme, host and port as the request line names them, such as `http://api.test:8080`, which it
    /// does where the upstream is asked as a proxy.
    pub origin: Option<String>,
    /// The path without the query, as sent: nothing is decoded.
    pub path: String,
    /// What stood behind the `?`, if there was one.
    pub query: Option<String>,
    /// The headers in the order sent, names in lower case; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, freed of its chunked framing.
    pub body: Bytes,
    /// The connection it came on, numbered from 0 in the order of acceptance.
    pub connection: usize,
    /// Its number among all requests to this upstream, from 0 in the order of complete arrival.
    pub index: usize,
}

impl Request {
    /// The first value of a header, whatever the case of `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON; the message shows the body. [`try_json`](Self::try_json) does not panic.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.try_json().unwrap_or_else(|error| {
            panic!("the body of {} {} is not JSON ({error}): {:?}", self.method, self.path, self.text())
        })
    }

    /// The body as JSON, or why it is not.
    pub fn try_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the client wants the connection closed after the answer.
    pub(crate) fn closes(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "connection" && lists(value, "close"))
    }
}

/// Whether a comma-separated header value lists `token`.
pub(crate) fn lists(value: &str, token: &str) -> bool {
    value.split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}
