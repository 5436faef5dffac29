//! A running upstream, and its record.

use tokio::sync::oneshot;

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fmt, thread};

use crate::builder::UpstreamBuilder;
use crate::journal::Journal;
use crate::request::Request;
use crate::script::Script;
use crate::unreachable;

/// A running upstream: an HTTP/1.1 server that follows its [`Script`], and keeps a record.
///
/// Dropping it stops it and closes its sockets: at once if it has its own thread ([`start`](Self::start)), otherwise
/// when the runtime next runs its tasks ([`spawn`](Self::spawn)). Connections and requests are numbered from 0.
#[must_use = "an upstream stops when it is dropped"]
pub struct Upstream {
    pub(crate) journal: Arc<Journal>,
    pub(crate) addr: SocketAddr,
    pub(crate) scheme: &'static str,
    pub(crate) runner: Runner,
}

/// The thread or task that an upstream runs on.
pub(crate) enum Runner {
    Thread {
        /// Dropping it stops the thread.
        stop: Option<oneshot::Sender<()>>,
        thread: Option<thread::JoinHandle<()>>,
    },
    Task(tokio::task::AbortHandle),
}

impl Upstream {
    /// Starts an upstream on its own thread, on a free port of 127.0.0.1. It accepts connections when this returns.
    /// Needs no runtime.
    ///
    /// # Panics
    ///
    /// If it cannot listen or create a thread; [`builder`](Self::builder) does not panic.
    #[track_caller]
    pub fn start(script: impl Into<Script>) -> Self {
        match Self::builder().start(script) {
            Ok(upstream) => upstream,
            Err(error) => panic!("cannot start an upstream: {error}"),
        }
    }

    /// Starts an upstream on the current tokio runtime, on a free port of 127.0.0.1. It shares the clock of the
    /// runtime: with `tokio::time::pause`, hours of silence take no time.
    ///
    /// A client that runs on this runtime shares it too. A stream of `actorstream` does so under
    /// `#[actix_rt::test]`, with `tokio::time::pause()` in the test. Under `#[tokio::test(start_paused = true)]`
    /// there is no actix arbiter, so the stream runs on the client's own thread, with timeouts in real time.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, or if it cannot listen.
    #[track_caller]
    pub fn spawn(script: impl Into<Script>) -> Self {
        match Self::builder().spawn(script) {
            Ok(upstream) => upstream,
            Err(error) => panic!("cannot start an upstream: {error}"),
        }
    }

    /// Returns a builder, for a port, a backlog or a certificate of your choice.
    pub fn builder() -> UpstreamBuilder {
        UpstreamBuilder::default()
    }

    /// Scheme, address and port: `http://127.0.0.1:PORT`, or `https://…`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// The [`url`](Self::url) followed by `/v1`, as clients of the OpenAI API expect it.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns a copy of the requests that have fully arrived so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.journal.read(|entries| entries.requests.clone())
    }

    /// Returns how many requests have fully arrived so far.
    pub fn request_count(&self) -> usize {
        self.journal.read(|entries| entries.arrived)
    }

    /// Waits until the n-th request, from 0, has fully arrived.
    ///
    /// Waits forever if the upstream does not [record requests](UpstreamBuilder::record_requests).
    pub async fn request(&self, n: usize) -> Request {
        self.journal.wait_for(|entries| entries.requests.get(n).cloned()).await
    }

    /// Returns how many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.journal.read(|entries| entries.peer_closed.len())
    }

    /// Returns how many connections are open on both sides.
    pub fn open(&self) -> usize {
        self.journal.read(|entries| entries.open)
    }

    /// Waits until this many connections were accepted.
    pub async fn has_accepted(&self, count: usize) {
        self.journal.wait_for(|entries| (entries.peer_closed.len() >= count).then_some(())).await;
    }

    /// Waits until no connection is open, which is also the case before the first one was accepted.
    pub async fn all_closed(&self) {
        self.journal.wait_for(|entries| (entries.open == 0).then_some(())).await;
    }

    /// Waits until the client has closed or reset the n-th connection, from 0. This is noticed even while the script
    /// waits or is silent, and if only the client's sending side was closed.
    ///
    /// Waits forever if the upstream closed the connection first, since it no longer observes the client then. A
    /// failed TLS handshake counts as closed by the client.
    pub async fn peer_closed(&self, connection: usize) {
        self.journal
            .wait_for(|entries| {
                let closed = entries.peer_closed.get(connection).copied();
                (closed == Some(true)).then_some(())
            })
            .await;
    }

    /// Waits until either side has closed the n-th connection, from 0.
    pub async fn closed(&self, connection: usize) {
        self.journal
            .wait_for(|entries| {
                let closed = entries.closed.get(connection).copied();
                (closed == Some(true)).then_some(())
            })
            .await;
    }

    /// Returns how many bytes of replies the kernel accepted so far, over all connections (under TLS: bytes before
    /// encryption). It does not increase while a client does not read.
    pub fn bytes_written(&self) -> u64 {
        self.journal.written()
    }

    /// Returns a base URL on which nothing listens: connections are refused. The port stays reserved as long as the
    /// process lives.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[track_caller]
    pub fn refused_url() -> String {
        format!("http://{}/v1", unreachable::refused_addr())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        match &mut self.runner {
            Runner::Task(task) => task.abort(),
            Runner::Thread { stop, thread } => {
                drop(stop.take());
                // The script may hold the last reference to its upstream, so this may run on the upstream's own
                // thread.
                if let Some(thread) = thread.take()
                    && thread.thread().id() != thread::current().id()
                {
                    let _ = thread.join();
                }
            }
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("url", &self.url())
            .field("accepted", &self.accepted())
            .field("open", &self.open())
            .field("requests", &self.request_count())
            .finish_non_exhaustive()
    }
}
