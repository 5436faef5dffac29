//! A raw client over a TCP socket.

use actorstream_test::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use std::io;

/// A connection to an upstream.
pub(crate) struct RawClient {
    pub socket: TcpStream,
}

impl RawClient {
    pub(crate) async fn connect(upstream: &Upstream) -> Self {
        let socket = TcpStream::connect(upstream.addr()).await.unwrap();
        Self { socket }
    }

    /// Connects and sends a request.
    pub(crate) async fn posting(upstream: &Upstream, body: &str) -> Self {
        let mut client = Self::connect(upstream).await;
        client.post("/v1/chat/completions", body).await;
        client
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        let request = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        self.send(request.as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// Reads once.
    pub(crate) async fn read(&mut self) -> String {
        let mut bytes = vec![0; 1 << 16];
        let length = self.socket.read(&mut bytes).await.unwrap();
        bytes.truncate(length);
        String::from_utf8(bytes).unwrap()
    }

    /// Reads until the text read ends with `end`.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let more = self.read().await;
            assert!(!more.is_empty(), "closed after {text:?}");
            text.push_str(&more);
        }
        text
    }

    /// Reads to the end of the connection. Returns the text read and how the connection ended.
    pub(crate) async fn rest(&mut self) -> (String, io::Result<usize>) {
        let mut bytes = Vec::new();
        let end = self.socket.read_to_end(&mut bytes).await;
        (String::from_utf8(bytes).unwrap(), end)
    }

    /// Reads to a FIN.
    pub(crate) async fn rest_to_fin(&mut self) -> String {
        let (text, end) = self.rest().await;
        end.unwrap();
        text
    }
}

pub(crate) fn is_reset<T>(end: io::Result<T>) -> bool {
    matches!(end, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
}
