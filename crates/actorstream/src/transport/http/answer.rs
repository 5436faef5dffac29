//! `Answer`: a response whose head has arrived; its body is read from the connection directly.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actorstream_proto::session::BodyEnd;
use awc::ClientResponse;
use awc::http::Version;
use awc::http::header::CONNECTION;
use bytes::BytesMut;
use tokio_util::io::poll_read_buf;

use crate::recording::tape::Tape;
use crate::settings::options::Options;
use crate::stream::clock::now;
use crate::transport::connect::connections::Connections;
use crate::transport::connect::stream::Stream;
use crate::transport::http::body::{Body, Piece};
use crate::transport::http::content_coding::BodyDecoder;
use crate::transport::http::exchange::Exchange;
use crate::transport::http::sending::{Sending, Unsent};

/// The maximum number of bytes read before their events are delivered. Also the size of the read buffer that the
/// streams of a thread share until it is used up.
const READ_AHEAD: usize = 32 << 10;

/// The minimum space in the read buffer for another read.
const LEAST_READ: usize = 4 << 10;

/// The maximum number of bytes read to the end of a body so that its connection can be reused.
const DRAIN: usize = 64 << 10;

thread_local! {
    /// The read buffer shared by the streams of this thread, so that a waiting stream needs none.
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// A response whose head has arrived.
pub(crate) struct Answer {
    /// `None` once the body has ended.
    stream: Option<Stream>,
    /// The request, until it is completely written: servers may respond before they have read it.
    sending: Option<Box<Sending>>,
    body: Body,
    /// The decoder of the body, if it is in a content coding.
    decoder: Option<Box<BodyDecoder>>,
    /// The bytes that were read but not taken yet.
    read: BytesMut,
    /// How the connection ended after these bytes: cleanly, or with an error.
    closed: Option<Result<(), String>>,
    /// The pool for the connection when the body is complete, unless it cannot be reused.
    home: Option<(Rc<Connections>, Arc<Options>)>,
    /// The recording of this exchange, if enabled.
    tape: Option<Box<Tape>>,
}

impl Answer {
    /// Creates the answer of an exchange. `decoder` decodes the body; `connections` is the pool that its connection
    /// returns to.
    pub(super) fn new<S>(
        response: &ClientResponse<S>,
        exchange: &Exchange,
        decoder: Option<Box<BodyDecoder>>,
        connections: Option<Rc<Connections>>,
        options: &Arc<Options>,
        tape: Option<Box<Tape>>,
    ) -> Self {
        let (version, headers) = (response.version(), response.headers());
        let says = |option| {
            let values = headers.get_all(CONNECTION).filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(option))
        };
        let lasts = match version {
            Version::HTTP_11 => !says("close"),
            _ => says("keep-alive") && !says("close"),
        };
        let home = connections.filter(|_| lasts && !exchange.cut_short.get());
        Self {
            stream: exchange.stream.take(),
            sending: exchange.sending.take(),
            body: Body::of(response.status(), version, headers),
            decoder,
            read: exchange.rest.take(),
            closed: None,
            home: home.map(|connections| (connections, Arc::clone(options))),
            tape,
        }
    }

    /// Returns the number of bytes read but not [taken](Self::next) yet, plus the number of bytes decoded for the
    /// previous read.
    #[inline]
    pub(crate) fn unread(&self) -> usize {
        self.read.len() + self.decoder.as_ref().map_or(0, |decoder| decoder.decoded_before())
    }

    /// Reads the available bytes, or the end, once there are any. Earlier bytes must have been [taken](Self::next).
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.decoder {
            None => self.poll_coded(cx),
            Some(decoder) if decoder.has_more() => {
                decoder.begin_read();
                Poll::Ready(())
            }
            Some(_) => self.poll_coded(cx).map(|()| {
                if let Some(decoder) = &mut self.decoder {
                    decoder.begin_read();
                }
            }),
        }
    }

    /// Reads the body as sent, which may be coded.
    fn poll_coded(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(()) };
        if !self.read.is_empty() || self.body.is_complete() {
            return Poll::Ready(());
        }
        if let Some(sending) = &mut self.sending
            && let Poll::Ready(sent) = sending.poll(stream, cx)
        {
            self.sending = None;
            if let Err(unsent) = sent {
                self.home = None;
                // After a failed write, the remaining data of the connection is still read.
                if let Unsent::Failed(kind) = unsent {
                    self.closed = Some(Err(kind.to_string()));
                    return Poll::Ready(());
                }
            }
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.capacity() < LEAST_READ {
                buffer.reserve(READ_AHEAD);
            }
            while buffer.len() < buffer.capacity() {
                if !buffer.is_empty() && stream.poll_maybe_readable(cx).is_pending() {
                    break;
                }
                match poll_read_buf(Pin::new(stream), cx, buffer) {
                    Poll::Pending if buffer.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(end) => {
                        let broke = |error| format!("the connection broke: {error}");
                        self.closed = Some(end.map(|_| ()).map_err(broke));
                        break;
                    }
                }
            }
            self.read = buffer.split();
            Poll::Ready(())
        })
    }

    /// Returns the next piece of the body among the bytes read, or its end. If the body decodes to much more than
    /// was read, the next [reads](Self::poll_read) return the rest.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Piece> {
        let piece = if self.decoder.is_some() { self.next_decoded() } else { self.next_coded() };
        if self.tape.is_some() {
            self.record(piece.as_ref());
        }
        piece
    }

    #[cold]
    fn record(&mut self, piece: Option<&Piece>) {
        let Some(tape) = &mut self.tape else { return };
        match piece {
            Some(Piece::Bytes(bytes)) => tape.bytes(bytes, now()),
            Some(Piece::End(end)) => {
                tape.end(matches!(end, BodyEnd::Clean));
                self.tape = None;
            }
            None => {}
        }
    }

    #[inline(never)]
    fn next_decoded(&mut self) -> Option<Piece> {
        let mut decoder = self.decoder.take()?;
        let piece = decoder.next(|| self.next_coded());
        self.decoder = Some(decoder);
        if matches!(piece, Some(Piece::End(_))) {
            // Nothing more is read, even if the body is corrupt.
            self.stream = None;
        }
        piece
    }

    /// Returns the next piece of the body as sent, which may be coded.
    #[inline]
    fn next_coded(&mut self) -> Option<Piece> {
        if self.needs_more() {
            return None;
        }
        match self.body.next(&mut self.read) {
            Ok(Some(piece)) => Some(Piece::Bytes(piece)),
            Ok(None) if self.needs_more() => None,
            Ok(None) => Some(Piece::End(self.end())),
            Err(broken) => {
                self.stream = None;
                Some(Piece::End(BodyEnd::Cut(format!("the body broke: {}", broken.0))))
            }
        }
    }

    /// Returns whether all bytes were taken and more may arrive.
    #[inline]
    fn needs_more(&self) -> bool {
        self.read.is_empty() && self.closed.is_none() && self.stream.is_some() && !self.body.is_complete()
    }

    /// Returns how the body has ended.
    #[cold]
    fn end(&mut self) -> BodyEnd {
        let stream = self.stream.take();
        if self.body.is_complete() {
            let is_sent = self.sending.is_none();
            if let (Some(stream), Some((connections, options))) = (stream, self.home.take()) {
                // Data after a complete response is unsolicited.
                if !self.read.is_empty() {
                    connections.note_overrun(&options.base_url);
                } else if self.closed.is_none() && is_sent {
                    connections.keep(stream, &options.base_url);
                }
            }
            return BodyEnd::Clean;
        }
        match self.closed.take() {
            Some(Err(broke)) => BodyEnd::Cut(broke),
            _ if self.body == Body::UntilClose => BodyEnd::Clean,
            _ => BodyEnd::Cut("the connection was closed in the middle of the body".into()),
        }
    }

    /// Reads and discards the rest of the body, without decoding it, so that the connection can be reused.
    pub(crate) async fn drain(&mut self) {
        let mut left = DRAIN;
        // A connection cannot be reused before the whole request is sent.
        while left > 0 && self.sending.is_none() {
            while let Some(piece) = self.next_coded() {
                // A recording of decoded data must not contain undecoded bytes.
                if self.decoder.is_none() || matches!(piece, Piece::End(_)) {
                    self.record(Some(&piece));
                }
                match piece {
                    Piece::Bytes(bytes) => left = left.saturating_sub(bytes.len()),
                    Piece::End(_) => return,
                }
            }
            poll_fn(|cx| self.poll_coded(cx)).await;
        }
    }
}
