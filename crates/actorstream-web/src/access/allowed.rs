//! `AllowedHost`, `AllowedOrigin` and `BearerToken`: the hosts, pages and clients that an application allows.

use std::fmt;
use std::str::FromStr;

use actorstream::proto::outcome::secret::Secret;
use subtle::ConstantTimeEq;

use super::authority::{Authority, HostName};

/// A host under which a service is reachable: a name or an IP address, with one port or for all ports.
///
/// ```
/// use actorstream_web::access::AllowedHost;
///
/// for host in ["chat.example.com", "chat.example.com:8443", "10.1.2.3", "[fd00::1]:8080"] {
///     host.parse::<AllowedHost>()?;
/// }
/// assert!("https://chat.example.com".parse::<AllowedHost>().is_err());
/// # Ok::<_, actorstream_web::access::InvalidAccess>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost(Authority);

/// An origin whose pages may use a service: a scheme, a host and, unless it is the scheme's default, a port.
///
/// ```
/// use actorstream_web::access::AllowedOrigin;
///
/// for origin in ["https://app.example.com", "http://localhost:5173"] {
///     origin.parse::<AllowedOrigin>()?;
/// }
/// for wrong in ["null", "*", "app.example.com", "https://app.example.com/chat"] {
///     assert!(wrong.parse::<AllowedOrigin>().is_err());
/// }
/// # Ok::<_, actorstream_web::access::InvalidAccess>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(pub(super) Origin);

/// A token that a client sends as `Authorization: Bearer …`. Its `Debug` output does not show it.
#[derive(Debug, Clone)]
pub struct BearerToken(Secret);

/// An invalid host, origin or token. The message never contains a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAccess(String);

/// The origin of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    authority: Authority,
}

impl AllowedHost {
    /// An IP address, on all ports.
    pub(super) fn address(address: std::net::IpAddr) -> Self {
        Self(Authority { host: HostName::address(address), port: None })
    }

    pub(super) fn allows(&self, authority: &Authority) -> bool {
        self.0.host == authority.host && (self.0.port.is_none() || self.0.port == authority.port)
    }
}

impl FromStr for AllowedHost {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        Authority::configured(text).map(Self).ok_or_else(|| {
            InvalidAccess(format!(
                "{text:?} is not a host; it must look like chat.example.com or chat.example.com:8443"
            ))
        })
    }
}

impl FromStr for AllowedOrigin {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        let text = text.trim_end_matches('/');
        Origin::parse(text, Authority::configured).map(Self).ok_or_else(|| {
            InvalidAccess(format!("{text:?} is no origin; it must look like https://app.example.com"))
        })
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Origin {
    /// Parses an `Origin` header; `None` for `null` and invalid values.
    pub(super) fn received(text: &str) -> Option<Self> {
        Self::parse(text, Authority::received)
    }

    fn parse(text: &str, authority: impl Fn(&str) -> Option<Authority>) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(fits) {
            return None;
        }
        Some(Self { scheme: scheme.to_ascii_lowercase(), authority: authority(rest)? })
    }

    /// Returns whether both are the same origin.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.is_at(&other.authority)
    }

    /// Returns whether this is the origin of a server that is reached by this authority and scheme.
    pub(super) fn is_served(&self, scheme: &str, authority: &Authority) -> bool {
        self.scheme == scheme && self.is_at(authority)
    }

    fn is_at(&self, authority: &Authority) -> bool {
        self.authority.host == authority.host
            && self.authority.port_of(&self.scheme) == authority.port_of(&self.scheme)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl BearerToken {
    /// Compares with the token that a client sent, in constant time.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.reveal().as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl FromStr for BearerToken {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        // Valid in a header, without the spaces that separate it from its scheme.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidAccess(
                "a token has one or more visible ASCII characters and no spaces".to_owned(),
            ));
        }
        Ok(Self(Secret::new(text)))
    }
}

impl fmt::Display for InvalidAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidAccess {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origin = |text: &str| Origin::received(text).unwrap();
        assert!(origin("https://a.example").is(&origin("HTTPS://A.example.:443")));
        assert!(!origin("https://a.example").is(&origin("http://a.example")));
        assert!(!origin("http://a.example").is(&origin("http://a.example:8080")));
        for text in [
            "null",
            "",
            "a.example",
            "://a.example",
            "https://",
            "https://a.example/",
            "https://u@a.example",
            "1x://a",
        ] {
            assert_eq!(Origin::received(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token: BearerToken = "s3cret-t0ken".parse().unwrap();
        assert!(
            token.is("s3cret-t0ken") && !token.is("s3cret-t0keN") && !token.is("") && !token.is("s3cret")
        );
        assert!(!format!("{token:?}").contains("s3cret"));
        for wrong in ["", "a b", "a\n", "tökén", " "] {
            let error = wrong.parse::<BearerToken>().unwrap_err();
            assert!(!error.to_string().contains("tökén"));
        }
    }
}
