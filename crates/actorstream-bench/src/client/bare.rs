//! The floor: a socket that is only read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Count, Held, Seen, open_in_waves, runtime};
use crate::Error;

/// How much is read at once. Each of many open streams needs less.
const BUFFER: usize = 64 << 10;

pub(super) fn run(base_url: &str, streams: usize) -> Result<Seen, Error> {
    runtime()?.block_on(async {
        let count = Count::default();
        let started: Vec<_> =
            (0..streams).map(|_| tokio::spawn(stream(base_url.to_owned(), count.clone(), BUFFER))).collect();
        for stream in started {
            stream.await??;
        }
        Ok(Seen { events: 0, ..count.seen() })
    })
}

pub(super) fn hold(base_url: &str, streams: usize) -> Result<Held, Error> {
    runtime()?.block_on(async {
        let count = Count::default();
        open_in_waves(streams, &count, || {
            drop(tokio::spawn(stream(base_url.to_owned(), count.clone(), 1 << 10)));
        })
        .await
    })
}

async fn stream(base_url: String, count: Count, buffer: usize) -> Result<(), Error> {
    let url = base_url.strip_prefix("http://").ok_or("not http://")?;
    let (authority, path) = url.split_once('/').ok_or("no path")?;
    let mut socket = TcpStream::connect(authority).await?;
    let head = format!(
        "POST /{path}/chat/completions HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut buffer = vec![0; buffer];
    loop {
        match socket.read(&mut buffer).await? {
            0 => return Ok(()),
            len => count.add(len),
        }
    }
}
