//! `Proxy`: one that requests go through.

use std::fmt;

use actorstream_proto::error::ErrorKind;
use actorstream_proto::secret::Secret;
use awc::http::uri::Authority;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

use super::BaseUrl;

/// Where a proxy is, and what it is told about who asks. Neither `Debug` nor `Display` shows user and password.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Whether the proxy itself is spoken to over TLS.
    pub(super) tls: bool,
    /// The host as it stands in the URL; an IPv6 address in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Secret>,
}

impl Proxy {
    /// Parses `http://user:password@host:port`; without a scheme it is `http`. The error says what is wrong, and holds
    /// nothing of the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
                return Err("SOCKS proxies are not supported; name an http:// or https:// proxy".into());
            }
            _ => return Err("the proxy URL must begin with http:// or https://".into()),
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
            return Err("the port of the proxy URL is no port".into());
        }
        Ok(Self {
            tls,
            host: authority.host().to_owned(),
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            authorization: user.map(basic).transpose()?,
        })
    }

    /// The value of `Proxy-Authorization`, if the proxy's URL holds a user.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(Secret::reveal)
    }

    /// What a status means with which the proxy refuses to pass on what goes to `target`.
    pub(super) fn refused(&self, status: u16, target: &BaseUrl) -> ErrorKind {
        let (host, port) = (&target.host, target.port);
        let config = |message: String| ErrorKind::Config { message: message.into() };
        match status {
            407 if self.authorization.is_some() => config(format!(
                "the proxy {self} does not accept the user and password in its URL; special characters in them \
                 must be percent-encoded"
            )),
            407 => config(format!(
                "the proxy {self} asks for a user and password; put them in its URL, as in \
                 http://user:password@host:port"
            )),
            403 => config(format!(
                "the proxy {self} does not allow connections to {host}:{port} (403); have it allowed, or name the host \
                 in NO_PROXY"
            )),
            status => {
                let detail =
                    format!("the proxy {self} made no connection to {host}:{port}: it answered {status}");
                ErrorKind::Transport { detail: detail.into(), unsent: true }
            }
        }
    }

    /// What went wrong on the way to the proxy, or in talking to it, before anything reached a server.
    pub(super) fn failed(&self, what: impl fmt::Display) -> ErrorKind {
        ErrorKind::Transport { detail: format!("the proxy {self} {what}").into(), unsent: true }
    }
}

/// The value of `Proxy-Authorization` for the user and password of a URL (RFC 7617).
fn basic(user: &str) -> Result<Secret, String> {
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    if plain.contains(&b':') {
        return Err("the user in the proxy URL must not hold a colon".into());
    }
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    Ok(Secret::new(&format!("Basic {}", BASE64_STANDARD.encode(plain))))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
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
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!((proxy.to_string().as_str(), proxy.authorization()), (shown, authorization), "{url}");
            assert_eq!(format!("{proxy:?}"), shown);
        }
    }

    #[test]
    fn what_is_no_proxy_says_what_to_do() {
        for (url, what) in [
            ("", "no URL"),
            ("http://", "no URL"),
            ("http://user:secret@", "no URL"),
            ("http://user:secret@host:port", "no port"),
            ("http://user:secret@host:99999", ""),
            ("http://user:secret@host/path", "no URL"),
            ("http://us%3Aer:secret@host", "colon"),
            ("ftp://user:secret@host", "must begin with"),
            ("socks5://user:secret@host", "SOCKS"),
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert!(error.contains(what) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
