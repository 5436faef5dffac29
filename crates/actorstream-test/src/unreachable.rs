//! Loopback addresses that do not accept connections.

use socket2::{Domain, Socket, Type};

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

/// A loopback address on which a connection is neither accepted nor refused: its accept queue is full, so the kernel
/// drops the SYN, and a connect hangs.
///
/// Works on Linux; other systems may refuse instead. Connections are refused once it is dropped.
#[derive(Debug)]
pub struct Blackhole {
    addr: SocketAddr,
    _listener: Socket,
    /// The connections that fill the queue.
    _waiting: Vec<TcpStream>,
}

/// On loopback, a connect that does not hang succeeds within microseconds.
const HANGS: Duration = Duration::from_millis(100);
const MAX_WAITING: usize = 64;

impl Blackhole {
    /// Creates the address. Blocks the thread for about 100 ms, to verify that a connect hangs.
    ///
    /// # Panics
    ///
    /// If it cannot listen, or if connects do not hang on this system.
    #[track_caller]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        match Self::try_new() {
            Ok(blackhole) => blackhole,
            Err(error) => panic!("cannot make a blackhole: {error}"),
        }
    }

    fn try_new() -> io::Result<Self> {
        let (listener, addr) = bind()?;
        listener.listen(0)?;
        let mut waiting = Vec::new();
        while waiting.len() < MAX_WAITING {
            match TcpStream::connect_timeout(&addr, HANGS) {
                Ok(connection) => waiting.push(connection),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self { addr, _listener: listener, _waiting: waiting });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("connects do not hang"))
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The [`url`](Self::url) followed by `/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url())
    }
}

/// Returns an address that refuses: bound, so that no other process gets it, but not listening.
#[track_caller]
pub(crate) fn refused_addr() -> SocketAddr {
    static BOUND: OnceLock<(Socket, SocketAddr)> = OnceLock::new();
    let bound = BOUND.get_or_init(|| match bind() {
        Ok(bound) => bound,
        Err(error) => panic!("no free port: {error}"),
    });
    bound.1
}

fn bind() -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let addr = socket.local_addr()?.as_socket();
    let addr = addr.ok_or_else(|| io::Error::other("no address"))?;
    Ok((socket, addr))
}
