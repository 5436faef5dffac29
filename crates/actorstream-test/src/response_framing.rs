//! Tracks the outgoing response, to determine how its body is framed and whether it is complete.

use crate::chunked::ChunkedDecoder;
use crate::request::lists;

/// A response with more headers or a longer head is not tracked.
const MAX_HEADERS: usize = 256;
const MAX_HEAD: usize = 1 << 20;

/// Tracks the bytes of a response, from the builder, a recording, or raw bytes of a test.
#[derive(Debug)]
pub(crate) struct ResponseFraming {
    state: State,
    chunked: bool,
    closes: bool,
    no_body: bool,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
    Complete,
    /// Not HTTP, or no longer HTTP.
    Broken,
}

impl ResponseFraming {
    /// `method` is the method of the request: a response to `HEAD` has no body.
    pub(crate) fn new(method: &str) -> Self {
        Self { state: State::Head(Vec::new()), chunked: false, closes: false, no_body: method == "HEAD" }
    }

    /// Returns whether the head announced a chunked body.
    pub(crate) fn is_chunked(&self) -> bool {
        self.chunked
    }

    /// Returns whether the response is complete by its own framing and keeps the connection open.
    pub(crate) fn keeps_alive(&self) -> bool {
        matches!(self.state, State::Complete) && !self.closes
    }

    /// Processes the next bytes of the response.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    let head = std::mem::take(head);
                    let Some(length) = self.read_head(head) else {
                        return;
                    };
                    // The head ended in these bytes: it had not ended before them.
                    bytes = &bytes[length - before..];
                }
                State::Length(left) => {
                    let take = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= take as u64;
                    if *left == 0 {
                        self.state = State::Complete;
                    }
                    bytes = &bytes[take..];
                }
                State::Chunked(decoder) => match decoder.feed(bytes, |_| ()) {
                    Ok(taken) => {
                        if decoder.is_done() {
                            self.state = State::Complete;
                        }
                        bytes = &bytes[taken..];
                    }
                    Err(_) => self.state = State::Broken,
                },
                // Bytes after a complete response are parsed as another one. If they are not one (a body longer
                // than announced), the reply does not end as complete.
                State::Complete => self.state = State::Head(Vec::new()),
                State::UntilClose | State::Broken => return,
            }
        }
    }

    /// Parses a head if it is complete, changes to the state of its body, and returns its length.
    fn read_head(&mut self, head: Vec<u8>) -> Option<usize> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(&head) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if head.len() <= MAX_HEAD => {
                self.state = State::Head(head);
                return None;
            }
            _ => {
                self.state = State::Broken;
                return None;
            }
        };
        let header = |name: &str| {
            let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let connection = header("connection").unwrap_or_default();
        let chunked = lists(header("transfer-encoding").unwrap_or_default(), "chunked");
        let content_length = header("content-length").and_then(|value| value.trim().parse().ok());
        self.closes =
            lists(connection, "close") || response.version == Some(0) && !lists(connection, "keep-alive");
        self.chunked = false;
        self.state = match (response.code.unwrap_or_default(), content_length) {
            (101, _) => State::UntilClose,
            (100..=199, _) => State::Head(Vec::new()),
            (204 | 304, _) => State::Complete,
            _ if self.no_body => State::Complete,
            _ if chunked => {
                self.chunked = true;
                State::Chunked(ChunkedDecoder::new())
            }
            (_, Some(0)) => State::Complete,
            (_, Some(length)) => State::Length(length),
            (_, None) => State::UntilClose,
        };
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the connection is kept after `response`, which is fed byte by byte and at once.
    fn kept(response: &str) -> bool {
        let (mut whole, mut slow) = (ResponseFraming::new("GET"), ResponseFraming::new("GET"));
        whole.feed(response.as_bytes());
        for byte in response.as_bytes().chunks(1) {
            slow.feed(byte);
        }
        assert_eq!(whole.keeps_alive(), slow.keeps_alive(), "{response}");
        whole.keeps_alive()
    }

    #[test]
    fn complete_responses_keep_the_connection() {
        assert!(kept("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        assert!(kept("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
        assert!(kept("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(kept("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(kept("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"));
    }

    #[test]
    fn others_do_not() {
        for response in [
            "",
            "garbage\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nok",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        ] {
            assert!(!kept(response), "{response}");
        }
    }
}
