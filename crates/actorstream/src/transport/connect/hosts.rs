//! `Hosts`: the addresses of a host.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// The configured addresses of hosts; all other hosts are looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    /// By name in lower case.
    given: HashMap<String, Vec<IpAddr>>,
}

impl Hosts {
    /// Sets the addresses of a host. They are tried in this order.
    pub(crate) fn give(&mut self, host: &str, addresses: Vec<IpAddr>) {
        self.given.insert(host.to_ascii_lowercase(), addresses);
    }

    /// Returns the addresses of a host, which may itself be an address.
    pub(crate) async fn find(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        if let Some(addresses) = self.given.get(&host.to_ascii_lowercase()) {
            return Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect());
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(format!("{host} cannot be resolved: {error}")),
        }
    }
}
