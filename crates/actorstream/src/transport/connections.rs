//! `Connections`: those of a thread that no request uses, kept for the next one to the same server.
//!
//! awc makes a connection for each request, and lets go of it when it has read the head: its buffers take 16 KiB for as
//! long as it has one.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::time::{Duration, Instant};

use super::BaseUrl;
use super::stream::Stream;

/// The connections of a client on a thread that are kept.
#[derive(Debug, Default)]
pub(super) struct Connections(RefCell<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    stream: Stream,
    /// Where it leads.
    url: BaseUrl,
    since: Instant,
}

impl Connections {
    /// Keeps a connection whose last answer is complete.
    pub(super) fn keep(&self, stream: Stream, url: &BaseUrl) {
        self.0.borrow_mut().push(Kept { stream, url: url.clone(), since: Instant::now() });
    }

    /// Takes the one to the server of `url` that was used last, if there is one that still is of use.
    pub(super) fn take(&self, url: &BaseUrl) -> Option<Stream> {
        let mut all = self.0.borrow_mut();
        loop {
            let at = all.iter().rposition(|kept| kept.url.is_of_same_server(url))?;
            let mut stream = all.remove(at).stream;
            if is_silent(&mut stream) {
                return Some(stream);
            }
        }
    }

    /// Closes those that the server has closed or spoken on, and those that have been kept for so long.
    pub(super) fn sweep(&self, keep_alive: Duration) {
        let now = Instant::now();
        self.0.borrow_mut().retain_mut(|kept| now - kept.since < keep_alive && is_silent(&mut kept.stream));
    }
}

/// Whether nothing has come, not even the end.
fn is_silent(stream: &mut Stream) -> bool {
    let mut byte = [0];
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
}
