//! `Io`: a connection as awc sees it. It notes what awc does not tell, and mends what awc does not read.

use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready};
use actorstream_proto::error::{ErrorKind, Limit};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use super::exchange::Exchange;
use super::kept::Kept;
use super::response_head::{Looked, close_after, is_cut, look, refuses};
use super::stream::Stream;

/// How much of a head is read at a time.
const HEAD_READ: usize = 2 << 10;

/// How a server that expects TLS answers what is none: an alert, of any version of TLS.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// A connection.
#[derive(Debug)]
pub(super) struct Io {
    kept: Rc<Kept>,
    reading: Reading,
    /// The rest of the request is dropped: writing failed, and the server may have answered before it closed; or it
    /// has refused and reads no further.
    write_off: bool,
}

/// Which part of an answer is being read.
#[derive(Debug)]
enum Reading {
    /// Of a head, what has arrived; awc gets nothing of it until it is whole. And how many bytes of interim heads came
    /// before it.
    Head(Vec<u8>, usize),
    /// What awc has not taken of a head, and of the body that came with it.
    Rest(Vec<u8>, usize),
    /// The body, or nothing.
    Body,
}

impl Io {
    pub(super) fn new(kept: Rc<Kept>) -> Self {
        Self { kept, reading: Reading::Body, write_off: false }
    }

    /// Does something with the stream; one that was closed while it was idle reads as ended, and takes nothing.
    fn with_stream<T>(&self, gone: T, act: impl FnOnce(Pin<&mut Stream>) -> T) -> T {
        self.kept.stream().as_mut().map_or(gone, |stream| act(Pin::new(stream)))
    }

    /// Reads from the connection, and notes its end for the exchange that uses it. That is not always the one that is
    /// polled: before awc takes a kept connection it looks at others, which may have ended.
    fn read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_read(cx, buf)));
        if let Some(exchange) = self.kept.user() {
            match &result {
                Ok(()) if buf.filled().len() > before => exchange.answered.set(true),
                Ok(()) | Err(_) => exchange.closed.set(true),
            }
        }
        Poll::Ready(result)
    }

    /// Reads a head; ready when it is whole, or the connection has ended.
    fn read_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut bytes = [0; HEAD_READ];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(self.read(cx, &mut read))?;
            let Reading::Head(head, removed) = &mut self.reading else { return Poll::Ready(Ok(())) };
            head.extend_from_slice(read.filled());
            let ended = read.filled().is_empty();
            if head.starts_with(&TLS_ALERT) {
                let detail = "the server speaks TLS; should the URL begin with https://?".into();
                Exchange::with(|exchange| exchange.fail(ErrorKind::Transport { detail, unsent: true }));
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let limit = Exchange::current().map_or(usize::MAX, |exchange| exchange.head_limit());
            match look(head, removed, limit) {
                Ok(Looked::More) if !ended => {}
                Ok(_) => {
                    self.reading = Reading::Rest(std::mem::take(head), 0);
                    return Poll::Ready(Ok(()));
                }
                Err(error) => {
                    Exchange::with(|exchange| {
                        exchange.fail(ErrorKind::Limit { limit: Limit::Head, max: exchange.head_limit() });
                    });
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
        let write_off = self.write_off;
        loop {
            match &mut self.reading {
                Reading::Body => return self.read(cx, buf),
                Reading::Head(..) => ready!(self.read_head(cx))?,
                Reading::Rest(rest, taken) => {
                    if *taken == 0 && write_off {
                        close_after(rest);
                    }
                    if rest.is_empty() {
                        // The connection ended before an answer began.
                        self.reading = Reading::Body;
                        return Poll::Ready(Ok(()));
                    }
                    let most = buf.remaining().min(rest.len() - *taken);
                    buf.put_slice(&rest[*taken..*taken + most]);
                    *taken += most;
                    if *taken == rest.len() {
                        self.reading = Reading::Body;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if matches!(self.reading, Reading::Body) {
            // Writing begins a request, whose answer begins with a head.
            self.reading = Reading::Head(Vec::new(), 0);
            if let Some(exchange) = Exchange::current() {
                self.kept.used_by(&exchange);
            }
        }
        if self.write_off {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = self.poll_write_on(cx, buf);
        if self.write_off {
            Exchange::with(|exchange| exchange.write_off.set(true));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_off {
            return Poll::Ready(Ok(()));
        }
        let result = ready!(self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_flush(cx)));
        self.write_off |= result.is_err();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_stream(Poll::Ready(Ok(())), |stream| stream.poll_shutdown(cx))
    }
}

impl Io {
    /// Writes what the server may still read.
    fn poll_write_on(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let closed = Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        match self.with_stream(closed, |stream| stream.poll_write(cx, buf)) {
            Poll::Ready(Ok(len)) => return Poll::Ready(Ok(len)),
            Poll::Ready(Err(_)) => self.write_off = true,
            // A server that refuses may read no further, and one that has closed its side will not answer; awc would
            // not look before all is written.
            Poll::Pending => {
                if matches!(self.reading, Reading::Head(..)) {
                    ready!(self.read_head(cx))?;
                }
                match &self.reading {
                    Reading::Rest(head, _) if is_cut(head) || refuses(head) => self.write_off = true,
                    _ => return Poll::Pending,
                }
            }
        }
        Poll::Ready(Ok(buf.len()))
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
