//! `ResponseHead`: the head of a response: its status and headers.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::outcome::rate_limits::RateLimits;

/// The head of a response. Clones share one allocation.
///
/// `Debug` shows the names of the headers but no values, which may contain cookies or repeat a key.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseHead(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    status: u16,
    received: SystemTime,
    request_id: Option<Box<str>>,
    /// All headers in one allocation: a name, `:`, a value and `\n` each. No header contains a line end.
    headers: Box<str>,
}

/// Headers with the request id, in order of preference: OpenAI's, its gateways', Azure's.
pub(crate) const REQUEST_IDS: [&str; 5] =
    ["x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-litellm-call-id"];

/// Headers with the name of the model, in order of preference: OpenAI's, LiteLLM's, Azure's.
const MODELS: [&str; 3] = ["openai-model", "x-litellm-model-group", "x-ms-deployment-name"];

impl ResponseHead {
    /// Creates a head that arrived at this time, from names in lower case and values. A header whose name or value
    /// contains a line end, or whose name contains a colon, is left out: HTTP permits neither.
    pub fn new<'a>(
        status: u16,
        received: SystemTime,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut text = String::new();
        for (name, value) in headers {
            let breaks = |text: &str| text.contains(['\r', '\n']);
            if !name.contains(':') && !breaks(name) && !breaks(value) {
                text.extend([name, ":", value.trim(), "\n"]);
            }
        }
        let headers = text.into_boxed_str();
        let request_id = first(&headers, &REQUEST_IDS).map(Box::from);
        Self(Arc::new(Parts { status, received, request_id, headers }))
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns when the head arrived.
    pub fn received(&self) -> SystemTime {
        self.0.received
    }

    /// Returns the first value of a header, if the header is present and its value is text. The name is
    /// case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.0.headers, name)
    }

    /// Iterates over the headers whose values are text: names in lower case, and values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        lines(&self.0.headers)
    }

    /// Returns the server's request id.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the model that the head names, which may be more precise than the requested one. Few servers name it
    /// there; the response also contains it.
    pub fn model(&self) -> Option<&str> {
        first(&self.0.headers, &MODELS)
    }

    /// Returns the rate limits that the head states.
    pub fn rate_limits(&self) -> RateLimits {
        RateLimits::read(self.0.received, |name| self.header(name))
    }
}

fn lines(headers: &str) -> impl Iterator<Item = (&str, &str)> {
    headers.lines().filter_map(|line| line.split_once(':'))
}

fn find<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    lines(headers).find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Returns the value of the first of these headers that has one.
fn first<'a>(headers: &'a str, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| find(headers, name).filter(|value| !value.is_empty()))
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("ResponseHead").field("status", &self.status()).field("headers", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> ResponseHead {
        ResponseHead::new(200, SystemTime::UNIX_EPOCH, headers.iter().copied())
    }

    #[test]
    fn headers_are_found_by_any_spelling_of_their_names() {
        let head = head(&[("x-a", " 1 "), ("x-b", "k: v"), ("x-a", "2"), ("empty", "")]);
        assert_eq!((head.header("X-A"), head.header("x-b")), (Some("1"), Some("k: v")));
        assert_eq!((head.header("empty"), head.header("x-c")), (Some(""), None));
        let all: Vec<_> = head.headers().collect();
        assert_eq!(all, [("x-a", "1"), ("x-b", "k: v"), ("x-a", "2"), ("empty", "")]);
    }

    #[test]
    fn a_header_that_would_forge_others_is_left_out() {
        let head = head(&[("x-a", "1\nx-b: 2"), ("x-c\r", "1"), ("x:d", "1"), ("x-e", "1")]);
        assert_eq!(head.headers().collect::<Vec<_>>(), [("x-e", "1")]);
    }

    #[test]
    fn ids_and_models_of_gateways_count_where_the_api_has_none() {
        let azure = head(&[("apim-request-id", "r"), ("x-request-id", ""), ("x-ms-deployment-name", "m")]);
        assert_eq!((azure.request_id(), azure.model()), (Some("r"), Some("m")));
        let openai = head(&[("apim-request-id", "r"), ("x-request-id", "q"), ("openai-model", "o")]);
        assert_eq!((openai.request_id(), openai.model()), (Some("q"), Some("o")));
        assert_eq!((head(&[]).request_id(), head(&[]).model()), (None, None));
    }

    #[test]
    fn debug_output_shows_no_values() {
        let shown = format!("{:?}", head(&[("set-cookie", "secret"), ("x-request-id", "r-1")]));
        assert_eq!(shown, r#"ResponseHead { status: 200, headers: ["set-cookie", "x-request-id"] }"#);
    }
}
