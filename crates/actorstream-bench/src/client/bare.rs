//! The floor: a socket that is only read.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::delays::{Delayed, Delays, measure};
use super::{Count, Held, Seen, open_in_waves, runtime};
use crate::Error;
use crate::stamp::STAMP;

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

pub(super) fn delays(base_url: &str, streams: usize, time: Duration) -> Result<Delays, Error> {
    runtime()?.block_on(async {
        let delayed = Delayed::default();
        measure(streams, time, &delayed, || {
            let (base_url, delayed) = (base_url.to_owned(), delayed.clone());
            tokio::spawn(async move {
                let stamp = memchr::memmem::Finder::new(STAMP);
                // A read that begins or ends within an event is not measured: the server writes each at once.
                let arrived = |read: &[u8]| {
                    delayed.arrived(|| std::str::from_utf8(&read[stamp.find(read)?..]).ok());
                };
                if let Err(error) = read(base_url, BUFFER, arrived).await {
                    eprintln!("{error}");
                }
            });
        })
        .await
    })
}

async fn stream(base_url: String, count: Count, buffer: usize) -> Result<(), Error> {
    read(base_url, buffer, |read| count.add(read.len())).await
}

/// Sends a request, and reads the answer until its end.
async fn read(base_url: String, buffer: usize, mut arrived: impl FnMut(&[u8])) -> Result<(), Error> {
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
            len => arrived(&buffer[..len]),
        }
    }
}
