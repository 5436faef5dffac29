//! Recordings: exchanges with servers, written to files without their secrets.

pub(crate) mod exchange;
mod fields;
mod files;
mod secrets;
pub(crate) mod tape;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::{Notify, oneshot};

use crate::recording::exchange::Exchange;
use crate::recording::files::Files;

/// The default of [`Recording::max_bytes`].
const MAX_BYTES: usize = 256 << 20;

/// Writes exchanges with servers to files, for a bug report or a test.
///
/// ```no_run
/// use actorstream::{OpenAi, Recording};
///
/// # async fn record() -> Result<(), Box<dyn std::error::Error>> {
/// let recording = Recording::new("exchanges");
/// let openai = OpenAi::builder().api_key("a key").record(recording.clone()).build()?;
/// // … calls …
/// let written = recording.flush().await?;
/// # Ok(())
/// # }
/// ```
///
/// Each attempt becomes two files, numbered in the order in which their exchanges end: `0001-v1-chat-completions.http` has the
/// response, and `0001-v1-chat-completions.request.txt` the request. A request without a response leaves only the second.
/// `actorstream mock --script`, and `Script::parse` and `Reply::recorded` of the crate `actorstream-test`, play the responses.
///
/// **Secrets.** Values of headers and parameters whose names mark them as secret (`authorization`, `api-key`, cookies, …), of
/// headers that the application has set, of fields of JSON such as `authorization`, `api_key` and the `headers` of an MCP server,
/// credentials in URLs, and parts of the path that look like a key are replaced by `***`. The client's own keys and the values of
/// cookies are replaced wherever they occur, also if they are encoded (URL, JSON, Base64, hexadecimal). All else is kept, prompts and
/// responses included; JSON stays JSON. A key that a model repeats in several events, in pieces, reversed or in other letter case cannot
/// be found, nor JSON within a string that holds other keys. On Unix, only the owner may read the files.
///
/// **What is kept.** The status and the headers as they arrived, and the body without its content coding. A body that the end of the
/// connection ends is written in chunks. Chunks are those lines that one read completed; their extension `wait_ms` is the time since the previous ones. A body that broke ends
/// without its last chunk, and one that the client left has `0;hold` there. Files that are uploaded are not kept.
///
/// **Bounds.** All exchanges together may take [`max_bytes`](Self::max_bytes), in memory and on disk. Of a response
/// that does not fit, the beginning is kept, as of one that broke there; a request that does not fit is left out with its response. Files are written by a thread of their own: a slow or full disk neither delays nor fails a stream. The first failure is
/// logged as a warning and returned by [`flush`](Self::flush); it ends the recording.
#[derive(Clone)]
pub struct Recording {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    max_bytes: AtomicUsize,
    /// The bytes of all exchanges so far.
    taken: AtomicUsize,
    /// Exchanges that have not ended.
    open: AtomicUsize,
    ended: Notify,
    overflowed: AtomicBool,
    /// The thread that writes; it starts with the first exchange.
    writer: Mutex<Option<Sender<Message>>>,
}

/// What the writing thread gets.
enum Message {
    Exchange(Box<Exchange>),
    /// Asks how many exchanges are written.
    Flush(oneshot::Sender<io::Result<usize>>),
}

impl Recording {
    /// A recording in this folder, which is created with the first exchange if it does not exist. Files that are there are kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Inner {
                folder: folder.into(),
                max_bytes: MAX_BYTES.into(),
                taken: AtomicUsize::default(),
                open: AtomicUsize::default(),
                ended: Notify::new(),
                overflowed: AtomicBool::default(),
                writer: Mutex::default(),
            }),
        }
    }

    /// Sets how many bytes all exchanges together may take, requests and the times of all reads included. Default: 256 MiB.
    #[must_use]
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        self.inner.max_bytes.store(max_bytes, Ordering::Relaxed);
        self
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Whether something is left out because it did not fit into [`max_bytes`](Self::max_bytes).
    pub fn is_full(&self) -> bool {
        self.inner.overflowed.load(Ordering::Relaxed)
    }

    /// Waits until every exchange that has begun is written, and returns how many are. A stream that runs delays it: end streams
    /// first, with [`OpenAi::shutdown`](crate::OpenAi::shutdown) for instance.
    ///
    /// # Errors
    /// The first failure to write, if there was one.
    pub async fn flush(&self) -> io::Result<usize> {
        loop {
            // Created before the check: it is woken by every end from here on.
            let ended = self.inner.ended.notified();
            if self.inner.open.load(Ordering::Acquire) == 0 {
                break;
            }
            ended.await;
        }
        let (sender, written) = oneshot::channel();
        self.send(Message::Flush(sender));
        written.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes has ended")))
    }

    /// Counts bytes of an exchange; `false` if they do not fit.
    fn take(&self, bytes: usize) -> bool {
        let Inner { max_bytes, taken, overflowed, .. } = &*self.inner;
        let max = max_bytes.load(Ordering::Relaxed);
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= max);
        let fits = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if !fits && !overflowed.swap(true, Ordering::Relaxed) {
            tracing::warn!(max_bytes = max, "the recording is full; the rest is left out");
        }
        fits
    }

    fn begin(&self) {
        self.inner.open.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self, exchange: Option<Box<Exchange>>) {
        if let Some(exchange) = exchange {
            self.send(Message::Exchange(exchange));
        }
        self.inner.open.fetch_sub(1, Ordering::Release);
        self.inner.ended.notify_waiters();
    }

    /// Passes a message to the thread that writes, which does not outlive the recording. If it cannot start, the message is dropped.
    fn send(&self, message: Message) {
        let mut writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = writer.get_or_insert_with(|| {
            let (sender, messages) = channel();
            let files = Files::new(self.inner.folder.clone());
            let started = thread::Builder::new()
                .name("actorstream-recording".to_owned())
                .spawn(move || write_all(files, &messages));
            if let Err(error) = started {
                tracing::warn!(%error, "the thread that writes a recording cannot start");
            }
            sender
        });
        let _ = sender.send(message);
    }
}

/// Writes exchanges until the recording is dropped, or the first failure.
fn write_all(mut files: Files, messages: &Receiver<Message>) {
    let mut written = Ok(0);
    for message in messages {
        match (message, &mut written) {
            (Message::Exchange(exchange), Ok(count)) => match files.write(&exchange) {
                Ok(()) => *count += 1,
                Err(error) => {
                    tracing::warn!(folder = %files.folder().display(), %error, "the recording cannot be written; it ends here");
                    written = Err(error);
                }
            },
            (Message::Exchange(_), Err(_)) => {}
            (Message::Flush(answer), written) => {
                let told = written.as_ref().map(|count| *count);
                let _ = answer.send(told.map_err(|error| io::Error::new(error.kind(), error.to_string())));
            }
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}
