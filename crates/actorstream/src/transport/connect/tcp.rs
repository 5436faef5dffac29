//! TCP connections to servers and proxies.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actorstream_proto::outcome::error::ErrorKind;
use socket2::{SockRef, TcpKeepalive};

use crate::transport::connect::happy_eyeballs;
use crate::transport::connect::hosts::Hosts;
use crate::transport::connect::proxy::Proxy;
use crate::transport::connect::stream::Stream;

/// A peer that vanishes silently is noticed within `KEEPALIVE_IDLE + 4 × KEEPALIVE_INTERVAL`, even without a timeout.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Connects to a proxy.
pub(crate) async fn connect_proxy(hosts: &Hosts, proxy: &Proxy) -> Result<Stream, ErrorKind> {
    connect_tcp(hosts, &proxy.host, proxy.port).await.map_err(|detail| proxy.unreachable(&detail))
}

/// Connects to a host, which may be an IPv6 address in brackets.
///
/// # Errors
/// With the outcome of each attempt.
pub(crate) async fn connect_tcp(hosts: &Hosts, host: &str, port: u16) -> Result<Stream, String> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = hosts.find(name, port).await?;
    let tcp = happy_eyeballs::connect(addresses).await.map_err(|failed| explain(host, port, &failed))?;
    // A stream works without either, so failing to set them is no error.
    let _ = tcp.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    let _ = SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
    Ok(Stream::Plain(tcp))
}

/// Describes the outcome of all attempts to connect.
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

/// Returns what to do about an error, if known.
fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        // EMFILE and ENFILE have the same numbers on every Unix that actix runs on.
        Some(23 | 24) => "; raise the limit on open files (ulimit -n), or lower max_streams",
        _ if error.kind() == io::ErrorKind::ConnectionRefused => "; is the server running?",
        _ => "",
    }
}
