//! Where and how an upstream listens.

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

/// Where and how an [`Upstream`] listens; made by [`Upstream::builder`].
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

/// What a client may send ahead while a reply is played, in bytes, unless said.
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
    /// Listens on this port; 0 is any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.addr.set_port(port);
        self
    }

    /// Listens on this address of the machine, 127.0.0.1 unless said.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.addr.set_ip(host);
        self
    }

    /// How many connections may wait to be accepted: 4096 unless said. The system may allow less.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether requests are kept to be looked at, as they are unless said. An upstream that is
    /// to run for long should not.
    pub fn record_requests(mut self, record: bool) -> Self {
        self.records_requests = record;
        self
    }

    /// How many bytes of a request the system takes, about, before the script has read them; so many the script reads
    /// ahead while it plays a reply. A client that sends more is held up in the middle of its request. On Linux the
    /// client's own buffer then holds some 100 KiB, where it would hold megabytes.
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Speaks TLS, as this server.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, identity: &crate::ServerIdentity) -> Self {
        self.tls = Some(identity.clone());
        self
    }

    /// Starts it on a thread of its own. It accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// If it cannot listen or make a thread.
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

    /// Starts it on the current tokio runtime. It accepts connections when this returns.
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
            // A client makes its buffer by the size of the segments, which is 64 KiB on loopback.
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

/// Accepts connections and serves them, until it is dropped and they with it.
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
                // No file descriptor free, or the client is gone already.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
}
