//! The steps of a reply.

use bytes::Bytes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::gate::Gate;

/// One step of a reply.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes a head. Its framing may depend on the following steps.
    Head(Head),
    /// Writes bytes verbatim.
    Bytes(Bytes),
    /// Writes a piece of the body, framed as the head announced.
    Piece(Bytes),
    /// Writes bytes as one HTTP chunk, regardless of the head.
    Chunk(Bytes),
    /// Writes pieces of the body that are created on demand.
    Pieces(Pieces),
    /// Writes a piece of the body repeatedly.
    Forever(Bytes, Duration),
    /// Ends a chunked body.
    End,
    Wait(Duration),
    Gate(Gate),
    Fin,
    Close,
    Cut,
    Reset,
    Hold,
}

impl Step {
    /// Returns how many bytes this adds to a body that is not chunked; `None` if that is not known in advance.
    fn body_length(&self) -> Option<u64> {
        match self {
            Step::Bytes(bytes) | Step::Piece(bytes) | Step::Chunk(bytes) => Some(bytes.len() as u64),
            Step::Pieces(pieces) => pieces.length,
            Step::Forever(..) => None,
            _ => Some(0),
        }
    }
}

/// Pieces of a body, created on demand for each request.
#[derive(Clone)]
pub(crate) struct Pieces {
    pub(crate) make: Arc<dyn Fn() -> PieceIter + Send + Sync>,
    /// The total size of all pieces, if known.
    pub(crate) length: Option<u64>,
}

pub(crate) type PieceIter = Box<dyn Iterator<Item = Bytes> + Send>;

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The head of a response.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: BodyKind,
}

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyKind {
    /// By a content-length, computed from the steps unless given.
    Length(Option<u64>),
    Chunked,
    UntilClose,
}

impl Head {
    /// Returns the bytes of the head, before a body that `following` writes.
    pub(crate) fn render(&self, following: &[Step]) -> Bytes {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.body {
            _ if self.has("content-length") || self.has("transfer-encoding") => (),
            BodyKind::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
            BodyKind::UntilClose => (),
            BodyKind::Length(Some(length)) => {
                head.push_str(&format!("content-length: {length}\r\n"));
            }
            BodyKind::Length(None) => {
                let body = following.iter().take_while(|step| !matches!(step, Step::Head(_)));
                let length = body.map(Step::body_length).sum::<Option<u64>>();
                let without = matches!(self.status, 100..=199 | 204 | 304);
                match length {
                    Some(length) if length > 0 || !without => {
                        head.push_str(&format!("content-length: {length}\r\n"));
                    }
                    _ => (),
                }
            }
        }
        head.push_str("\r\n");
        head.into()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        let mut names = self.headers.iter().map(|(known, _)| known);
        names.any(|known| known.eq_ignore_ascii_case(name))
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Unnamed",
    }
}
