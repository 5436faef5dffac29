//! `Sending`: a request that is being written to its connection, driven by the reader of the response.
//!
//! A server may respond before it has read the request, and continue both: the rest of a request is therefore written
//! while its response is read.

use std::io::{IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actorstream_proto::outcome::error::ErrorKind;
use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite as _;

use crate::transport::connect::stream::Stream;
use crate::transport::http::request_body::RequestBody;

/// The unwritten part of a request.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    /// The head, which awc writes without the body's length. Its front is removed as it is sent.
    head: Vec<u8>,
    sent: usize,
    /// The piece of the body being sent.
    piece: Bytes,
    body: RequestBody,
    /// The head is complete.
    begun: bool,
    /// Whether the request has a body, even an empty one.
    has_body: bool,
}

/// Why a request was not sent completely.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// The connection accepts no more. The server may have responded before that.
    Broken,
    /// An error in a file.
    Failed(ErrorKind),
}

impl Sending {
    /// Creates a request with this body, or none.
    pub(crate) fn new(body: Option<RequestBody>) -> Self {
        Self { has_body: body.is_some(), body: body.unwrap_or_default(), ..Self::default() }
    }

    /// Takes a part of the head.
    pub(crate) fn push_head(&mut self, part: &[u8]) {
        self.head.extend_from_slice(part);
    }

    /// Adds the length of the body to the complete head.
    fn begin(&mut self) {
        if self.has_body && self.head.ends_with(b"\r\n\r\n") {
            self.head.truncate(self.head.len() - 2);
            // Writing to memory cannot fail.
            let _ = write!(self.head, "content-length: {}\r\n\r\n", self.body.length());
        }
        self.begun = true;
    }

    /// Writes what the connection accepts; ready when the whole request is written.
    pub(crate) fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        if !self.begun {
            self.begin();
        }
        loop {
            if self.piece.is_empty() {
                match self.body.poll_piece(cx) {
                    Poll::Ready(piece) => self.piece = piece.map_err(Unsent::Failed)?.unwrap_or_default(),
                    Poll::Pending if self.sent == self.head.len() => return Poll::Pending,
                    Poll::Pending => {}
                }
            }
            let head = &self.head[self.sent..];
            let written = match (head.is_empty(), self.piece.is_empty()) {
                (true, true) => {
                    return Pin::new(stream).poll_flush(cx).map_err(|_| Unsent::Broken);
                }
                (true, false) => Pin::new(&mut *stream).poll_write(cx, &self.piece),
                (false, true) => Pin::new(&mut *stream).poll_write(cx, head),
                (false, false) => {
                    let parts = [IoSlice::new(head), IoSlice::new(&self.piece)];
                    Pin::new(&mut *stream).poll_write_vectored(cx, &parts)
                }
            };
            match ready!(written) {
                Ok(0) | Err(_) => return Poll::Ready(Err(Unsent::Broken)),
                Ok(written) => self.advance(written),
            }
        }
    }

    fn advance(&mut self, written: usize) {
        let of_head = written.min(self.head.len() - self.sent);
        self.sent += of_head;
        self.piece.advance(written - of_head);
    }
}
