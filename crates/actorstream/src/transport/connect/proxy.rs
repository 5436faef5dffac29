//! `Proxy`: an HTTP or SOCKS5 proxy.

use std::fmt;

use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::outcome::secret::Secret;
use awc::http::uri::Authority;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

use crate::settings::base_url::BaseUrl;

/// The address of a proxy, and the credentials for it. Neither `Debug` nor `Display` shows user and password.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) protocol: Protocol,
    /// The host as written in the URL; an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The user and password, if the URL has them.
    login: Option<Login>,
}

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS5; the client looks up the addresses of servers (`socks5`).
    Socks5,
    /// SOCKS5; the proxy looks up the addresses of servers (`socks5h`).
    Socks5h,
}

impl Protocol {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    /// Returns whether the proxy understands HTTP and can forward single requests.
    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// The credentials for a proxy.
#[derive(Clone)]
struct Login {
    user: Vec<u8>,
    password: Vec<u8>,
    /// The value of `Proxy-Authorization`.
    authorization: String,
    /// The secrets that no error may show: the value after the scheme, and the decoded password.
    secrets: [Secret; 2],
}

impl Proxy {
    /// Parses `scheme://user:password@host:port`; the default scheme is `http`. The error describes what is wrong
    /// and contains no part of the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "https" => Protocol::Https,
            "socks" | "socks5" => Protocol::Socks5,
            "socks5h" => Protocol::Socks5h,
            "socks4" | "socks4a" => {
                return Err("SOCKS4 proxies are not supported; name a socks5:// or socks5h:// proxy".into());
            }
            _ => {
                return Err("the proxy URL must begin with http://, https://, socks5:// or socks5h://".into());
            }
        };
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let wrong = "the proxy URL is no URL; it should read like http://user:password@host:3128, special characters \
                     in user and password percent-encoded";
        let authority: Authority = rest.strip_suffix('/').unwrap_or(rest).parse().map_err(|_| wrong)?;
        if authority.host().is_empty() {
            return Err("the proxy URL has no host".into());
        }
        let port = authority.port_u16();
        if port.is_none() && authority.as_str().len() > authority.host().len() {
            return Err("the port of the proxy URL is invalid".into());
        }
        let login = user.map(Login::parse).transpose()?;
        let fits = |login: &Login| (1..=255).contains(&login.user.len()) && login.password.len() <= 255;
        if !protocol.is_http() && login.as_ref().is_some_and(|login| !fits(login)) {
            return Err("the user and password of a SOCKS proxy must be 1 to 255 bytes long".into());
        }
        Ok(Self {
            protocol,
            host: authority.host().to_owned(),
            port: port.unwrap_or(protocol.default_port()),
            login,
        })
    }

    /// The value of `Proxy-Authorization`, if the proxy's URL has a user.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.login.as_ref().map(|login| &*login.authorization)
    }

    /// The user and password in the proxy's URL, decoded.
    pub(crate) fn login(&self) -> Option<(&[u8], &[u8])> {
        self.login.as_ref().map(|login| (&*login.user, &*login.password))
    }

    /// The secrets that no error may show.
    pub(crate) fn secrets(&self) -> &[Secret] {
        self.login.as_ref().map_or(&[], |login| &login.secrets)
    }

    /// Returns the error for a proxy that answers with this status instead of forwarding to `target`.
    pub(crate) fn refused(&self, status: u16, target: &BaseUrl) -> ErrorKind {
        let (host, port) = (&target.host, target.port);
        let config = |message: String| ErrorKind::Config { message: message.into() };
        match status {
            407 if self.login.is_some() => config(format!(
                "the proxy {self} does not accept the user and password in its URL; special characters in them \
                 must be percent-encoded"
            )),
            407 => config(format!(
                "the proxy {self} asks for a user and password; put them in its URL, as in \
                 {}://user:password@host:port",
                self.protocol.scheme()
            )),
            403 => self.forbids(target, " (403)"),
            status => {
                let detail =
                    format!("the proxy {self} made no connection to {host}:{port}: it answered {status}");
                ErrorKind::Transport { detail: detail.into(), unsent: true }
            }
        }
    }

    /// Returns the error for a proxy to which no connection can be made.
    pub(crate) fn unreachable(&self, detail: &str) -> ErrorKind {
        self.failed(format_args!("cannot be reached: {detail}"))
    }

    /// Returns the error for a proxy that does not allow connections to `target`; `detail` is appended to the
    /// message.
    pub(crate) fn forbids(&self, target: &BaseUrl, detail: &str) -> ErrorKind {
        let BaseUrl { host, port, .. } = target;
        let message = format!(
            "the proxy {self} does not allow connections to {host}:{port}{detail}; have it allowed, or name the host in \
             NO_PROXY"
        );
        ErrorKind::Config { message: message.into() }
    }

    /// Returns the error for a failure of the connection to the proxy or of its protocol, before anything reached a
    /// server.
    pub(crate) fn failed(&self, what: impl fmt::Display) -> ErrorKind {
        ErrorKind::Transport { detail: format!("the proxy {self} {what}").into(), unsent: true }
    }
}

impl Login {
    /// Parses the user and password of a URL (RFC 7617).
    fn parse(user: &str) -> Result<Self, String> {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let user: Vec<u8> = percent_decode_str(user).collect();
        let password: Vec<u8> = percent_decode_str(password).collect();
        if user.contains(&b':') {
            return Err("the user in the proxy URL must not hold a colon".into());
        }
        let basic = BASE64_STANDARD.encode([&*user, b":", &*password].concat());
        let secrets = [Secret::password(&basic), Secret::password(&String::from_utf8_lossy(&password))];
        Ok(Self { authorization: format!("Basic {basic}"), user, password, secrets })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.protocol.scheme(), self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        for (url, shown, authorization) in [
            ("http://proxy.test:3128", "http://proxy.test:3128", None),
            ("proxy.test:3128/", "http://proxy.test:3128", None),
            ("proxy.test", "http://proxy.test:80", None),
            ("HTTPS://proxy.test", "https://proxy.test:443", None),
            ("http://[::1]:3128", "http://[::1]:3128", None),
            // "Aladdin:open sesame", as in RFC 7617.
            ("http://Aladdin:open%20sesame@h:1", "http://h:1", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            // "u:p@:/#"
            ("http://u:p%40%3A%2F%23@h:1", "http://h:1", Some("Basic dTpwQDovIw==")),
            ("http://u:p@:/#@h:1", "http://h:1", Some("Basic dTpwQDovIw==")),
            ("http://u@h:1", "http://h:1", Some("Basic dTo=")),
            ("socks5://u:p@h", "socks5://h:1080", Some("Basic dTpw")),
            ("SOCKS://h", "socks5://h:1080", None),
            ("socks5h://[::1]:9050", "socks5h://[::1]:9050", None),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!((proxy.to_string().as_str(), proxy.authorization()), (shown, authorization), "{url}");
            assert_eq!(format!("{proxy:?}"), shown);
        }
    }

    #[test]
    fn an_invalid_proxy_says_what_to_do() {
        for (url, what) in [
            ("", "no URL"),
            ("http://", "no URL"),
            ("http://user:secret@", "no URL"),
            ("http://user:secret@host:port", "the port of the proxy URL"),
            ("http://user:secret@host:99999", ""),
            ("http://user:secret@host/path", "no URL"),
            ("http://us%3Aer:secret@host", "colon"),
            ("ftp://user:secret@host", "must begin with"),
            ("socks4://user:secret@host", "socks5://"),
            ("socks5://:secret@host", "1 to 255 bytes"),
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert!(error.contains(what) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
