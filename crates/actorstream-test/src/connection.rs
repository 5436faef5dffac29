//! One accepted connection: requests in, replies out.

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::OpenConnection;
use crate::player::{Ending, Player};
use crate::reply::Reply;
use crate::request_reader::{NoRequest, read_request};
use crate::script::Script;

/// The settings that all connections of an upstream share.
#[derive(Debug)]
pub(crate) struct Manner {
    pub(crate) script: Script,
    /// How many bytes the client may send ahead while a reply is played. Beyond that, nothing is read and a
    /// disconnect is not noticed.
    pub(crate) read_ahead: usize,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::ServerIdentity>,
}

/// A byte stream over a TCP connection.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// Serves one connection until either side closes it.
pub(crate) async fn serve(socket: TcpStream, manner: Arc<Manner>, entry: OpenConnection) {
    // It fails only on a connection that is already dead.
    let _ = socket.set_nodelay(true);
    let mut buffer = BytesMut::new();
    let mut socket = socket;
    if let Some(reply) = manner.script.reply_at_accept(entry.number()) {
        let mut stream = Stream::new(socket, buffer, &entry, manner.read_ahead);
        let ending = stream.play(&reply, "").await;
        let goes_on = match ending {
            Ending::RanOut { keeps_alive, silent } => keeps_alive || silent,
            _ => false,
        };
        if !goes_on {
            return stream.leave(ending).await;
        }
        (socket, buffer) = stream.into_parts();
    }
    #[cfg(feature = "tls")]
    if let Some(identity) = &manner.tls {
        return match identity.handshake(socket, buffer.freeze()).await {
            Ok(socket) => {
                let stream = Stream::new(socket, BytesMut::new(), &entry, manner.read_ahead);
                stream.converse(&manner.script).await;
            }
            Err(_) => entry.peer_closed(),
        };
    }
    let stream = Stream::new(socket, buffer, &entry, manner.read_ahead);
    stream.converse(&manner.script).await;
}

/// The two directions of a connection, and the bytes that were read but not used yet.
struct Stream<'a, S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    buffer: BytesMut,
    entry: &'a OpenConnection,
    read_ahead: usize,
}

impl<'a, S: Socket> Stream<'a, S> {
    fn new(socket: S, buffer: BytesMut, entry: &'a OpenConnection, read_ahead: usize) -> Self {
        let (reader, writer) = split(socket);
        Self { reader, writer, buffer, entry, read_ahead }
    }

    fn into_parts(self) -> (S, BytesMut) {
        (self.reader.unsplit(self.writer), self.buffer)
    }

    /// Answers requests until the connection should be closed, and closes it.
    async fn converse(mut self, script: &Script) {
        loop {
            let request =
                read_request(&mut self.reader, &mut self.writer, &mut self.buffer, self.entry.number());
            let (reply, method, closes) = match request.await {
                Ok(mut request) => {
                    self.entry.journal().arrived(&mut request);
                    let closes = request.closes();
                    (script.reply(&request), request.method, closes)
                }
                Err(NoRequest::Gone) => return self.leave(Ending::Gone).await,
                Err(NoRequest::Refused(status)) => {
                    let reply = Reply::status(status).header("connection", "close");
                    (reply, String::new(), true)
                }
            };
            let ending = self.play(&reply, &method).await;
            let keeps_alive = match ending {
                Ending::RanOut { keeps_alive, .. } => keeps_alive,
                _ => false,
            };
            if !keeps_alive || closes {
                return self.leave(ending).await;
            }
        }
    }

    async fn play(&mut self, reply: &Reply, method: &str) -> Ending {
        let player = Player::new(reply, method, &mut self.writer, self.entry.journal());
        let work = player.play(reply);
        let ending = unless_gone(work, &mut self.reader, &mut self.buffer, self.read_ahead).await;
        ending.unwrap_or(Ending::Gone)
    }

    /// Closes the connection as the last reply specifies.
    async fn leave(mut self, ending: Ending) {
        if let Ending::RanOut { .. } = ending {
            let work = self.writer.shutdown();
            unless_gone(work, &mut self.reader, &mut self.buffer, self.read_ahead).await;
        }
        if let Ending::Gone = ending {
            self.entry.peer_closed();
        }
        let (socket, _) = self.into_parts();
        if let Ending::Reset = ending {
            // A linger time of zero closes with a RST. It cannot fail on an open socket.
            let _ = SockRef::from(socket.tcp()).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Does `work` unless the client disconnects meanwhile. Bytes from the client are collected in `buffer`.
async fn unless_gone<T>(
    work: impl Future<Output = T>,
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    read_ahead: usize,
) -> Option<T> {
    tokio::select! {
        biased;
        result = work => Some(result),
        () = gone(reader, buffer, read_ahead) => None,
    }
}

async fn gone(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut, read_ahead: usize) {
    while buffer.len() < read_ahead {
        buffer.reserve(1);
        if let Ok(0) | Err(_) = reader.read_buf(buffer).await {
            return;
        }
    }
    pending::<()>().await;
}
