//! `Io`: a connection as awc sees it, which writes a request and reads the head of its answer. It notes what awc does
//! not tell, and mends what awc does not read.

use std::io;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready};
use actorstream_proto::error::{ErrorKind, Limit};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use super::exchange::Exchange;
use super::response_head::{Looked, head_end, is_cut, look, refuses};
use super::stream::Stream;

/// How much of a head is read at a time.
const HEAD_READ: usize = 2 << 10;

/// How a server that expects TLS answers what is none: an alert, of any version of TLS.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// The connection of an exchange, until the head of its answer has been read. To awc it ends there.
#[derive(Debug)]
pub(super) struct Io {
    exchange: Weak<Exchange>,
    reading: Reading,
}

/// What awc gets of an answer.
#[derive(Debug)]
enum Reading {
    /// Nothing until the head is whole; this is what has arrived. And how many bytes of interim heads came before it.
    Head(Vec<u8>, usize),
    /// The head, of which it has taken so much.
    Rest(Vec<u8>, usize),
    /// Nothing more.
    Taken,
}

impl Io {
    pub(super) fn new(exchange: &Rc<Exchange>) -> Self {
        Self { exchange: Rc::downgrade(exchange), reading: Reading::Head(Vec::new(), 0) }
    }

    /// Does something with the stream; one that is not there any more reads as ended, and takes nothing.
    fn with_stream<T>(&self, gone: T, act: impl FnOnce(Pin<&mut Stream>) -> T) -> T {
        let Some(exchange) = self.exchange.upgrade() else { return gone };
        exchange.stream.borrow_mut().as_mut().map_or(gone, |stream| act(Pin::new(stream)))
    }

    /// Whether the rest of the request is dropped: writing failed, and the server may have answered before it closed; or
    /// it has refused and reads no further.
    fn is_written_off(&self) -> bool {
        self.exchange.upgrade().is_some_and(|exchange| exchange.write_off.get())
    }

    fn write_off(&self) {
        if let Some(exchange) = self.exchange.upgrade() {
            exchange.write_off.set(true);
        }
    }

    /// Reads a head; ready when it is whole, or the connection has ended.
    fn read_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(exchange) = self.exchange.upgrade() else { return Poll::Ready(Ok(())) };
        loop {
            let mut bytes = [0; HEAD_READ];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_read(cx, &mut read)))?;
            let Reading::Head(head, removed) = &mut self.reading else { return Poll::Ready(Ok(())) };
            let ended = read.filled().is_empty();
            if !ended {
                exchange.answered.set(true);
            }
            head.extend_from_slice(read.filled());
            if head.starts_with(&TLS_ALERT) {
                let detail = "the server speaks TLS; should the URL begin with https://?".into();
                exchange.fail(ErrorKind::Transport { detail, unsent: true });
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            match look(head, removed, exchange.head_limit()) {
                Ok(Looked::More) if !ended => {}
                Ok(_) => {
                    let mut head = std::mem::take(head);
                    if let Some(end) = head_end(&head) {
                        exchange.rest.replace(BytesMut::from(&head[end..]));
                        head.truncate(end);
                    }
                    self.reading = Reading::Rest(head, 0);
                    return Poll::Ready(Ok(()));
                }
                Err(error) => {
                    exchange.fail(ErrorKind::Limit { limit: Limit::Head, max: exchange.head_limit() });
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Reading::Head(..) = self.reading {
            ready!(self.read_head(cx))?;
        }
        if let Reading::Rest(head, taken) = &mut self.reading {
            let most = buf.remaining().min(head.len() - *taken);
            buf.put_slice(&head[*taken..*taken + most]);
            *taken += most;
            if *taken == head.len() {
                self.reading = Reading::Taken;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_written_off() {
            return Poll::Ready(Ok(buf.len()));
        }
        let closed = Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        match self.with_stream(closed, |stream| stream.poll_write(cx, buf)) {
            Poll::Ready(Ok(len)) => return Poll::Ready(Ok(len)),
            Poll::Ready(Err(_)) => {}
            // A server that refuses may read no further, and one that has closed its side will not answer; awc would
            // not look before all is written.
            Poll::Pending => {
                if matches!(self.reading, Reading::Head(..)) {
                    ready!(self.read_head(cx))?;
                }
                match &self.reading {
                    Reading::Rest(head, _) if is_cut(head) || refuses(head) => {}
                    _ => return Poll::Pending,
                }
            }
        }
        self.write_off();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_written_off()
            && ready!(self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_flush(cx))).is_err()
        {
            self.write_off();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_shutdown(cx))
    }
}

impl ActixStream for Io {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.with_stream(Poll::Ready(Ok(Ready::READABLE)), |stream| {
            pin!(stream.tcp().ready(Interest::READABLE)).poll(cx)
        })
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.with_stream(Poll::Ready(Ok(Ready::WRITABLE)), |stream| {
            pin!(stream.tcp().ready(Interest::WRITABLE)).poll(cx)
        })
    }
}
