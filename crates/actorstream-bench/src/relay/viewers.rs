//! Viewers of streams: sockets that are read, and the stamps in what they get.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use memchr::memmem::Finder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Error;
use crate::stamp::{DIGITS, STAMP, now};

/// What all viewers together have seen since it was last taken. They are on one thread.
#[derive(Debug, Default)]
pub struct Watched {
    /// The events that came.
    pub events: Cell<u64>,
    /// How many viewers have had one.
    pub began: Cell<usize>,
    /// How many have left.
    pub ended: Cell<usize>,
    /// For each event, how many microseconds it was under way.
    pub delays: RefCell<Vec<u32>>,
    /// The id of a generation that an answer named last.
    pub generation: RefCell<Option<String>>,
}

/// Sends a request, head and body, and reads the answer until its end.
///
/// # Errors
/// When the answer is none of status 200, or breaks.
pub async fn watch(
    authority: &str,
    request: &str,
    buffer: usize,
    watched: &Rc<Watched>,
) -> Result<(), Error> {
    let mut socket = TcpStream::connect(authority).await?;
    socket.set_nodelay(true)?;
    socket.write_all(request.as_bytes()).await?;
    let stamp = Finder::new(STAMP);
    let mut bytes = vec![0; buffer];
    let (mut filled, mut began) = (0, false);
    loop {
        let read = socket.read(&mut bytes[filled..]).await?;
        if read == 0 {
            watched.ended.set(watched.ended.get() + 1);
            return Err(format!("the answer ended: {}", String::from_utf8_lossy(&bytes[..filled])).into());
        }
        let now = now()?;
        filled += read;
        if !began && let Some(head) = memchr::memmem::find(&bytes[..filled], b"\r\n\r\n") {
            check(&bytes[..head], watched)?;
        }
        let mut after = 0;
        while let Some(found) = stamp.find(&bytes[after..filled]) {
            let digits = after + found + STAMP.len();
            let Some(text) = bytes.get(digits..digits + DIGITS).filter(|_| digits + DIGITS <= filled) else {
                break;
            };
            let sent: u64 = std::str::from_utf8(text)?.parse()?;
            watched.delays.borrow_mut().push(u32::try_from(now.saturating_sub(sent) / 1000)?);
            watched.events.set(watched.events.get() + 1);
            if !began {
                began = true;
                watched.began.set(watched.began.get() + 1);
            }
            after = digits + DIGITS;
        }
        // What may be the start of a stamp stays.
        let kept = (filled - after).min(STAMP.len() + DIGITS);
        if began || filled == bytes.len() {
            bytes.copy_within(filled - kept..filled, 0);
            filled = kept;
        }
    }
}

fn check(head: &[u8], watched: &Watched) -> Result<(), Error> {
    let head = String::from_utf8_lossy(head);
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("the gateway answers {head}").into());
    }
    let id = head.lines().find_map(|line| line.strip_prefix("x-generation-id: "));
    *watched.generation.borrow_mut() = id.map(str::to_owned);
    Ok(())
}
