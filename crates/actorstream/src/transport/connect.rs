//! The service that awc asks for connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actorstream_proto::budget::Budget;
use actorstream_proto::error::ErrorKind;
use awc::http::Uri;
use socket2::{SockRef, TcpKeepalive};

use super::connections::Connections;
use super::exchange::Exchange;
use super::io::Io;
use super::stream::Stream;
use super::{BaseUrl, Hosts, Proxies, TlsSettings, happy_eyeballs, tunnel};

/// A peer that is gone without a word is noticed within `KEEPALIVE_IDLE + 4 × KEEPALIVE_INTERVAL`, even where no
/// budget is set.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How the connections of a client are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectSettings {
    pub(crate) hosts: Hosts,
    pub(crate) proxies: Proxies,
    pub(crate) tls: TlsSettings,
}

/// Makes connections: name, TCP, proxy, TLS, all within the connect budget of the request that needs it.
#[derive(Debug, Clone)]
pub(super) struct ConnectService {
    pub(super) settings: Arc<ConnectSettings>,
    /// Those that can be used again.
    pub(super) connections: Rc<Connections>,
}

impl Service<ConnectInfo<Uri>> for ConnectService {
    type Response = Connection<Uri, Io>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ConnectInfo<Uri>) -> Self::Future {
        let Self { settings, connections } = self.clone();
        Box::pin(async move {
            let Some(exchange) = Exchange::current() else {
                return Err(ConnectError::Io(io::Error::other("asked outside an exchange")));
            };
            if let Some(stream) = connections.take(exchange.base_url()) {
                exchange.stream.replace(Some(stream));
                return Ok(Connection::new(request.request().clone(), Io::new(&exchange)));
            }
            exchange.connected.set(true);
            let connecting = connect(&settings, exchange.base_url(), exchange.head_limit());
            let connected = match exchange.connect_budget() {
                Some(after) => match tokio::time::timeout(after, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => Err(ErrorKind::Timeout { budget: Budget::Connect, after }),
                },
                None => connecting.await,
            };
            match connected {
                Ok(stream) => {
                    exchange.stream.replace(Some(stream));
                    Ok(Connection::new(request.request().clone(), Io::new(&exchange)))
                }
                Err(kind) => {
                    exchange.fail(kind);
                    Err(ConnectError::Unresolved)
                }
            }
        })
    }
}

/// Connects to a server, through its proxy if it has one.
async fn connect(settings: &ConnectSettings, url: &BaseUrl, head_limit: usize) -> Result<Stream, ErrorKind> {
    let ConnectSettings { hosts, proxies, tls } = settings;
    let failed = |detail: String| ErrorKind::Transport { detail: detail.into(), unsent: true };
    let stream = match proxies.to(url) {
        Some(proxy) => {
            let unreachable = |detail| proxy.failed(format_args!("cannot be reached: {detail}"));
            let mut stream = connect_tcp(hosts, &proxy.host, proxy.port).await.map_err(unreachable)?;
            if proxy.tls {
                stream = tls.handshake(stream, &proxy.host, proxy.port).await.map_err(unreachable)?;
            }
            if proxies.forwarding_to(url).is_some() {
                return Ok(stream);
            }
            tunnel::open(stream, proxy, url, head_limit).await?
        }
        None => connect_tcp(hosts, &url.host, url.port).await.map_err(failed)?,
    };
    if url.tls { tls.handshake(stream, &url.host, url.port).await.map_err(failed) } else { Ok(stream) }
}

async fn connect_tcp(hosts: &Hosts, host: &str, port: u16) -> Result<Stream, String> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = hosts.find(name, port).await?;
    let tcp = happy_eyeballs::connect(addresses).await.map_err(|failed| explain(host, port, &failed))?;
    // Neither is needed for a stream to work, so failing to set them is no failure.
    let _ = tcp.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
    Ok(Stream::Plain(tcp))
}

/// What became of all attempts to connect.
fn explain(host: &str, port: u16, failed: &[(SocketAddr, io::Error)]) -> String {
    match failed {
        [] => format!("{host} has no address"),
        [(_, error)] => format!("no connection to {host}:{port}: {error}{}", hint(error)),
        [.., (_, last)] => {
            let each: Vec<String> =
                failed.iter().map(|(address, error)| format!("{address}: {error}")).collect();
            format!("no connection to {host}:{port}: {}{}", each.join(", "), hint(last))
        }
    }
}

/// What to do about an error, where that can be said.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        // EMFILE and ENFILE have the same numbers on every Unix that actix runs on.
        Some(23 | 24) => "; raise the limit on open files (ulimit -n), or lower max_streams",
        _ if error.kind() == io::ErrorKind::ConnectionRefused => "; is the server running?",
        _ => "",
    }
}
