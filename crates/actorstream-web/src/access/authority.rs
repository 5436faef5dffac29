//! `Authority`: a host and a port, as in a `Host` header, an `Origin` and a request target.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use url::Host;

/// A host and, if given, a port. Different spellings of a host are equal: letter case, a trailing dot, the forms of
/// an IP address, and Unicode or Punycode are normalized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: HostName,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostName {
    Name(String),
    Address(IpAddr),
}

impl Authority {
    /// Parses what a client sent: ASCII, without user information, and with a numeric port after a colon.
    pub(super) fn received(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if text.bytes().all(plain) { Self::configured(text) } else { None }
    }

    /// Parses a configured authority, whose name may be in Unicode.
    pub(super) fn configured(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':')?),
                };
                (HostName::address(address), port)
            }
            None => {
                let (name, port) = match text.split_once(':') {
                    Some((name, port)) => (name, Some(port)),
                    None => (text, None),
                };
                (HostName::parse(name)?, port)
            }
        };
        let port = match port {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            Some(_) => return None,
            None => None,
        };
        Some(Self { host, port })
    }

    /// Returns the port, or the default port of the scheme.
    pub(super) fn port_of(&self, scheme: &str) -> Option<u16> {
        self.port.or(match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        })
    }
}

impl HostName {
    fn parse(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        match Host::parse(name).ok()? {
            Host::Domain(name) if name.is_empty() || name.ends_with('.') => None,
            Host::Domain(name)
                if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) =>
            {
                None
            }
            Host::Domain(name) => Some(Self::Name(name)),
            Host::Ipv4(address) => Some(Self::address(address)),
            Host::Ipv6(address) => Some(Self::address(address)),
        }
    }

    pub(super) fn address(address: impl Into<IpAddr>) -> Self {
        Self::Address(address.into().to_canonical())
    }

    /// Returns whether it always refers to this machine.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_host_are_equal() {
        let same = |spellings: &[&str]| {
            let first = Authority::received(spellings[0]).unwrap();
            for spelling in spellings {
                assert_eq!(Authority::received(spelling), Some(first.clone()), "{spelling}");
            }
        };
        same(&["localhost:8080", "LOCALHOST:8080", "localhost.:8080", "localhost:08080"]);
        same(&["127.0.0.1", "127.1", "0x7f.0.0.1", "[::ffff:127.0.0.1]", "127.0.0.1."]);
        same(&["[::1]:80", "[0:0:0:0:0:0:0:1]:80", "[0::1]:80"]);
        same(&["xn--bcher-kva.example", "XN--BCHER-KVA.example."]);
        assert_eq!(Authority::configured("Bücher.example"), Authority::received("xn--bcher-kva.example"));
    }

    #[test]
    fn a_malformed_authority_is_none() {
        for text in [
            "",
            ":80",
            "localhost:",
            "localhost:x",
            "localhost:+80",
            "localhost:65536",
            "localhost:80:80",
            "user@localhost",
            "localhost/",
            "localhost,evil.example",
            "local host",
            "localhost..",
            ".",
            "[::1",
            "::1",
            "[::1]80",
            "[localhost]",
            "bücher.example",
            "%6cocalhost",
            "[::1%25lo]",
        ] {
            assert_eq!(Authority::received(text), None, "{text}");
        }
    }

    #[test]
    fn local_hosts_are_recognized() {
        let local = |text: &str| Authority::received(text).unwrap().host.is_local();
        assert!(
            ["localhost:1", "127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:7f00:1]"]
                .iter()
                .all(|text| local(text))
        );
        let others =
            ["localhost.evil.example", "evil.localhost", "0.0.0.0", "10.0.0.1", "[::]", "notlocalhost"];
        assert!(!others.iter().any(|text| local(text)));
    }
}
