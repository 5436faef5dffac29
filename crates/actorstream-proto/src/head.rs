//! `Head`: what a stream needs to know of the head of a response.

use std::time::Duration;

/// The status and the headers that matter.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, unless it is `identity`.
    pub content_encoding: Option<String>,
    /// The server's id of the request.
    pub request_id: Option<String>,
    /// `retry-after-ms`, or `Retry-After` in seconds.
    pub retry_after: Option<Duration>,
    /// `Retry-After` as a date, for whoever has a calendar.
    pub retry_after_date: Option<String>,
    /// `x-should-retry`.
    pub should_retry: Option<bool>,
}

/// Headers that name the request, in the order of preference: OpenAI's, its gateways', Azure's.
const REQUEST_IDS: [&str; 5] =
    ["x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-litellm-call-id"];

impl Head {
    /// Reads the head; `header` gives the value of a header by its lower-case name.
    pub fn read<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let value = |name: &str| header(name).map(str::trim).filter(|value| !value.is_empty());
        let owned = |name: &str| value(name).map(str::to_owned);
        let after_ms = value("retry-after-ms").and_then(|text| text.parse().ok()).map(|ms: f64| ms / 1000.0);
        let after = after_ms.or_else(|| value("retry-after").and_then(|text| text.parse().ok()));
        Self {
            status,
            content_type: owned("content-type"),
            content_encoding: owned("content-encoding")
                .filter(|coding| !coding.eq_ignore_ascii_case("identity")),
            request_id: REQUEST_IDS.iter().find_map(|name| owned(name)),
            retry_after: after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            retry_after_date: owned("retry-after").filter(|text| text.parse::<f64>().is_err()),
            should_retry: match value("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
        }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the head announces something to be read by people or as JSON, such as an error.
    pub(crate) fn announces_text(&self) -> bool {
        let text = |content_type: &String| content_type.starts_with("text/") || content_type.contains("json");
        self.content_type.as_ref().is_some_and(text)
    }

    /// What kind of body the head announces, for a message.
    pub(crate) fn describe_body(&self) -> Option<String> {
        match (&self.content_type, &self.content_encoding) {
            (content_type, Some(coding)) => {
                let content_type = content_type.as_deref().unwrap_or("a body");
                Some(format!("{content_type}, encoded as {coding} though identity was asked for"))
            }
            (content_type, None) => content_type.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)]) -> Head {
        Head::read(429, |name| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
    }

    #[test]
    fn the_headers_that_matter() {
        let head = read(&[("x-request-id", " req-1 "), ("retry-after", "2"), ("x-should-retry", "false")]);
        assert_eq!(head.request_id.as_deref(), Some("req-1"));
        assert_eq!(head.retry_after, Some(Duration::from_secs(2)));
        assert_eq!(head.should_retry, Some(false));
        let head =
            read(&[("retry-after-ms", "1500.5"), ("retry-after", "9"), ("content-encoding", "identity")]);
        assert_eq!(head.retry_after, Some(Duration::from_micros(1_500_500)));
        assert_eq!(head.content_encoding, None);
        let date = read(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]);
        assert_eq!((date.retry_after, date.retry_after_date.is_some()), (None, true));
        for bad in ["-1", "NaN", "inf", "1e400"] {
            assert_eq!(read(&[("retry-after", bad)]).retry_after, None, "{bad}");
        }
    }
}
