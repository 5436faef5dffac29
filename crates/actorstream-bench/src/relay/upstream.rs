//! The upstream: answers every request with a stream whose events say when they were sent.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::{Error, stamp};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_1\r\n\
                    transfer-encoding: chunked\r\n\r\n";
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// Prints the URL that it listens at, and sends an event each `period` to whoever asks until it leaves. Without a period it
/// sends one event, and then nothing.
///
/// # Errors
/// When it cannot listen.
pub async fn serve(period: Option<Duration>) -> Result<(), Error> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        // A client that leaves is how a stream ends.
        tokio::spawn(async move { answer(socket, period).await.is_ok() });
    }
}

async fn answer(socket: TcpStream, period: Option<Duration>) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::with_capacity(1 << 10, socket);
    read_request(&mut socket).await?;
    let socket = socket.get_mut();
    socket.write_all(HEAD.as_bytes()).await?;
    let Some(period) = period else {
        socket.write_all(event()?.as_bytes()).await?;
        socket.read_u8().await?;
        return Ok(());
    };
    let mut ticks = interval(period);
    // One that comes late is not followed by two at once, and streams that began at different times stay apart.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        socket.write_all(event()?.as_bytes()).await?;
    }
}

/// A chunk of the body with one event, about 340 bytes as OpenAI sends it.
fn event() -> Result<String, Error> {
    let text = stamp::text()?;
    let event = format!(
        "data: {{\"id\":\"chatcmpl-CbQ4n2mXf8sT0vLk6RzYw1HdJp3Ea\",\"object\":\"chat.completion.chunk\",\
         \"created\":1763812345,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\
         \"system_fingerprint\":\"fp_560af6e559\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\
         \"{text}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"qW3eR5\"}}\n\n"
    );
    Ok(format!("{:x}\r\n{event}\r\n", event.len()))
}

async fn read_request(socket: &mut BufReader<TcpStream>) -> Result<(), Error> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if socket.read_line(&mut line).await? == 0 {
            return Err("the client has left".into());
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    socket.read_exact(&mut vec![0; length]).await?;
    Ok(())
}
