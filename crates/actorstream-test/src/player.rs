//! Plays a reply on a connection.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use std::future::pending;
use std::io;
use std::time::Duration;

use crate::chunked::{LAST_CHUNK, chunk};
use crate::journal::Journal;
use crate::reply::Reply;
use crate::response_framing::ResponseFraming;
use crate::split::Splitter;
use crate::step::Step;

/// How playing a reply ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// No steps are left.
    RanOut {
        /// Whether the response is complete and leaves the connection open.
        keeps_alive: bool,
        silent: bool,
    },
    /// The script closed the write side cleanly; the connection is to be closed.
    Closed,
    /// The connection is to be closed without a clean end.
    Cut,
    /// The connection is to be reset.
    Reset,
    /// The client closed the connection.
    Gone,
}

/// Plays one reply.
#[derive(Debug)]
pub(crate) struct Player<'a, W> {
    writer: &'a mut W,
    journal: &'a Journal,
    framing: ResponseFraming,
    splitter: Splitter,
    /// The length of the next write, if it differs from the step's.
    next: Option<usize>,
    pace: Option<Duration>,
    /// Bytes that are held back for the next write.
    held: BytesMut,
    silent: bool,
    finished: bool,
}

impl<'a, W: AsyncWrite + Unpin> Player<'a, W> {
    /// `method` is the method of the request.
    pub(crate) fn new(reply: &Reply, method: &str, writer: &'a mut W, journal: &'a Journal) -> Self {
        let mut splitter = Splitter::new(reply.split.clone());
        Self {
            writer,
            journal,
            framing: ResponseFraming::new(method),
            next: splitter.next(),
            splitter,
            pace: reply.pace,
            held: BytesMut::new(),
            silent: true,
            finished: false,
        }
    }

    /// Plays to the end. The caller watches for a disconnect of the client meanwhile.
    pub(crate) async fn play(mut self, reply: &Reply) -> Ending {
        // Writing fails only when the client has disconnected.
        self.steps(&reply.steps).await.unwrap_or(Ending::Gone)
    }

    async fn steps(&mut self, steps: &[Step]) -> io::Result<Ending> {
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Head(head) => self.put(head.render(&steps[at + 1..])).await?,
                Step::Bytes(bytes) => self.put(bytes.clone()).await?,
                Step::Piece(bytes) => self.piece(bytes.clone()).await?,
                Step::Chunk(bytes) => self.put(chunk(bytes)).await?,
                Step::Pieces(pieces) => {
                    for piece in (pieces.make)() {
                        self.piece(piece).await?;
                    }
                }
                Step::Forever(bytes, every) => loop {
                    self.piece(bytes.clone()).await?;
                    self.flush().await?;
                    tokio::time::sleep(*every).await;
                    tokio::task::yield_now().await;
                },
                Step::End if self.framing.is_chunked() => {
                    self.put(Bytes::from_static(LAST_CHUNK)).await?;
                }
                Step::End => (),
                Step::Wait(time) => {
                    self.flush().await?;
                    tokio::time::sleep(*time).await;
                }
                Step::Gate(gate) => {
                    self.flush().await?;
                    gate.pass().await;
                }
                Step::Hold => {
                    self.flush().await?;
                    pending::<()>().await;
                }
                Step::Fin => self.finish().await?,
                Step::Close => {
                    self.finish().await?;
                    return Ok(Ending::Closed);
                }
                Step::Cut => {
                    self.flush().await?;
                    return Ok(Ending::Cut);
                }
                Step::Reset => {
                    self.flush().await?;
                    return Ok(Ending::Reset);
                }
            }
        }
        self.flush().await?;
        if self.finished {
            // Until the client also closes.
            pending::<()>().await;
        }
        Ok(Ending::RanOut { keeps_alive: self.framing.keeps_alive(), silent: self.silent })
    }

    async fn piece(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.framing.is_chunked() { self.put(chunk(&bytes)).await } else { self.put(bytes).await }
    }

    /// Writes the bytes, or holds them back if they are fewer than the next write.
    async fn put(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.finished {
            return Ok(());
        }
        self.framing.feed(&bytes);
        if self.next.is_none() {
            return self.write(bytes).await;
        }
        self.held.extend_from_slice(&bytes);
        while let Some(length) = self.next
            && self.held.len() >= length
        {
            let bytes = self.held.split_to(length).freeze();
            self.write(bytes).await?;
            self.next = self.splitter.next();
        }
        if self.next.is_none() {
            let rest = self.held.split().freeze();
            self.write(rest).await?;
        }
        Ok(())
    }

    /// Writes the held bytes, which shortens the next write.
    async fn flush(&mut self) -> io::Result<()> {
        let bytes = self.held.split().freeze();
        if let Some(length) = &mut self.next {
            *length -= bytes.len();
        }
        self.write(bytes).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.finished = true;
        self.writer.shutdown().await
    }

    /// Writes once, separate from the previous write.
    async fn write(&mut self, mut bytes: Bytes) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.silent {
            match self.pace {
                Some(time) => tokio::time::sleep(time).await,
                None => tokio::task::yield_now().await,
            }
        }
        self.silent = false;
        while !bytes.is_empty() {
            let written = self.writer.write_buf(&mut bytes).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.journal.wrote(written);
        }
        self.writer.flush().await
    }
}
