//! A connection through a SOCKS5 proxy (RFC 1928).

use std::net::SocketAddr;

use actorstream_proto::outcome::error::ErrorKind;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, IntoTargetAddr, TargetAddr};

use crate::settings::base_url::BaseUrl;
use crate::transport::connect::hosts::Hosts;
use crate::transport::connect::proxy::{Protocol, Proxy};
use crate::transport::connect::stream::Stream;
use crate::transport::connect::tcp::connect_proxy;

/// Connects to a server through a proxy.
///
/// `socks5h` passes the server's name to the proxy; `socks5` looks it up and passes its addresses, one after another
/// and each on a separate connection, until the proxy can reach one.
pub(crate) async fn open(hosts: &Hosts, proxy: &Proxy, target: &BaseUrl) -> Result<Stream, ErrorKind> {
    let name = target.host.trim_start_matches('[').trim_end_matches(']');
    if proxy.protocol == Protocol::Socks5h {
        let address = (name, target.port).into_target_addr();
        let address = address.map_err(|error| explain(&error, proxy, target))?;
        return ask(hosts, proxy, address).await?.map_err(|error| explain(&error, proxy, target));
    }
    let failed = |detail: String| ErrorKind::Transport { detail: detail.into(), unsent: true };
    let addresses: Vec<SocketAddr> = hosts.find(name, target.port).await.map_err(failed)?;
    let mut last = None;
    for address in addresses {
        match ask(hosts, proxy, TargetAddr::Ip(address)).await? {
            Ok(stream) => return Ok(stream),
            Err(error) if is_about_address(&error) => last = Some(error),
            Err(error) => return Err(explain(&error, proxy, target)),
        }
    }
    Err(match last {
        Some(error) => explain(&error, proxy, target),
        None => failed(format!("{name} has no address")),
    })
}

/// Connects to the proxy and asks it for a connection to an address.
async fn ask(
    hosts: &Hosts,
    proxy: &Proxy,
    address: TargetAddr<'_>,
) -> Result<Result<Stream, Error>, ErrorKind> {
    let stream = connect_proxy(hosts, proxy).await?;
    // The library takes text and sends its bytes, so a password that is not UTF-8 cannot be sent.
    let login = proxy
        .login()
        .map(|(user, password)| Some((str::from_utf8(user).ok()?, str::from_utf8(password).ok()?)));
    let socks = match login {
        None => Socks5Stream::connect_with_socket(stream, address).await,
        Some(Some((user, password))) => {
            Socks5Stream::connect_with_password_and_socket(stream, address, user, password).await
        }
        Some(None) => Err(Error::InvalidAuthValues("they are not UTF-8")),
    };
    Ok(socks.map(Socks5Stream::into_inner))
}

/// Returns whether the proxy may reach another address of the same server.
fn is_about_address(error: &Error) -> bool {
    matches!(
        error,
        Error::GeneralSocksServerFailure
            | Error::NetworkUnreachable
            | Error::HostUnreachable
            | Error::ConnectionRefused
            | Error::TtlExpired
            | Error::AddressTypeNotSupported
    )
}

/// Converts an error of the library to our own.
fn explain(error: &Error, proxy: &Proxy, target: &BaseUrl) -> ErrorKind {
    let BaseUrl { host, port, .. } = target;
    let made_none = |why: &str| proxy.failed(format_args!("made no connection to {host}:{port}: {why}"));
    match error {
        Error::PasswordAuthFailure(_)
        | Error::AuthorizationRequired
        | Error::InvalidAuthValues(_)
        | Error::NoAcceptableAuthMethods => proxy.refused(407, target),
        Error::ConnectionNotAllowedByRuleset => proxy.forbids(target, ""),
        Error::Io(error) => proxy.failed(format_args!("broke the connection: {error}")),
        Error::InvalidResponseVersion | Error::InvalidReservedByte | Error::UnknownAddressType => {
            proxy.failed("did not answer with SOCKS5; is it a SOCKS proxy?")
        }
        Error::GeneralSocksServerFailure => made_none("it failed"),
        Error::NetworkUnreachable => made_none("the network is unreachable"),
        Error::HostUnreachable => {
            made_none("the host is unreachable; socks5h:// lets the proxy look up the name")
        }
        Error::ConnectionRefused => made_none("the connection was refused"),
        error => made_none(&error.to_string()),
    }
}
