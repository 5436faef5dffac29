//! The service that awc asks for connections.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actorstream_proto::budget::Budget;
use actorstream_proto::error::ErrorKind;
use awc::http::Uri;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio_rustls::TlsConnector;

use super::exchange::Exchange;
use super::io::{Io, Stream};
use super::{BaseUrl, TlsSettings};

/// A peer that is gone without a word is noticed within `KEEPALIVE_IDLE + 4 × KEEPALIVE_INTERVAL`, even where no
/// budget is set.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Makes connections: name, TCP, TLS, each within the connect budget of the request that needs it.
#[derive(Debug, Clone)]
pub(super) struct ConnectService {
    pub(super) tls: Arc<TlsSettings>,
}

impl Service<ConnectInfo<Uri>> for ConnectService {
    type Response = Connection<Uri, Io>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ConnectInfo<Uri>) -> Self::Future {
        let tls = Arc::clone(&self.tls);
        Box::pin(async move {
            let Some(exchange) = Exchange::current() else {
                return Err(ConnectError::Io(io::Error::other("asked outside an exchange")));
            };
            exchange.connected.set(true);
            let connecting = connect(exchange.base_url(), &tls);
            let connected = match exchange.connect_budget() {
                Some(after) => match tokio::time::timeout(after, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => {
                        exchange.fail(ErrorKind::Timeout { budget: Budget::Connect, after });
                        return Err(ConnectError::Io(io::ErrorKind::TimedOut.into()));
                    }
                },
                None => connecting.await,
            };
            match connected {
                Ok(io) => Ok(Connection::new(request.request().clone(), io)),
                Err(detail) => {
                    exchange.fail(ErrorKind::Transport { detail: detail.into(), unsent: true });
                    Err(ConnectError::Unresolved)
                }
            }
        })
    }
}

async fn connect(url: &BaseUrl, tls: &TlsSettings) -> Result<Io, String> {
    let tcp = connect_tcp(url).await?;
    // Neither is needed for a stream to work, so failing to set them is no failure.
    let _ = tcp.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
    if !url.tls {
        return Ok(Io::new(Stream::Plain(tcp)));
    }
    let host = url.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|_| format!("{} is no name for TLS", url.host))?;
    let connector = TlsConnector::from(tls.config()?);
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Io::new(Stream::Tls(Box::new(stream)))),
        Err(error) => Err(format!("no TLS connection to {}: {}", url.authority(), explain_tls(&error))),
    }
}

async fn connect_tcp(url: &BaseUrl) -> Result<TcpStream, String> {
    let host = url.host.trim_start_matches('[').trim_end_matches(']');
    let addresses = tokio::net::lookup_host((host, url.port)).await;
    let addresses = addresses.map_err(|error| format!("{host} cannot be resolved: {error}"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => format!("no connection to {}: {error}{}", url.authority(), hint(&error)),
        None => format!("{host} has no address"),
    })
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

/// A TLS error in words that say what to do.
fn explain_tls(error: &io::Error) -> String {
    let rustls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match rustls {
        Some(rustls::Error::InvalidCertificate(certificate)) => {
            format!(
                "the server's certificate is not valid: {certificate}; for a private CA add its certificate"
            )
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS; should it be http://?".into()
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection in the handshake".into()
        }
        _ => error.to_string(),
    }
}
