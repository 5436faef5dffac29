//! `Answer`: an answer whose head has arrived; its body is read from the connection itself.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actorstream_proto::session::BodyEnd;
use awc::ClientResponse;
use awc::http::Version;
use awc::http::header::CONNECTION;
use bytes::{Bytes, BytesMut};
use tokio_util::io::poll_read_buf;

use super::Exchange;
use super::body::Body;
use super::connections::Connections;
use super::stream::Stream;
use crate::options::Options;

/// How many bytes are read in one go before their events are delivered, where more are there already; and how much of a
/// thread's memory is taken for what its streams read until it is used up, and taken for the next reads.
const READ_AHEAD: usize = 32 << 10;

/// How much of it must be left for another read.
const LEAST_READ: usize = 4 << 10;

/// How much of the rest of a body is read so that its connection can be used again.
const DRAIN: usize = 64 << 10;

thread_local! {
    /// Where the streams of this thread read to: none of them needs a buffer of its own while it waits.
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// An answer whose head has arrived.
pub(crate) struct Answer {
    /// `None` once the body has ended.
    stream: Option<Stream>,
    body: Body,
    /// What was read and not taken yet.
    read: BytesMut,
    /// How the connection ended behind it.
    closed: Option<io::Result<()>>,
    /// All was read that is there: the task that read it is woken when more comes.
    waits: bool,
    /// Where the connection is kept when the body is complete, unless it is of no further use.
    home: Option<(Rc<Connections>, Arc<Options>)>,
}

/// A piece of a body, or its end.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    End(BodyEnd),
}

impl Answer {
    /// The answer to the request of an exchange. Its connection is kept for others among `connections`.
    pub(super) fn new<S>(
        response: &ClientResponse<S>,
        exchange: &Exchange,
        connections: Option<Rc<Connections>>,
        options: &Arc<Options>,
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
        let home = connections.filter(|_| lasts && !exchange.write_off.get());
        Self {
            stream: exchange.stream.take(),
            body: Body::of(response.status(), version, headers),
            read: exchange.rest.take(),
            closed: None,
            waits: false,
            home: home.map(|connections| (connections, Arc::clone(options))),
        }
    }

    /// Whether all was read that is there, so that what comes next wakes the task that read it.
    #[inline]
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Reads what is there, once something is, or the end. What was read before has been [taken](Self::next).
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waits = false;
        let Some(stream) = &mut self.stream else { return Poll::Ready(()) };
        if !self.read.is_empty() || self.body.is_complete() {
            return Poll::Ready(());
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.capacity() < LEAST_READ {
                buffer.reserve(READ_AHEAD);
            }
            while buffer.len() < buffer.capacity() {
                if !buffer.is_empty() && stream.poll_maybe_readable(cx).is_pending() {
                    self.waits = true;
                    break;
                }
                match poll_read_buf(Pin::new(stream), cx, buffer) {
                    Poll::Pending if buffer.is_empty() => return Poll::Pending,
                    Poll::Pending => {
                        self.waits = true;
                        break;
                    }
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(end) => {
                        self.closed = Some(end.map(|_| ()));
                        break;
                    }
                }
            }
            self.read = buffer.split();
            Poll::Ready(())
        })
    }

    /// The next piece of the body in what was read, or the end if that is where it is.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Piece> {
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

    /// Whether all that was read is taken, and more may come.
    #[inline]
    fn needs_more(&self) -> bool {
        self.read.is_empty() && self.closed.is_none() && self.stream.is_some() && !self.body.is_complete()
    }

    /// How the body has ended, of which nothing more comes.
    #[cold]
    fn end(&mut self) -> BodyEnd {
        let stream = self.stream.take();
        if self.body.is_complete() {
            // Behind a complete answer comes nothing that anybody asked for.
            if self.read.is_empty()
                && self.closed.is_none()
                && let (Some(stream), Some((connections, options))) = (stream, self.home.take())
            {
                connections.keep(stream, &options.base_url);
            }
            return BodyEnd::Clean;
        }
        match self.closed.take() {
            Some(Err(error)) => BodyEnd::Cut(format!("the connection broke: {error}")),
            _ if self.body == Body::UntilClose => BodyEnd::Clean,
            _ => BodyEnd::Cut("the connection was closed in the middle of the body".into()),
        }
    }

    /// Reads to the end of the body and drops what comes, so that the connection can be used again.
    pub(crate) async fn drain(&mut self) {
        let mut left = DRAIN;
        while left > 0 {
            while let Some(piece) = self.next() {
                match piece {
                    Piece::Bytes(bytes) => left = left.saturating_sub(bytes.len()),
                    Piece::End(_) => return,
                }
            }
            poll_fn(|cx| self.poll_read(cx)).await;
        }
    }
}
