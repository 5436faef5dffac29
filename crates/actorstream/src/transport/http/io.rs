//! `Io`: a connection as awc sees it. awc writes the head of a request to it, and reads the head of the response. The
//! layer below writes the body of the request and skips interim responses.

use std::io;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready};
use actorstream_proto::outcome::error::ErrorKind;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use crate::transport::connect::stream::Stream;
use crate::transport::http::exchange::Exchange;
use crate::transport::response_head::{HeadState, head_end, look, refuses, tame};

/// How much of a head is read at a time.
const HEAD_READ: usize = 2 << 10;

/// The start of a TLS alert, of any version: the reply of a TLS server to plain text.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// The connection of an exchange, until the head of its response has been read. For awc, it ends there.
#[derive(Debug)]
pub(crate) struct Io {
    exchange: Weak<Exchange>,
    reading: Reading,
}

/// The part of a response that awc has received.
#[derive(Debug)]
enum Reading {
    /// Nothing: the head is incomplete. This many bytes of interim heads preceded it.
    Head(usize),
    /// The head is complete; awc has taken this many bytes of it.
    Rest(usize),
    /// The whole head.
    Taken,
}

impl Io {
    pub(crate) fn new(exchange: &Rc<Exchange>) -> Self {
        Self { exchange: Rc::downgrade(exchange), reading: Reading::Head(0) }
    }

    /// Calls `act` with the stream; returns `gone` if there is none.
    fn with_stream<T>(&self, gone: T, act: impl FnOnce(Pin<&mut Stream>) -> T) -> T {
        let Some(exchange) = self.exchange.upgrade() else { return gone };
        exchange.stream.borrow_mut().as_mut().map_or(gone, |stream| act(Pin::new(stream)))
    }

    /// Writes the request and reads a head, whichever is possible; ready when the head is complete.
    ///
    /// # Errors
    /// If the request cannot be sent, the connection ends before that, or the data is not a head.
    fn exchange_heads(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Reading::Head(interim) = &mut self.reading else { return Poll::Ready(Ok(())) };
        let Some(exchange) = self.exchange.upgrade() else { return Poll::Ready(Ok(())) };
        let fail = |kind: ErrorKind| {
            exchange.fail(kind);
            Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
        };
        // Both wake the task: a server may respond before it has read the request, and read on.
        if let Err(kind) = exchange.send(cx) {
            return fail(kind);
        }
        loop {
            let mut bytes = [0; HEAD_READ];
            let mut read = ReadBuf::new(&mut bytes);
            let result = match exchange.stream.borrow_mut().as_mut() {
                Some(stream) => ready!(Pin::new(stream).poll_read(cx, &mut read)),
                None => Ok(()),
            };
            let mut head = exchange.head.borrow_mut();
            if result.is_err() || read.filled().is_empty() {
                exchange.broke.replace(Some(how_it_broke(result.err().as_ref(), &head)));
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            exchange.answered.set(true);
            head.extend_from_slice(read.filled());
            if head.starts_with(&TLS_ALERT) {
                let detail = "the server speaks TLS; should the URL begin with https://?".into();
                return fail(ErrorKind::Transport { detail, unsent: true });
            }
            match look(&mut head, interim, exchange.head_limit()) {
                Ok(HeadState::More) => continue,
                Ok(HeadState::Whole) => {}
                Err(kind) => return fail(kind),
            }
            if let Some(end) = head_end(&head) {
                exchange.rest.replace(BytesMut::from(&head[end..]));
                head.truncate(end);
            }
            if refuses(&head) {
                // A server that refuses may not read further.
                exchange.cut_short();
            }
            if let Err(kind) = tame(&mut head) {
                return fail(kind);
            }
            self.reading = Reading::Rest(0);
            return Poll::Ready(Ok(()));
        }
    }
}

/// Describes how a connection ended before the head was complete; this much of it had arrived.
fn how_it_broke(error: Option<&io::Error>, head: &[u8]) -> String {
    const HTTP: &[u8] = b"HTTP/1.";
    if !head.starts_with(HTTP) && !HTTP.starts_with(head) {
        return "the server's answer is not HTTP/1".to_owned();
    }
    let when = if head.is_empty() { "before it answered" } else { "in the head of its answer" };
    match error {
        None => format!("the server closed the connection {when}"),
        Some(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            format!("the connection was reset by the server {when}")
        }
        Some(error) => format!("the connection to the server broke {when}: {error}"),
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.exchange_heads(cx))?;
        let Self { exchange, reading } = &mut *self;
        if let (Reading::Rest(taken), Some(exchange)) = (&mut *reading, exchange.upgrade()) {
            let head = exchange.head.borrow();
            let most = buf.remaining().min(head.len() - *taken);
            buf.put_slice(&head[*taken..*taken + most]);
            *taken += most;
            if *taken == head.len() {
                *reading = Reading::Taken;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    /// Takes the head of the request, which is sent with its body while waiting for the response.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(exchange) = self.exchange.upgrade()
            && let Some(sending) = &mut *exchange.sending.borrow_mut()
        {
            sending.push_head(buf);
            return Poll::Ready(Ok(buf.len()));
        }
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
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
