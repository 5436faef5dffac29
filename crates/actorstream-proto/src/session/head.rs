//! `Head`: the parts of a response head that a stream needs.

use std::time::Duration;

pub use crate::outcome::error::LATER;
use crate::outcome::response_head::{REQUEST_IDS, ResponseHead};

/// The status and the relevant headers.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, without values that name no coding: `identity`, `none`, `utf-8`.
    pub content_encoding: Option<String>,
    /// Whether the transport decodes the body before the session receives it. A body that is obviously not in the announced coding
    /// arrives as it is.
    pub is_decoded: bool,
    /// What to do about a coding that is not decoded, for the error that names it.
    pub coding_advice: Option<&'static str>,
    /// `Location`: the target of a redirect.
    pub location: Option<String>,
    /// The server's request id.
    pub request_id: Option<String>,
    /// `retry-after-ms`, or `Retry-After` in seconds; [`LATER`] for an invalid number.
    pub retry_after: Option<Duration>,
    /// `Retry-After` if it is not a number; the caller parses the date. Text that is not a date means [`LATER`].
    pub retry_after_date: Option<String>,
    /// `x-should-retry`.
    pub should_retry: Option<bool>,
    /// The whole head, for the target and the end.
    pub whole: Option<ResponseHead>,
}

/// Parses a delay in units of this many seconds. `None` for text that is not a number.
fn wait(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.strip_suffix(['s', 'S']).unwrap_or(text).trim_end().parse().ok()?;
    Some(Duration::try_from_secs_f64(number * unit).unwrap_or(LATER))
}

impl Head {
    /// Reads the head; `header` returns the value of a header by its lower-case name.
    pub fn read<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let value = |name: &str| header(name).map(str::trim).filter(|value| !value.is_empty());
        let owned = |name: &str| value(name).map(str::to_owned);
        let after_ms = value("retry-after-ms").map(|text| wait(text, 1e-3).unwrap_or(LATER));
        let after = value("retry-after").map(|text| wait(text, 1.0).ok_or(text));
        let (retry_after, date) = match (after_ms, after) {
            // One valid value of the two suffices.
            (Some(LATER) | None, Some(Ok(after))) => (Some(after), None),
            (Some(LATER) | None, Some(Err(date))) => (None, Some(date)),
            (after_ms, _) => (after_ms, None),
        };
        Self {
            status,
            content_type: owned("content-type"),
            content_encoding: value("content-encoding").and_then(codings),
            is_decoded: false,
            coding_advice: None,
            location: owned("location"),
            request_id: REQUEST_IDS.iter().find_map(|name| owned(name)),
            retry_after,
            retry_after_date: date.map(str::to_owned),
            should_retry: match value("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            whole: None,
        }
    }

    /// Returns whether the content type is plain text, including subtitles, but not HTML or JSON.
    pub(crate) fn is_plain_text(&self) -> bool {
        let kind = self.content_type.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or_default();
        ["text/plain", "text/vtt", "text/srt", "application/x-subrip"]
            .iter()
            .any(|known| kind.trim().eq_ignore_ascii_case(known))
    }

    /// Returns whether [`read`](Self::read) uses a header, by its lower-case name.
    pub fn reads(name: &str) -> bool {
        const OTHERS: [&str; 6] = [
            "content-type",
            "content-encoding",
            "location",
            "retry-after",
            "retry-after-ms",
            "x-should-retry",
        ];
        OTHERS.contains(&name) || REQUEST_IDS.contains(&name)
    }

    /// Returns whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns whether the content type is text for people or JSON, such as an error.
    pub(crate) fn announces_text(&self) -> bool {
        let text = |content_type: &String| content_type.starts_with("text/") || content_type.contains("json");
        self.content_type.as_ref().is_some_and(text)
    }

    /// Returns the text that stands for a body that cannot be read because its coding was not decoded. A body that is text
    /// can be read whatever coding the head announces.
    pub(crate) fn unreadable(&self, body: &[u8]) -> Option<String> {
        let coding = self.content_encoding.as_deref().filter(|_| !self.is_decoded && !is_text(body))?;
        let advice = self.coding_advice.map(|advice| format!(": {advice}")).unwrap_or_default();
        Some(format!("[{} bytes in {coding}{advice}]", body.len()))
    }

    /// Describes the announced body, for a message.
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

/// Whether bytes are the start of a text without control characters other than tabs and line ends. Compressed data never are.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // The text may be cut within a character.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !bytes.iter().any(is_control)
}

/// Returns the codings of a `Content-Encoding`. Some servers write there that there is none, or a character set.
fn codings(header: &str) -> Option<String> {
    const NONE: [&str; 7] = ["identity", "none", "null", "utf-8", "utf8", "chunked", "aws-chunked"];
    let names =
        |coding: &&str| !coding.is_empty() && !NONE.iter().any(|none| none.eq_ignore_ascii_case(coding));
    let codings: Vec<&str> = header.split(',').map(str::trim).filter(names).collect();
    (!codings.is_empty()).then(|| codings.join(", "))
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
        for none in ["none", "Identity", "UTF-8", "identity, none", " , "] {
            let value: &'static str = none;
            assert_eq!(read(&[("content-encoding", value)]).content_encoding, None, "{none}");
        }
        assert_eq!(read(&[("content-encoding", "gzip, identity")]).content_encoding.as_deref(), Some("gzip"));
        let date = read(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")]);
        assert_eq!((date.retry_after, date.retry_after_date.is_some()), (None, true));
    }

    #[test]
    fn a_body_in_a_coding_is_unreadable_unless_it_is_text_or_decoded() {
        let mut head = read(&[("content-encoding", "gzip")]);
        let packed = b"\x1f\x8b\x08\0";
        assert_eq!(head.unreadable(packed).as_deref(), Some("[4 bytes in gzip]"));
        head.coding_advice = Some("do this");
        assert_eq!(head.unreadable(packed).as_deref(), Some("[4 bytes in gzip: do this]"));
        for text in ["", "{\"a\":\"é\"}\r\n\t"] {
            assert_eq!(head.unreadable(text.as_bytes()), None, "{text}");
        }
        // A text that is cut within a character, and what is none.
        assert_eq!(head.unreadable(b"a\xc3"), None);
        assert!(head.unreadable(b"a\xc3b").is_some() && head.unreadable(b"a\0").is_some());
        head.is_decoded = true;
        assert_eq!(head.unreadable(packed), None);
        assert_eq!(read(&[]).unreadable(packed), None);
    }

    #[test]
    fn the_headers_that_are_read_are_known() {
        let read = std::cell::RefCell::new(Vec::new());
        Head::read(200, |name| {
            read.borrow_mut().push(name.to_owned());
            None
        });
        let read = read.into_inner();
        assert!(read.len() >= 10 && read.iter().all(|name| Head::reads(name)), "{read:?}");
        assert!(!Head::reads("x-other"));
    }

    #[test]
    fn a_wait_that_is_no_time_is_later_than_any() {
        let after = |headers: &[_]| read(headers).retry_after;
        for absurd in [
            "-1",
            "-0.001",
            "NaN",
            "nan",
            "inf",
            "-inf",
            "infinity",
            "1e30",
            "1e400",
            "9999999999999999999999999",
        ] {
            assert_eq!(after(&[("retry-after", absurd)]), Some(LATER), "{absurd}");
            assert_eq!(after(&[("retry-after-ms", absurd)]), Some(LATER), "{absurd} ms");
            // The other one counts where it is a time.
            let seven = Some(Duration::from_secs(7));
            assert_eq!(after(&[("retry-after-ms", absurd), ("retry-after", "7")]), seven, "{absurd}");
            assert_eq!(after(&[("retry-after-ms", "7000"), ("retry-after", absurd)]), seven, "{absurd}");
            assert_eq!(after(&[("retry-after-ms", absurd), ("retry-after", absurd)]), Some(LATER));
        }
        assert_eq!(after(&[("retry-after-ms", "soon")]), Some(LATER));
        for none in ["", " "] {
            assert_eq!(after(&[("retry-after", none)]), None);
            assert_eq!(after(&[("retry-after-ms", none)]), None);
        }
        for (text, wait) in [("0", 0), ("-0", 0), ("0.25", 250), ("2s", 2000), ("1e1", 10_000), ("+3", 3000)]
        {
            assert_eq!(after(&[("retry-after", text)]), Some(Duration::from_millis(wait)), "{text}");
        }
        // Whether it is a date is for others to find out.
        for text in ["soon", "Wed, 32 Oct 2026 07:28:00 GMT", "7,8"] {
            let head = read(&[("retry-after-ms", "-1"), ("retry-after", text)]);
            assert_eq!((head.retry_after, head.retry_after_date.as_deref()), (None, Some(text)));
        }
    }
}
