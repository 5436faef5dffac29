//! The loopback server: prints the URL it listens at, and sends what the path of a request asks for until it is
//! killed. A process of its own, so that a client is measured without it.

use std::sync::Arc;

use actorstream_bench::Error;
use actorstream_bench::corpus::{BLOCK, DONE, event, last_event};
use actorstream_bench::plan::Plan;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_1\r\n\
                    transfer-encoding: chunked\r\n\r\n";
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        println!("http://{}", listener.local_addr()?);
        let bodies = Arc::new([Body::new(1), Body::new(32)]);
        loop {
            let (socket, _) = listener.accept().await?;
            let bodies = Arc::clone(&bodies);
            // A client that leaves is how the streams that stay open end.
            tokio::spawn(async move { serve(socket, &*bodies).await.is_ok() });
        }
    })
}

/// A block of events as HTTP chunks.
struct Body {
    per_chunk: usize,
    chunks: Vec<Bytes>,
    whole: Bytes,
}

impl Body {
    fn new(per_chunk: usize) -> Self {
        let events: Vec<String> = (0..BLOCK).map(event).collect();
        let chunks: Vec<Bytes> = events.chunks(per_chunk).map(|events| chunk(&events.concat())).collect();
        Self { per_chunk, whole: chunks.concat().into(), chunks }
    }
}

fn chunk(text: &str) -> Bytes {
    format!("{:x}\r\n{text}\r\n", text.len()).into()
}

async fn serve(socket: TcpStream, bodies: &[Body]) -> Result<(), Error> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::with_capacity(1 << 10, socket);
    loop {
        let Some((plan, close)) = request(&mut socket).await? else { return Ok(()) };
        let body = bodies.iter().find(|body| body.per_chunk == plan.per_chunk).ok_or("no such body")?;
        let socket = socket.get_mut();
        socket.write_all(HEAD.as_bytes()).await?;
        write(socket, &plan, body).await?;
        if plan.open {
            // Until the client leaves.
            socket.read_u8().await?;
        }
        let end = [chunk(&last_event()), chunk(DONE), "0\r\n\r\n".into()].concat();
        socket.write_all(&end).await?;
        if close {
            return Ok(());
        }
    }
}

/// Writes the events, all but the last.
async fn write(socket: &mut TcpStream, plan: &Plan, body: &Body) -> Result<(), Error> {
    if plan.pause.is_zero() && plan.events.is_multiple_of(BLOCK) {
        for _ in 0..plan.events / BLOCK {
            socket.write_all(&body.whole).await?;
        }
        return Ok(());
    }
    let mut ticks = (!plan.pause.is_zero()).then(|| interval(plan.pause));
    if let Some(ticks) = &mut ticks {
        // One that comes late is not followed by two at once.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    for chunk in body.chunks.iter().cycle().take(plan.events / body.per_chunk) {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        socket.write_all(chunk).await?;
    }
    Ok(())
}

/// Reads a request: what it asks for, and whether the connection ends with the answer. `None`: there is no further one.
async fn request(socket: &mut BufReader<TcpStream>) -> Result<Option<(Plan, bool)>, Error> {
    let mut line = String::new();
    if socket.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let plan = line.split(' ').nth(1).ok_or("no path")?.parse()?;
    let (mut length, mut close) = (0, false);
    loop {
        line.clear();
        socket.read_line(&mut line).await?;
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse()?,
            Some(("connection", value)) => close = value.trim() == "close",
            Some(_) => {}
        }
    }
    socket.read_exact(&mut vec![0; length]).await?;
    Ok(Some((plan, close)))
}
