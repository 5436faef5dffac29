//! `Connections`: the idle connections of a thread, pooled for the next request to the same server.
//!
//! awc's own pool is not used: awc's buffers take 16 KiB for as long as it owns a connection. It therefore opens one
//! for each request and releases it once the head is read.

use std::cell::RefCell;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use socket2::SockRef;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::time::{Duration, Instant};

use crate::settings::base_url::BaseUrl;
use crate::transport::connect::ConnectSettings;
use crate::transport::connect::stream::Stream;

/// The messages that a server may send before it closes an idle connection.
const GOODBYES: [&[u8]; 2] = [b"HTTP/1.1 408", b"HTTP/1.0 408"];

/// The pooled connections of a client on a thread.
#[derive(Debug)]
pub(crate) struct Connections {
    settings: Arc<ConnectSettings>,
    kept: RefCell<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    stream: Stream,
    /// The server at the other end.
    url: BaseUrl,
    since: Instant,
}

/// The state of an idle connection.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing has arrived, not even the end: the connection can be used.
    Silent,
    /// The server has closed the connection, or is about to.
    Closed,
    /// The server has sent unsolicited data.
    Overrun,
}

impl Connections {
    pub(crate) fn new(settings: &Arc<ConnectSettings>) -> Self {
        Self { settings: Arc::clone(settings), kept: RefCell::default() }
    }

    /// Pools a connection whose last response is complete.
    pub(crate) fn keep(&self, stream: Stream, url: &BaseUrl) {
        if !self.settings.overruns.holds(url) {
            self.kept.borrow_mut().push(Kept { stream, url: url.clone(), since: Instant::now() });
        }
    }

    /// Records that a server has written past the end of a response: none of its connections is reused.
    pub(crate) fn note_overrun(&self, url: &BaseUrl) {
        self.settings.overruns.note(url);
        self.kept.borrow_mut().retain(|kept| !kept.url.is_of_same_server(url));
    }

    /// Takes the most recently used connection to the server of `url`, if one is still usable.
    pub(crate) fn take(&self, url: &BaseUrl) -> Option<Stream> {
        loop {
            let mut kept = {
                let mut all = self.kept.borrow_mut();
                let at = all.iter().rposition(|kept| kept.url.is_of_same_server(url))?;
                all.remove(at)
            };
            match state(&mut kept.stream) {
                // Another thread may have recorded it since.
                State::Silent if !self.settings.overruns.holds(url) => return Some(kept.stream),
                State::Silent | State::Closed => {}
                State::Overrun => self.note_overrun(url),
            }
        }
    }

    /// Closes connections that the server has closed or written to, and those that have been idle for too long.
    pub(crate) fn sweep(&self, keep_alive: Duration) {
        let now = Instant::now();
        let mut overruns = Vec::new();
        self.kept.borrow_mut().retain_mut(|kept| {
            let state = state(&mut kept.stream);
            if state == State::Overrun {
                overruns.push(kept.url.clone());
            }
            state == State::Silent && now - kept.since < keep_alive
        });
        overruns.iter().for_each(|url| self.note_overrun(url));
    }
}

/// Returns the current state of a connection. This asks the operating system: the runtime notices data only when it
/// next polls its sockets, and a request would be sent before that.
fn state(stream: &mut Stream) -> State {
    let mut bytes = [0; 16];
    match stream {
        // Reading consumes the data, but a connection with data is not reused.
        Stream::Plain(tcp) => told((&*SockRef::from(&*tcp)).read(&mut bytes), &bytes),
        Stream::Tls(_) => {
            let mut read = ReadBuf::new(&mut bytes);
            let mut cx = Context::from_waker(Waker::noop());
            match Pin::new(&mut *stream).poll_read(&mut cx, &mut read) {
                Poll::Ready(result) => {
                    let len = read.filled().len();
                    told(result.map(|()| len), &bytes)
                }
                // Data that is not decrypted yet may be anything.
                Poll::Pending => match SockRef::from(stream.tcp())
                    .peek(&mut [const { std::mem::MaybeUninit::uninit() }; 1])
                {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => State::Silent,
                    _ => State::Closed,
                },
            }
        }
    }
}

fn told(read: io::Result<usize>, bytes: &[u8]) -> State {
    match read {
        Ok(1..) if !GOODBYES.iter().any(|goodbye| bytes.starts_with(goodbye)) => State::Overrun,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => State::Silent,
        Ok(_) | Err(_) => State::Closed,
    }
}
