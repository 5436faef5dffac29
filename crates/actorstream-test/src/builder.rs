//! The settings of an upstream's listener.

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use crate::connection::{Manner, serve};
use crate::journal::Journal;
use crate::script::Script;
use crate::upstream::{Runner, Upstream};

/// The settings of an [`Upstream`]'s listener, created by [`Upstream::builder`].
///
/// ```
/// use actorstream_test::{Reply, Upstream};
///
/// let upstream = Upstream::builder()
///     .record_requests(false)
///     .start(Reply::sse().done().end())?;
/// assert!(upstream.url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing unless started"]
pub struct UpstreamBuilder {
    addr: SocketAddr,
    backlog: u32,
    records_requests: bool,
    receive_buffer: Option<usize>,
    #[cfg(feature = "tls")]
    tls: Option<crate::ServerIdentity>,
}

/// The default number of bytes that a client may send ahead while a reply is played.
const READ_AHEAD: usize = 1 << 20;
/// The size of a TCP segment on Ethernet.
#[cfg(unix)]
const SEGMENT: u32 = 1460;

impl Default for UpstreamBuilder {
    /// A free port of 127.0.0.1, no TLS.
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            backlog: 4096,
            records_requests: true,
            receive_buffer: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl UpstreamBuilder {
    /// Sets the port; 0 selects a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.addr.set_port(port);
        self
    }

    /// Sets the local address. Default: 127.0.0.1.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.addr.set_ip(host);
        self
    }

    /// Sets the maximum number of connections that wait to be accepted. Default: 4096. The system may allow fewer.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Sets whether requests are recorded for the test. Default: yes. Disable this for an upstream that runs for a
    /// long time.
    pub fn record_requests(mut self, record: bool) -> Self {
        self.records_requests = record;
        self
    }

    /// Sets approximately how many bytes of a request the system buffers before the script reads them, and how many
    /// the script reads ahead while it plays a reply. A client that sends more is blocked in the middle of its
    /// request. On Linux, this also reduces the client's own buffer to about 100 KiB, instead of megabytes.
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Enables TLS with this identity.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, identity: &crate::ServerIdentity) -> Self {
        self.tls = Some(identity.clone());
        self
    }

    /// Starts the upstream on its own thread. It accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// If it cannot listen or create a thread.
    pub fn start(self, script: impl Into<Script>) -> io::Result<Upstream> {
        let listener = self.listen()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        self.upstream(listener, script.into(), |listener, manner, journal| {
            let thread = thread::Builder::new().name("upstream".to_owned());
            let thread = thread.spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = accept(listener, manner, journal) => (),
                        _ = stopped => (),
                    }
                });
            })?;
            Ok(Runner::Thread { stop: Some(stop), thread: Some(thread) })
        })
    }

    /// Starts the upstream on the current tokio runtime. It accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// If it cannot listen.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[track_caller]
    pub fn spawn(self, script: impl Into<Script>) -> io::Result<Upstream> {
        let listener = self.listen()?;
        self.upstream(listener, script.into(), |listener, manner, journal| {
            let task = tokio::spawn(accept(listener, manner, journal));
            Ok(Runner::Task(task.abort_handle()))
        })
    }

    fn listen(&self) -> io::Result<std::net::TcpListener> {
        let socket = Socket::new(Domain::for_address(self.addr), Type::STREAM, None)?;
        // On Windows this would let two upstreams share a port.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
            // A client sizes its buffer by the segment size, which is 64 KiB on loopback.
            #[cfg(unix)]
            socket.set_tcp_mss(SEGMENT)?;
        }
        socket.bind(&self.addr.into())?;
        socket.listen(i32::try_from(self.backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }

    fn upstream(
        self,
        listener: std::net::TcpListener,
        script: Script,
        run: impl FnOnce(std::net::TcpListener, Arc<Manner>, Arc<Journal>) -> io::Result<Runner>,
    ) -> io::Result<Upstream> {
        let addr = listener.local_addr()?;
        let journal = Arc::new(Journal::new(self.records_requests));
        #[cfg(feature = "tls")]
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "tls"))]
        let scheme = "http";
        let manner = Arc::new(Manner {
            script,
            read_ahead: self.receive_buffer.unwrap_or(READ_AHEAD),
            #[cfg(feature = "tls")]
            tls: self.tls,
        });
        Ok(Upstream { runner: run(listener, manner, Arc::clone(&journal))?, journal, addr, scheme })
    }
}

/// Accepts and serves connections until it is dropped, together with them.
async fn accept(
    listener: std::net::TcpListener,
    manner: Arc<Manner>,
    journal: Arc<Journal>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(serve(socket, Arc::clone(&manner), journal.accepted()));
                }
                // No file descriptor is free, or the client is already gone.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
}
