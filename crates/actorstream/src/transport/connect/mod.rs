//! From a server's name to a connection: addresses, TCP, proxy, TLS.

pub(crate) mod connections;
mod happy_eyeballs;
pub(crate) mod hosts;
mod no_proxy;
pub(crate) mod overruns;
pub(crate) mod proxies;
pub(crate) mod proxy;
mod socks;
pub(crate) mod stream;
mod tcp;
pub(crate) mod tls;
mod tunnel;

use actorstream_proto::outcome::error::ErrorKind;

use crate::settings::base_url::BaseUrl;
use hosts::Hosts;
use overruns::Overruns;
use proxies::Proxies;
use proxy::Protocol;
use stream::Stream;
use tcp::{connect_proxy, connect_tcp};
use tls::TlsSettings;

/// The settings for the connections of a client.
#[derive(Debug, Default)]
pub(crate) struct ConnectSettings {
    pub(crate) hosts: Hosts,
    pub(crate) proxies: Proxies,
    pub(crate) tls: TlsSettings,
    /// What was learned about servers: not a setting, but with the same lifetime.
    pub(crate) overruns: Overruns,
}

/// Connects to a server, through its proxy if it has one.
pub(crate) async fn connect(
    settings: &ConnectSettings,
    url: &BaseUrl,
    head_limit: usize,
) -> Result<Stream, ErrorKind> {
    let ConnectSettings { hosts, proxies, tls, .. } = settings;
    let failed = |detail: String| ErrorKind::Transport { detail: detail.into(), unsent: true };
    let stream = match proxies.to(url) {
        Some(proxy) if !proxy.protocol.is_http() => socks::open(hosts, proxy, url).await?,
        Some(proxy) => {
            let mut stream = connect_proxy(hosts, proxy).await?;
            if proxy.protocol == Protocol::Https {
                let shaken = tls.handshake(stream, &proxy.host, proxy.port).await;
                stream = shaken.map_err(|detail| proxy.unreachable(&detail))?;
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
