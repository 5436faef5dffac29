//! `NoProxy`: the hosts that are reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;

/// A list of hosts, in the format of `NO_PROXY`. An entry that is neither an address nor a name matches nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct NoProxy {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    host: Host,
    /// `None` for any port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq)]
enum Host {
    Any,
    Net(IpNet),
    /// A name and all its subdomains, in lower case, without a dot at either end.
    Name(String),
}

impl NoProxy {
    /// Parses a list separated by commas or white space.
    pub(crate) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter_map(Entry::parse);
        Self { entries: entries.collect() }
    }

    /// Adds the entries of another list.
    pub(crate) fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Returns whether this host is on the list; an IPv6 address may be in brackets.
    pub(crate) fn holds(&self, host: &str, port: u16) -> bool {
        let host = bare(host);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|only| only == port)
                && match (&entry.host, address) {
                    (Host::Any, _) => true,
                    (Host::Net(net), Some(address)) => net.contains(&address),
                    (Host::Name(suffix), None) => name
                        .strip_suffix(suffix.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                    (Host::Net(_), None) | (Host::Name(_), Some(_)) => false,
                }
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if let Some(net) = net(text) {
            return Some(Self { host: Host::Net(net), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (text, None),
            },
            _ => (text, None),
        };
        let host = match net(host) {
            Some(net) => Host::Net(net),
            None if host == "*" => Host::Any,
            None => {
                let name = host.strip_prefix('*').unwrap_or(host).trim_matches('.');
                if name.is_empty() {
                    return None;
                }
                Host::Name(name.to_ascii_lowercase())
            }
        };
        Some(Self { host, port })
    }
}

/// An address, with or without brackets, or a range of them in CIDR notation.
fn net(text: &str) -> Option<IpNet> {
    match bare(text).parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        Err(_) => text.parse().ok(),
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_holds() {
        for (list, host, port, holds) in [
            ("", "example.com", 443, false),
            ("*", "example.com", 443, true),
            ("*", "[::1]", 80, true),
            ("example.com", "example.com", 443, true),
            ("example.com", "EXAMPLE.com.", 443, true),
            ("Example.Com.", "api.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            ("example.com", "example.com.evil.test", 443, false),
            (".example.com", "api.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "api.example.com", 443, true),
            ("example.com:8080", "example.com", 443, false),
            ("example.com:8080", "example.com", 8080, true),
            ("a.test, b.test c.test", "c.test", 80, true),
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3", "10.1.2.30", 80, false),
            ("10.1.2.3:81", "10.1.2.3", 80, false),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example.com", 80, false),
            ("::1", "[::1]", 80, true),
            ("[::1]", "[::1]", 80, true),
            ("[::1]:81", "[::1]", 80, false),
            ("[::1]:81", "[::1]", 81, true),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("127.0.0.1", "[::ffff:127.0.0.1]", 80, true),
            // An invalid entry matches nothing.
            ("10.0.0.0/99", "10.0.0.1", 80, false),
            (",,, . ", "example.com", 80, false),
            ("*.", "example.com", 80, false),
        ] {
            assert_eq!(NoProxy::parse(list).holds(host, port), holds, "{list:?} {host}:{port}");
        }
    }
}
